/*-------------------------------------------------------------------------
 *
 * audit/readable.c
 *	  Who may read the history of a table.
 *
 * Whoever may SELECT from schemakit.audit_log reads everything.  The owner of a table
 * reads its history, and so do those to whom he has granted that.  The history has all
 * columns of all rows, so they must have SELECT on all of the table, and no policy may
 * hide rows from them: it cannot be applied to rows of former times.  The rights are
 * those of now, whatever they were when the rows changed.
 *
 * A table that was given to another owner takes its history along.  One that a dump has
 * brought does so only if its owner has the name that the owner had in the database from
 * which the dump is: the table goes on with the history in other cases, too (identity.c),
 * but what it was before is then told to its owner only if somebody has granted that
 * who reads everything.
 *
 * From where and with which statement a row was changed is told to those only who read
 * everything, as pg_stat_activity does: a statement may be about other tables.
 *
 * The log itself is read as its owner (sk_audit_reader_begin()) by all of these.  So what
 * is read must be restricted to the table that was asked for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/readable.h"
#include "audit/granted.h"
#include "audit/log.h"
#include "audit/origin.h"
#include "audit/shape.h"
#include "base/compat.h"

#include "catalog/objectaddress.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"

/*
 * May the current user read the whole log?
 */
bool
sk_audit_readable_all(void)
{
	return pg_class_aclcheck(sk_audit_log_relid("audit_log"), GetUserId(),
							 ACL_SELECT) == ACLCHECK_OK;
}

/*
 * Stop here unless the current user may.
 */
void
sk_audit_readable_check_all(void)
{
	if (!sk_audit_readable_all())
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_VIEW, "audit_log");
}

/*
 * Do policies of row security apply to the role, when it reads the table?
 */
bool
sk_audit_readable_has_policies(Oid relid, Oid role)
{
	return check_enable_rls(relid, role, true) == RLS_ENABLED;
}

/*
 * Stop here if policies hide rows of the table from the current user.
 */
void
sk_audit_readable_check_policies(Oid relid)
{
	if (sk_audit_readable_has_policies(relid, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("query would be affected by row-level security policy for table \"%s\"",
						get_rel_name(relid)),
				 errdetail("Policies cannot be applied to rows of former times."),
				 errhint("Only roles for which no policy applies can read the history.")));
}

/*
 * Stop here unless the current user may read the history of the table.  No lock on it
 * is needed.
 */
void
sk_audit_readable_check(Oid relid)
{
	if (sk_audit_readable_all())
		return;
	if (!object_ownercheck(RelationRelationId, relid, GetUserId()) &&
		!sk_audit_granted_to_user(relid, false))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for the history of table \"%s\"",
						get_rel_name(relid)),
				 errhint("The owner of the table can allow it with schemakit.audit_grant().")));
	if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(get_rel_relkind(relid)),
					   get_rel_name(relid));
	sk_audit_readable_check_policies(relid);
}

/*
 * Does the history go on from a shape that another database has recorded with the
 * same owner?  "next" is NULL for the table as it is, which is that owner's.
 */
static bool
has_same_owner(const SkAuditShape *shape, const SkAuditShape *next, Oid owner)
{
	const char *name = next != NULL ? next->owner_name
		: GetUserNameFromId(owner, false);

	return strcmp(shape->owner_name, name) == 0;
}

/* Stop if another database has recorded a shape while the table was another owner's. */
static void
check_owners(List *shapes, Oid owner, const char *table)
{
	for (int i = 0; i < list_length(shapes); i++)
	{
		const SkAuditShape *shape = list_nth(shapes, i);
		const SkAuditShape *next = i + 1 < list_length(shapes)
			? list_nth(shapes, i + 1) : NULL;

		if (shape->cluster == (next != NULL ? next->cluster : sk_audit_origin_cluster()))
			continue;
		if (!has_same_owner(shape, next, owner))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("permission denied for the history of table \"%s\"", table),
					 errdetail("It comes from a database in which the table belonged to role \"%s\".",
							   shape->owner_name),
					 errhint("A role that owns the table and has SELECT on schemakit.audit_log, or a superuser, can allow it with schemakit.audit_grant().")));
	}
}

/*
 * Stop here if what the shapes tell of, oldest first, was another owner's in another
 * database, unless the current user reads everything.
 */
void
sk_audit_readable_check_shapes(Relation rel, List *shapes)
{
	if (sk_audit_readable_all() ||
		sk_audit_granted_to_user(RelationGetRelid(rel), true))
		return;
	check_owners(shapes, rel->rd_rel->relowner, RelationGetRelationName(rel));
}

/* The role that owned the table last, or InvalidOid if it is gone */
static Oid
last_owner(const SkAuditShape *last)
{
	if (last->cluster != sk_audit_origin_cluster())
		return get_role_oid(last->owner_name, true);
	return sk_audit_granted_role_exists(last->owner) ? last->owner : InvalidOid;
}

/*
 * Stop here unless the current user may read the history of a table that is gone, of which
 * these are the shapes: he reads everything, or has the rights of its last owner.
 */
void
sk_audit_readable_check_gone(List *shapes)
{
	const SkAuditShape *last = llast(shapes);
	Oid			owner = last_owner(last);

	if (sk_audit_readable_all())
		return;
	if (!OidIsValid(owner) || !has_privs_of_role(GetUserId(), owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for the history of table \"%s\"",
						last->table_name),
				 errdetail("The table is gone."),
				 errhint("The role that owned it last can read it, and whoever has SELECT on schemakit.audit_log.")));
	check_owners(shapes, owner, last->table_name);
}
