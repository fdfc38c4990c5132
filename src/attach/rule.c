/*-------------------------------------------------------------------------
 *
 * attach/rule.c
 *	  The rules that say which new tables get which feature: the rows of
 *	  schemakit.auto_rule.
 *
 * Whoever runs DDL needs their effect without having a right on them, so they
 * are read through the table's own access method and not with SQL.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "attach/rule.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/spi.h"
#include "base/trigger.h"
#include "schemakit.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* schemakit.auto_rule, as made by the install script */
enum
{
	Anum_id = 1,
	Anum_feature,
	Anum_schemas,
	Anum_tables,
	Anum_exceptions,
	Anum_options,
	Anum_enabled,
	Natts_auto_rule = Anum_enabled
};

/*
 * The table may have more columns than this library knows, if that is older
 * than the installed version of the extension, but not fewer.
 */
static void
check_columns(TupleDesc tupdesc)
{
	if (tupdesc->natts < Natts_auto_rule)
		elog(ERROR, "table %s.auto_rule has %d columns, expected %d",
			 SK_SCHEMA, tupdesc->natts, Natts_auto_rule);
}

static List *
patterns_of(ArrayType *array)
{
	Datum	   *values;
	bool	   *nulls;
	int			n;
	List	   *patterns = NIL;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i])
			patterns = lappend(patterns, DatumGetTextPCopy(values[i]));
	}
	return patterns;
}

static SkRule *
make_rule(const Datum *values)
{
	SkRule	   *rule = palloc(sizeof(SkRule));

	rule->id = DatumGetInt64(values[Anum_id - 1]);
	rule->feature = TextDatumGetCString(values[Anum_feature - 1]);
	rule->schemas = DatumGetTextPCopy(values[Anum_schemas - 1]);
	rule->tables = DatumGetTextPCopy(values[Anum_tables - 1]);
	rule->exceptions = patterns_of(DatumGetArrayTypeP(values[Anum_exceptions - 1]));
	rule->options = DatumGetJsonbPCopy(values[Anum_options - 1]);
	return rule;
}

static int
newest_first(const ListCell *a, const ListCell *b)
{
	int64		ida = ((SkRule *) lfirst(a))->id;
	int64		idb = ((SkRule *) lfirst(b))->id;

	return (ida < idb) - (ida > idb);
}

/*
 * The rules that are enabled, newest first: where several match, the newest
 * that suits the table decides.
 */
List *
sk_rule_list(void)
{
	Oid			relid = get_relname_relid("auto_rule",
										  get_namespace_oid(SK_SCHEMA, false));
	Relation	rel = table_open(relid, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	List	   *rules = NIL;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		TupleDesc	tupdesc = RelationGetDescr(rel);
		Datum	   *values = palloc(sizeof(Datum) * tupdesc->natts);
		bool	   *nulls = palloc(sizeof(bool) * tupdesc->natts);

		check_columns(tupdesc);
		heap_deform_tuple(tuple, tupdesc, values, nulls);
		if (DatumGetBool(values[Anum_enabled - 1]))
			rules = lappend(rules, make_rule(values));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	list_sort(rules, newest_first);
	return rules;
}

static bool
like(const char *name, const text *pattern)
{
	return DatumGetBool(DirectFunctionCall2Coll(textlike, C_COLLATION_OID,
												CStringGetTextDatum(name),
												PointerGetDatum(pattern)));
}

/* Exceptions name tables, or schemas and tables with a dot between them. */
static bool
is_named(Relation rel, const text *pattern)
{
	const char *table = RelationGetRelationName(rel);

	return like(table, pattern) ||
		(memchr(VARDATA_ANY(pattern), '.', VARSIZE_ANY_EXHDR(pattern)) != NULL &&
		 like(psprintf("%s.%s", get_namespace_name(RelationGetNamespace(rel)), table),
			  pattern));
}

static bool
is_excepted(const SkRule *rule, Relation rel)
{
	ListCell   *lc;

	foreach(lc, rule->exceptions)
	{
		if (is_named(rel, lfirst(lc)))
			return true;
	}
	return false;
}

/*
 * Is the rule about this feature, and about tables of such a name?
 */
bool
sk_rule_matches(const SkRule *rule, const char *feature, Relation rel)
{
	return strcmp(rule->feature, feature) == 0 &&
		like(get_namespace_name(RelationGetNamespace(rel)), rule->schemas) &&
		like(RelationGetRelationName(rel), rule->tables) &&
		!is_excepted(rule, rel);
}

/* The pattern in schemakit.auto_exceptions that the table has, or NULL */
static char *
excepting_pattern(Relation rel)
{
	ListCell   *lc;

	foreach(lc, sk_guc_auto_exceptions())
	{
		if (is_named(rel, cstring_to_text(lfirst(lc))))
			return lfirst(lc);
	}
	return NULL;
}

/*
 * Why do all rules leave the table alone?  NULL if they do not.
 *
 * What an extension makes in its own schema after it was created is its own, although
 * no member of it: pg_repack copies a table there, follows the table's changes, and
 * gives it the copy's file.  A trigger would change the rows.
 */
char *
sk_rule_exemption(Relation rel)
{
	char	   *pattern = excepting_pattern(rel);
	Oid			extension;

	if (pattern != NULL)
		return psprintf("schemakit.auto_exceptions has the pattern %s",
						quote_identifier(pattern));
	extension = getExtensionOfObject(NamespaceRelationId, RelationGetNamespace(rel));
	return !OidIsValid(extension) ? NULL
		: psprintf("its schema belongs to extension %s",
				   quote_identifier(get_extension_name(extension)));
}

/* Do rules apply to tables of that schema?  As sk_table_is_eligible() says. */
static bool
is_users_schema(const char *name)
{
	return strncmp(name, "pg_", 3) != 0 &&
		strcmp(name, "information_schema") != 0 && strcmp(name, SK_SCHEMA) != 0;
}

/* Is there a schema of such a name in which rules apply? */
bool
sk_rule_has_schema(const text *pattern)
{
	Relation	pg_namespace = table_open(NamespaceRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(pg_namespace, InvalidOid, false, NULL,
										  0, NULL);
	bool		found = false;
	HeapTuple	tuple;

	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		const char *name = NameStr(((Form_pg_namespace) GETSTRUCT(tuple))->nspname);

		found = is_users_schema(name) && like(name, pattern);
	}
	systable_endscan(scan);
	table_close(pg_namespace, AccessShareLock);
	return found;
}

/* Give an existing rule for the same tables the new one's settings. */
static bool
update_same_rule(const Datum *values)
{
	static const Oid types[] = {
		TEXTOID, TEXTOID, TEXTOID, TEXTARRAYOID, JSONBOID, BOOLOID
	};

	return sk_spi_execute("UPDATE schemakit.auto_rule"
						  " SET exceptions = $4, options = $5, enabled = $6"
						  " WHERE " SK_RULE_IS_SAME("$1", "$2", "$3", "$5"),
						  6, types, values + Anum_feature - 1,
						  SPI_OK_UPDATE, NULL) > 0;
}

static bool
id_is_taken(Datum id)
{
	static const Oid types[] = {INT8OID};

	return sk_spi_execute("SELECT id FROM schemakit.auto_rule"
						  " WHERE id OPERATOR(pg_catalog.=) $1",
						  1, types, &id, SPI_OK_SELECT, NULL) > 0;
}

static Datum
next_id(void)
{
	int64		id;

	sk_spi_execute("SELECT COALESCE(pg_catalog.max(id), 0::pg_catalog.int8)"
				   " OPERATOR(pg_catalog.+) 1::pg_catalog.int8"
				   " FROM schemakit.auto_rule",
				   0, NULL, NULL, SPI_OK_SELECT, &id);
	return Int64GetDatum(id);
}

/*
 * schemakit.internal_auto_rule_merge() RETURNS trigger
 *
 * BEFORE INSERT on schemakit.auto_rule, so that the rules of a dump can be
 * loaded where there are rules already, the built-in one at least: a rule for
 * the same tables replaces the one that is there, and one whose id is taken
 * gets another.
 */
PG_FUNCTION_INFO_V1(schemakit_internal_auto_rule_merge);
Datum
schemakit_internal_auto_rule_merge(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = sk_trigger_before_row(fcinfo, "internal_auto_rule_merge",
												  TRIGGER_EVENT_INSERT);
	TupleDesc	tupdesc = RelationGetDescr(trigdata->tg_relation);
	HeapTuple	tuple = trigdata->tg_trigtuple;
	Datum	   *values = palloc(sizeof(Datum) * tupdesc->natts);
	bool	   *nulls = palloc(sizeof(bool) * tupdesc->natts);
	bool		complete = true;

	check_columns(tupdesc);
	heap_deform_tuple(tuple, tupdesc, values, nulls);
	for (int i = Anum_feature - 1; i < Natts_auto_rule; i++)
		complete &= !nulls[i];	/* if not, NOT NULL will say so */

	if (complete && update_same_rule(values))
		return PointerGetDatum(NULL);
	if (nulls[Anum_id - 1] || id_is_taken(values[Anum_id - 1]))
	{
		values[Anum_id - 1] = next_id();
		nulls[Anum_id - 1] = false;
		tuple = heap_form_tuple(tupdesc, values, nulls);
	}
	return PointerGetDatum(tuple);
}
