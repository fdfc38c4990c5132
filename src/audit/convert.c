/*-------------------------------------------------------------------------
 *
 * audit/convert.c
 *	  Values of a column whose type was another one, in terms of the present one.
 *
 * ALTER TABLE has converted the values that rows had then.  What the log has of
 * former values is converted in the same way, so that values that were equal are
 * told as equal: the value is read as one of its former type, and the server's cast
 * makes one of the present type of it.
 *
 * That is not possible if the result depends on the settings of the session that
 * altered the table, as from timestamp to timestamptz, if the cast is a function of
 * a user's, or if the former type is not known in this database.  Nor can a former
 * value of a composite type be told whose attributes have changed.  Such values are
 * null, and a NOTICE names the columns.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/convert.h"
#include "audit/json_decode.h"
#include "base/guc.h"
#include "base/table.h"

#include "access/transam.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "parser/parse_coerce.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

typedef enum Way
{
	WAY_READ,					/* its text is read as the present type */
	WAY_CAST,
	WAY_TEXT,					/* the text of the former type's value is */
	WAY_NONE
} Way;

struct SkAuditConversion
{
	Oid			from;
	AttrNumber	attnum;
	Way			way;
	SkJsonType *type;			/* the former one */
	Oid			function;		/* the cast's, or InvalidOid */
	Oid			length;			/* makes it as long as the column allows */
};


/*-------------------------------------------------------------------------
 * How
 *-------------------------------------------------------------------------
 */

static bool
is_integer(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID;
}

static bool
is_number(Oid type)
{
	return is_integer(type) || type == NUMERICOID || type == FLOAT4OID ||
		type == FLOAT8OID;
}

static bool
is_string(Oid type)
{
	return type == TEXTOID || type == VARCHAROID;
}

/* Does the log write a value of the one as the value of the other that it becomes? */
static bool
is_written_alike(Oid from, Oid to)
{
	Oid			a = get_element_type(from);
	Oid			b = get_element_type(to);

	if (OidIsValid(a) && OidIsValid(b))
		return is_written_alike(getBaseType(a), getBaseType(b));
	return from == to ||
		(is_integer(from) && is_number(to)) ||
		(is_string(from) && is_string(to)) ||
		(is_string(from) && get_typtype(to) == TYPTYPE_ENUM) ||
		(get_typtype(from) == TYPTYPE_ENUM && is_string(to));
}

static bool
is_of_server(Oid function)
{
	return function < FirstNormalObjectId;
}

static bool
is_fixed(Oid function)
{
	return func_volatile(function) == PROVOLATILE_IMMUTABLE;
}

/* The text of an interval depends on a setting, although its function is immutable. */
static bool
has_fixed_text(const SkJsonType *from, const SkJsonType *to)
{
	return from->kind != SK_JSON_INTERVAL && from->kind != SK_JSON_ARRAY &&
		is_fixed(from->output.fn_oid) && is_fixed(to->input.fn_oid);
}

static void
find_way(SkAuditConversion *conversion, const SkJsonType *to)
{
	Oid			from = conversion->type->type;

	if (is_written_alike(from, to->type))
	{
		conversion->way = WAY_READ;
		return;
	}
	if (OidIsValid(get_element_type(from)) && OidIsValid(get_element_type(to->type)))
		return;
	switch (find_coercion_pathway(to->type, from, COERCION_EXPLICIT,
								  &conversion->function))
	{
		case COERCION_PATH_RELABELTYPE:
			conversion->way = WAY_CAST;
			break;
		case COERCION_PATH_FUNC:
			if (is_of_server(conversion->function) && is_fixed(conversion->function))
				conversion->way = WAY_CAST;
			break;
		case COERCION_PATH_COERCEVIAIO:
			if (has_fixed_text(conversion->type, to))
				conversion->way = WAY_TEXT;
			break;
		default:
			break;
	}
	if (conversion->way == WAY_CAST &&
		(find_typmod_coercion_function(to->type, &conversion->length) != COERCION_PATH_FUNC ||
		 !is_of_server(conversion->length)))
		conversion->length = InvalidOid;
}

/* The type's OID, if it is known what that means in this database */
static Oid
former_type(const SkAuditPast *past, const SkAuditShape *shape,
			const SkAuditShapeColumn *column)
{
	Oid			type = column->type_oid;

	if (type >= FirstNormalObjectId && shape->cluster != past->reader->current->cluster)
		return InvalidOid;
	if (!SearchSysCacheExists1(TYPEOID, ObjectIdGetDatum(type)))
		return InvalidOid;
	return getBaseType(type);
}

static const SkAuditConversion *
find_or_make(SkAuditPast *past, Oid from, AttrNumber attnum)
{
	SkAuditConversion *conversion;
	ListCell   *lc;
	MemoryContext old;

	foreach(lc, past->conversions)
	{
		conversion = lfirst(lc);
		if (conversion->from == from && conversion->attnum == attnum)
			return conversion;
	}
	old = MemoryContextSwitchTo(past->context);
	conversion = palloc0(sizeof(SkAuditConversion));
	conversion->from = from;
	conversion->attnum = attnum;
	conversion->way = WAY_NONE;
	if (OidIsValid(from))
	{
		conversion->type = sk_audit_json_type(from);
		find_way(conversion, past->reader->types[attnum - 1]);
	}
	past->conversions = lappend(past->conversions, conversion);
	MemoryContextSwitchTo(old);
	return conversion;
}

static const SkAuditConversion *
conversion_of(SkAuditPast *past, const SkAuditShape *shape,
			  const SkAuditShapeColumn *column)
{
	const SkAuditShapeColumn *former = sk_audit_shape_column(shape, column->id);

	if (former == NULL || strcmp(former->type, column->type) == 0)
		return NULL;
	return find_or_make(past, former_type(past, shape, former), column->attnum);
}

/* Has the type attributes, or is it made of one that has? */
static bool
has_attributes(Oid type)
{
	type = getBaseType(type);
	if (OidIsValid(get_element_type(type)))
		return has_attributes(get_element_type(type));
	return get_typtype(type) == TYPTYPE_COMPOSITE;
}


/*-------------------------------------------------------------------------
 * Which columns
 *-------------------------------------------------------------------------
 */

static void
tell_of_untold(const SkAuditPast *past, List *names)
{
	if (names == NIL || past->as_documents || past->quiet)
		return;
	ereport(NOTICE,
			(errmsg("former values of columns of table \"%s\" cannot be told in their present type: %s",
					past->reader->label, sk_table_column_names(names)),
			 errdetail("They are null in rows that have changed since then."),
			 errhint("schemakit.audit_as_of_jsonb() returns values as they were recorded.")));
}

/*
 * The table has had these shapes since then.  Rows without key are told apart by what
 * they are now: what was written in another way cannot be compared with that.
 */
void
sk_audit_convert_examine(SkAuditPast *past, List *shapes)
{
	List	   *names = NIL;
	ListCell   *lc;

	past->untold = palloc0(sizeof(bool) * Max(past->reader->tupdesc->natts, 1));
	foreach(lc, past->reader->current->columns)
	{
		const SkAuditShapeColumn *column = lfirst(lc);
		int			i = column->attnum - 1;
		ListCell   *s;

		past->untold[i] = past->rewritten[i] &&
			has_attributes(past->reader->types[i]->type);
		foreach(s, shapes)
		{
			const SkAuditConversion *conversion = conversion_of(past, lfirst(s), column);

			if (conversion == NULL || conversion->way == WAY_READ)
				continue;
			past->untold[i] |= conversion->way == WAY_NONE;
			if (past->reader->nkeys == 0)
				past->shown[i] = false;
			if (past->reader->nkeys == 0)
				past->untold[i] = true;
		}
		if (past->untold[i])
			names = lappend(names, column->name);
	}
	tell_of_untold(past, names);
}


/*-------------------------------------------------------------------------
 * Values
 *-------------------------------------------------------------------------
 */

static Datum
call_cast(Oid function, Datum value, int32 typmod)
{
	if (get_func_nargs(function) == 1)
		return OidFunctionCall1Coll(function, DEFAULT_COLLATION_OID, value);
	if (get_func_nargs(function) == 2)
		return OidFunctionCall2Coll(function, DEFAULT_COLLATION_OID, value,
									Int32GetDatum(typmod));
	return OidFunctionCall3Coll(function, DEFAULT_COLLATION_OID, value,
								Int32GetDatum(typmod), BoolGetDatum(false));
}

typedef struct Task
{
	const SkAuditConversion *conversion;
	SkJsonType *type;			/* the present one */
	int32		typmod;
	const JsonbValue *value;
} Task;

static Datum
convert(void *arg, bool *isnull)
{
	Task	   *task = arg;
	const SkAuditConversion *conversion = task->conversion;
	Datum		value;

	if (conversion == NULL || conversion->way == WAY_READ)
		return sk_audit_json_decode(task->type, task->typmod, task->value, isnull);
	value = sk_audit_json_decode(conversion->type, -1, task->value, isnull);
	if (*isnull)
		return value;
	if (conversion->way == WAY_TEXT)
		return sk_audit_json_decode_text(task->type, task->typmod,
										 OutputFunctionCall(&conversion->type->output,
															value));
	if (OidIsValid(conversion->function))
		value = call_cast(conversion->function, value, task->typmod);
	if (OidIsValid(conversion->length) && task->typmod >= 0)
		value = call_cast(conversion->length, value, task->typmod);
	return value;
}

static const SkAuditShapeColumn *
column_at(const SkAuditPast *past, int i)
{
	ListCell   *lc;

	foreach(lc, past->reader->current->columns)
	{
		if (((SkAuditShapeColumn *) lfirst(lc))->attnum == i + 1)
			return lfirst(lc);
	}
	elog(ERROR, "table \"%s\" has no column %d", past->reader->label, i + 1);
}

/*
 * Can the value that the log has of the column be told?
 */
bool
sk_audit_convert_is_told(SkAuditPast *past, const SkAuditPastRow *row, int i)
{
	const SkAuditConversion *conversion;

	if (!past->untold[i])
		return true;
	if (past->rewritten[i] && has_attributes(past->reader->types[i]->type))
		return false;
	conversion = conversion_of(past, row->shapes[i], column_at(past, i));
	return conversion == NULL || conversion->way != WAY_NONE;
}

/*
 * The value that the log has of the column, as one of its present type.  Under
 * sk_guc_pin().  "error" as for sk_audit_json_decode_or_tell().
 */
Datum
sk_audit_convert_value(SkAuditPast *past, const SkAuditPastRow *row, int i,
					   bool *isnull, ErrorData **error)
{
	Task		task = {
		.conversion = conversion_of(past, row->shapes[i],
									column_at(past, i)),
		.type = past->reader->types[i],
		.typmod = TupleDescAttr(past->reader->tupdesc, i)->atttypmod,
		.value = &row->values[i],
	};

	return sk_audit_json_decode_try(convert, &task, isnull, error);
}
