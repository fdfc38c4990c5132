/*-------------------------------------------------------------------------
 *
 * audit/dump.c
 *	  What a dump says of the log, carried out when it is loaded.
 *
 * pg_dump saves rows of an extension's tables, but not what was added to them,
 * nor tables that were made later.  So 75_dump.sql has it select these as rows of
 * two tables, whose triggers come here.  Whoever loads the dump makes them, with the
 * same privileges that the commands need.
 *
 * Rows of all months are loaded into the default partitions, and go where they
 * belong from there.  Months may be loaded before rows, after them, or meanwhile.
 *
 * A dump that is loaded a second time adds nothing: events are refused if those of their
 * database are there already, and rows of tables without a key are left out if there is
 * one that is the same.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/log.h"
#include "audit/origin.h"
#include "audit/partition.h"
#include "audit/protect.h"
#include "base/guard.h"
#include "base/guc.h"
#include "base/restore.h"
#include "base/rights.h"
#include "base/spi.h"
#include "base/trigger.h"
#include "base/tuple.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* In place of an event's operation: the events of a database are all there. */
#define END_OF_EVENTS	'#'

/* What a row says: a command, or a table or sequence and what it is like. */
typedef struct Definition
{
	const char *name;
	const char *definition;
} Definition;

static void
advance_sequence(const char *name, const char *last)
{
	static const Oid types[] = {INT8OID};
	Datum		value = DirectFunctionCall1(int8in, CStringGetDatum(last));

	(void) sk_spi_execute(psprintf("SELECT pg_catalog.setval('schemakit.%s', $1) FROM schemakit.%s"
								   " WHERE NOT is_called OR last_value OPERATOR(pg_catalog.<) $1",
								   name, name),
						  1, types, &value, SPI_OK_SELECT, NULL);
}

static void
make_definition(void *arg)
{
	const Definition *def = arg;

	if (strcmp(def->name, "audit_shape_id") == 0)
		advance_sequence(def->name, def->definition);
	else
		sk_audit_partition_restore(def->name, def->definition);
}

static void
make_addition(void *arg)
{
	const Definition *def = arg;

	SPI_connect();
	if (SPI_execute(def->definition, false, 0) < 0)
		elog(ERROR, "could not execute: %s", def->definition);
	SPI_finish();
}

/* What is there already need not be made. */
static bool
is_duplicate(const ErrorData *edata)
{
	return edata->sqlerrcode == ERRCODE_DUPLICATE_OBJECT ||
		edata->sqlerrcode == ERRCODE_DUPLICATE_TABLE;
}

/* One that cannot be made does not keep the others, nor the log, from being loaded. */
static void
load(SkGuarded work, Definition *def)
{
	SkRights	saved;
	ErrorData  *failure;

	sk_rights_pin(&saved);
	sk_audit_protect_off = true;
	PG_TRY();
	{
		failure = sk_guard_try(work, def, sk_guard_is_failure);
	}
	PG_FINALLY();
	{
		sk_audit_protect_off = false;
	}
	PG_END_TRY();
	sk_rights_restore(&saved);
	if (failure != NULL && !is_duplicate(failure))
		ereport(WARNING,
				(errcode(failure->sqlerrcode),
				 errmsg("could not restore \"%s\" of schemakit: %s",
						def->name, failure->message),
				 errdetail("The dump has: %s", def->definition)));
}

/*
 * schemakit.internal_dump_load() RETURNS trigger
 *
 * BEFORE INSERT on audit_definition and table_addition: nothing is inserted.
 */
PG_FUNCTION_INFO_V1(schemakit_internal_dump_load);
Datum
schemakit_internal_dump_load(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = sk_trigger_before_row(fcinfo, "internal_dump_load",
												  TRIGGER_EVENT_INSERT);
	Relation	rel = trigdata->tg_relation;
	bool		is_addition = strcmp(RelationGetRelationName(rel), "table_addition") == 0;
	Definition	def;
	Datum		values[3];
	bool		nulls[3];

	if (!sk_audit_protect_may_load())
		sk_audit_protect_refuse(RelationGetRelationName(rel));
	if (RelationGetDescr(rel)->natts != (is_addition ? 3 : 2))
		elog(ERROR, "table \"%s\" has the wrong columns", RelationGetRelationName(rel));
	heap_deform_tuple(trigdata->tg_trigtuple, RelationGetDescr(rel), values, nulls);
	if (nulls[0] || nulls[1] || (is_addition && nulls[2]))
		return PointerGetDatum(trigdata->tg_trigtuple); /* NOT NULL refuses it */
	def.name = TextDatumGetCString(values[is_addition ? 1 : 0]);
	def.definition = TextDatumGetCString(values[is_addition ? 2 : 1]);
	load(is_addition ? make_addition : make_definition, &def);
	return PointerGetDatum(NULL);
}

/*
 * Nor is an event, if it is one of those that an earlier load has brought.  What this one
 * brings ends with the rows that say so.  The answer is kept for the statement.
 */
static void
check_not_loaded(FunctionCallInfo fcinfo, int64 txn_id)
{
	int			number = sk_audit_origin_of(txn_id);
	int		   *checked = fcinfo->flinfo->fn_extra;

	if (sk_guc_audit_writable || (checked != NULL && *checked == number))
		return;
	if (sk_audit_origin_is_loaded(number))
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("the events of this database have been loaded already"),
				 errdetail("The audit log has them from an earlier dump."),
				 errhint("Load the dump into a new database, or use pg_restore --clean.")));
	if (checked == NULL)
		checked = fcinfo->flinfo->fn_extra = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt,
																sizeof(int));
	*checked = number;
}

/* Has the table a row with the same values? */
static bool
has_row(Relation rel, HeapTuple row)
{
	TupleDesc	tupdesc = RelationGetDescr(rel);
	int			natts = tupdesc->natts;
	Datum	   *values = palloc(sizeof(Datum) * natts * 2);
	bool	   *nulls = palloc(sizeof(bool) * natts * 2);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, SnapshotSelf, 0, NULL);
	bool		found = false;
	HeapTuple	tuple;

	heap_deform_tuple(row, tupdesc, values, nulls);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		heap_deform_tuple(tuple, tupdesc, values + natts, nulls + natts);
		found = true;
		for (int i = 0; found && i < natts; i++)
			found = sk_tuple_same_value(TupleDescAttr(tupdesc, i), values[i], nulls[i],
										values[natts + i], nulls[natts + i]);
	}
	systable_endscan(scan);
	return found;
}

/*
 * schemakit.internal_dump_known() RETURNS trigger
 *
 * BEFORE INSERT on tables without a key: a row that the log has already is left out when
 * a dump is loaded.
 */
PG_FUNCTION_INFO_V1(schemakit_internal_dump_known);
Datum
schemakit_internal_dump_known(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = sk_trigger_before_row(fcinfo, "internal_dump_known",
												  TRIGGER_EVENT_INSERT);

	if (sk_restore_is_running() && !sk_audit_protect_off &&
		has_row(trigdata->tg_relation, trigdata->tg_trigtuple))
		return PointerGetDatum(NULL);
	return PointerGetDatum(trigdata->tg_trigtuple);
}

/*
 * schemakit.internal_dump_route() RETURNS trigger
 *
 * BEFORE INSERT on the default partition: an event that belongs to a month goes there.
 * One that ends the events of a database is none itself.
 */
PG_FUNCTION_INFO_V1(schemakit_internal_dump_route);
Datum
schemakit_internal_dump_route(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = sk_trigger_before_row(fcinfo, "internal_dump_route",
												  TRIGGER_EVENT_INSERT);
	Relation	rel = trigdata->tg_relation;
	Datum		values[Natts_audit_event];
	bool		nulls[Natts_audit_event];
	TimestampTz at;
	Oid			leaf;

	if (RelationGetDescr(rel)->natts != Natts_audit_event)
		return PointerGetDatum(trigdata->tg_trigtuple);
	heap_deform_tuple(trigdata->tg_trigtuple, RelationGetDescr(rel), values, nulls);
	if (nulls[Anum_audit_event_at - 1])
		return PointerGetDatum(trigdata->tg_trigtuple);
	if (DatumGetChar(values[Anum_audit_event_op - 1]) == END_OF_EVENTS)
	{
		sk_audit_origin_loaded(DatumGetInt64(values[Anum_audit_event_txn_id - 1]));
		return PointerGetDatum(NULL);
	}
	check_not_loaded(fcinfo, DatumGetInt64(values[Anum_audit_event_txn_id - 1]));
	at = DatumGetTimestampTz(values[Anum_audit_event_at - 1]);
	leaf = sk_audit_log_leaf(SK_AUDIT_LOG_EVENT, at);
	if (!OidIsValid(leaf) || leaf == RelationGetRelid(rel))
		return PointerGetDatum(trigdata->tg_trigtuple);
	sk_audit_log_insert(SK_AUDIT_LOG_EVENT, at, values, nulls);
	return PointerGetDatum(NULL);
}
