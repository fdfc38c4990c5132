/*-------------------------------------------------------------------------
 *
 * audit/event.h
 *	  Events of the audit log, written.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_EVENT_H
#define SK_AUDIT_EVENT_H

#include "audit/table.h"

#include "executor/tuptable.h"

#define SK_AUDIT_INSERT		'I'
#define SK_AUDIT_UPDATE		'U'
#define SK_AUDIT_DELETE		'D'
#define SK_AUDIT_TRUNCATE	'T'
#define SK_AUDIT_BASELINE	'B'
#define SK_AUDIT_OLD_KEY	'O'
#define SK_AUDIT_NEW_KEY	'N'

/* Which command changed a row, and which one has changed the new row again. */
typedef struct SkAuditCommands
{
	CommandId	made;
	CommandId	again;			/* InvalidCommandId: none */
} SkAuditCommands;

extern void sk_audit_event_insert(SkAuditTable *table, char op,
								  TupleTableSlot *new, SkAuditCommands commands);
extern void sk_audit_event_delete(SkAuditTable *table, TupleTableSlot *old,
								  CommandId command);
extern void sk_audit_event_update(SkAuditTable *table, TupleTableSlot *old,
								  TupleTableSlot *new, SkAuditCommands commands);
extern void sk_audit_event_truncate(SkAuditTable *table, char *partition,
									CommandId command);

#endif							/* SK_AUDIT_EVENT_H */
