/*-------------------------------------------------------------------------
 *
 * audit/reader.c
 *	  What the audit log says of a table, in terms of the table as it is:
 *	  columns that have been renamed meanwhile are found by their numbers.
 *
 * Whoever may read the history of the table (readable.c) may use what reads through
 * this file.  The log's own tables are then read as their owner.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/reader.h"
#include "attach/attach.h"
#include "audit/identity.h"
#include "audit/json_decode.h"
#include "audit/log.h"
#include "audit/readable.h"
#include "audit/table.h"
#include "base/array.h"
#include "base/code.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/table.h"
#include "base/tuple.h"
#include "schemakit.h"

#include "access/table.h"
#include "access/xlog.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/rel.h"

/*
 * Stop here on a standby.
 */
void
sk_audit_reader_check_primary(const char *function)
{
	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s cannot be used during recovery", function),
				 errdetail("A standby does not know which transactions are running."),
				 errhint("Call it on the primary.")));
}

/*
 * Go on as the owner of the log's tables, until sk_rights_restore().  Only
 * statements of our own are executed meanwhile.
 */
void
sk_audit_reader_begin(SkRights *saved)
{
	sk_rights_assume(sk_audit_log_owner(), saved);
}

/*
 * The same for what reads little of a large log
 */
void
sk_audit_reader_begin_quick(SkRights *saved)
{
	sk_audit_reader_begin(saved);
	sk_guc_without_jit();
}

static void
refuse_unknown(Relation rel)
{
	sk_table_refuse_view(rel);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table \"%s\" is not audited",
					RelationGetRelationName(rel)),
			 errhint("Call schemakit.audit_enable() to record its changes.")));
}

static void
refuse_partition(Relation rel, Oid root)
{
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("\"%s\" is a partition of an audited table",
					RelationGetRelationName(rel)),
			 errhint("Name the partitioned table, %s, instead.",
					 quote_qualified_identifier(get_namespace_name(get_rel_namespace(root)),
												get_rel_name(root)))));
}

/* The options that the table is audited with; the defaults if it is not. */
static SkAuditOptions *
find_options(Relation rel)
{
	const Trigger *trigger = sk_attach_find(rel, sk_attach_function(SK_AUDIT_FUNCTION));

	if (trigger != NULL && trigger->tgisclone)
		refuse_partition(rel, sk_attach_origin(trigger->tgoid));
	return trigger != NULL ? sk_audit_options_of(trigger)
		: palloc0(sizeof(SkAuditOptions));
}

static void
find_columns(SkAuditReader *reader, Relation rel)
{
	TupleDesc	tupdesc = CreateTupleDescCopyConstr(RelationGetDescr(rel));
	ListCell   *lc;

	reader->tupdesc = tupdesc;
	reader->types = palloc0(sizeof(SkJsonType *) * Max(tupdesc->natts, 1));
	for (int i = 0; i < tupdesc->natts; i++)
	{
		if (!TupleDescAttr(tupdesc, i)->attisdropped)
			reader->types[i] = sk_audit_json_type(TupleDescAttr(tupdesc, i)->atttypid);
	}
	reader->keys = palloc(sizeof(AttrNumber) * Max(list_length(reader->current->key), 1));
	foreach(lc, reader->current->key)
		reader->keys[reader->nkeys++] = sk_tuple_column(tupdesc, lfirst(lc));
}

/*
 * Read what is known of the table, or raise an error if that is nothing, or
 * not the current user's business.
 */
SkAuditReader *
sk_audit_reader_open(Oid relid)
{
	SkAuditReader *reader = palloc0(sizeof(SkAuditReader));
	SkAuditOptions *options;
	Relation	rel;

	sk_audit_readable_check(relid);
	rel = table_open(relid, AccessShareLock);
	sk_audit_readable_check(relid);
	options = find_options(rel);
	reader->relid = relid;
	reader->owner = rel->rd_rel->relowner;
	reader->partitioned = rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
	reader->rows = rel->rd_rel->reltuples < 0 ? 1000000 : rel->rd_rel->reltuples;
	reader->name = sk_table_name(rel);
	reader->label = pstrdup(RelationGetRelationName(rel));
	reader->rel_id = sk_audit_identity_find_shapes(rel, &reader->shapes);
	if (reader->rel_id == 0)
		refuse_unknown(rel);
	sk_audit_readable_check_shapes(rel, reader->shapes);
	reader->all = sk_audit_readable_all();
	reader->current = sk_audit_table_shape(rel, reader->rel_id, options);
	sk_audit_shape_number(reader->current, reader->shapes);
	reader->names = sk_audit_document_names(reader->shapes, reader->current);
	find_columns(reader, rel);
	table_close(rel, NoLock);
	return reader;
}

/*
 * Are the live rows read as the owner of the table?  If the current user reads all of
 * them, that makes no difference but for the code that the owner has put on the table.
 * Whoever reads the whole log may be subject to policies of the table: what they hide
 * cannot be told from what is not there.
 * An owner who has taken the right to read from himself does not get that run with
 * somebody else's.
 */
bool
sk_audit_reader_as_owner(const SkAuditReader *reader)
{
	sk_audit_readable_check_policies(reader->relid);
	if (pg_class_aclcheck(reader->relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		return false;
	if (pg_class_aclcheck(reader->relid, reader->owner, ACL_SELECT) == ACLCHECK_OK)
		return true;
	if (list_delete_oid(sk_code_of_table(reader->relid), GetUserId()) != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for table %s", reader->label),
				 errdetail("It is read as its owner, role \"%s\", because of the code in its indexes, statistics or constraints.",
						   GetUserNameFromId(reader->owner, false)),
				 errhint("Grant SELECT on the table to its owner.")));
	return false;
}

SkAuditShape *
sk_audit_reader_shape(const SkAuditReader *reader, int32 shape_id)
{
	SkAuditShape *shape = sk_audit_document_shape(reader->names, shape_id);

	if (shape == NULL)
		elog(ERROR, "shape %d is not one of table \"%s\"", shape_id, reader->label);
	return shape;
}

/* "{"order_id": ..., "line": ...}" */
static char *
key_example(const SkAuditReader *reader)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, reader->current->key)
	{
		appendStringInfoString(&buf, buf.len ? ", " : "{");
		escape_json(&buf, lfirst(lc));
		appendStringInfoString(&buf, ": ...");
	}
	appendStringInfoChar(&buf, '}');
	return buf.data;
}

static void
check_given_key(const SkAuditReader *reader, const Jsonb *given)
{
	if (reader->nkeys == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no key", reader->label),
				 errhint("Query schemakit.audit_log instead.")));
	if (!JB_ROOT_IS_OBJECT(given) ||
		JB_ROOT_COUNT(given) != (uint32) reader->nkeys)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("key must be an object of the columns of the key"),
				 errdetail("The key of table \"%s\" is (%s).",
						   reader->label, sk_table_column_names(reader->current->key)),
				 errhint("Write the key as %s.", key_example(reader))));
}

/*
 * A number that JSON writes in another way than the type does: 1.0 is the
 * integer 1.
 */
static JsonbValue
as_type_writes(const SkJsonType *type, const JsonbValue *value)
{
	JsonbValue	result = *value;
	char	   *digits;

	if (value->type == jbvNumeric &&
		(type->kind == SK_JSON_INT2 || type->kind == SK_JSON_INT4 ||
		 type->kind == SK_JSON_INT8))
	{
		digits = numeric_normalize(value->val.numeric);
		sk_audit_json_set_string(&result, digits, strlen(digits));
	}
	return result;
}

/* The value that is given for a column of the key, or an error */
static Datum
decode_given(const SkAuditReader *reader, AttrNumber attnum,
			 const JsonbValue *given, bool *isnull)
{
	Form_pg_attribute attr = TupleDescAttr(reader->tupdesc, attnum - 1);
	SkJsonType *type = reader->types[attnum - 1];
	JsonbValue	value = as_type_writes(type, given);
	ErrorData  *error;
	Datum		datum;

	datum = sk_audit_json_decode_or_tell(type, attr->atttypmod, &value, isnull,
										 &error);
	if (error != NULL)
		ereport(ERROR,
				(errcode(error->sqlerrcode),
				 errmsg("value of \"%s\" in argument \"key\" is not valid for type %s",
						NameStr(attr->attname),
						format_type_with_typemod(attr->atttypid, attr->atttypmod)),
				 errdetail("%s.", error->message),
				 reader->nkeys > 0 ?
				 errhint("The key of table \"%s\" is (%s).",
						 reader->label, sk_table_column_names(reader->current->key)) : 0));
	return datum;
}

/*
 * A value that a user gives for a column, or an error.  "encoded" is what the log has for
 * it.  Under sk_guc_pin().
 */
Datum
sk_audit_reader_given(const SkAuditReader *reader, AttrNumber attnum,
					  const JsonbValue *given, bool *isnull, JsonbValue *encoded)
{
	Size		budget = SK_JSON_BUDGET;
	Datum		datum = decode_given(reader, attnum, given, isnull);

	if (*isnull)
		encoded->type = jbvNull;
	else
		sk_audit_json_encode(reader->types[attnum - 1], datum, &budget, encoded);
	sk_audit_json_pack(encoded);
	return datum;
}

/*
 * A key that a user gives, as an object of column names and values: its values
 * as the log has them, in the order of the key.
 */
JsonbValue *
sk_audit_reader_key(SkAuditReader *reader, const Jsonb *given)
{
	JsonbValue *values = palloc(sizeof(JsonbValue) * Max(reader->nkeys, 1));
	int			nestlevel;

	check_given_key(reader, given);
	nestlevel = sk_guc_pin();
	for (int i = 0; i < reader->nkeys; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(reader->tupdesc, reader->keys[i] - 1);
		JsonbValue	value;
		bool		isnull;

		if (getKeyJsonValueFromContainer((JsonbContainer *) &given->root,
										 NameStr(attr->attname),
										 strlen(NameStr(attr->attname)),
										 &value) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("key lacks column \"%s\"", NameStr(attr->attname)),
					 errhint("The key of table \"%s\" is (%s).",
							 reader->label, sk_table_column_names(reader->current->key))));
		(void) sk_audit_reader_given(reader, reader->keys[i], &value, &isnull,
									 &values[i]);
	}
	sk_guc_unpin(nestlevel);
	return values;
}

static bool
is_same_number(Numeric a, Numeric b)
{
	return (VARSIZE_ANY(a) == VARSIZE_ANY(b) && memcmp(a, b, VARSIZE_ANY(a)) == 0) ||
		strcmp(numeric_normalize(a), numeric_normalize(b)) == 0;
}

static bool
is_same_value(const JsonbValue *a, const JsonbValue *b)
{
	if (!IsAJsonbScalar(a) && !IsAJsonbScalar(b))
		return strcmp(sk_audit_json_text(a), sk_audit_json_text(b)) == 0;
	if (a->type != b->type)
		return false;
	switch (a->type)
	{
		case jbvString:
			return a->val.string.len == b->val.string.len &&
				memcmp(a->val.string.val, b->val.string.val, a->val.string.len) == 0;
		case jbvNumeric:
			return is_same_number(a->val.numeric, b->val.numeric);
		case jbvBool:
			return a->val.boolean == b->val.boolean;
		default:
			return true;
	}
}

/*
 * Are two keys the same?  As sk_audit_reader_identity() has it.
 */
bool
sk_audit_reader_is_same_key(const SkAuditReader *reader, const JsonbValue *a,
							const JsonbValue *b)
{
	for (int i = 0; i < reader->nkeys; i++)
	{
		if (!is_same_value(&a[i], &b[i]))
			return false;
	}
	return true;
}

static void
append_value(StringInfo buf, const JsonbValue *value, bool is_key)
{
	char	   *text = value->type == jbvNumeric && is_key
		? numeric_normalize(value->val.numeric) : sk_audit_json_text(value);
	int			kind = IsAJsonbScalar(value) ? (int) value->type : (int) jbvBinary;

	appendStringInfo(buf, "%d %zu %s ", kind, strlen(text), text);
}

/*
 * A text that is the same for the same values only.  Numbers in keys are the
 * same however many zeros they are written with, others are not.
 */
char *
sk_audit_reader_identity(const JsonbValue *values, int nvalues, bool is_key)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < nvalues; i++)
		append_value(&buf, &values[i], is_key);
	return buf.data;
}

/*
 * The values in a document that was written when the table had the shape, by
 * attribute number - 1; what it does not tell is left alone.
 */
void
sk_audit_reader_values(const SkAuditReader *reader, const SkAuditShape *shape,
					   const Jsonb *document, JsonbValue *values)
{
	SkAuditDocument state;
	JsonbValue	value;
	AttrNumber	attnum;

	sk_audit_document_begin(&state, reader->names, shape, document);
	while ((attnum = sk_audit_document_next(&state, &value)) != InvalidAttrNumber)
		values[attnum - 1] = value;
}

/*
 * The values of the key among those of a row, in the order of the key.
 */
JsonbValue *
sk_audit_reader_key_of(const SkAuditReader *reader, const JsonbValue *values)
{
	JsonbValue *key = palloc(sizeof(JsonbValue) * Max(reader->nkeys, 1));

	for (int i = 0; i < reader->nkeys; i++)
		key[i] = values[reader->keys[i] - 1];
	return key;
}

/*
 * The numbers of all shapes of the table, as an int4 array.
 */
Datum
sk_audit_reader_shape_ids(const SkAuditReader *reader)
{
	Datum	   *ids = palloc(sizeof(Datum) * list_length(reader->shapes));
	int			count = 0;
	ListCell   *lc;

	foreach(lc, reader->shapes)
		ids[count++] = Int32GetDatum(((SkAuditShape *) lfirst(lc))->shape_id);
	return sk_array_of(ids, count, INT4OID);
}
