/*-------------------------------------------------------------------------
 *
 * audit/state.h
 *	  Events S: what commands meant for the recording of a table's changes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_STATE_H
#define SK_AUDIT_STATE_H

#include "nodes/pg_list.h"

#define SK_AUDIT_STATE		'S'
#define SK_AUDIT_STATE_EMPTY	"empty" /* a key of its document */

/* What is different from the table's last shape on */
typedef struct SkAuditState
{
	int64		rel_id;
	int32		shape_id;
	bool		covered;
	const char *reason;			/* NULL: none */
	List	   *columns;		/* names of columns whose former values the
								 * log has no more, or in another form */
	bool		empty;			/* the table has no rows, says a baseline */
} SkAuditState;

extern void sk_audit_state_write(const SkAuditState *state);

#endif							/* SK_AUDIT_STATE_H */
