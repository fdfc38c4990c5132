/*-------------------------------------------------------------------------
 *
 * soft_delete/refusal.c
 *	  Errors about foreign keys between live rows.
 *
 * They are those of a real delete, as far as an application can see.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/refusal.h"
#include "base/compat.h"

#include "access/table.h"
#include "catalog/pg_constraint.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"

/* May the user know what the key is?  As the server decides it. */
static bool
may_show_key(const SkSoftLink *link, Relation rel)
{
	Oid			relid = RelationGetRelid(rel);

	if (check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED)
		return false;
	if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK)
		return true;
	for (int i = 0; i < link->nkeys; i++)
	{
		if (pg_attribute_aclcheck(relid, link->attnums[i], GetUserId(),
								  ACL_SELECT) != ACLCHECK_OK)
			return false;
	}
	return true;
}

/* "Key (a, b)=(1, 2)", or "Key" */
static char *
describe_key(const SkSoftLink *link, Relation rel, const Datum *key)
{
	StringInfoData names;
	StringInfoData values;

	if (!may_show_key(link, rel))
		return "Key";
	initStringInfo(&names);
	initStringInfo(&values);
	for (int i = 0; i < link->nkeys; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(rel), link->attnums[i] - 1);
		Oid			output;
		bool		is_varlena;

		getTypeOutputInfo(attr->atttypid, &output, &is_varlena);
		appendStringInfo(&names, "%s%s", i ? ", " : "", NameStr(attr->attname));
		appendStringInfo(&values, "%s%s", i ? ", " : "",
						 OidOutputFunctionCall(output, key[i]));
	}
	return psprintf("Key (%s)=(%s)", names.data, values.data);
}

/*
 * The row has the key, and a live one refers to it.
 */
void
sk_soft_refusal_deletion(Relation rel, const SkSoftLink *link, const Datum *values)
{
	Relation	child = table_open(link->otherid, AccessShareLock);
	char	   *key = describe_key(link, rel, values);

	if (link->on_delete == FKCONSTR_ACTION_RESTRICT)
		ereport(ERROR,
				(errcode(SK_ERRCODE_RESTRICT),
				 errmsg(SK_RESTRICT_MESSAGE,
						RelationGetRelationName(rel), link->name,
						RelationGetRelationName(child)),
				 errdetail("%s is " SK_RESTRICT_DETAIL " from table \"%s\".",
						   key, RelationGetRelationName(child)),
				 errtableconstraint(child, link->name)));
	ereport(ERROR,
			(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			 errmsg("update or delete on table \"%s\" violates foreign key constraint \"%s\" on table \"%s\"",
					RelationGetRelationName(rel), link->name,
					RelationGetRelationName(child)),
			 errdetail("%s is still referenced from table \"%s\".",
					   key, RelationGetRelationName(child)),
			 errtableconstraint(child, link->name)));
}

/*
 * The row with the key is deleted, and a live one refers to it.
 */
void
sk_soft_refusal_reference(Relation rel, const SkSoftLink *link, const Datum *values)
{
	char	   *parent = get_rel_name(link->otherid);

	ereport(ERROR,
			(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			 errmsg("insert or update on table \"%s\" violates foreign key constraint \"%s\"",
					RelationGetRelationName(rel), link->name),
			 errdetail("%s is soft-deleted in table \"%s\".",
					   describe_key(link, rel, values), parent),
			 errhint("Restore the row in table \"%s\" first.", parent),
			 errtableconstraint(rel, link->name)));
}
