/*-------------------------------------------------------------------------
 *
 * base/compat.h
 *	  What differs between the server versions that schemakit builds on.
 *
 * The only file that may look at PG_VERSION_NUM.  Each wrapper has the newest
 * server's signature; the comment names the upstream commit that changed it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_COMPAT_H
#define SK_COMPAT_H

#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "fmgr.h"
#include "utils/acl.h"
#include "utils/guc.h"

#if PG_VERSION_NUM < 140000
#error "schemakit requires PostgreSQL 14 or later"
#endif

/* 16, d952373a987b: VARATT_* and friends moved out of postgres.h */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* 16, afbfc02983f8 and c727f511bd7b: one function for all kinds of objects */
#if PG_VERSION_NUM < 160000
#define object_aclcheck(classid, objectid, roleid, mode) \
	(AssertMacro((classid) == NamespaceRelationId), \
	 pg_namespace_aclcheck((objectid), (roleid), (mode)))
#include "catalog/pg_collation.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_type.h"
#define object_ownercheck(classid, objectid, roleid) \
	((classid) == NamespaceRelationId ? \
	 pg_namespace_ownercheck((objectid), (roleid)) : \
	 (classid) == TypeRelationId ? \
	 pg_type_ownercheck((objectid), (roleid)) : \
	 (classid) == ProcedureRelationId ? \
	 pg_proc_ownercheck((objectid), (roleid)) : \
	 (classid) == CollationRelationId ? \
	 pg_collation_ownercheck((objectid), (roleid)) : \
	 (classid) == OperatorRelationId ? \
	 pg_oper_ownercheck((objectid), (roleid)) : \
	 (classid) == TSConfigRelationId ? \
	 pg_ts_config_ownercheck((objectid), (roleid)) : \
	 (classid) == ExtensionRelationId ? \
	 pg_extension_ownercheck((objectid), (roleid)) : \
	 pg_class_ownercheck((objectid), (roleid)))
#endif

/*
 * Its header, utils/pg_locale.h, includes those of ICU, which do not come with the
 * server's.
 */
extern PGDLLIMPORT char *locale_monetary;

/* 15, 88103567cb8f: the prefix is reserved, not only warned about */
#if PG_VERSION_NUM < 150000
#define MarkGUCPrefixReserved(className) EmitWarningsOnPlaceholders(className)
#endif

/* 15, 9e98583898c3 and a5f002ad9a8c: one call sets up a materialized result */
#if PG_VERSION_NUM < 150000
#include "funcapi.h"
#include "miscadmin.h"

#define MAT_SRF_USE_EXPECTED_DESC 0x01

static inline void
InitMaterializedSRF(FunctionCallInfo fcinfo, bits32 flags)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext old;

	if (rsinfo == NULL || !IsA(rsinfo, ReturnSetInfo) ||
		(rsinfo->allowedModes & SFRM_Materialize) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("set-valued function called in context that cannot accept a set")));
	old = MemoryContextSwitchTo(rsinfo->econtext->ecxt_per_query_memory);
	if (flags & MAT_SRF_USE_EXPECTED_DESC)
		rsinfo->setDesc = CreateTupleDescCopy(rsinfo->expectedDesc);
	else if (get_call_result_type(fcinfo, NULL, &rsinfo->setDesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	rsinfo->returnMode = SFRM_Materialize;
	rsinfo->setResult = tuplestore_begin_heap(true, false, work_mem);
	MemoryContextSwitchTo(old);
}
#endif

/*
 * 15, 7faa3fc84bf4: views can check the rights of who uses them.  Before, a view
 * reads its table with the rights of its owner.
 */
#if PG_VERSION_NUM < 150000
#define SK_VIEW_OPTIONS ""
#else
#define SK_VIEW_OPTIONS "security_invoker = true"
#endif

/* 15, e997a0c64286: no global variable any more */
#if PG_VERSION_NUM < 150000
#include "access/xlog.h"
#define GetWALInsertionTimeLine() (ThisTimeLineID)
#else
#include "access/xlogrecovery.h"	/* for GetLatestXTime() */
#endif

/* 15, d6f96ed94e73: ON DELETE SET NULL (columns) */
#if PG_VERSION_NUM < 150000
#define sk_deconstruct_foreign_key(tuple, nkeys, conkey, confkey, pf, pp, ff) \
	DeconstructFkConstraintRow(tuple, nkeys, conkey, confkey, pf, pp, ff)
#else
#define sk_deconstruct_foreign_key(tuple, nkeys, conkey, confkey, pf, pp, ff) \
	DeconstructFkConstraintRow(tuple, nkeys, conkey, confkey, pf, pp, ff, \
							   NULL, NULL)
#endif

/*
 * 18, 89f908a6d0ac: foreign keys over periods of time; ca87c415e2fc: keys that
 * are not enforced
 */
#if PG_VERSION_NUM < 180000
#define sk_constraint_is_temporal(form) false
#define sk_constraint_is_enforced(form) true
#define sk_check_is_enforced(check) true
#else
#define sk_constraint_is_temporal(form) ((form)->conperiod)
#define sk_constraint_is_enforced(form) ((form)->conenforced)
#define sk_check_is_enforced(check) ((check)->ccenforced)
#endif

/* 18, 086c84b23d99: what RESTRICT refuses has a code and a message of its own */
#if PG_VERSION_NUM < 180000
#define SK_ERRCODE_RESTRICT ERRCODE_FOREIGN_KEY_VIOLATION
#define SK_RESTRICT_MESSAGE \
	"update or delete on table \"%s\" violates foreign key constraint \"%s\" on table \"%s\""
#define SK_RESTRICT_DETAIL "still referenced"
#else
#define SK_ERRCODE_RESTRICT ERRCODE_RESTRICT_VIOLATION
#define SK_RESTRICT_MESSAGE \
	"update or delete on table \"%s\" violates RESTRICT setting of foreign key constraint \"%s\" on table \"%s\""
#define SK_RESTRICT_DETAIL "referenced"
#endif

/* 16, a61b1f74823c: which columns are updated is with the permissions to check */
#if PG_VERSION_NUM < 160000
#define sk_init_range_table(estate, rte, updated) \
	((rte)->updatedCols = (updated), \
	 ExecInitRangeTable(estate, list_make1(rte)))
#define sk_init_plan_qual(epqstate, estate) \
	EvalPlanQualInit(epqstate, estate, NULL, NIL, -1)
#else
#include "executor/executor.h"
#include "parser/parse_relation.h"

static inline void
sk_init_range_table(EState *estate, RangeTblEntry *rte, Bitmapset *updated)
{
	List	   *permissions = NIL;

	addRTEPermissionInfo(&permissions, rte)->updatedCols = updated;
#if PG_VERSION_NUM < 180000
	ExecInitRangeTable(estate, list_make1(rte), permissions);
#else
	/* 18, cbc127917e04: which of them are not pruned */
	ExecInitRangeTable(estate, list_make1(rte), permissions,
					   bms_make_singleton(1));
#endif
}

#define sk_init_plan_qual(epqstate, estate) \
	EvalPlanQualInit(epqstate, estate, NULL, NIL, -1, NIL)
#endif

/* 16, 19d8e2308bc5: which indexes an update has to do with */
#if PG_VERSION_NUM < 160000
typedef bool sk_index_update;
#define sk_has_index_update(update) (update)
#define sk_insert_index_tuples(result, slot, estate, update) \
	ExecInsertIndexTuples(result, slot, estate, true, false, NULL, NIL)
#else
#include "access/tableam.h"

typedef TU_UpdateIndexes sk_index_update;
#define sk_has_index_update(update) ((update) != TU_None)
#if PG_VERSION_NUM < 190000
#define sk_insert_index_tuples(result, slot, estate, update) \
	ExecInsertIndexTuples(result, slot, estate, true, false, NULL, NIL, \
						  (update) == TU_Summarizing)
#else
/* 19: flags instead of booleans, in another order */
#define sk_insert_index_tuples(result, slot, estate, update) \
	ExecInsertIndexTuples(result, estate, EIIT_IS_UPDATE | \
						  ((update) == TU_Summarizing ? EIIT_ONLY_SUMMARIZING : 0), \
						  slot, NIL, NULL)
#endif
#endif

/* 15, ba9a7e392171: triggers see rows that move between partitions */
#if PG_VERSION_NUM < 150000
#define sk_after_update(estate, result, tid, slot, recheck) \
	ExecARUpdateTriggers(estate, result, tid, NULL, slot, recheck, NULL)
#else
#define sk_after_update(estate, result, tid, slot, recheck) \
	ExecARUpdateTriggers(estate, result, NULL, NULL, tid, NULL, slot, \
						 recheck, NULL, false)
#endif

/*
 * 18, 0fbceae841cb: index scans can be counted; 19, dcd8cc1c852c: scans have
 * flags
 */
#include "access/genam.h"
#include "access/tableam.h"
#if PG_VERSION_NUM < 180000
#define index_beginscan(table, index, snapshot, instrument, nkeys, norderbys, flags) \
	index_beginscan(table, index, snapshot, nkeys, norderbys)
#elif PG_VERSION_NUM < 190000
#define index_beginscan(table, index, snapshot, instrument, nkeys, norderbys, flags) \
	index_beginscan(table, index, snapshot, instrument, nkeys, norderbys)
#endif
#if PG_VERSION_NUM < 190000
#define SO_NONE 0
#define table_beginscan(table, snapshot, nkeys, key, flags) \
	table_beginscan(table, snapshot, nkeys, key)
#endif

/* 19: updates have options */
#if PG_VERSION_NUM < 190000
#define table_tuple_update(table, tid, slot, cid, options, ...) \
	table_tuple_update(table, tid, slot, cid, __VA_ARGS__)
#endif

/* 16, 8fb580a35ce3: local backend entries are got by index */
#if PG_VERSION_NUM < 160000
#define pgstat_get_local_beentry_by_index(i) pgstat_fetch_stat_local_beentry(i)
#endif

/* 17, c1ec02be1d79: what an index keeps between insertions is given back */
#if PG_VERSION_NUM < 170000
#define index_insert_cleanup(index, info) ((void) 0)
#endif

/* 15, ec62cb0aac63: options of sorts */
#if PG_VERSION_NUM < 150000
#define TUPLESORT_NONE false
#endif

/* 19: where columns are in a row is computed once, when all have been described */
#if PG_VERSION_NUM < 190000
#define TupleDescFinalize(tupdesc) ((void) (tupdesc))
#endif

/* 18, 66f9f66f04dd: the first columns of rows are described by the server */
#if PG_VERSION_NUM < 180000
static inline TupleDesc
CreateTupleDescTruncatedCopy(TupleDesc tupdesc, int natts)
{
	TupleDesc	copy = CreateTemplateTupleDesc(natts);

	for (int i = 1; i <= natts; i++)
		TupleDescCopyEntry(copy, i, tupdesc, i);
	return copy;
}
#endif

/* 15, 94aa7cc5f707: whether nulls are distinct in unique indexes */
#if PG_VERSION_NUM < 150000
#define sk_index_nulls_not_distinct(form) false
#define sk_index_stmt_nulls_not_distinct(stmt) false
#else
#define sk_index_nulls_not_distinct(form) ((form)->indnullsnotdistinct)
#define sk_index_stmt_nulls_not_distinct(stmt) ((stmt)->nulls_not_distinct)
#endif

/* 18, 2f8cb1c6f1f5: and the planner knows */
#if PG_VERSION_NUM < 180000
#define sk_set_nulls_not_distinct(info, value) ((void) (value))
#else
#define sk_set_nulls_not_distinct(info, value) \
	((info)->nullsnotdistinct = (value))
#endif

/* 16, ad86d159b6ab: columns may be missing */
#include "access/attmap.h"
#if PG_VERSION_NUM < 160000
#define build_attrmap_by_name(in, out, missing) \
	build_attrmap_by_name(in, out)
#endif

/* 17, 0cecc908e973: a stronger lock may count as well */
#if PG_VERSION_NUM < 170000
#include "storage/lock.h"
#define LockHeldByMe(tag, mode, orstronger) \
	(AssertMacro(!(orstronger)), LockHeldByMe(tag, mode))
#endif

/* 18, c3953226a07b: one callback less for bitmap scans */
#if PG_VERSION_NUM < 180000
#define sk_has_bitmap_scan(tableam) ((tableam)->scan_bitmap_next_block != NULL)
#else
#define sk_has_bitmap_scan(tableam) ((tableam)->scan_bitmap_next_tuple != NULL)
#endif

/*
 * 17, 5de890e3610d: EXPLAIN can tell of the planner's memory; 18, c65bc2e1d14a:
 * headers were split
 */
#if PG_VERSION_NUM < 170000
#define sk_explain_plan(plan, es, text, params, planning) \
	ExplainOnePlan(plan, NULL, es, text, params, NULL, planning, NULL)
#else
#define sk_explain_plan(plan, es, text, params, planning) \
	ExplainOnePlan(plan, NULL, es, text, params, NULL, planning, NULL, NULL)
#endif
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif

/* 16, a61b1f74823c: each table of a query has its permissions elsewhere */
#if PG_VERSION_NUM < 160000
#define sk_add_permissions(query, rte) ((void) (query))
#else
#define sk_add_permissions(query, rte) \
	((void) addRTEPermissionInfo(&(query)->rteperminfos, (rte)))
#endif

/* 16, a61b1f74823c, and what one may do with a plan is checked there */
#include "executor/executor.h"
#if PG_VERSION_NUM < 160000
#define sk_check_plan_permissions(plan) \
	((void) ExecCheckRTPerms((plan)->rtable, true))
#else
#define sk_check_plan_permissions(plan) \
	((void) ExecCheckPermissions((plan)->rtable, (plan)->permInfos, true))
#endif

/* 16, 3d14e171e9e2: to be a member is one thing, to become the role another */
#if PG_VERSION_NUM < 160000
#define sk_may_become(role) is_member_of_role(GetUserId(), (role))
#else
#define sk_may_become(role) member_can_set_role(GetUserId(), (role))
#endif

/* 16, 840ff5f451cd: the server does not change subcommands that concern children */
#if PG_VERSION_NUM < 160000
#define sk_is_column_list(subtype) \
	((subtype) == AT_AddColumn || (subtype) == AT_AddColumnRecurse || \
	 (subtype) == AT_DropColumn || (subtype) == AT_DropColumnRecurse)
#else
#define sk_is_column_list(subtype) \
	((subtype) == AT_AddColumn || (subtype) == AT_DropColumn)
#endif

/* 17, 5d06e99a3cfc: ALTER TABLE ... ALTER COLUMN ... SET EXPRESSION */
#if PG_VERSION_NUM < 170000
#define sk_is_set_expression(subtype) false
#else
#define sk_is_set_expression(subtype) ((subtype) == AT_SetExpression)
#endif

/* 16, 19d8e2308bc5: updates are heap-only in spite of a BRIN index */
#if PG_VERSION_NUM < 160000
#define SK_SUMMARIZES(am) false
#else
#define SK_SUMMARIZES(am) ((am) == BRIN_AM_OID)
#endif

/*
 * 15, f2553d43060e: a database has a provider of collations, and 17,
 * 2d819a08a1cb, one that compares bytes.  (The server's own function needs
 * headers of ICU from 18 on.)
 */
#if PG_VERSION_NUM < 150000
#define sk_collation_provider(form) COLLPROVIDER_LIBC
#define sk_collation_name(tuple, form) NameStr((form)->datcollate)
#else
#define sk_collation_provider(form) ((form)->datlocprovider)
#define sk_collation_name(tuple, form) sk_collation_name_of(tuple)
#include "catalog/pg_database.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

static inline const char *
sk_collation_name_of(HeapTuple tuple)
{
	bool		isnull;
	Datum		name = SysCacheGetAttr(DATABASEOID, tuple,
									   Anum_pg_database_datcollate, &isnull);

	return isnull ? "" : TextDatumGetCString(name);
}
#endif
#if PG_VERSION_NUM < 170000
#define COLLPROVIDER_BUILTIN 'b'
#endif

/* 18, 8123e91f5aeb: orders are known by comparison, not by b-tree's strategy */
#if PG_VERSION_NUM < 180000
#define sk_is_descending(pathkey) \
	((pathkey)->pk_strategy == BTGreaterStrategyNumber)
#else
#define sk_is_descending(pathkey) ((pathkey)->pk_cmptype == COMPARE_GT)
#endif

/* 19, 91f33a2ae92: the hook is called for whatever a query reads, not for tables */
#if PG_VERSION_NUM < 190000
#include "optimizer/plancat.h"

#define build_simple_rel_hook_type get_relation_info_hook_type
#define build_simple_rel_hook get_relation_info_hook
#define SK_RELATION_PARAMS \
	PlannerInfo *root, Oid relid, bool inhparent, RelOptInfo *rel
#define SK_RELATION_ARGS root, relid, inhparent, rel
#else
#include "optimizer/pathnode.h"

#define SK_RELATION_PARAMS \
	PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte
#define SK_RELATION_ARGS root, rel, rte
#endif

/* 19, c83ac02ec: extensions can add to EXPLAIN what they know when a query is planned */
#include "optimizer/optimizer.h"
#if PG_VERSION_NUM < 190000
#define planner(query, text, options, params, es) \
	planner(query, text, options, params)
#endif

/* 19: a domain's checks may be volatile */
#include "utils/typcache.h"
#if PG_VERSION_NUM < 190000
#define DomainHasConstraints(type, has_volatile) DomainHasConstraints(type)
#endif

/* 19, 457620845: standard_conforming_strings is always on */
#if PG_VERSION_NUM < 190000
#define sk_ignore_escapes(extra) ((extra).escape_string_warning = false)
#else
#define sk_ignore_escapes(extra) ((void) (extra))
#endif

/* 19, 0986e95161c: the result is in the state */
#include "utils/jsonb.h"
#if PG_VERSION_NUM < 190000
typedef struct JsonbInState
{
	JsonbValue *result;
	JsonbParseState *parseState;
} JsonbInState;

static inline void
sk_push_jsonb_value(JsonbInState *state, JsonbIteratorToken token,
					JsonbValue *value)
{
	state->result = pushJsonbValue(&state->parseState, token, value);
}

#define pushJsonbValue(state, token, value) \
	sk_push_jsonb_value(state, token, value)
#endif

/* 19: what is known of the replication origin is one variable, and the type's name longer */
#include "replication/origin.h"
#if PG_VERSION_NUM < 190000
typedef RepOriginId ReplOriginId;
#define InvalidReplOriginId InvalidRepOriginId
#define sk_session_origin replorigin_session_origin
#define sk_session_origin_timestamp replorigin_session_origin_timestamp
#define sk_session_origin_lsn replorigin_session_origin_lsn
#else
#define sk_session_origin replorigin_xact_state.origin
#define sk_session_origin_timestamp replorigin_xact_state.origin_timestamp
#define sk_session_origin_lsn replorigin_xact_state.origin_lsn
#endif

/* 16, 2489d76c4906: Vars know the outer joins that may make them null */
#if PG_VERSION_NUM < 160000
#define sk_forget_nulling(node) ((void) (node))
#else
#include "nodes/nodeFuncs.h"
#define sk_forget_nulling(node) ((void) sk_forget_nulling_walker((node), NULL))

static inline bool
sk_forget_nulling_walker(Node *node, void *arg)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
		((Var *) node)->varnullingrels = NULL;
	return expression_tree_walker(node, sk_forget_nulling_walker, arg);
}
#endif

/* 15, 7103ebb7aae8: MERGE, each action of which is a command of its own */
#include "nodes/parsenodes.h"
#if PG_VERSION_NUM < 150000
#define sk_is_merge(stmt) false
#define sk_merge_does(query, command) false
#else
#define sk_is_merge(stmt) IsA(stmt, MergeStmt)

static inline bool
sk_merge_does(const Query *query, CmdType command)
{
	ListCell   *lc;

	if (query->commandType != CMD_MERGE)
		return false;
	foreach(lc, query->mergeActionList)
	{
		if (((MergeAction *) lfirst(lc))->commandType == command)
			return true;
	}
	return false;
}
#endif

/* 15, 2ed532ee8c47: one function tells what a kind of relation is not good for */
#if PG_VERSION_NUM < 150000
static inline int
errdetail_relkind_not_supported(char relkind)
{
	const char *kinds = relkind == RELKIND_VIEW ? "views" :
		relkind == RELKIND_INDEX ? "indexes" :
		relkind == RELKIND_PARTITIONED_INDEX ? "partitioned indexes" :
		relkind == RELKIND_SEQUENCE ? "sequences" :
		relkind == RELKIND_FOREIGN_TABLE ? "foreign tables" :
		relkind == RELKIND_COMPOSITE_TYPE ? "composite types" :
		relkind == RELKIND_TOASTVALUE ? "TOAST tables" : "relations of its kind";

	return errdetail("This operation is not supported for %s.", kinds);
}
#endif

/* 16, c037471832e1: the time of an index's last scan is known */
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
#if PG_VERSION_NUM < 160000
static inline bool
sk_last_scan(Oid indexid, TimestampTz *time)
{
	*time = 0;
	return false;
}
#else
static inline bool
sk_last_scan(Oid indexid, TimestampTz *time)
{
	LOCAL_FCINFO(fcinfo, 1);
	Datum		result;

	InitFunctionCallInfoData(*fcinfo, NULL, 1, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = ObjectIdGetDatum(indexid);
	fcinfo->args[0].isnull = false;
	result = pg_stat_get_lastscan(fcinfo);
	*time = fcinfo->isnull ? 0 : DatumGetTimestampTz(result);
	return !fcinfo->isnull;
}
#endif

/* 17, 4f622503d6de: the target of statistics is not in the column's row */
#include "commands/vacuum.h"
#if PG_VERSION_NUM < 170000
#define sk_set_statistics_target(stats) \
	((stats)->attr = palloc0(ATTRIBUTE_FIXED_PART_SIZE), \
	 (stats)->attr->atttypid = (stats)->attrtypid, \
	 (stats)->attr->attstattarget = -1)
#else
#define sk_set_statistics_target(stats) ((stats)->attstattarget = -1)
#endif

/* 18, 9324c8c58065: a module can tell its name and version */
#ifndef PG_MODULE_MAGIC_EXT
#define SK_MODULE_MAGIC PG_MODULE_MAGIC
#else
#define SK_MODULE_MAGIC \
	PG_MODULE_MAGIC_EXT(.name = "schemakit", .version = SCHEMAKIT_VERSION)
#endif

#endif							/* SK_COMPAT_H */
