/*-------------------------------------------------------------------------
 *
 * audit/grant.c
 *	  To whom the history of a table was granted: schemakit.audit_grant(),
 *	  audit_revoke() and audit_readers().
 *
 * OIDs mean nothing in another database: a dump has the names, and the trigger that
 * loads it looks them up.
 *
 * granted.c has what was granted, readable.c decides what it allows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/change.h"
#include "audit/granted.h"
#include "audit/log.h"
#include "audit/log_statement.h"
#include "audit/readable.h"
#include "audit/reader.h"
#include "base/arg.h"
#include "base/compat.h"
#include "base/table.h"
#include "base/trigger.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"


/*-------------------------------------------------------------------------
 * What is granted
 *-------------------------------------------------------------------------
 */

/* What keeps the role from reading; NULL: nothing */
static const char *
obstacle(Oid relid, Oid role)
{
	if (pg_class_aclcheck(relid, role, ACL_SELECT) != ACLCHECK_OK)
		return "no SELECT on the table";
	if (sk_audit_readable_has_policies(relid, role))
		return "row security applies";
	return NULL;
}

static void
tell_of_obstacle(Oid relid, Oid role)
{
	const char *what = obstacle(relid, role);

	if (what != NULL)
		ereport(NOTICE,
				(errmsg("role \"%s\" cannot read the history of table \"%s\" yet: %s",
						GetUserNameFromId(role, false), get_rel_name(relid), what),
				 errhint("The role needs SELECT on the whole table, and must not be subject to its row security policies.")));
}


/*-------------------------------------------------------------------------
 * Changes
 *-------------------------------------------------------------------------
 */

/* The arguments of audit_grant() and audit_revoke() */
static void
read_arguments(FunctionCallInfo fcinfo, Oid *relid, Oid *role)
{
	sk_arg_reject_null(fcinfo, 0, "rel");
	sk_arg_reject_null(fcinfo, 1, "role");
	*relid = PG_GETARG_OID(0);
	*role = PG_GETARG_OID(1);
	if (!sk_audit_granted_role_exists(*role))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role with OID %u does not exist", *role)));
	sk_table_check_owner(*relid);
}

/*
 * schemakit.audit_grant(rel regclass, role regrole) RETURNS void
 *
 * Whoever grants it can read the history himself, or there is an error.
 */
PG_FUNCTION_INFO_V1(schemakit_audit_grant);
Datum
schemakit_audit_grant(PG_FUNCTION_ARGS)
{
	static const Oid types[] = {
		OIDOID, OIDOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID, TEXTOID
	};
	Datum		values[7];
	Oid			relid;
	Oid			role;

	read_arguments(fcinfo, &relid, &role);
	(void) sk_audit_reader_open(relid);
	values[0] = ObjectIdGetDatum(relid);
	values[1] = ObjectIdGetDatum(role);
	values[2] = CStringGetTextDatum(get_namespace_name(get_rel_namespace(relid)));
	values[3] = CStringGetTextDatum(get_rel_name(relid));
	values[4] = CStringGetTextDatum(GetUserNameFromId(role, false));
	values[5] = BoolGetDatum(sk_audit_readable_all());
	values[6] = CStringGetTextDatum(GetUserNameFromId(GetUserId(), false));
	(void) sk_audit_change_execute("INSERT INTO schemakit.audit_reader AS r"
								   " VALUES ($1, $2, $3, $4, $5, $6, $7, pg_catalog.clock_timestamp())"
								   " ON CONFLICT ON CONSTRAINT audit_reader_pkey DO UPDATE"
								   " SET restored = true WHERE excluded.restored AND NOT r.restored",
								   7, types, values, SPI_OK_INSERT);
	tell_of_obstacle(relid, role);
	PG_RETURN_VOID();
}

/*
 * schemakit.audit_revoke(rel regclass, role regrole) RETURNS void
 */
PG_FUNCTION_INFO_V1(schemakit_audit_revoke);
Datum
schemakit_audit_revoke(PG_FUNCTION_ARGS)
{
	static const Oid types[] = {OIDOID, OIDOID};
	Datum		values[2];
	Oid			relid;
	Oid			role;

	read_arguments(fcinfo, &relid, &role);
	values[0] = ObjectIdGetDatum(relid);
	values[1] = ObjectIdGetDatum(role);
	(void) sk_audit_change_execute("DELETE FROM schemakit.audit_reader"
								   " WHERE relid OPERATOR(pg_catalog.=) $1 AND role OPERATOR(pg_catalog.=) $2",
								   2, types, values, SPI_OK_DELETE);
	PG_RETURN_VOID();
}


/*-------------------------------------------------------------------------
 * What a dump has
 *-------------------------------------------------------------------------
 */

/* The table that the row names, or InvalidOid */
static Oid
find_table(const Datum *values)
{
	Oid			schema = get_namespace_oid(TextDatumGetCString(values[Anum_audit_reader_schema_name - 1]),
										   true);

	return !OidIsValid(schema) ? InvalidOid
		: get_relname_relid(TextDatumGetCString(values[Anum_audit_reader_table_name - 1]),
							schema);
}

static HeapTuple
load_row(Relation rel, HeapTuple tuple)
{
	Datum		values[Natts_audit_reader];
	bool		nulls[Natts_audit_reader];
	const char *name;
	Oid			relid;
	Oid			role;

	heap_deform_tuple(tuple, RelationGetDescr(rel), values, nulls);
	for (int i = 0; i < Natts_audit_reader; i++)
	{
		if (nulls[i])
			return tuple;		/* NOT NULL refuses it */
	}
	name = TextDatumGetCString(values[Anum_audit_reader_role_name - 1]);
	role = get_role_oid(name, true);
	relid = find_table(values);
	if (!OidIsValid(role) || !OidIsValid(relid))
	{
		ereport(WARNING,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("could not restore the right to read the history of table %s.%s for role \"%s\"",
						TextDatumGetCString(values[Anum_audit_reader_schema_name - 1]),
						TextDatumGetCString(values[Anum_audit_reader_table_name - 1]), name),
				 errdetail(OidIsValid(role) ? "There is no such table." : "There is no such role.")));
		return NULL;
	}
	values[Anum_audit_reader_relid - 1] = ObjectIdGetDatum(relid);
	values[Anum_audit_reader_role - 1] = ObjectIdGetDatum(role);
	return heap_form_tuple(RelationGetDescr(rel), values, nulls);
}

/*
 * schemakit.internal_audit_reader_load() RETURNS trigger
 *
 * BEFORE INSERT on audit_reader
 */
PG_FUNCTION_INFO_V1(schemakit_internal_audit_reader_load);
Datum
schemakit_internal_audit_reader_load(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = sk_trigger_before_row(fcinfo, "internal_audit_reader_load",
												  TRIGGER_EVENT_INSERT);
	Relation	rel = trigdata->tg_relation;

	if (sk_audit_log_statement_running)
		return PointerGetDatum(trigdata->tg_trigtuple);
	if (RelationGetDescr(rel)->natts != Natts_audit_reader)
		elog(ERROR, "table \"%s\" has the wrong columns", RelationGetRelationName(rel));
	return PointerGetDatum(load_row(rel, trigdata->tg_trigtuple));
}


/*-------------------------------------------------------------------------
 * What there is
 *-------------------------------------------------------------------------
 */

/* One row of what was granted, if it is the current user's business */
static void
put_row(ReturnSetInfo *rsinfo, HeapTuple tuple, TupleDesc tupdesc, bool all)
{
	Datum		row[Natts_audit_reader];
	bool		isnull[Natts_audit_reader];
	Datum		values[5];
	bool		nulls[5] = {false};
	const char *what;
	Oid			relid;
	Oid			role;

	heap_deform_tuple(tuple, tupdesc, row, isnull);
	relid = DatumGetObjectId(row[Anum_audit_reader_relid - 1]);
	role = DatumGetObjectId(row[Anum_audit_reader_role - 1]);
	if (!sk_audit_granted_role_exists(role) || get_rel_relkind(relid) == '\0' ||
		!(all || object_ownercheck(RelationRelationId, relid, GetUserId()) ||
		  has_privs_of_role(GetUserId(), role)))
		return;
	what = obstacle(relid, role);
	values[0] = row[Anum_audit_reader_relid - 1];
	values[1] = row[Anum_audit_reader_role - 1];
	values[2] = CStringGetTextDatum(what ? what : "ok");
	values[3] = row[Anum_audit_reader_granted_by - 1];
	values[4] = row[Anum_audit_reader_granted_at - 1];
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * schemakit.audit_readers(rel regclass)
 *		RETURNS SETOF (relid regclass, role regrole, state text, ...)
 */
PG_FUNCTION_INFO_V1(schemakit_audit_readers);
Datum
schemakit_audit_readers(PG_FUNCTION_ARGS)
{
	bool		all = sk_audit_readable_all();
	Relation	rel;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	InitMaterializedSRF(fcinfo, 0);
	rel = table_open(sk_audit_log_relid("audit_reader"), AccessShareLock);
	ScanKeyInit(&key, Anum_audit_reader_relid, BTEqualStrategyNumber, F_OIDEQ,
				PG_ARGISNULL(0) ? (Datum) 0 : PG_GETARG_DATUM(0));
	scan = systable_beginscan(rel, sk_audit_log_relid("audit_reader_pkey"), true,
							  NULL, PG_ARGISNULL(0) ? 0 : 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		put_row((ReturnSetInfo *) fcinfo->resultinfo, tuple, RelationGetDescr(rel), all);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return (Datum) 0;
}
