/*-------------------------------------------------------------------------
 *
 * audit/spelling.c
 *	  Keys that are equal, but are written differently in the log.
 *
 * The log finds a row's events by the text of its key.  For most types, equal
 * values have the same text.  For others, such as citext, interval, or text with
 * a nondeterministic collation, a key may be written in another way than the row
 * had it, and rows that had equal keys one after the other may have written them
 * differently.  For those, all keys that the log has of the table are compared
 * with the type's own equality.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/spelling.h"
#include "audit/json_decode.h"
#include "audit/key_hash.h"
#include "base/array.h"
#include "base/compat.h"
#include "base/guard.h"
#include "base/rights.h"

#include "access/nbtree.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

static Form_pg_attribute
key_column(const SkAuditReader *reader, int i)
{
	return TupleDescAttr(reader->tupdesc, reader->keys[i] - 1);
}

static SkJsonType *
key_type(const SkAuditReader *reader, int i)
{
	return reader->types[reader->keys[i] - 1];
}

/*
 * Do equal values of a column have the same text?  A b-tree operator class says so, for
 * the sake of deduplication, of types whose equal values have the same image.  Numbers
 * are compared as such.
 */
bool
sk_audit_spelling_is_same(const SkAuditReader *reader, AttrNumber attnum)
{
	Form_pg_attribute attr = TupleDescAttr(reader->tupdesc, attnum - 1);
	SkJsonType *json = reader->types[attnum - 1];
	TypeCacheEntry *type = lookup_type_cache(json->type, TYPECACHE_BTREE_OPFAMILY);
	Oid			same_image;

	if (json->kind == SK_JSON_NUMERIC)
		return true;
	if (!OidIsValid(type->btree_opf))
		return false;
	same_image = get_opfamily_proc(type->btree_opf, type->btree_opintype,
								   type->btree_opintype, BTEQUALIMAGE_PROC);
	return OidIsValid(same_image) &&
		DatumGetBool(OidFunctionCall1Coll(same_image, attr->attcollation,
										  ObjectIdGetDatum(type->btree_opintype)));
}

/* The same of a column of the key; if nothing is known of its type, it is compared as text. */
static bool
has_one_text(const SkAuditReader *reader, int i)
{
	TypeCacheEntry *type = lookup_type_cache(key_type(reader, i)->type,
											 TYPECACHE_BTREE_OPFAMILY);

	return !OidIsValid(type->btree_opf) ||
		sk_audit_spelling_is_same(reader, reader->keys[i]);
}

/*
 * Are equal values of that column of the key always written in the same way?
 */
bool
sk_audit_spelling_is_one(const SkAuditReader *reader, AttrNumber attnum)
{
	for (int i = 0; i < reader->nkeys; i++)
	{
		if (reader->keys[i] == attnum)
			return has_one_text(reader, i) &&
				key_type(reader, i)->kind != SK_JSON_NUMERIC;
	}
	return true;
}

static bool
all_have_one_text(const SkAuditReader *reader)
{
	for (int i = 0; i < reader->nkeys; i++)
	{
		if (!has_one_text(reader, i))
			return false;
	}
	return true;
}

static Datum
decode(const SkAuditReader *reader, int i, const JsonbValue *value, bool *isnull)
{
	return sk_audit_json_decode(key_type(reader, i), -1, value, isnull);
}

static bool
is_equal_value(const SkAuditReader *reader, int i, const JsonbValue *a,
			   const JsonbValue *b)
{
	TypeCacheEntry *type = lookup_type_cache(key_type(reader, i)->type,
											 TYPECACHE_EQ_OPR_FINFO);
	bool		null_a;
	bool		null_b;
	Datum		value_a = decode(reader, i, a, &null_a);
	Datum		value_b = decode(reader, i, b, &null_b);

	if (!OidIsValid(type->eq_opr_finfo.fn_oid))
		return false;
	if (null_a || null_b)
		return null_a && null_b;
	return DatumGetBool(FunctionCall2Coll(&type->eq_opr_finfo,
										  key_column(reader, i)->attcollation,
										  value_a, value_b));
}

static bool
is_equal_key(const SkAuditReader *reader, const JsonbValue *a, const JsonbValue *b)
{
	for (int i = 0; i < reader->nkeys; i++)
	{
		if (!is_equal_value(reader, i, &a[i], &b[i]))
			return false;
	}
	return true;
}

static bool
is_same_text(const SkAuditReader *reader, const JsonbValue *a, const JsonbValue *b)
{
	return strcmp(sk_audit_reader_identity(a, reader->nkeys, true),
				  sk_audit_reader_identity(b, reader->nkeys, true)) == 0;
}

/* The key in a row of the query */
static JsonbValue *
read_key(const SkAuditReader *reader, HeapTuple tuple, TupleDesc tupdesc)
{
	JsonbValue *values = palloc0(sizeof(JsonbValue) * Max(reader->tupdesc->natts, 1));
	const SkAuditShape *shape;
	bool		isnull;

	shape = sk_audit_reader_shape(reader,
								  DatumGetInt32(SPI_getbinval(tuple, tupdesc, 1, &isnull)));
	sk_audit_reader_values(reader, shape,
						   DatumGetJsonbPCopy(SPI_getbinval(tuple, tupdesc, 2, &isnull)),
						   values);
	return sk_audit_reader_key_of(reader, values);
}

static List *
add_equal(const SkAuditReader *reader, List *keys, JsonbValue *key)
{
	ListCell   *lc;

	foreach(lc, keys)
	{
		if (is_same_text(reader, lfirst(lc), key))
			return keys;
	}
	return is_equal_key(reader, linitial(keys), key) ? lappend(keys, key) : keys;
}

/*
 * All keys that the log has of the table, as a list of JsonbValue *.  By their texts,
 * since documents are equal whose numbers are.
 */
static List *
keys_in_log(const SkAuditReader *reader)
{
	static const Oid types[] = {INT4ARRAYOID};
	Datum		values[] = {sk_audit_reader_shape_ids(reader)};
	MemoryContext context = CurrentMemoryContext;
	List	   *keys = NIL;
	SkRights	saved;

	sk_audit_reader_begin(&saved);
	SPI_connect();
	if (SPI_execute_with_args("SELECT DISTINCT ON (shape_id, key::pg_catalog.text) shape_id, key FROM schemakit.audit_event"
							  " WHERE key IS NOT NULL AND shape_id OPERATOR(pg_catalog.=) ANY ($1)",
							  1, (Oid *) types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read events");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		keys = lappend(keys, read_key(reader, SPI_tuptable->vals[i],
									  SPI_tuptable->tupdesc));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	sk_rights_restore(&saved);
	return keys;
}

/* Keys that are compared with the first of "spellings" */
typedef struct Comparison
{
	const SkAuditReader *reader;
	List	   *keys;
	List	   *spellings;
} Comparison;

static void
compare(void *arg)
{
	Comparison *comparison = arg;
	ListCell   *lc;

	foreach(lc, comparison->keys)
		comparison->spellings = add_equal(comparison->reader, comparison->spellings, lfirst(lc));
}

static bool
compare_some(const SkAuditReader *reader, List *keys, List **spellings)
{
	Comparison	comparison = {reader, keys, list_copy(*spellings)};

	if (sk_guard_try(compare, &comparison, sk_audit_json_decode_is_about_value) != NULL)
		return false;
	*spellings = comparison.spellings;
	return true;
}

/*
 * A key that the type does not take, since the column had another one or a domain another
 * constraint when it was recorded, is not equal: then each is compared by itself.
 */
static List *
compare_all(const SkAuditReader *reader, List *keys, List *spellings)
{
	ListCell   *lc;

	if (keys == NIL || compare_some(reader, keys, &spellings))
		return spellings;
	foreach(lc, keys)
		(void) compare_some(reader, list_make1(lfirst(lc)), &spellings);
	return spellings;
}

/*
 * The key, and all that are equal to it in the log, as a list of JsonbValue *.
 */
List *
sk_audit_spelling_list(const SkAuditReader *reader, JsonbValue *key)
{
	List	   *spellings = list_make1(key);
	SkRights	saved;

	if (all_have_one_text(reader))
		return spellings;
	sk_rights_pin(&saved);
	spellings = compare_all(reader, keys_in_log(reader), spellings);
	sk_rights_restore(&saved);
	return spellings;
}

/*
 * The hashes of these keys, and with_table that of events about all of the table, as
 * an int8 array.
 */
Datum
sk_audit_spelling_hashes(const SkAuditReader *reader, List *spellings, bool with_table)
{
	Datum	   *hashes = palloc(sizeof(Datum) * (list_length(spellings) + 1));
	int			count = 0;
	ListCell   *lc;

	foreach(lc, spellings)
		hashes[count++] = UInt64GetDatum(sk_audit_key_hash_of(lfirst(lc), reader->nkeys,
															  reader->rel_id));
	if (with_table)
		hashes[count++] = UInt64GetDatum(sk_audit_key_hash_of(NULL, 0, reader->rel_id));
	return sk_array_of(hashes, count, INT8OID);
}
