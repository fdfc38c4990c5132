/*-------------------------------------------------------------------------
 *
 * audit/columns.c
 *	  The columns of a shape, as the log stores them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/columns.h"
#include "base/compat.h"
#include "base/option.h"

#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

static SkAuditShapeColumn *
read_column(JsonbValue *value)
{
	Jsonb	   *object = JsonbValueToJsonb(value);
	SkAuditShapeColumn *column = palloc(sizeof(SkAuditShapeColumn));

	column->id = (int32) sk_option_int64(object, "id");
	column->attnum = (AttrNumber) sk_option_int64(object, "attnum");
	column->name = sk_option_text(object, "name");
	column->type = sk_option_text(object, "type");
	column->type_oid = (Oid) sk_option_int64(object, "type_oid");
	column->maintained = sk_option_int64(object, "maintained") != 0;
	return column;
}

/*
 * The columns in a document, as a list of SkAuditShapeColumn.
 */
List *
sk_audit_columns_read(Datum value)
{
	Jsonb	   *array = DatumGetJsonbP(value);
	List	   *columns = NIL;

	for (uint32 i = 0; i < JB_ROOT_COUNT(array); i++)
		columns = lappend(columns,
						  read_column(getIthJsonbValueFromContainer(&array->root, i)));
	return columns;
}

static void
push_text(JsonbInState *state, JsonbIteratorToken token, char *text)
{
	JsonbValue	v;

	v.type = jbvString;
	v.val.string.val = text;

	v.val.string.len = strlen(text);
	pushJsonbValue(state, token, &v);
}

static void
push_number(JsonbInState *state, char *key, int64 number)
{
	JsonbValue	v;

	push_text(state, WJB_KEY, key);
	v.type = jbvNumeric;
	v.val.numeric = int64_to_numeric(number);
	pushJsonbValue(state, WJB_VALUE, &v);
}

/*
 * The document of a list of columns.
 */
Datum
sk_audit_columns_write(List *columns)
{
	JsonbInState state = {0};
	ListCell   *lc;

	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	foreach(lc, columns)
	{
		SkAuditShapeColumn *column = lfirst(lc);

		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		push_number(&state, "id", column->id);
		push_number(&state, "attnum", column->attnum);
		push_text(&state, WJB_KEY, "name");
		push_text(&state, WJB_VALUE, column->name);
		push_text(&state, WJB_KEY, "type");
		push_text(&state, WJB_VALUE, column->type);
		push_number(&state, "type_oid", column->type_oid);
		if (column->maintained)
			push_number(&state, "maintained", 1);
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	}
	pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	return JsonbPGetDatum(JsonbValueToJsonb(state.result));
}
