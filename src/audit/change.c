/*-------------------------------------------------------------------------
 *
 * audit/change.c
 *	  Statements of ours that change the log's tables, which their triggers refuse
 *	  otherwise (protect.c).  Not for events, which are put there without statements.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/change.h"
#include "audit/log.h"
#include "audit/log_statement.h"
#include "base/rights.h"
#include "base/spi.h"

/*
 * Execute the statement as the log's owner.  No parameter is NULL.  Returns the number
 * of rows.
 */
uint64
sk_audit_change_execute(const char *sql, int nargs, const Oid *types,
						const Datum *values, int expected)
{
	bool		running = sk_audit_log_statement_running;
	volatile uint64 processed = 0;
	SkRights	saved;

	sk_rights_assume(sk_audit_log_owner(), &saved);
	sk_audit_log_statement_running = true;
	PG_TRY();
	{
		processed = sk_spi_execute(sql, nargs, types, values, expected, NULL);
	}
	PG_FINALLY();
	{
		sk_audit_log_statement_running = running;
	}
	PG_END_TRY();
	sk_rights_restore(&saved);
	return processed;
}
