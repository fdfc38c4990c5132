/*-------------------------------------------------------------------------
 *
 * base/restore.c
 *	  Dumps that are loaded.
 *
 * Anybody can make a session look like one that loads a dump.  Nothing may be
 * left undone for the look alone that somebody else relies on.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/restore.h"

#include "catalog/namespace.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/guc.h"

/*
 * Does the session look like one that loads a dump?  Every dump starts by
 * emptying search_path and turning check_function_bodies off, for each of the
 * connections that load it.
 */
bool
sk_restore_is_running(void)
{
	return !check_function_bodies && namespace_search_path[0] == '\0';
}

/*
 * Does it, and has the role that logged in the rights of that one, whatever
 * the dump made of the session since?
 */
bool
sk_restore_is_by(Oid owner)
{
	return sk_restore_is_running() &&
		has_privs_of_role(GetAuthenticatedUserId(), owner);
}
