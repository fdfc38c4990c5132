/*-------------------------------------------------------------------------
 *
 * audit/live.c
 *	  The rows that there are now, from which the past is made.
 *
 * They are read with the rights of the current user, but as the table's owner where
 * that makes no difference.  So is all that is done with their values.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/live.h"
#include "audit/json_decode.h"
#include "audit/merge.h"
#include "base/guc.h"
#include "base/receive.h"
#include "base/rights.h"

#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/*
 * The operator that the type is compared with, whatever the search_path
 */
Oid
sk_audit_live_equality(Oid type)
{
	Oid			op = lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr;

	if (!OidIsValid(op))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("could not identify an equality operator for type %s",
						format_type_be(type)),
				 errhint("Query schemakit.audit_log instead.")));
	return op;
}

/*
 * " WHERE id OPERATOR(pg_catalog.=) $1", for the row with the key, and the values of
 * the parameters.
 */
char *
sk_audit_live_condition(const SkAuditReader *reader, JsonbValue *key, Oid *types,
						Datum *values, char *nulls)
{
	StringInfoData buf;
	int			nestlevel = sk_guc_pin();

	initStringInfo(&buf);
	for (int i = 0; i < reader->nkeys; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(reader->tupdesc, reader->keys[i] - 1);
		const char *name = quote_identifier(NameStr(attr->attname));
		bool		isnull;

		types[i] = getBaseType(attr->atttypid);
		values[i] = sk_audit_json_decode(reader->types[reader->keys[i] - 1], -1,
										 &key[i], &isnull);
		nulls[i] = isnull ? 'n' : ' ';
		appendStringInfoString(&buf, i ? " AND " : " WHERE ");
		if (isnull)
			appendStringInfo(&buf, "%s IS NULL", name);
		else
			generate_operator_clause(&buf, name, attr->atttypid,
									 sk_audit_live_equality(types[i]),
									 psprintf("$%d", i + 1), types[i]);
	}
	sk_guc_unpin(nestlevel);
	return buf.data;
}

typedef struct Reading
{
	SkAuditPast *past;
	SkAuditLive each;
} Reading;

/* The query returns no dropped columns. */
static void
receive_row(void *arg, TupleTableSlot *slot)
{
	Reading    *reading = arg;
	TupleDesc	tupdesc = reading->past->reader->tupdesc;
	Datum	   *values = palloc(sizeof(Datum) * Max(tupdesc->natts, 1));
	bool	   *nulls = palloc(sizeof(bool) * Max(tupdesc->natts, 1));
	int			column = 0;

	slot_getallattrs(slot);
	for (int i = 0; i < tupdesc->natts; i++)
	{
		bool		dropped = TupleDescAttr(tupdesc, i)->attisdropped;

		nulls[i] = dropped || slot->tts_isnull[column];
		values[i] = nulls[i] ? (Datum) 0 : slot->tts_values[column];
		column += !dropped;
	}
	reading->each(reading->past, values, nulls);
}

/*
 * Run "each" on the rows that there are now, and then "finish" with the same rights,
 * under fixed settings.
 */
void
sk_audit_live_each(SkAuditPast *past, SkAuditLive each, void (*finish) (SkAuditPast *past))
{
	const SkAuditReader *reader = past->reader;
	bool		as_owner = sk_audit_reader_as_owner(reader);
	Oid		   *types = palloc(sizeof(Oid) * Max(reader->nkeys, 1));
	Datum	   *values = palloc(sizeof(Datum) * Max(reader->nkeys, 1));
	char	   *nulls = palloc(reader->nkeys + 1);
	char	   *query = psprintf("SELECT * FROM %s%s%s",
								 reader->partitioned ? "" : "ONLY ", reader->name,
								 past->key ? sk_audit_live_condition(reader, past->key, types,
																	 values, nulls) : "");
	Reading		reading = {past, each};
	SkRights	saved;
	int			nestlevel;

	if (as_owner)
		sk_rights_assume_to_read(reader->owner, &saved);
	sk_receive_of_query(query, past->key ? reader->nkeys : 0, types, values, nulls,
						receive_row, &reading);
	nestlevel = sk_guc_pin();
	finish(past);
	sk_guc_unpin(nestlevel);
	if (as_owner)
		sk_rights_restore(&saved);
}

/*
 * Put the rows that there are now into past->merge, and return what they were.
 */
void
sk_audit_live_read(SkAuditPast *past)
{
	sk_audit_live_each(past, sk_audit_merge_live, sk_audit_merge_end);
}
