/*-------------------------------------------------------------------------
 *
 * audit/rows.c
 *	  schemakit.audit_rows(): the rows that a table had, by its name then, also if
 *	  the table is gone.
 *
 * Of a table that is there, audit_as_of_jsonb() tells, which begins with what it is
 * now.  Of one that is gone there is nothing to begin with: its events are replayed, in
 * their order, from the first one on.  So a row is missing of which no event tells, and
 * there is a NOTICE if there may be such.
 *
 * Columns are followed by their numbers, and returned under the names that they had at
 * that time.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/log.h"
#include "audit/options.h"
#include "audit/origin.h"
#include "audit/readable.h"
#include "audit/reader.h"
#include "audit/retention.h"
#include "audit/running.h"
#include "audit/shape.h"
#include "audit/state.h"
#include "base/arg.h"
#include "base/array.h"
#include "base/compat.h"

#include "access/relation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/varlena.h"

/* A table that had the name that was asked for, at the time */
typedef struct Found
{
	char	   *schema;
	char	   *table;
	TimestampTz at;
	List	   *shapes;			/* all that it has had, oldest first */
	SkAuditShape *then;			/* what it was at that time */
	Oid			relid;			/* if it is still there, else InvalidOid */
	bool		stale;			/* may what is told be what was before? */
} Found;


/*-------------------------------------------------------------------------
 * Which table
 *-------------------------------------------------------------------------
 */

/* "schema.table" */
static void
read_name(Found *found, text *name)
{
	List	   *names = textToQualifiedNameList(name);

	if (list_length(names) != 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be the name of a table with its schema",
						"table_name"),
				 errhint("Write it as the column table_name of schemakit.audit_log has it, such as public.users.")));
	found->schema = strVal(linitial(names));
	found->table = strVal(lsecond(names));
}

/* What the table was at that time; NULL if it was not there, or nothing is known */
static SkAuditShape *
shape_at(List *shapes, TimestampTz at)
{
	SkAuditShape *then = NULL;
	ListCell   *lc;

	foreach(lc, shapes)
	{
		if (((SkAuditShape *) lfirst(lc))->recorded_at <= at)
			then = lfirst(lc);
	}
	return then == NULL || then->dropped ? NULL : then;
}

/* Tables may have had the name one after the other, also in other databases. */
static void
find_then(Found *found)
{
	ListCell   *lc;

	foreach(lc, sk_audit_shape_list_named(found->schema, found->table))
	{
		List	   *shapes = sk_audit_shape_list(((SkAuditShape *) lfirst(lc))->rel_id);
		SkAuditShape *then = shape_at(shapes, found->at);

		if (then == NULL || strcmp(then->schema_name, found->schema) != 0 ||
			strcmp(then->table_name, found->table) != 0)
			continue;
		if (found->then == NULL || then->recorded_at > found->then->recorded_at)
		{
			found->then = then;
			found->shapes = shapes;
		}
	}
}

static void
refuse_unknown(const Found *found)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_TABLE),
			 errmsg("the audit log knows of no table %s at %s",
					quote_qualified_identifier(found->schema, found->table),
					timestamptz_to_str(found->at)),
			 errhint("The columns table_name and changed_at of schemakit.audit_log tell which tables had events when.")));
}

/*
 * Is it the table that is there now?  It has been locked then, and the current user
 * may read its history, or there is an error.
 */
static void
find_now(Found *found)
{
	const SkAuditShape *last = llast(found->shapes);
	Relation	rel;

	if (last->dropped || last->cluster != sk_audit_origin_cluster() ||
		last->relid != found->then->relid || found->then->cluster != last->cluster ||
		get_rel_relkind(last->relid) == '\0')
		return;
	sk_audit_readable_check(last->relid);
	rel = try_relation_open(last->relid, AccessShareLock);
	if (rel == NULL)
		return;
	relation_close(rel, NoLock);
	if (sk_audit_reader_open(last->relid)->rel_id == last->rel_id)
		found->relid = last->relid;
}


/*-------------------------------------------------------------------------
 * Can it be told?
 *-------------------------------------------------------------------------
 */

static void
refuse(const Found *found, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cannot determine the rows of table \"%s\" at %s",
					found->table, timestamptz_to_str(found->at)),
			 errdetail("%s", detail),
			 errhint("%s", hint)));
}

static void
check_shape(Found *found, const SkAuditShape *shape, List **reasons)
{
	if (sk_audit_options_parse(shape->options)->capture == SK_AUDIT_KEYS)
		refuse(found, "The table was audited with capture \"keys\", which stores no values.",
			   "Query schemakit.audit_log instead.");
	if (!equal(sk_audit_shape_key(shape), sk_audit_shape_key(found->then)))
		refuse(found, "The key of the table was changed before then.",
			   "Query schemakit.audit_log instead.");
	if (shape->reason != NULL)
		*reasons = lappend(*reasons, shape->reason);
	else if (!shape->covered)
		*reasons = lappend(*reasons, "Changes were not recorded for some time.");
	else
		return;
	found->stale = true;
}

/*
 * The shapes that it has had up to then, the numbers of which are returned.  A table of
 * the name that was dropped before it has nothing to do with its rows.
 */
static Datum
examine(Found *found, List **reasons)
{
	Datum	   *ids = palloc(sizeof(Datum) * list_length(found->shapes));
	const SkAuditShape *first = NULL;
	int			count = 0;
	ListCell   *lc;

	foreach(lc, found->shapes)
	{
		const SkAuditShape *shape = lfirst(lc);

		if (shape->dropped)
		{
			first = NULL;
			count = 0;
			*reasons = NIL;
			found->stale = false;
			continue;
		}
		if (first == NULL)
			first = shape;
		check_shape(found, shape, reasons);
		ids[count++] = Int32GetDatum(shape->shape_id);
		if (shape == found->then)
			break;
	}
	if (sk_audit_retention_since(found->then->rel_id) > first->recorded_at)
	{
		*reasons = lappend(*reasons, "Events were removed from the log by audit_maintain().");
		found->stale = true;
	}
	return sk_array_of(ids, count, INT4OID);
}

static void
tell(const Found *found, List *reasons)
{
	StringInfoData detail;
	ListCell   *lc;

	if (reasons == NIL)
		return;
	initStringInfo(&detail);
	foreach(lc, reasons)
		appendStringInfo(&detail, "%s%s", detail.len ? "  " : "", (char *) lfirst(lc));
	ereport(NOTICE,
			(errmsg(found->stale
					? "rows of table \"%s\" at that time may be missing, incomplete or out of date"
					: "rows of table \"%s\" at that time may be missing or incomplete", found->table),
			 errdetail_internal("%s", detail.data)));
}


/*-------------------------------------------------------------------------
 * The rows
 *-------------------------------------------------------------------------
 */

/*
 * The events up to then, of transactions that were committed by then, in the order in
 * which things happened: as audit_as_of() takes them back.  $1 shapes, $2 the time.
 * TRUNCATE that has not recorded rows makes the table empty.  Columns that were masked,
 * excluded or ignored at some time are left out.
 */
#define EVENTS \
"WITH a AS MATERIALIZED (" \
" SELECT s.shape_id, k.c OPERATOR(pg_catalog.->>) 'name' AS name, k.c OPERATOR(pg_catalog.->>) 'id' AS id," \
" s.key IS NOT NULL AND (k.c OPERATOR(pg_catalog.->>) 'name') OPERATOR(pg_catalog.=) ANY (s.key) AS is_key," \
" (s.options OPERATOR(pg_catalog.->) 'mask') OPERATOR(pg_catalog.?) (k.c OPERATOR(pg_catalog.->>) 'name')" \
" OR (s.options OPERATOR(pg_catalog.->) 'exclude') OPERATOR(pg_catalog.?) (k.c OPERATOR(pg_catalog.->>) 'name')" \
" OR (s.options OPERATOR(pg_catalog.->) 'ignore') OPERATOR(pg_catalog.?) (k.c OPERATOR(pg_catalog.->>) 'name') AS hidden" \
" FROM schemakit.audit_shape AS s, pg_catalog.jsonb_array_elements(s.columns) AS k(c)" \
" WHERE s.shape_id OPERATOR(pg_catalog.=) ANY ($1)" \
"), c AS MATERIALIZED (" \
" SELECT a.* FROM a WHERE a.id OPERATOR(pg_catalog.<>) ALL (ARRAY(SELECT h.id FROM a AS h WHERE h.hidden))" \
"), e AS (" \
" SELECT txn_id, command, n, op, shape_id, key, old, new," \
" pg_catalog.max(changed_at) OVER (PARTITION BY txn_id) AS ended_at" \
" FROM schemakit.audit_event WHERE shape_id OPERATOR(pg_catalog.=) ANY ($1)" \
" AND at OPERATOR(pg_catalog.<=) $2 AND changed_at OPERATOR(pg_catalog.<=) $2" \
" AND txn_id OPERATOR(pg_catalog.<>) ALL (ARRAY(SELECT txn_id FROM schemakit.audit_event" \
" WHERE events IS NOT NULL AND at OPERATOR(pg_catalog.<=) $2 AND changed_at OPERATOR(pg_catalog.>) $2))" \
"), o AS MATERIALIZED (" \
" SELECT txn_id, n, op, shape_id, key, old, new, pg_catalog.row_number() OVER (ORDER BY ended_at, txn_id, command," \
" op OPERATOR(pg_catalog.=) ANY ('{I,N}'::pg_catalog.\"char\"[]), n) AS i FROM e" \
"), t AS MATERIALIZED (" \
" SELECT COALESCE(pg_catalog.max(o.i), 0) AS i FROM o JOIN schemakit.audit_shape AS s" \
" ON s.shape_id OPERATOR(pg_catalog.=) o.shape_id WHERE o.op OPERATOR(pg_catalog.=) 'T'" \
" AND (s.options OPERATOR(pg_catalog.->>) 'truncate_rows') OPERATOR(pg_catalog.=) 'false'" \
"), r AS (SELECT o.* FROM o WHERE o.i OPERATOR(pg_catalog.>) (SELECT t.i FROM t))"

/* A document with numbers of columns for names */
#define NUMBERED(document) \
"(SELECT pg_catalog.jsonb_object_agg(c.id, v.value)" \
" FROM pg_catalog.jsonb_each(" document ") AS v JOIN c ON c.name OPERATOR(pg_catalog.=) v.key" \
" WHERE c.shape_id OPERATOR(pg_catalog.=) r.shape_id)"

/* The reverse, with the names of the shape $3 */
#define NAMED(document, condition) \
"(SELECT pg_catalog.jsonb_object_agg(c.name, v.value)" \
" FROM pg_catalog.jsonb_each(" document ") AS v JOIN c ON c.id OPERATOR(pg_catalog.=) v.key" \
" WHERE c.shape_id OPERATOR(pg_catalog.=) $3" condition ")"

/*
 * Rows with a key: what the last event told that had all of the row, or ended it, and
 * what updates have changed since.  O has the whole row, N what changed.
 */
static const char keyed_query[] =
EVENTS ", k AS MATERIALIZED ("
" SELECT r.txn_id, r.n, r.i, r.op, r.old, r.new, r.shape_id, " NUMBERED("r.key") " AS k FROM r WHERE r.key IS NOT NULL"
"), b AS ("
" SELECT k.k, COALESCE(pg_catalog.max(k.i) FILTER (WHERE k.op OPERATOR(pg_catalog.<>) 'U'), 0) AS i FROM k GROUP BY k.k"
"), d AS ("
" SELECT r.k, r.i, 0 AS part, r.k AS document FROM k AS r JOIN b ON b.k OPERATOR(pg_catalog.=) r.k AND b.i OPERATOR(pg_catalog.=) 0"
" UNION ALL"
" SELECT r.k, r.i, 1, " NUMBERED("former.old") " FROM k AS r JOIN b ON b.k OPERATOR(pg_catalog.=) r.k AND b.i OPERATOR(pg_catalog.=) r.i"
" JOIN o AS former ON former.txn_id OPERATOR(pg_catalog.=) r.txn_id AND former.n OPERATOR(pg_catalog.=) (r.n OPERATOR(pg_catalog.-) 1)"
" AND former.op OPERATOR(pg_catalog.=) 'O' WHERE r.op OPERATOR(pg_catalog.=) 'N'"
" UNION ALL"
" SELECT r.k, r.i, 2, " NUMBERED("r.new") " FROM k AS r JOIN b ON b.k OPERATOR(pg_catalog.=) r.k AND b.i OPERATOR(pg_catalog.<=) r.i"
" WHERE NOT EXISTS (SELECT FROM k AS e WHERE e.i OPERATOR(pg_catalog.=) b.i AND e.op OPERATOR(pg_catalog.=) ANY ('{D,O}'::pg_catalog.\"char\"[]))"
"), w AS ("
" SELECT d.k, pg_catalog.jsonb_object_agg(v.key, v.value ORDER BY d.i, d.part) AS document"
" FROM d, pg_catalog.jsonb_each(d.document) AS v GROUP BY d.k"
") SELECT " NAMED("w.document", " AND c.is_key") ", " NAMED("w.document", "") " FROM w";

/*
 * Rows without: of each content, as many as came, less those that went.  Contents are of
 * the columns that the table always had.
 */
static const char keyless_query[] =
EVENTS ", always AS ("
" SELECT c.id FROM c GROUP BY c.id HAVING pg_catalog.count(*) OPERATOR(pg_catalog.=) pg_catalog.cardinality($1)"
"), d AS ("
" SELECT " NUMBERED("r.new") " AS document, 1 AS count FROM r WHERE r.op OPERATOR(pg_catalog.=) ANY ('{I,B,U}'::pg_catalog.\"char\"[])"
" UNION ALL"
" SELECT " NUMBERED("r.old") ", '-1'::pg_catalog.int4 FROM r WHERE r.op OPERATOR(pg_catalog.=) ANY ('{D,U}'::pg_catalog.\"char\"[])"
"), s AS ("
" SELECT (SELECT pg_catalog.jsonb_object_agg(v.key, v.value) FROM pg_catalog.jsonb_each(d.document) AS v JOIN always ON always.id OPERATOR(pg_catalog.=) v.key) AS document,"
" d.count FROM d"
"), w AS (SELECT s.document, pg_catalog.sum(s.count) AS count FROM s GROUP BY s.document)"
" SELECT NULL::pg_catalog.jsonb, COALESCE(" NAMED("w.document", "") ", '{}') FROM w, pg_catalog.generate_series(1, w.count)";

/* Of which rows does the log not have the beginning? */
static bool
has_baseline(Datum shapes)
{
	static const Oid types[] = {INT4ARRAYOID};

	if (SPI_execute_with_args("SELECT FROM schemakit.audit_event WHERE (op OPERATOR(pg_catalog.=) 'B'"
							  " OR op OPERATOR(pg_catalog.=) 'S' AND new OPERATOR(pg_catalog.?) '" SK_AUDIT_STATE_EMPTY "')"
							  " AND shape_id OPERATOR(pg_catalog.=) ANY ($1) LIMIT 1",
							  1, (Oid *) types, &shapes, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read events");
	return SPI_processed > 0;
}

/* A partition was truncated: which rows were in it is not known. */
static bool
has_truncated_partition(Datum shapes, TimestampTz at)
{
	static const Oid types[] = {INT4ARRAYOID, TIMESTAMPTZOID};
	Datum		values[] = {shapes, TimestampTzGetDatum(at)};

	if (SPI_execute_with_args("SELECT FROM schemakit.audit_event AS e JOIN schemakit.audit_shape AS s"
							  " ON s.shape_id OPERATOR(pg_catalog.=) e.shape_id"
							  " WHERE e.op OPERATOR(pg_catalog.=) 'T' AND e.new IS NOT NULL"
							  " AND e.shape_id OPERATOR(pg_catalog.=) ANY ($1) AND e.changed_at OPERATOR(pg_catalog.<=) $2"
							  " AND (s.options OPERATOR(pg_catalog.->>) 'truncate_rows') OPERATOR(pg_catalog.=) 'false' LIMIT 1",
							  2, (Oid *) types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read events");
	return SPI_processed > 0;
}

static void
put_result(ReturnSetInfo *rsinfo)
{
	Portal		portal = SPI_cursor_find("schemakit rows");

	for (SPI_cursor_fetch(portal, true, 1000); SPI_processed > 0;
		 SPI_cursor_fetch(portal, true, 1000))
	{
		for (uint64 i = 0; i < SPI_processed; i++)
			tuplestore_puttuple(rsinfo->setResult, SPI_tuptable->vals[i]);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
}

static void
replay(Found *found, ReturnSetInfo *rsinfo)
{
	static const Oid types[] = {INT4ARRAYOID, TIMESTAMPTZOID, INT4OID};
	List	   *reasons = NIL;
	Datum		values[3];
	SkRights	saved;

	values[0] = examine(found, &reasons);
	values[1] = TimestampTzGetDatum(found->at);
	values[2] = Int32GetDatum(found->then->shape_id);
	sk_audit_reader_begin(&saved);
	SPI_connect();
	if (has_truncated_partition(values[0], found->at))
		refuse(found, "A partition of the table was truncated before then, and its rows were not recorded.",
			   "Query schemakit.audit_log instead.");
	if (!has_baseline(values[0]))
		reasons = lappend(reasons, "Of rows that it had when audit was enabled only changes are told, unless that was done with baseline => true.");
	(void) SPI_cursor_open_with_args("schemakit rows", found->then->key != NIL ? keyed_query : keyless_query,
									 3, (Oid *) types, values, NULL, true, 0);
	put_result(rsinfo);
	tell(found, reasons);
	SPI_finish();
	sk_rights_restore(&saved);
}

/* Of a table that is there, as its caller. */
static void
return_present(const Found *found, ReturnSetInfo *rsinfo)
{
	static const Oid types[] = {REGCLASSOID, TIMESTAMPTZOID, NAMEARRAYOID};
	List	   *key = sk_audit_reader_open(found->relid)->current->key;
	Datum	   *names = palloc(sizeof(Datum) * Max(list_length(key), 1));
	Datum		values[3];
	int			count = 0;
	ListCell   *lc;

	foreach(lc, key)
		names[count++] = DirectFunctionCall1(namein, CStringGetDatum(lfirst(lc)));
	values[0] = ObjectIdGetDatum(found->relid);
	values[1] = TimestampTzGetDatum(found->at);
	values[2] = sk_array_of(names, count, NAMEOID);
	SPI_connect();
	(void) SPI_cursor_open_with_args("schemakit rows",
									 "SELECT (SELECT pg_catalog.jsonb_object_agg(k, r OPERATOR(pg_catalog.->) k::pg_catalog.text) FROM pg_catalog.unnest($3) AS k), r"
									 " FROM schemakit.audit_as_of_jsonb($1, $2) AS r",
									 3, (Oid *) types, values, NULL, true, 0);
	put_result(rsinfo);
	SPI_finish();
}

/*
 * schemakit.audit_rows(table_name text, at timestamptz)
 *		RETURNS SETOF (key jsonb, row jsonb)
 */
PG_FUNCTION_INFO_V1(schemakit_audit_rows);
Datum
schemakit_audit_rows(PG_FUNCTION_ARGS)
{
	Found		found = {0};

	sk_arg_reject_null(fcinfo, 0, "table_name");
	sk_arg_reject_null(fcinfo, 1, "at");
	InitMaterializedSRF(fcinfo, 0);
	read_name(&found, PG_GETARG_TEXT_PP(0));
	found.at = PG_GETARG_TIMESTAMPTZ(1);
	find_then(&found);
	if (found.then == NULL)
		refuse_unknown(&found);
	find_now(&found);
	if (OidIsValid(found.relid))
	{
		return_present(&found, (ReturnSetInfo *) fcinfo->resultinfo);
		return (Datum) 0;
	}
	sk_audit_readable_check_gone(found.shapes);
	sk_audit_running_notice(found.table, found.at);
	replay(&found, (ReturnSetInfo *) fcinfo->resultinfo);
	return (Datum) 0;
}
