/*-------------------------------------------------------------------------
 *
 * base/owner.c
 *	  Rows of a table changed as its owner.
 *
 * What schemakit does to the rows of a table for somebody who could become its owner is
 * done as the owner.  So the owner's triggers, checks and index expressions do not run
 * with the rights of, say, a superuser who purges or restores rows of all tables.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/owner.h"
#include "base/compat.h"
#include "base/deferred.h"

#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/rel.h"
#include "utils/rls.h"

/*
 * What the owner can change does not count, such as his own privileges or row security:
 * it must not be in his hands whose rights his code gets.
 */
static bool
is_assumed(Oid owner)
{
	return owner != GetUserId() && has_privs_of_role(GetUserId(), owner) &&
		sk_may_become(owner);
}

/* The owner may have taken a privilege from himself. */
static void
check_privileges(Relation rel, AclMode needed, const char *doing)
{
	Oid			owner = rel->rd_rel->relowner;

	if (pg_class_aclmask(RelationGetRelid(rel), owner, needed, ACLMASK_ALL) == needed)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for table %s", RelationGetRelationName(rel)),
			 errdetail("Rows are %s as the owner of the table, role \"%s\".",
					   doing, GetUserNameFromId(owner, false)),
			 errhint("Grant %s on the table to its owner.",
					 (needed & ACL_INSERT) ? "SELECT, INSERT, UPDATE and DELETE"
					 : "SELECT, UPDATE and DELETE")));
}

/*
 * Go on as the owner of the table, if the current role could become it.  "doing" is what
 * is done to rows, for the error that the owner lacks a privilege that is needed.
 */
void
sk_owner_begin(Relation rel, AclMode needed, const char *doing, SkOwner *owner)
{
	Oid			relid = RelationGetRelid(rel);
	bool		all_rows = check_enable_rls(relid, InvalidOid, true) != RLS_ENABLED;

	owner->assumed = is_assumed(rel->rd_rel->relowner);
	if (!owner->assumed)
		return;
	check_privileges(rel, needed, doing);
	owner->deferred = sk_deferred_suspend(relid);
	sk_rights_assume_for_triggers(rel->rd_rel->relowner, all_rows, &owner->saved);
}

/* An error needs it not: the end of the (sub)transaction does the same. */
void
sk_owner_end(const SkOwner *owner)
{
	if (!owner->assumed)
		return;
	sk_rights_restore(&owner->saved);
	sk_deferred_resume(owner->deferred);
}
