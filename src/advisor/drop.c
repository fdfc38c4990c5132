/*-------------------------------------------------------------------------
 *
 * advisor/drop.c
 *	  What is lost with an index: advise_drop().
 *
 * Each statement whose plan uses the index is planned without it.  What else needs the
 * index is told: constraints, foreign keys, and what else an index is there for.  Nothing
 * is dropped.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/coverage.h"
#include "advisor/ddl.h"
#include "advisor/finding.h"
#include "advisor/foreign_key.h"
#include "advisor/note.h"
#include "advisor/options.h"
#include "advisor/report.h"
#include "advisor/run.h"
#include "advisor/scope.h"
#include "advisor/search/cost_table.h"
#include "base/arg.h"
#include "base/compat.h"
#include "base/guard.h"
#include "base/guc.h"
#include "base/table.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "storage/bufmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

/* What costs no more than this fraction more without the index costs the same. */
#define NOT_DEARER 0.001

enum
{
	COL_DDL,
	COL_UNDO_DDL,
	COL_BYTES,
	COL_SCANS,
	COL_LAST_SCAN,
	COL_NEEDED_BY,
	COL_MORE,
	COL_LOSS,
	COL_STATEMENTS,
	NCOLUMNS
};

typedef struct Call
{
	Oid			indexid;
	Oid			relid;
	SkAdviceOptions options;
	ReturnSetInfo *rsinfo;
	List	   *members;		/* the index, and those of partitions */
	List	   *needed_by;		/* char * */
	bool		fixed;			/* DROP INDEX would fail */
} Call;

/* ----------
 * What needs the index
 * ----------
 */
static void
need(Call *call, char *what)
{
	call->needed_by = lappend(call->needed_by, what);
}

static void
find_own_needs(Call *call)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(call->indexid));
	Form_pg_index form;
	Oid			constraint = get_index_constraint(call->indexid);
	List	   *ancestors = get_rel_relispartition(call->indexid) ?
		get_partition_ancestors(call->indexid) : NIL;

	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_index) GETSTRUCT(tuple);
	call->fixed = OidIsValid(constraint) || ancestors != NIL;
	if (OidIsValid(constraint))
		need(call, psprintf("constraint \"%s\"", get_constraint_name(constraint)));
	else if (form->indisunique)
		need(call, "it makes rows unique");
	if (form->indisreplident)
		need(call, "it is the replica identity");
	if (form->indisclustered)
		need(call, "CLUSTER uses it");
	ReleaseSysCache(tuple);
	if (ancestors != NIL)
		need(call, psprintf("index \"%s\", of which it is a part",
							get_rel_name(linitial_oid(ancestors))));
	if (OidIsValid(getExtensionOfObject(RelationRelationId, call->indexid)))
	{
		need(call, "it belongs to an extension");
		call->fixed = true;
	}
}

/* Those that refer to what it makes unique */
static void
find_references(Call *call)
{
	MemoryContext context = CurrentMemoryContext;
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(call->indexid)};

	SPI_connect();
	if (SPI_execute_with_args("SELECT pg_catalog.format('foreign key \"%s\" of table \"%s\", which refers to it', conname, r.relname)"
							  " FROM pg_catalog.pg_constraint AS c"
							  " JOIN pg_catalog.pg_class AS r ON r.oid OPERATOR(pg_catalog.=) c.conrelid"
							  " WHERE contype OPERATOR(pg_catalog.=) 'f' AND conindid OPERATOR(pg_catalog.=) $1 AND conparentid OPERATOR(pg_catalog.=) 0::pg_catalog.oid"
							  " ORDER BY 1", 1, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read foreign keys");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		char	   *text = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
		MemoryContext old = MemoryContextSwitchTo(context);

		need(call, pstrdup(text));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
}

/* Foreign keys whose checks no other index serves */
static void
find_served(Call *call, const SkAdvice *advice)
{
	List	   *rest = NIL;
	List	   *own = NIL;
	ListCell   *lc;

	foreach(lc, sk_candidate_existing(advice->pool, call->relid))
	{
		SkIndex    *index = lfirst(lc);

		if (index->oid == call->indexid)
			own = lappend(own, index);
		else
			rest = lappend(rest, index);
	}
	foreach(lc, advice->keys)
	{
		const SkForeignKey *key = lfirst(lc);

		if (sk_advice_foreign_key_is_served(key, own) &&
			!sk_advice_foreign_key_is_served(key, rest))
			need(call, psprintf("foreign key \"%s\", which no other index serves", key->name));
	}
}

/* ----------
 * Statements
 * ----------
 */
static bool
uses_member(const SkQuery *query, List *members)
{
	ListCell   *lc;

	foreach(lc, query->indexes)
	{
		if (list_member_oid(members, lfirst_oid(lc)))
			return true;
	}
	return false;
}

/* The statements that get more expensive (SkHelped) */
static List *
find_dearer(const Call *call, SkAdvice *advice)
{
	List	   *dearer = NIL;
	ListCell   *lc;

	foreach(lc, advice->queries)
	{
		SkQuery    *query = lfirst(lc);
		double		cost;
		Bitmapset  *used;
		SkHelped   *help;

		if (query->entry.sqlerrcode != 0 || !uses_member(query, call->members) ||
			!sk_cost_table_verify(query, advice->pool, NULL, call->members, &cost, &used) ||
			cost <= query->cost * (1 + NOT_DEARER))
			continue;
		help = palloc(sizeof(SkHelped));
		help->query = query;
		help->cost = cost;
		dearer = lappend(dearer, help);
	}
	return dearer;
}

/* What they take more, in the workload's unit of value */
static double
loss_of(List *dearer)
{
	double		loss = 0;
	ListCell   *lc;

	foreach(lc, dearer)
	{
		const SkHelped *help = lfirst(lc);

		if (help->query->cost > 0)
			loss += help->query->entry.value * (help->cost / help->query->cost - 1);
	}
	return loss;
}

/* ----------
 * Rows
 * ----------
 */
static Datum
text_array(List *texts)
{
	Datum	   *elems = palloc((list_length(texts) + 1) * sizeof(Datum));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, texts)
		elems[n++] = CStringGetTextDatum((char *) lfirst(lc));
	return PointerGetDatum(construct_array(elems, n, TEXTOID, -1, false, TYPALIGN_INT));
}

static void
set_usage(const Call *call, Datum *values, bool *nulls)
{
	double		bytes = 0;
	int64		scans = 0;
	ListCell   *lc;

	nulls[COL_LAST_SCAN] = true;
	foreach(lc, call->members)
	{
		Relation	rel = relation_open(lfirst_oid(lc), AccessShareLock);
		TimestampTz last;

		if (rel->rd_rel->relkind == RELKIND_INDEX)
			bytes += (double) RelationGetNumberOfBlocks(rel) * BLCKSZ;
		relation_close(rel, AccessShareLock);
		scans += DatumGetInt64(DirectFunctionCall1(pg_stat_get_numscans, ObjectIdGetDatum(lfirst_oid(lc))));
		if (!sk_last_scan(lfirst_oid(lc), &last) ||
			(!nulls[COL_LAST_SCAN] && last <= DatumGetTimestampTz(values[COL_LAST_SCAN])))
			continue;
		nulls[COL_LAST_SCAN] = false;
		values[COL_LAST_SCAN] = TimestampTzGetDatum(last);
	}
	values[COL_BYTES] = Int64GetDatum((int64) bytes);
	values[COL_SCANS] = Int64GetDatum(scans);
}

static void
set_commands(const Call *call, const SkAdviceItem *item, Datum *values, bool *nulls)
{
	List	   *names = NIL;
	const SkAdviceStep *step;

	nulls[COL_DDL] = nulls[COL_UNDO_DDL] = call->fixed;
	if (call->fixed)
		return;
	step = linitial(sk_advice_ddl(item, &names));
	values[COL_DDL] = CStringGetTextDatum(step->ddl);
	values[COL_UNDO_DDL] = CStringGetTextDatum(step->undo);
}

static void
return_row(const Call *call, const SkAdvice *advice, const SkAdviceItem *item)
{
	Datum		values[NCOLUMNS] = {0};
	bool		nulls[NCOLUMNS] = {0};
	double		loss = loss_of(item->helped);
	double		total = sk_advice_coverage_value(advice);

	set_commands(call, item, values, nulls);
	set_usage(call, values, nulls);
	values[COL_NEEDED_BY] = text_array(call->needed_by);
	nulls[COL_MORE] = !advice->workload->measured;
	values[COL_MORE] = Float8GetDatum(loss);
	values[COL_LOSS] = Float8GetDatum(total > 0 ? 100 * loss / total : 0);
	values[COL_STATEMENTS] = sk_advice_report_helped(advice, item);
	tuplestore_putvalues(call->rsinfo->setResult, call->rsinfo->setDesc, values, nulls);
}

static void
look_at(void *arg)
{
	Call	   *call = arg;
	SkAdvice   *advice;
	SkAdviceItem item = {0};

	sk_guc_set_local("lock_timeout", SK_QUERY_LOCK_TIMEOUT);
	sk_table_hold(call->relid);
	call->members = find_all_inheritors(call->indexid, AccessShareLock, NULL);
	advice = sk_advice_run_learn(&call->options);
	item.action = SK_ADVICE_DROP;
	item.relid = call->relid;
	item.index = sk_index_of_catalog(call->indexid);
	item.helped = find_dearer(call, advice);
	find_own_needs(call);
	find_references(call);
	find_served(call, advice);
	return_row(call, advice, &item);
	sk_advice_note_raise_missing(advice);
}

/* The index, and its table; an error if it is none of users */
static void
read_index(Call *call, Oid indexid)
{
	char		relkind = get_rel_relkind(indexid);

	if (relkind != RELKIND_INDEX && relkind != RELKIND_PARTITIONED_INDEX)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not an index",
						DatumGetCString(DirectFunctionCall1(regclassout,
															ObjectIdGetDatum(indexid))))));
	call->indexid = indexid;
	call->relid = IndexGetRelation(indexid, false);
	if (!sk_advice_scope_is_of_users(call->relid))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("index \"%s\" is on a system table or a temporary table",
						get_rel_name(indexid))));
}

PG_FUNCTION_INFO_V1(schemakit_advise_drop);

/*
 * advise_drop(index regclass, queries text[], weights float8[], time_budget interval,
 * max_queries int) returns table (...)
 */
Datum
schemakit_advise_drop(PG_FUNCTION_ARGS)
{
	Call		call;
	ErrorData  *error;

	memset(&call, 0, sizeof(call));
	sk_arg_reject_null(fcinfo, 0, "index");
	read_index(&call, PG_GETARG_OID(0));
	sk_advice_options_read_workload(fcinfo, 1, &call.options);
	call.options.tables = list_make1_oid(call.relid);
	InitMaterializedSRF(fcinfo, 0);
	call.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	error = sk_guard_rehearse(look_at, &call);
	if (error != NULL)
		ReThrowError(error);
	return (Datum) 0;
}
