/*-------------------------------------------------------------------------
 *
 * audit/granted.c
 *	  To whom the history of a table has been granted, as rows of
 *	  schemakit.audit_reader.
 *
 * The server has no privilege for it, and no place for one of ours.  So the table
 * has pairs of a table and a role, by their OIDs: names follow by themselves, and what
 * is made later under a name gets nothing.  The pair goes with the table, as its
 * privileges do, and with DROP OWNED.  A role that is dropped otherwise leaves a pair
 * that says nothing; audit_maintain() removes it before its OID may be another's.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/granted.h"
#include "audit/change.h"
#include "audit/log.h"
#include "base/array.h"
#include "base/spi.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/*
 * Is there a role with that OID?
 */
bool
sk_audit_granted_role_exists(Oid role)
{
	return SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role));
}

/*
 * Has the history of the table been granted to a role whose rights the current user
 * has; with "restored", including what happened in another database, where the table
 * was another owner's?
 */
bool
sk_audit_granted_to_user(Oid relid, bool restored)
{
	Relation	rel = table_open(sk_audit_log_relid("audit_reader"), AccessShareLock);
	bool		found = false;
	bool		isnull;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_audit_reader_relid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, sk_audit_log_relid("audit_reader_pkey"), true,
							  NULL, 1, &key);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Oid			role = DatumGetObjectId(heap_getattr(tuple, Anum_audit_reader_role,
														 RelationGetDescr(rel), &isnull));

		found = sk_audit_granted_role_exists(role) && has_privs_of_role(GetUserId(), role) &&
			(!restored || DatumGetBool(heap_getattr(tuple, Anum_audit_reader_restored,
													RelationGetDescr(rel), &isnull)));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/*
 * The table was dropped.
 */
void
sk_audit_granted_forget_table(Oid relid)
{
	static const Oid types[] = {OIDOID};
	Datum		value = ObjectIdGetDatum(relid);

	(void) sk_audit_change_execute("DELETE FROM schemakit.audit_reader"
								   " WHERE relid OPERATOR(pg_catalog.=) $1",
								   1, types, &value, SPI_OK_DELETE);
}

/*
 * DROP OWNED is about to be run: it revokes the privileges of these roles.  If it fails,
 * this is undone with it.
 */
void
sk_audit_granted_forget_owned(const DropOwnedStmt *stmt)
{
	static const Oid types[] = {OIDARRAYOID};
	Datum	   *roles = palloc(sizeof(Datum) * list_length(stmt->roles));
	int			count = 0;
	Datum		value;
	ListCell   *lc;

	foreach(lc, stmt->roles)
	{
		Oid			role = get_rolespec_oid(lfirst(lc), true);

		if (OidIsValid(role) && has_privs_of_role(GetUserId(), role))
			roles[count++] = ObjectIdGetDatum(role);
	}
	value = sk_array_of(roles, count, OIDOID);
	(void) sk_audit_change_execute("DELETE FROM schemakit.audit_reader"
								   " WHERE role OPERATOR(pg_catalog.=) ANY ($1)",
								   1, types, &value, SPI_OK_DELETE);
}

/*
 * Forget roles that were dropped, and tables whose drop nobody has noticed.  Call it as
 * the log's owner.
 */
void
sk_audit_granted_forget_gone(void)
{
	(void) sk_spi_execute("DELETE FROM schemakit.audit_reader AS r"
						  " WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_authid AS a WHERE a.oid OPERATOR(pg_catalog.=) r.role)"
						  " OR NOT EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid OPERATOR(pg_catalog.=) r.relid)",
						  0, NULL, NULL, SPI_OK_DELETE, NULL);
}
