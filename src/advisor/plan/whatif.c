/*-------------------------------------------------------------------------
 *
 * advisor/plan/whatif.c
 *	  Plans as they would be with other indexes.
 *
 * The planner asks get_relation_info() for the indexes of each table, and a hook
 * may add to them and take away.  Ours does so in plans that are made through
 * sk_whatif_plan() and in no others: a query that a function runs while it is
 * evaluated at plan time is really executed, and must not see an index that is
 * not there.  So the hook looks at which query is being planned.
 *
 * All of IndexOptInfo is filled in, as get_relation_info() does it for an index
 * that exists.  The index comes first in the list, as the latest one does, which
 * decides between plans of equal cost.
 *
 * A hypothetical index lives in the memory context that was current when it was
 * made.  The caller holds locks on all tables, as the planner demands.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/plan/whatif.h"

#include "base/compat.h"
#include "base/guard.h"
#include "index/deparse.h"

#include "access/amapi.h"
#include "access/gist.h"
#include "access/relation.h"
#include "access/spgist.h"
#include "access/tableam.h"
#include "catalog/catalog.h"
#include "catalog/partition.h"
#include "catalog/pg_am.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/geqo.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "optimizer/plancat.h"
#include "optimizer/planner.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/acl.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/selfuncs.h"
#include "utils/syscache.h"

#include <math.h>

static build_simple_rel_hook_type next_relation_hook;
static set_rel_pathlist_hook_type next_pathlist_hook;
static set_join_pathlist_hook_type next_join_hook;
static join_search_hook_type next_search_hook;
static get_index_stats_hook_type next_index_stats_hook;

/* The query that is being planned, and what is assumed; NULL most of the time. */
static const Query *planned_query;
static const SkWhatIf *assumed;

/* ----------
 * Hypothetical indexes
 * ----------
 */

/* OIDs are taken from the end, where a cluster arrives last. */
static Oid
unused_oid(void)
{
	static Oid	next = OID_MAX;

	do
	{
		if (--next < OID_MAX - 100000000)
			next = OID_MAX - 1;
	} while (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(next)));
	return next;
}

/*
 * "index" must stay where it is as long as the result is used.  The name is for
 * EXPLAIN.
 */
SkHypothetical *
sk_whatif_index(const SkIndex *index, char *name)
{
	SkHypothetical *result = palloc0(sizeof(SkHypothetical));

	result->index = index;
	result->oid = unused_oid();
	result->name = name;
	result->context = CurrentMemoryContext;
	return result;
}

/* Estimating takes a lot of memory; what remains of it is copied out. */
static void
estimate(void *arg)
{
	SkHypothetical *index = arg;
	MemoryContext old = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(old, "schemakit index size",
												  ALLOCSET_DEFAULT_SIZES);
	SkIndexSize size;

	MemoryContextSwitchTo(context);
	sk_index_size(index->index, &size);
	MemoryContextSwitchTo(old);
	index->size = size;
	index->size.statistics = palloc0(index->index->nkeys * sizeof(HeapTuple));
	for (int i = 0; i < index->index->nkeys; i++)
		index->size.statistics[i] = heap_copytuple(size.statistics[i]);
	MemoryContextDelete(context);
}

/*
 * NULL if it cannot be estimated: an expression that raises an error for a row
 * cannot be indexed.
 */
static const SkIndexSize *
size_of(SkHypothetical *index)
{
	MemoryContext old;

	if (!index->sized)
	{
		old = MemoryContextSwitchTo(index->context);
		index->error = sk_guard_rehearse(estimate, index);
		MemoryContextSwitchTo(old);
		index->sized = true;
	}
	return index->error ? NULL : &index->size;
}

static double
pages_of(SkHypothetical *index)
{
	const SkIndexSize *size = size_of(index);

	return size == NULL ? INFINITY : size->pages;
}

/* The part of an index that belongs to a partition, not necessarily direct. */
static SkHypothetical *
part_of(SkHypothetical *index, Oid partition)
{
	MemoryContext old;
	SkHypothetical *part;
	SkIndex    *definition;
	ListCell   *lc;

	foreach(lc, index->parts)
	{
		part = lfirst(lc);
		if (part->index->relid == partition)
			return part;
	}
	old = MemoryContextSwitchTo(index->context);
	definition = sk_index_for_partition(index->index, partition);
	part = sk_whatif_index(definition, sk_index_deparse_name(definition, NIL));
	index->parts = lappend(index->parts, part);
	MemoryContextSwitchTo(old);
	return part;
}

/*
 * The pages of an index, with all of its parts; infinite if it could not be made.
 * The first call takes AccessShareLock on partitions, and wants one on the table.
 */
double
sk_whatif_pages(SkHypothetical *index)
{
	double		pages = 0;
	ListCell   *lc;

	if (index->parts_sized)
		return index->parts_pages;
	if (get_rel_relkind(index->index->relid) != RELKIND_PARTITIONED_TABLE)
		return pages_of(index);
	foreach(lc, find_all_inheritors(index->index->relid, AccessShareLock, NULL))
	{
		char		relkind = get_rel_relkind(lfirst_oid(lc));

		if (relkind == RELKIND_RELATION)
			pages += pages_of(part_of(index, lfirst_oid(lc)));
	}
	index->parts_sized = true;
	index->parts_pages = pages;
	return pages;
}

/* The one with this OID among indexes and their parts, or NULL. */
SkHypothetical *
sk_whatif_find(List *indexes, Oid oid)
{
	ListCell   *lc;

	foreach(lc, indexes)
	{
		SkHypothetical *index = lfirst(lc);
		SkHypothetical *part;

		if (index->oid == oid)
			return index;
		part = sk_whatif_find(index->parts, oid);
		if (part != NULL)
			return part;
	}
	return NULL;
}

/* ----------
 * What the planner is told
 * ----------
 */
static bool
gist_returns(const SkIndexKey *key)
{
	return OidIsValid(get_opfamily_proc(key->opfamily, key->opcintype,
										key->opcintype, GIST_FETCH_PROC)) ||
		!OidIsValid(get_opfamily_proc(key->opfamily, key->opcintype,
									  key->opcintype, GIST_COMPRESS_PROC));
}

static bool
spgist_returns(const SkIndexKey *key)
{
	spgConfigIn in = {exprType(key->expr)};
	spgConfigOut out = {0};

	OidFunctionCall2(get_opfamily_proc(key->opfamily, key->opcintype,
									   key->opcintype, SPGIST_CONFIG_PROC),
					 PointerGetDatum(&in), PointerGetDatum(&out));
	return out.canReturnData;
}

/* Can an index-only scan return the key? */
static bool
returns_key(const SkIndex *index, const SkIndexKey *key)
{
	switch (index->am)
	{
		case BTREE_AM_OID:
			return true;
		case GIST_AM_OID:
			return gist_returns(key);
		case SPGIST_AM_OID:
			return spgist_returns(key);
		default:
			return false;
	}
}

static void
set_columns(IndexOptInfo *info, const SkIndex *index)
{
	int			n = index->nkeys + index->ninclude;

	info->ncolumns = n;
	info->nkeycolumns = index->nkeys;
	info->indexkeys = palloc(n * sizeof(int));
	info->canreturn = palloc(n * sizeof(bool));
	info->indexcollations = palloc(index->nkeys * sizeof(Oid));
	info->opfamily = palloc(index->nkeys * sizeof(Oid));
	info->opcintype = palloc(index->nkeys * sizeof(Oid));
	info->opclassoptions = palloc0(n * sizeof(bytea *));
	for (int i = 0; i < index->nkeys; i++)
	{
		const SkIndexKey *key = &index->keys[i];

		info->indexkeys[i] = key->attnum;
		info->indexcollations[i] = key->collation;
		info->opfamily[i] = key->opfamily;
		info->opcintype[i] = key->opcintype;
		info->canreturn[i] = returns_key(index, key);
		if (key->attnum == InvalidAttrNumber)
			info->indexprs = lappend(info->indexprs, copyObject(key->expr));
	}
	for (int i = 0; i < index->ninclude; i++)
	{
		info->indexkeys[index->nkeys + i] = index->include[i];
		info->canreturn[index->nkeys + i] = index->am != GIN_AM_OID;
	}
}

static void
set_order(IndexOptInfo *info, const SkIndex *index)
{
	if (index->am != BTREE_AM_OID)
		return;
	info->sortopfamily = info->opfamily;
	info->reverse_sort = palloc(index->nkeys * sizeof(bool));
	info->nulls_first = palloc(index->nkeys * sizeof(bool));
	for (int i = 0; i < index->nkeys; i++)
	{
		int16		option = index->keys[i].option;

		info->reverse_sort[i] = (option & INDOPTION_DESC) != 0;
		info->nulls_first[i] = (option & INDOPTION_NULLS_FIRST) != 0;
	}
}

static void
set_access_method(IndexOptInfo *info, Oid am, Relation rel)
{
	const IndexAmRoutine *routine = GetIndexAmRoutineByAmId(am, false);

	info->relam = am;
	info->amcanorderbyop = routine->amcanorderbyop;
	info->amoptionalkey = routine->amoptionalkey;
	info->amsearcharray = routine->amsearcharray;
	info->amsearchnulls = routine->amsearchnulls;
	info->amcanparallel = routine->amcanparallel;
	info->amhasgettuple = routine->amgettuple != NULL;
	info->amhasgetbitmap = routine->amgetbitmap != NULL &&
		sk_has_bitmap_scan(rel->rd_tableam);
	info->amcanmarkpos = routine->ammarkpos != NULL &&
		routine->amrestrpos != NULL;
	info->amcostestimate = routine->amcostestimate;
}

/* The columns as a target list: Vars of the table, and expressions. */
static void
set_target_list(IndexOptInfo *info, const SkIndex *index, Index varno)
{
	ListCell   *expr = list_head(info->indexprs);

	for (int i = 0; i < info->ncolumns; i++)
	{
		Node	   *column;

		if (info->indexkeys[i] == 0)
		{
			column = lfirst(expr);
			expr = lnext(info->indexprs, expr);
		}
		else
		{
			Oid			type;
			int32		typmod;
			Oid			collation;

			get_atttypetypmodcoll(index->relid, info->indexkeys[i],
								  &type, &typmod, &collation);
			column = (Node *) makeVar(varno, info->indexkeys[i], type, typmod,
									  collation, 0);
		}
		info->indextlist = lappend(info->indextlist,
								   makeTargetEntry((Expr *) column, i + 1,
												   NULL, false));
	}
}

static void
set_size(IndexOptInfo *info, const SkIndexSize *size, RelOptInfo *rel)
{
	info->pages = (BlockNumber) Min(size->pages, MaxBlockNumber);
	info->tuples = rel->tuples;
	if (info->indpred != NIL)
		info->tuples = Min(rint(rel->tuples * size->fraction), rel->tuples);
	info->tree_height = size->height;
}

static IndexOptInfo *
describe(SkHypothetical *hypothetical, RelOptInfo *rel)
{
	const SkIndex *index = hypothetical->index;
	IndexOptInfo *info = makeNode(IndexOptInfo);
	Relation	relation = relation_open(index->relid, NoLock);

	info->indexoid = hypothetical->oid;
	info->reltablespace = OidIsValid(index->tablespace) ? index->tablespace
		: rel->reltablespace;
	info->rel = rel;
	set_columns(info, index);
	set_order(info, index);
	set_access_method(info, index->am, relation);
	info->indpred = copyObject(index->predicate);
	if (rel->relid != 1)
	{
		ChangeVarNodes((Node *) info->indexprs, 1, rel->relid, 0);
		ChangeVarNodes((Node *) info->indpred, 1, rel->relid, 0);
	}
	set_target_list(info, index, rel->relid);
	info->unique = index->unique;
	info->immediate = true;
	sk_set_nulls_not_distinct(info, index->nulls_not_distinct);
	info->hypothetical = true;
	set_size(info, &hypothetical->size, rel);
	relation_close(relation, NoLock);
	return info;
}

static void
hide_indexes(RelOptInfo *rel, List *hidden)
{
	ListCell   *lc;

	foreach(lc, rel->indexlist)
	{
		IndexOptInfo *info = lfirst(lc);

		if (list_member_oid(hidden, info->indexoid))
			rel->indexlist = foreach_delete_current(rel->indexlist, lc);
	}
}

static void
add_indexes(RelOptInfo *rel, Oid relid, List *indexes)
{
	List	   *ancestors = NIL;
	ListCell   *lc;

	if (indexes != NIL && get_rel_relispartition(relid))
		ancestors = get_partition_ancestors(relid);
	foreach(lc, indexes)
	{
		SkHypothetical *index = lfirst(lc);

		if (list_member_oid(ancestors, index->index->relid))
			index = part_of(index, relid);
		else if (index->index->relid != relid)
			continue;
		if (size_of(index) != NULL)
			rel->indexlist = lcons(describe(index, rel), rel->indexlist);
		else if (assumed->strict)
			ReThrowError(index->error);
	}
}

/* Is this a part of the query that sk_whatif_plan() was called for? */
static bool
is_ours(const PlannerInfo *root)
{
	if (likely(planned_query == NULL))
		return false;
	while (root->parent_root != NULL)
		root = root->parent_root;
	return root->parse == planned_query;
}

static void
change_relation(SK_RELATION_PARAMS)
{
	const RangeTblEntry *table = planner_rt_fetch(rel->relid, root);

	if (next_relation_hook)
		next_relation_hook(SK_RELATION_ARGS);
	if (!is_ours(root) || table->rtekind != RTE_RELATION)
		return;
	hide_indexes(rel, assumed->hidden);
	if (!table->inh && rel->fdwroutine == NULL &&
		!(IgnoreSystemIndexes && IsCatalogRelationOid(table->relid)))
		add_indexes(rel, table->relid, assumed->indexes);
	sk_unlucky_relation(rel);
}

/* GEQO does so, in memory of its own. */
static bool
makes_relations_again(const PlannerInfo *root)
{
	return enable_geqo && list_length(root->initial_rels) >= geqo_threshold &&
		(assumed->order == NULL || !assumed->order->known_only);
}

static void
assume_join(PlannerInfo *root, RelOptInfo *join, RelOptInfo *outer, RelOptInfo *inner,
			JoinType type, JoinPathExtraData *extra)
{
	if (next_join_hook)
		next_join_hook(root, join, outer, inner, type, extra);
	if (is_ours(root) && !makes_relations_again(root))
		sk_unlucky_join(root, join, outer, inner, type, extra->restrictlist);
}

static RelOptInfo *
search_joins(PlannerInfo *root, int levels, List *rels)
{
	if (is_ours(root) && assumed->order != NULL)
		return sk_join_order_search(assumed->order, assumed->known_joins,
									assumed->unlucky == NULL, root, levels, rels,
									next_search_hook);
	return sk_join_order_search_all(root, levels, rels, next_search_hook);
}

static void
observe_relation(PlannerInfo *root, RelOptInfo *rel, Index rti,
				 RangeTblEntry *rte)
{
	if (next_pathlist_hook)
		next_pathlist_hook(root, rel, rti, rte);
	if (is_ours(root) && assumed->observer != NULL)
		assumed->observer(root, rel, rte, assumed->arg);
}

static void
keep(HeapTuple tuple)
{
}

/* May statistics meet operators that could tell of them?  As the planner asks. */
static bool
may_use(Oid relid)
{
	return pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
		check_enable_rls(relid, InvalidOid, true) != RLS_ENABLED;
}

/*
 * An index on an expression has statistics of its own when it exists and was
 * analyzed.  Those of ours are from a sample.
 * The planner does not use those of a partial index.
 */
static bool
find_statistics(PlannerInfo *root, Oid indexid, AttrNumber attnum,
				VariableStatData *var)
{
	SkHypothetical *index = NULL;

	if (is_ours(root))
		index = sk_whatif_find(assumed->indexes, indexid);
	if (index != NULL && index->index->predicate == NIL &&
		index->size.statistics[attnum - 1] != NULL)
	{
		var->statsTuple = index->size.statistics[attnum - 1];
		var->freefunc = keep;
		var->acl_ok = may_use(index->index->relid);
		return true;
	}
	return next_index_stats_hook && next_index_stats_hook(root, indexid, attnum, var);
}

void
sk_whatif_init(void)
{
	next_index_stats_hook = get_index_stats_hook;
	get_index_stats_hook = find_statistics;
	next_relation_hook = build_simple_rel_hook;
	build_simple_rel_hook = change_relation;
	next_pathlist_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = observe_relation;
	next_search_hook = join_search_hook;
	join_search_hook = search_joins;
	next_join_hook = set_join_pathlist_hook;
	set_join_pathlist_hook = assume_join;
}

/* ----------
 * Plans
 * ----------
 */

/*
 * Plan a copy of a query, whose parameters have the values that "params" gives
 * them.  It is the planner that everybody uses, with whatever other extensions
 * do to it, but nothing is counted as planned.
 */
PlannedStmt *
sk_whatif_plan(Query *query, const char *text, ParamListInfo params,
			   const SkWhatIf *whatif)
{
	const Query *outer_query = planned_query;
	const SkWhatIf *outer = assumed;
	PlannedStmt *volatile plan = NULL;
	SkUnluckySaved saved;

	query = copyObject(query);
	query->queryId = 0;
	sk_unlucky_begin(whatif->unlucky, &saved);
	PG_TRY();
	{
		planned_query = query;
		assumed = whatif;
		plan = planner(query, text, CURSOR_OPT_PARALLEL_OK, params, NULL);
	}
	PG_FINALLY();
	{
		sk_unlucky_end(&saved);
		planned_query = outer_query;
		assumed = outer;
	}
	PG_END_TRY();
	return plan;
}
