/*-------------------------------------------------------------------------
 *
 * index/sample.c
 *	  What is in an index's keys, from some of the rows.
 *
 * There are no statistics on an expression before an index on it is analyzed,
 * and none on what is inside of values.  So some of the table's rows are read:
 * whole pages, and always the same ones, so that the same question has the same
 * answer.
 *
 * Rows are read if the current user may read the columns and no policy hides rows
 * from him, and if what is evaluated is his own or a superuser's code (see
 * base/trust.c).  The planner looks at all indexes and statistics of the table, which
 * runs code of the table's owner, so they are read as that one, for whom all of this
 * must be so, too: somebody else's expression is not evaluated as he.  Otherwise
 * nothing is read.  An error must be caught in a subtransaction, which also gives the
 * role back.  The caller holds a lock on the table, which is not partitioned.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "index/sample.h"

#include "base/compat.h"
#include "base/rights.h"
#include "base/table.h"
#include "base/trust.h"
#include "index/deparse.h"
#include "index/stats.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/sysattr.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "commands/vacuum.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/syscache.h"

/* Rows for the statistics of an expression, and pages that they come from. */
#define STATISTICS_ROWS 10000
#define LEAST_PAGES 32

static char *
sample_query(const SkIndex *index, int rows)
{
	PlannerInfo *root = sk_index_stats_root(index->relid);
	RelOptInfo *rel = sk_index_stats_rel(root);
	double		all = rel->tuples * sk_index_stats_fraction(root, index->predicate);
	StringInfoData buf;
	double		share = 100.0;

	if (all > rows)
		share = Max(100.0 * rows * 1.2 / all,
					100.0 * LEAST_PAGES / Max(rel->pages, LEAST_PAGES));
	initStringInfo(&buf);
	for (int i = 0; i < index->nkeys; i++)
	{
		Node	   *expr = index->keys[i].expr;

		appendStringInfo(&buf, "%s (%s)", i == 0 ? "SELECT" : ",",
						 sk_index_deparse_expr(index->relid, expr));

		/* without the cast a row would become its columns */
		if (type_is_rowtype(exprType(expr)))
			appendStringInfo(&buf, "::%s",
							 format_type_be_qualified(exprType(expr)));
	}
	appendStringInfo(&buf, " FROM ONLY %s TABLESAMPLE SYSTEM (%.9g) REPEATABLE (0)",
					 quote_qualified_identifier(sk_table_present_schema(index->relid),
												sk_table_present_name(index->relid)),
					 Min(share, 100.0));
	if (index->predicate != NIL)
		appendStringInfo(&buf, " WHERE %s",
						 sk_index_deparse_expr(index->relid,
											   (Node *) make_ands_explicit(index->predicate)));
	return buf.data;
}

static bool
may_read_columns(Oid relid, const Bitmapset *columns)
{
	int			i = -1;

	while ((i = bms_next_member(columns, i)) >= 0)
	{
		AttrNumber	attnum = i + FirstLowInvalidHeapAttributeNumber;

		if (attnum == InvalidAttrNumber
			? pg_attribute_aclcheck_all(relid, GetUserId(), ACL_SELECT, ACLMASK_ALL) != ACLCHECK_OK
			: pg_attribute_aclcheck(relid, attnum, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
			return false;
	}
	return true;
}

/* May the current user know what is in the index, and have that code run? */
static bool
may_read(const SkIndex *index)
{
	Bitmapset  *columns = NULL;

	for (int i = 0; i < index->nkeys; i++)
	{
		if (!sk_trust_expression(index->keys[i].expr))
			return false;
		pull_varattnos(index->keys[i].expr, 1, &columns);
	}
	if (!sk_trust_expression((Node *) index->predicate) ||
		check_enable_rls(index->relid, InvalidOid, true) == RLS_ENABLED)
		return false;
	pull_varattnos((Node *) index->predicate, 1, &columns);
	return pg_class_aclcheck(index->relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
		may_read_columns(index->relid, columns);
}

/* Go on as whom the rows are read, if they may be. */
static bool
begin_reading(const SkIndex *index, SkRights *saved)
{
	if (!may_read(index))
		return false;

	/* names in pg_catalog are written without it */
	sk_rights_assume_to_read(sk_trust_reader(index->relid), saved);
	if (may_read(index) &&
		object_aclcheck(NamespaceRelationId, get_rel_namespace(index->relid),
						GetUserId(), ACL_USAGE) == ACLCHECK_OK)
		return true;
	sk_rights_restore(saved);
	return false;
}

/* What was read must be what the index has: the values are taken for such. */
static void
check_types(const SkIndex *index)
{
	for (int i = 0; i < index->nkeys; i++)
	{
		if (SPI_gettypeid(SPI_tuptable->tupdesc, i + 1) != exprType(index->keys[i].expr))
			elog(ERROR, "expression \"%s\" was read as another one",
				 sk_index_deparse_expr(index->relid, index->keys[i].expr));
	}
}

/*
 * Read about so many rows, but not more, and tell of each.  Returns how many
 * there were.  What is told is in memory that does not stay.
 */
int
sk_index_sample_read(const SkIndex *index, int rows, SkSampleRow told, void *arg)
{
	char	   *sql = sample_query(index, rows);
	Datum	   *values = palloc(index->nkeys * sizeof(Datum));
	bool	   *nulls = palloc(index->nkeys * sizeof(bool));
	SkRights	saved;
	int			found;

	if (!begin_reading(index, &saved))
		return 0;
	SPI_connect();
	if (SPI_execute(sql, true, rows) != SPI_OK_SELECT)
		elog(ERROR, "could not read rows: %s", sql);
	check_types(index);
	found = (int) SPI_processed;
	for (int row = 0; row < found; row++)
	{
		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < index->nkeys; i++)
			values[i] = SPI_getbinval(SPI_tuptable->vals[row],
									  SPI_tuptable->tupdesc, i + 1, &nulls[i]);
		told(values, nulls, arg);
	}
	SPI_finish();
	sk_rights_restore(&saved);
	return found;
}

/* ----------
 * Statistics, as ANALYZE makes them
 * ----------
 */
typedef struct Gathered
{
	const SkIndex *index;
	MemoryContext context;
	int			n;
	Datum	   *values;			/* rows of keys */
	bool	   *nulls;
} Gathered;

static void
gather(const Datum *values, const bool *nulls, void *arg)
{
	Gathered   *gathered = arg;
	int			nkeys = gathered->index->nkeys;
	MemoryContext old = MemoryContextSwitchTo(gathered->context);

	for (int i = 0; i < nkeys; i++)
	{
		int			to = gathered->n * nkeys + i;
		int16		len;
		bool		byval;

		get_typlenbyval(exprType(gathered->index->keys[i].expr), &len, &byval);
		gathered->nulls[to] = nulls[i];
		gathered->values[to] = nulls[i] ? (Datum) 0 :
			datumCopy(values[i], byval, len);
	}
	gathered->n++;
	MemoryContextSwitchTo(old);
}

static Datum
fetch_value(VacAttrStatsP stats, int row, bool *isnull)
{
	int			i = row * stats->rowstride;

	*isnull = stats->exprnulls[i];
	return stats->exprvals[i];
}

/* Prepare to analyze an expression; NULL if its type cannot be. */
static VacAttrStats *
begin_statistics(const SkIndexKey *key)
{
	VacAttrStats *stats = palloc0(sizeof(VacAttrStats));
	HeapTuple	type;
	bool		able;

	stats->attrtypid = exprType(key->expr);
	stats->attrtypmod = exprTypmod(key->expr);
	stats->attrcollid = OidIsValid(key->collation) ? key->collation :
		exprCollation(key->expr);
	sk_set_statistics_target(stats);
	type = SearchSysCacheCopy1(TYPEOID, ObjectIdGetDatum(stats->attrtypid));
	if (!HeapTupleIsValid(type))
		elog(ERROR, "cache lookup failed for type %u", stats->attrtypid);
	stats->attrtype = (Form_pg_type) GETSTRUCT(type);
	stats->anl_context = CurrentMemoryContext;
	for (int i = 0; i < STATISTIC_NUM_SLOTS; i++)
	{
		stats->statypid[i] = stats->attrtypid;
		stats->statyplen[i] = stats->attrtype->typlen;
		stats->statypbyval[i] = stats->attrtype->typbyval;
		stats->statypalign[i] = stats->attrtype->typalign;
	}
	if (OidIsValid(stats->attrtype->typanalyze))
		able = DatumGetBool(OidFunctionCall1(stats->attrtype->typanalyze,
											 PointerGetDatum(stats)));
	else
		able = std_typanalyze(stats);
	return able && stats->compute_stats != NULL ? stats : NULL;
}

static void
set_numbers(VacAttrStats *stats, int slot, Datum *value, bool *isnull)
{
	int			n = stats->numnumbers[slot];
	Datum	   *numbers = palloc(n * sizeof(Datum));

	*isnull = n == 0;
	if (n == 0)
		return;
	for (int i = 0; i < n; i++)
		numbers[i] = Float4GetDatum(stats->stanumbers[slot][i]);
	*value = PointerGetDatum(construct_array(numbers, n, FLOAT4OID,
											 sizeof(float4), true, TYPALIGN_INT));
}

static void
set_values(VacAttrStats *stats, int slot, Datum *value, bool *isnull)
{
	*isnull = stats->numvalues[slot] == 0;
	if (*isnull)
		return;
	*value = PointerGetDatum(construct_array(stats->stavalues[slot],
											 stats->numvalues[slot],
											 stats->statypid[slot],
											 stats->statyplen[slot],
											 stats->statypbyval[slot],
											 stats->statypalign[slot]));
}

/* A row for pg_statistic, as update_attstats() makes it. */
static HeapTuple
form_statistics(VacAttrStats *stats)
{
	Relation	catalog = relation_open(StatisticRelationId, AccessShareLock);
	Datum		values[Natts_pg_statistic] = {0};
	bool		nulls[Natts_pg_statistic] = {0};
	HeapTuple	tuple;

	values[Anum_pg_statistic_stanullfrac - 1] = Float4GetDatum(stats->stanullfrac);
	values[Anum_pg_statistic_stawidth - 1] = Int32GetDatum(stats->stawidth);
	values[Anum_pg_statistic_stadistinct - 1] = Float4GetDatum(stats->stadistinct);
	for (int i = 0; i < STATISTIC_NUM_SLOTS; i++)
	{
		int			numbers = Anum_pg_statistic_stanumbers1 - 1 + i;
		int			stavalues = Anum_pg_statistic_stavalues1 - 1 + i;

		values[Anum_pg_statistic_stakind1 - 1 + i] = Int16GetDatum(stats->stakind[i]);
		values[Anum_pg_statistic_staop1 - 1 + i] = ObjectIdGetDatum(stats->staop[i]);
		values[Anum_pg_statistic_stacoll1 - 1 + i] = ObjectIdGetDatum(stats->stacoll[i]);
		set_numbers(stats, i, &values[numbers], &nulls[numbers]);
		set_values(stats, i, &values[stavalues], &nulls[stavalues]);
	}
	tuple = heap_form_tuple(RelationGetDescr(catalog), values, nulls);
	relation_close(catalog, AccessShareLock);
	return tuple;
}

static HeapTuple
compute_statistics(const Gathered *gathered, int key, double rows)
{
	VacAttrStats *stats = begin_statistics(&gathered->index->keys[key]);

	if (stats == NULL)
		return NULL;
	stats->exprvals = gathered->values + key;
	stats->exprnulls = gathered->nulls + key;
	stats->rowstride = gathered->index->nkeys;
	stats->compute_stats(stats, fetch_value, gathered->n, rows);
	return stats->stats_valid ? form_statistics(stats) : NULL;
}

/*
 * Statistics on the expressions among the keys of an index that has "rows" rows,
 * as tuples of pg_statistic, in the current memory context: one for each key, NULL where it
 * is a column, or where there are no rows.
 */
HeapTuple *
sk_index_sample_statistics(const SkIndex *index, double rows)
{
	HeapTuple  *result = palloc0(index->nkeys * sizeof(HeapTuple));
	MemoryContext context;
	MemoryContext old;
	Gathered	gathered = {0};

	if (!sk_index_has_expression(index))
		return result;
	context = AllocSetContextCreate(CurrentMemoryContext, "schemakit sample",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	gathered.index = index;
	gathered.context = context;
	gathered.values = palloc(STATISTICS_ROWS * index->nkeys * sizeof(Datum));
	gathered.nulls = palloc(STATISTICS_ROWS * index->nkeys * sizeof(bool));
	sk_index_sample_read(index, STATISTICS_ROWS, gather, &gathered);
	for (int i = 0; i < index->nkeys && gathered.n > 0; i++)
	{
		HeapTuple	tuple;

		if (index->keys[i].attnum != InvalidAttrNumber)
			continue;
		tuple = compute_statistics(&gathered, i, rows);
		MemoryContextSwitchTo(old);
		if (tuple != NULL)
			result[i] = heap_copytuple(tuple);
		MemoryContextSwitchTo(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return result;
}
