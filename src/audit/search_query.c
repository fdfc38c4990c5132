/*-------------------------------------------------------------------------
 *
 * audit/search_query.c
 *	  The statements of audit_search().
 *
 * Each is about one partition, and returns where events are in the order, and the hash
 * of their key.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/search_query.h"

#include "lib/stringinfo.h"

/*
 * What an event must be like, but for who made it.  If the index of values or that of
 * actors is to find it, what is true of many events is no condition for another one; and
 * the index of values is not asked if there are many of them in a short time.
 */
static void
append_conditions(StringInfo buf, const SkAuditSearch *search, bool by_value)
{
	bool		is_narrow = by_value && (is_given(search, SK_SEARCH_VALUE) ||
										 is_given(search, SK_SEARCH_COLUMNS) ||
										 is_given(search, SK_SEARCH_ACTOR));
	const char *if_known = by_value ? "" : " IS TRUE";

	appendStringInfoString(buf, " e.at OPERATOR(pg_catalog.>=) $1 AND e.at OPERATOR(pg_catalog.<) $2");
	if (search->op != NULL)
		appendStringInfo(buf, " AND (e.op OPERATOR(pg_catalog.=) ANY ('{%s}'::pg_catalog.\"char\"[]))%s",
						 search->op, is_narrow ? " IS TRUE" : "");
	else
		appendStringInfoString(buf, " AND e.op OPERATOR(pg_catalog.<>) ALL ('{O,C}'::pg_catalog.\"char\"[])");
	if (is_given(search, SK_SEARCH_AT))
		appendStringInfoString(buf, " AND e.at OPERATOR(pg_catalog.<=) $3"
							   " AND (e.at OPERATOR(pg_catalog.<) $3 OR e.txn_id OPERATOR(pg_catalog.<) $4"
							   " OR (e.txn_id OPERATOR(pg_catalog.=) $4 AND (e.command OPERATOR(pg_catalog.<) $5"
							   " OR (e.command OPERATOR(pg_catalog.=) $5 AND e.n OPERATOR(pg_catalog.<) $6))))");
	if (is_given(search, SK_SEARCH_SHAPES))
		appendStringInfo(buf, " AND (e.shape_id OPERATOR(pg_catalog.=) ANY ($7))%s",
						 is_narrow ? " IS TRUE" : "");
	if (is_given(search, SK_SEARCH_VALUE))
		appendStringInfo(buf, " AND (e.new OPERATOR(pg_catalog.@>) $10 OR e.old OPERATOR(pg_catalog.@>) $10)%s", if_known);

	/*
	 * As the view says what has changed.  An update has the same columns in
	 * both documents, an insert has not: so the index is not asked for all
	 * that were inserted.
	 */
	if (is_given(search, SK_SEARCH_COLUMNS))
		appendStringInfo(buf, " AND (e.op OPERATOR(pg_catalog.=) ANY ('{U,N}'::pg_catalog.\"char\"[])) IS TRUE"
						 " AND (e.new OPERATOR(pg_catalog.?|) $9 AND e.old OPERATOR(pg_catalog.?|) $9)%s"
						 " AND (e.key IS NOT NULL AND (SELECT (s.options OPERATOR(pg_catalog.->>) 'capture') IS NULL"
						 " FROM schemakit.audit_shape AS s WHERE s.shape_id OPERATOR(pg_catalog.=) e.shape_id)"
						 " OR EXISTS (SELECT FROM pg_catalog.unnest($9) AS c(name)"
						 " WHERE e.new OPERATOR(pg_catalog.?) c.name AND ((e.old OPERATOR(pg_catalog.->) c.name)"
						 " OPERATOR(pg_catalog.=) (e.new OPERATOR(pg_catalog.->) c.name)) IS NOT TRUE))", if_known);
}

#define SEARCH_COLUMNS	"e.at, e.txn_id, e.command, e.n, e.key_hash"
#define SEARCH_ORDER	" ORDER BY at DESC, txn_id DESC, command DESC, n DESC LIMIT $11"

static void
append_branch(StringInfo buf, const SkAuditSearch *search, const char *from, bool by_value,
			  const char *order)
{
	appendStringInfo(buf, "(SELECT " SEARCH_COLUMNS " FROM %s", from);
	append_conditions(buf, search, by_value);
	appendStringInfo(buf, "%s)", order);
}

/*
 * Who acts is in the event itself, or in the one of the transaction that carries it.
 * Where there is no index, both are found at once.
 */
static char *
make_statement(const SkAuditSearch *search, const char *leaf, bool is_closed, bool by_value,
			   const char *order)
{
	const char *acting = psprintf("%s AS a WHERE a.actor OPERATOR(pg_catalog.=) $8 AND a.role IS NOT NULL"
								  " AND a.at OPERATOR(pg_catalog.>=) $1 AND a.at OPERATOR(pg_catalog.<) $2%s",
								  leaf, is_given(search, SK_SEARCH_AT)
								  ? " AND a.at OPERATOR(pg_catalog.<=) $3" : "");
	StringInfoData buf;

	initStringInfo(&buf);
	if (!is_given(search, SK_SEARCH_ACTOR))
	{
		append_branch(&buf, search, psprintf("%s AS e WHERE", leaf), by_value, order);
		return buf.data;
	}
	appendStringInfoString(&buf, is_closed ? "WITH acting AS NOT MATERIALIZED" : "WITH acting AS MATERIALIZED");
	appendStringInfo(&buf, " (SELECT * FROM %s) ", acting);
	append_branch(&buf, search, "acting AS e WHERE", by_value, order);
	appendStringInfoString(&buf, " UNION ALL ");
	append_branch(&buf, search,
				  psprintf("acting AS a JOIN %s AS e ON e.txn_id OPERATOR(pg_catalog.=) a.txn_id"
						   " AND e.at OPERATOR(pg_catalog.=) a.at AND e.carrier OPERATOR(pg_catalog.=) a.n"
						   " WHERE a.carrier IS NOT NULL AND e.role IS NULL AND", leaf),
				  by_value, order);
	appendStringInfoString(&buf, order);
	return buf.data;
}

/*
 * The newest events that are asked for
 */
char *
sk_audit_search_query_newest(const SkAuditSearch *search, const char *leaf, bool is_closed,
							 bool by_value)
{
	return make_statement(search, leaf, is_closed, by_value, SEARCH_ORDER);
}

/*
 * The newest events of one of some tables, by shapes, with one of the operations in a text
 * such as "U,N": of each pair, as the index of tables and operations has them, by time.
 */
char *
sk_audit_search_query_kinds(const SkAuditSearch *search, const char *leaf, const Datum *shapes,
							int nshapes, const char *ops)
{
	SkAuditSearch others = *search;
	StringInfoData buf;
	int			branches = 0;

	others.op = NULL;
	others.nulls[SK_SEARCH_SHAPES] = 'n';
	initStringInfo(&buf);
	for (int i = 0; i < nshapes; i++)
	{
		for (const char *op = ops; *op; op += strspn(op + 1, ",") + 1)
		{
			if (buf.len > 0)
				appendStringInfoString(&buf, " UNION ALL ");
			branches++;
			append_branch(&buf, &others,
						  psprintf("%s AS e WHERE e.shape_id OPERATOR(pg_catalog.=) %d"
								   " AND e.op OPERATOR(pg_catalog.=) '%c'::pg_catalog.\"char\" AND",
								   leaf, DatumGetInt32(shapes[i]), *op),
						  false, SEARCH_ORDER);
		}
	}
	if (branches > 1)
		appendStringInfoString(&buf, SEARCH_ORDER);
	return buf.data;
}

/*
 * Any events, in no order.  If the actor is not all that is asked for, it is looked up for
 * each event that satisfies the other conditions; the last column says whether it is the one.
 */
char *
sk_audit_search_query_any(const SkAuditSearch *search, const char *leaf)
{
	StringInfoData buf;

	if (!is_given(search, SK_SEARCH_ACTOR))
		return make_statement(search, leaf, true, true, " LIMIT $11");
	initStringInfo(&buf);
	appendStringInfo(&buf, "SELECT " SEARCH_COLUMNS ", (e.role IS NOT NULL AND e.actor OPERATOR(pg_catalog.=) $8"
					 " OR e.role IS NULL AND EXISTS (SELECT FROM %s AS a WHERE a.role IS NOT NULL AND a.carrier IS NOT NULL"
					 " AND a.txn_id OPERATOR(pg_catalog.=) e.txn_id AND a.at OPERATOR(pg_catalog.=) e.at"
					 " AND a.n OPERATOR(pg_catalog.=) e.carrier AND a.actor OPERATOR(pg_catalog.=) $8 OFFSET 0)) IS TRUE"
					 " FROM %s AS e WHERE", leaf, leaf);
	append_conditions(&buf, search, true);
	appendStringInfoString(&buf, " LIMIT $11");
	return buf.data;
}

/*
 * Events that say that the actor acts
 */
char *
sk_audit_search_query_acting(const SkAuditSearch *search, const char *leaf)
{
	return psprintf("SELECT " SEARCH_COLUMNS " FROM %s AS e WHERE e.actor OPERATOR(pg_catalog.=) $8"
					" AND e.role IS NOT NULL AND e.at OPERATOR(pg_catalog.>=) $1"
					" AND e.at OPERATOR(pg_catalog.<) $2 LIMIT $11", leaf);
}

/*
 * The newest of events at given places, whose actor is the one that is asked for
 */
char *
sk_audit_search_query_these(const SkAuditSearch *search, const char *leaf)
{
	StringInfoData buf;

	initStringInfo(&buf);
	append_branch(&buf, search, psprintf("%s AS e WHERE e.ctid OPERATOR(pg_catalog.=) ANY ($12) AND", leaf),
				  false, SEARCH_ORDER);
	return buf.data;
}
