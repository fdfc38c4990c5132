/*-------------------------------------------------------------------------
 *
 * base/rights.c
 *	  As whom, and with which settings, code runs.
 *
 * Whatever is done on somebody's behalf goes through here, and nothing else in
 * schemakit changes the current role, but for the guard, which does it for the
 * rest of its work.  Whoever assumes the rights of another role assumes fixed
 * settings, too: names in what that role's code says are looked up in pg_catalog,
 * and in pg_temp last, never where the session says.
 *
 * An error needs no sk_rights_restore(): the end of the (sub)transaction brings
 * back the role and the settings.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/rights.h"
#include "base/guc.h"

#include "miscadmin.h"
#include "utils/guc.h"

static void
become(Oid role, int flags, SkRights *saved)
{
	GetUserIdAndSecContext(&saved->role, &saved->sec_context);
	SetUserIdAndSecContext(role, saved->sec_context | flags);
}

/*
 * Go on as that role, under fixed settings.  What runs then can change neither
 * the role nor the session.
 */
void
sk_rights_assume(Oid role, SkRights *saved)
{
	saved->nestlevel = sk_guc_pin();
	become(role, SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION,
		   saved);
}

/* The same, where the settings are fixed already. */
void
sk_rights_assume_under_pin(Oid role, SkRights *saved)
{
	saved->nestlevel = 0;
	become(role, SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION,
		   saved);
}

/*
 * Go on as the owner of a table, whose rows the current role may all read: planning
 * folds what the owner has put into indexes and statistics.
 */
void
sk_rights_assume_to_read(Oid role, SkRights *saved)
{
	saved->nestlevel = sk_guc_pin();
	become(role, SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION |
		   SECURITY_NOFORCE_RLS, saved);
}

/*
 * Go on as the owner of a table whose rows the current role, which has the rights of
 * the owner, changes in a job for tables of all owners.  Their triggers see the
 * session's settings, but cannot change them for what comes after.  "all_rows": no
 * policy hides rows from the current role, nor does one from the owner.
 */
void
sk_rights_assume_for_triggers(Oid role, bool all_rows, SkRights *saved)
{
	saved->nestlevel = NewGUCNestLevel();
	become(role, SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION |
		   (all_rows ? SECURITY_NOFORCE_RLS : 0), saved);
}

/*
 * Go on as the owner of a table at an end of a foreign key, as the server does to
 * perform the key's actions.  Triggers of the table see the session's settings,
 * as they do there, so the statement must have all names with their schemas.
 */
void
sk_rights_assume_for_key(Oid role, SkRights *saved)
{
	saved->nestlevel = 0;
	become(role, SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS, saved);
}

/*
 * Go on as the current role, under fixed settings, and restricted likewise.
 */
void
sk_rights_pin(SkRights *saved)
{
	sk_rights_assume(GetUserId(), saved);
}

void
sk_rights_restore(const SkRights *saved)
{
	SetUserIdAndSecContext(saved->role, saved->sec_context);
	if (saved->nestlevel > 0)
		sk_guc_unpin(saved->nestlevel);
}
