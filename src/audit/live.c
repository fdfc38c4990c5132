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
#include "audit/filter.h"
#include "audit/json_decode.h"
#include "audit/merge.h"
#include "base/clause.h"
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

/* "id OPERATOR(pg_catalog.=) $1", or "id IS NULL" */
static void
append_condition(StringInfo buf, const SkAuditReader *reader, AttrNumber attnum,
				 bool isnull, Oid type, int number)
{
	Form_pg_attribute attr = TupleDescAttr(reader->tupdesc, attnum - 1);
	const char *name = quote_identifier(NameStr(attr->attname));

	appendStringInfoString(buf, number > 1 ? " AND " : " WHERE ");
	if (isnull)
		appendStringInfo(buf, "%s IS NULL", name);
	else
		sk_clause_append(buf, name, attr->atttypid, sk_audit_live_equality(type),
						 psprintf("$%d", number), type);
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
		AttrNumber	attnum = reader->keys[i];
		bool		isnull;

		types[i] = reader->types[attnum - 1]->type;
		values[i] = sk_audit_json_decode(reader->types[attnum - 1], -1, &key[i], &isnull);
		nulls[i] = isnull ? 'n' : ' ';
		append_condition(&buf, reader, attnum, isnull, types[i], i + 1);
	}
	sk_guc_unpin(nestlevel);
	return buf.data;
}

/* The same for the rows that have the values that are asked for */
static char *
filter_condition(const SkAuditPast *past, Oid *types, Datum *values, char *nulls)
{
	StringInfoData buf;
	int			nestlevel = sk_guc_pin();

	initStringInfo(&buf);
	for (int i = 0; i < past->filter->ncolumns; i++)
	{
		const SkAuditFilterColumn *column = &past->filter->columns[i];

		types[i] = past->reader->types[column->attnum - 1]->type;
		values[i] = column->value;
		nulls[i] = column->isnull ? 'n' : ' ';
		append_condition(&buf, past->reader, column->attnum, column->isnull, types[i], i + 1);
	}
	sk_guc_unpin(nestlevel);
	return buf.data;
}

typedef struct Receiver
{
	const SkAuditReader *reader;
	SkAuditLiveReceive receive;
	void	   *arg;
} Receiver;

/* The query returns no dropped columns. */
static void
receive_row(void *arg, TupleTableSlot *slot)
{
	Receiver   *receiver = arg;
	TupleDesc	tupdesc = receiver->reader->tupdesc;
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
	receiver->receive(receiver->arg, values, nulls);
}

/* What is put after the name of the table in the query, and its parameters */
typedef struct Condition
{
	char	   *text;
	int			nvalues;
	Oid		   *types;
	Datum	   *values;
	char	   *nulls;
} Condition;

static void
init_condition(Condition *condition, int nvalues)
{
	condition->text = "";
	condition->nvalues = nvalues;
	condition->types = palloc(sizeof(Oid) * Max(nvalues, 1));
	condition->values = palloc(sizeof(Datum) * Max(nvalues, 1));
	condition->nulls = palloc(Max(nvalues, 1));
}

static void
read_rows(const SkAuditPast *past, const Condition *condition, SkAuditLiveReceive receive,
		  void *arg)
{
	const SkAuditReader *reader = past->reader;
	Receiver	receiver = {reader, receive, arg};

	sk_receive_of_query(psprintf("SELECT * FROM %s%s%s", reader->partitioned ? "" : "ONLY ",
								 reader->name, condition->text),
						condition->nvalues, condition->types, condition->values,
						condition->nulls, receive_row, &receiver);
}

/*
 * Call "receive" for each row that there is now and has the values that are asked for,
 * but for no more than so many.
 */
void
sk_audit_live_matching(SkAuditPast *past, int limit, SkAuditLiveReceive receive,
					   void *arg)
{
	bool		as_owner = sk_audit_reader_as_owner(past->reader);
	Condition	condition;
	SkRights	saved;

	init_condition(&condition, past->filter->ncolumns);
	condition.text = psprintf("%s LIMIT %d",
							  filter_condition(past, condition.types, condition.values,
											   condition.nulls), limit);
	if (as_owner)
		sk_rights_assume_to_read(past->reader->owner, &saved);
	read_rows(past, &condition, receive, arg);
	if (as_owner)
		sk_rights_restore(&saved);
}

typedef struct Each
{
	SkAuditPast *past;
	SkAuditLive each;
} Each;

static void
receive_each(void *arg, Datum *values, bool *nulls)
{
	const Each *each = arg;

	each->each(each->past, values, nulls);
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
	Each		each_row = {past, each};
	Condition	condition;
	SkRights	saved;
	int			nestlevel;

	init_condition(&condition, past->key ? reader->nkeys : 0);
	if (past->key != NULL)
		condition.text = sk_audit_live_condition(reader, past->key, condition.types,
												 condition.values, condition.nulls);
	if (as_owner)
		sk_rights_assume_to_read(reader->owner, &saved);
	read_rows(past, &condition, receive_each, &each_row);
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
