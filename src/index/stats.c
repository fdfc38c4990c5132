/*-------------------------------------------------------------------------
 *
 * index/stats.c
 *	  What statistics say about one table.
 *
 * The server's own estimators need a query that is being planned.  For a
 * question about a table alone, the smallest one that they accept is made: it
 * reads the table, and nothing else.
 *
 * The caller holds a lock on the table.  Statistics on columns that the current
 * user may not read, or whose rows a policy hides, are used like the planner uses
 * them: only operators that tell nothing meet the values.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "index/stats.h"

#include "base/compat.h"
#include "base/rights.h"
#include "base/table.h"
#include "base/trust.h"

#include "access/htup_details.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_statistic_ext.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "statistics/statistics.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/selfuncs.h"

#include <math.h>

/* A query that reads one table, as the planner sees it; the table is number 1. */
PlannerInfo *
sk_index_stats_root(Oid relid)
{
	PlannerInfo *root = makeNode(PlannerInfo);
	Query	   *query = makeNode(Query);
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	SkRights	saved;

	rte->rtekind = RTE_RELATION;
	rte->relid = relid;
	rte->relkind = get_rel_relkind(relid);
	rte->rellockmode = AccessShareLock;
	rte->eref = makeAlias(sk_table_present_name(relid), NIL);
	rte->inh = rte->relkind == RELKIND_PARTITIONED_TABLE;
	if (check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED)
		rte->securityQuals = list_make1(makeBoolConst(true, false));
	query->commandType = CMD_SELECT;
	query->rtable = list_make1(rte);
	sk_add_permissions(query, rte);
	query->jointree = makeFromExpr(NIL, NULL);

	root->parse = query;
	root->glob = makeNode(PlannerGlobal);
	root->query_level = 1;
	root->planner_cxt = CurrentMemoryContext;
	root->wt_param_id = -1;
	setup_simple_rel_arrays(root);
	/* it folds what the owner has put into indexes and statistics */
	sk_rights_assume(sk_trust_reader(relid), &saved);
	(void) build_simple_rel(root, 1, NULL);
	sk_rights_restore(&saved);
	return root;
}

RelOptInfo *
sk_index_stats_rel(PlannerInfo *root)
{
	return root->simple_rel_array[1];
}

/* The bytes of values as they are stored: short ones have a short header. */
static void
read_widths(const AttStatsSlot *slot, SkStatColumn *column)
{
	column->widths = palloc(slot->nvalues * sizeof(int32));
	column->nwidths = slot->nvalues;
	for (int i = 0; i < slot->nvalues; i++)
	{
		Size		size = VARSIZE_ANY_EXHDR(DatumGetPointer(slot->values[i]));

		column->widths[i] = size + (size + VARHDRSZ_SHORT <= VARATT_SHORT_MAX ?
									VARHDRSZ_SHORT : VARHDRSZ);
	}
}

static void
read_slots(const VariableStatData *var, SkStatColumn *column)
{
	AttStatsSlot slot;

	if (get_attstatsslot(&slot, var->statsTuple, STATISTIC_KIND_MCV,
						 InvalidOid, ATTSTATSSLOT_NUMBERS))
	{
		column->ncommon = slot.nnumbers;
		column->frequencies = palloc((slot.nnumbers + 1) * sizeof(double));
		for (int i = 0; i < slot.nnumbers; i++)
		{
			column->frequencies[i] = slot.numbers[i];
			column->common += slot.numbers[i];
			column->alike += slot.numbers[i] * slot.numbers[i];
		}
		free_attstatsslot(&slot);
	}
	if (get_attstatsslot(&slot, var->statsTuple, STATISTIC_KIND_CORRELATION,
						 InvalidOid, ATTSTATSSLOT_NUMBERS))
	{
		column->correlation = slot.numbers[0];
		free_attstatsslot(&slot);
	}
	if (get_typlen(var->atttype) != -1)
		return;
	if (get_attstatsslot(&slot, var->statsTuple, STATISTIC_KIND_HISTOGRAM,
						 InvalidOid, ATTSTATSSLOT_VALUES) ||
		get_attstatsslot(&slot, var->statsTuple, STATISTIC_KIND_MCV,
						 InvalidOid, ATTSTATSSLOT_VALUES))
	{
		if (get_typlen(slot.valuetype) == -1)
			read_widths(&slot, column);
		free_attstatsslot(&slot);
	}
}

static void
keep(HeapTuple tuple)
{
}

/*
 * Look a column or an expression up.  For an expression that the catalogs know
 * nothing about, "statistics" may be a tuple of pg_statistic, on an index that
 * has "rows" rows; NULL otherwise.
 */
void
sk_index_stats_column(PlannerInfo *root, Node *expr, HeapTuple statistics, double rows,
					  SkStatColumn *column)
{
	VariableStatData var;
	bool		is_default;

	memset(column, 0, sizeof(SkStatColumn));
	examine_variable(root, expr, 0, &var);
	if (!HeapTupleIsValid(var.statsTuple) && HeapTupleIsValid(statistics))
	{
		var.statsTuple = statistics;
		var.freefunc = keep;
		column->own = true;
	}
	column->distinct = Max(get_variable_numdistinct(&var, &is_default), 1);
	column->width = get_typavgwidth(exprType(expr), exprTypmod(expr));
	if (HeapTupleIsValid(var.statsTuple))
	{
		Form_pg_statistic stats = (Form_pg_statistic) GETSTRUCT(var.statsTuple);

		column->known = true;
		column->null_fraction = stats->stanullfrac;
		if (column->own && stats->stadistinct < 0)
			column->distinct = Max(-stats->stadistinct * rows, 1);
		if (stats->stawidth > 0)
			column->width = stats->stawidth;
		read_slots(&var, column);
	}
	ReleaseVariableStats(var);
}

/* Has the table statistics on the number of combinations of these columns? */
static bool
has_combinations(RelOptInfo *rel, List *exprs)
{
	Bitmapset  *columns = NULL;
	ListCell   *lc;

	foreach(lc, exprs)
	{
		if (!IsA(lfirst(lc), Var))
			return false;
		columns = bms_add_member(columns, ((Var *) lfirst(lc))->varattno);
	}
	foreach(lc, rel->statlist)
	{
		StatisticExtInfo *info = lfirst_node(StatisticExtInfo, lc);

		if (info->kind == STATS_EXT_NDISTINCT &&
			bms_is_subset(columns, info->keys))
			return true;
	}
	return false;
}

/*
 * The number of different combinations of values among "tuples" rows.  Unlike
 * estimate_num_groups(), which cuts a product of columns down to a tenth of the
 * table, columns are taken as independent: of P combinations that are possible,
 * N rows at random have P (1 - (1 - 1/P)^N).
 */
double
sk_index_stats_distinct(PlannerInfo *root, List *exprs, const SkStatColumn *columns,
						double tuples)
{
	RelOptInfo *rel = sk_index_stats_rel(root);
	int			n = list_length(exprs);
	double		possible = 1;

	if (tuples < 1)
		return 1;
	if (n > 1 && has_combinations(rel, exprs))
	{
		rel->rows = tuples;
		return Min(estimate_num_groups(root, exprs, tuples, NULL, NULL), tuples);
	}
	for (int i = 0; i < n; i++)
		possible *= columns[i].distinct + (columns[i].null_fraction > 0 ? 1 : 0);
	if (n == 1 && (columns[0].own || tuples >= rel->tuples - 1))
		return Min(possible, tuples);
	return Max(-possible * expm1(-tuples / possible), 1);
}

/*
 * The fraction of rows that implicitly ANDed clauses keep.  Estimators try
 * operators on values, so not with somebody else's: then it is all of them.
 */
double
sk_index_stats_fraction(PlannerInfo *root, List *clauses)
{
	if (clauses == NIL || !sk_trust_expression((Node *) clauses))
		return 1;
	return clauselist_selectivity(root, clauses, 1, JOIN_INNER, NULL);
}
