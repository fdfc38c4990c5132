/*-------------------------------------------------------------------------
 *
 * audit/restore_statement.h
 *	  The statement that puts rows back as they were.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_RESTORE_STATEMENT_H
#define SK_AUDIT_RESTORE_STATEMENT_H

#include "audit/as_of.h"

#include "nodes/bitmapset.h"
#include "nodes/execnodes.h"

/* The rows that there were, for the statement */
#define SK_AUDIT_RESTORE_WAS "schemakit_was"

typedef struct SkAuditRestore
{
	Oid			relid;
	TimestampTz at;
	const Jsonb *key;			/* NULL: all rows */
	bool		remove;
	int64		count;			/* rows that were changed */
	SkAuditPast past;
	ReturnSetInfo rsinfo;		/* the rows that there were */
	const char *table;			/* with ONLY, if need be */
	Bitmapset  *differ;			/* columns that are not what they were in some
								 * row: attribute number - 1 */
	char	   *collides;		/* that another row holds values of row "n";
								 * NULL: of no row */

	/* parameters: the values of the key */
	char	   *condition;		/* " WHERE id = $1", or empty */
	int			nparams;
	Oid		   *types;
	Datum	   *values;
	char	   *nulls;
} SkAuditRestore;

extern uint64 sk_audit_restore_statement_execute(const SkAuditRestore *restore, const char *sql,
												 int expected);
extern char *sk_audit_restore_statement_make(SkAuditRestore *restore);

#endif							/* SK_AUDIT_RESTORE_STATEMENT_H */
