/*-------------------------------------------------------------------------
 *
 * workload/param_value.c
 *	  Values for a statement's parameters.
 *
 * The planner estimates a condition on a parameter that it does not know by
 * rules of thumb, which hide the very index that is needed: a third of the table
 * for "ts > $1".  So each parameter gets a value from the statistics of what it
 * is compared with.
 *
 * How much of a table a range takes, and how frequent a value is that is looked
 * for, is one number, the share: whoever knows how many rows the statement
 * returns can find the share that fits.  Without that, a range between two
 * bounds takes a tenth, one to the present a twentieth, another a third.
 *
 * Parameters of which nothing is known get no value: the planner does what it
 * does.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "workload/param_value.h"

#include "base/compat.h"
#include "base/guard.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "nodes/nodeFuncs.h"
#include "tsearch/ts_cache.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include <ctype.h>
#include <math.h>

#define SHARE_BETWEEN	0.1
#define SHARE_RECENT	0.05
#define SHARE_ONE_SIDED 0.33

/* How many elements an array is taken to have, and rows a SK_PARAM_LIMIT. */
#define ARRAY_LENGTH	5
#define LIMIT_ROWS		10

/* How many letters a word has that is looked for. */
#define INFIX_LENGTH	5

/* ----------
 * Values
 * ----------
 */
static const SkParamUse *
partner(const SkParams *params, const SkParamUse *use, SkParamKind kind)
{
	for (int i = 0; i < params->n; i++)
	{
		const SkParamUse *other = &params->uses[i];

		if (other->kind == kind && other != use &&
			bms_equal(other->relids, use->relids) && equal(other->key, use->key))
			return other;
	}
	return NULL;
}

static bool
is_between(const SkParams *params, const SkParamUse *use)
{
	return (use->kind == SK_PARAM_LOWER || partner(params, use, SK_PARAM_LOWER) != NULL) &&
		(use->kind == SK_PARAM_UPPER || partner(params, use, SK_PARAM_UPPER) != NULL);
}

static bool
as_time(const SkColumnValues *values, double quantile, TimestampTz *time)
{
	Oid			type;
	Datum		value;
	Datum		converted;

	if (!sk_column_values_quantile(values, quantile, &type, &value) ||
		(type != DATEOID && type != TIMESTAMPOID && type != TIMESTAMPTZOID) ||
		!sk_column_values_convert(value, type, TIMESTAMPTZOID, &converted))
		return false;
	*time = DatumGetTimestampTz(converted);
	return !TIMESTAMP_NOT_FINITE(*time);
}

/* Times that go on to the present. */
static bool
is_recent(const SkColumnValues *values)
{
	TimestampTz first;
	TimestampTz last;
	TimestampTz now = GetCurrentTransactionStartTimestamp();

	return as_time(values, 0, &first) && as_time(values, 1, &last) &&
		last > first && Max(now - last, last - now) < (last - first) / 10;
}

/* The fraction of the table that a range takes. */
static double
share_of(const SkParams *params, const SkParamUse *use, double share)
{
	if (share >= 0)
		return pow(Max(use->values->rows, 2), Min(share, 1) - 1);
	if (is_between(params, use))
		return SHARE_BETWEEN;
	if ((use->kind == SK_PARAM_LOWER || use->kind == SK_PARAM_AGO) && is_recent(use->values))
		return SHARE_RECENT;
	return SHARE_ONE_SIDED;
}

static bool
bound_value(const SkParams *params, const SkParamUse *use, double share, Oid *type,
			Datum *value)
{
	const SkParamUse *distance = partner(params, use, SK_PARAM_DISTANCE);
	double		part = share_of(params, use, share);
	double		quantile;

	if (!is_between(params, use))
		quantile = use->kind == SK_PARAM_LOWER ? 1 - part : part;
	else if (distance == NULL)
		quantile = use->kind == SK_PARAM_LOWER ? 0.5 - part / 2 : 0.5 + part / 2;
	else
		quantile = 0.5 - part / 2;
	return sk_column_values_quantile(use->values, quantile, type, value);
}

static Datum
interval_of(int64 microseconds)
{
	Interval   *interval = palloc0(sizeof(Interval));

	interval->day = (int32) (microseconds / USECS_PER_DAY);
	interval->time = microseconds % USECS_PER_DAY;
	return IntervalPGetDatum(interval);
}

static bool
distance_in_time(const SkParams *params, const SkParamUse *use, double share,
				 Datum *value)
{
	TimestampTz first;
	TimestampTz last;

	if (!as_time(use->values, 0, &first) || !as_time(use->values, 1, &last))
		return false;
	if (use->kind == SK_PARAM_AGO)
	{
		if (!as_time(use->values, 1 - share_of(params, use, share), &last))
			return false;
		*value = interval_of(Max(GetCurrentTransactionStartTimestamp() - last, 0));
	}
	else
		*value = interval_of(is_between(params, use) ?
							 (int64) ((last - first) * share_of(params, use, share)) : 0);
	return true;
}

static bool
as_number(const SkColumnValues *values, double quantile, double *number)
{
	Oid			type;
	Datum		value;
	Oid			output;
	bool		is_varlena;

	if (!sk_column_values_quantile(values, quantile, &type, &value) || !sk_column_values_is_number(type))
		return false;
	getTypeOutputInfo(type, &output, &is_varlena);
	*number = strtod(OidOutputFunctionCall(output, value), NULL);
	return !isnan(*number) && !isinf(*number);
}

static bool
distance_in_numbers(const SkParams *params, const SkParamUse *use, double share,
					Datum *value)
{
	double		first;
	double		last;

	if (!as_number(use->values, 0, &first) || !as_number(use->values, 1, &last))
		return false;
	*value = Float8GetDatum(is_between(params, use) ?
							(last - first) * share_of(params, use, share) / 2 : 0);
	return true;
}

static char *
as_text(Oid type, Datum value)
{
	Oid			output;
	bool		is_varlena;

	getTypeOutputInfo(type, &output, &is_varlena);
	return OidOutputFunctionCall(output, value);
}

/* The beginning that a share of the values have, at least one character. */
static char *
prefix(const SkColumnValues *values, double share)
{
	double		part = share < 0 ? 0.02 : pow(Max(values->rows, 2), share - 1);
	Oid			type;
	Datum		value;
	char	   *from;
	char	   *to;
	int			len = 0;

	if (!sk_column_values_quantile(values, 0.5, &type, &value))
		return NULL;
	from = as_text(type, value);
	if (!sk_column_values_quantile(values, 0.5 + part / 2, &type, &value))
		return NULL;
	to = as_text(type, value);
	while (from[len] != '\0' && from[len] == to[len])
		len += pg_mblen(from + len);
	if (len == 0 && from[0] != '\0')
		len = pg_mblen(from);
	return pnstrdup(from, Min(len, (int) strlen(from)));
}

/*
 * What is looked for regardless of case is most often a word, anywhere, that few rows
 * have: some letters out of a value, turned around, since what the statistics have seen
 * is taken to be frequent.
 */
static char *
infix(const SkColumnValues *values)
{
	Oid			type;
	Datum		value;
	char	   *text;
	char	   *word;
	int			len = 0;

	if (!sk_column_values_quantile(values, 0.5, &type, &value))
		return NULL;
	text = as_text(type, value);

	for (char *p = text; *p != '\0'; p += pg_mblen(p))
	{
		len = isalnum((unsigned char) *p) ? len + 1 : 0;
		if (len < INFIX_LENGTH)
			continue;
		word = pnstrdup(p + 1 - len, len);
		for (int i = 0; i < len / 2; i++)
		{
			char		c = word[i];

			word[i] = word[len - 1 - i];
			word[len - 1 - i] = c;
		}
		return psprintf("%%%s%%", word);
	}
	return NULL;
}

static bool
text_value(const char *text, Oid *type, Datum *value)
{
	*type = TEXTOID;
	*value = CStringGetTextDatum(text);
	return true;
}

/* ----------
 * What arrays and documents contain
 * ----------
 */
static Datum
make_array(Datum *elems, int n, Oid type)
{
	int16		len;
	bool		byval;
	char		align;

	get_typlenbyvalalign(type, &len, &byval, &align);
	return PointerGetDatum(construct_array(elems, n, type, len, byval, align));
}

/* The first member of an object that is a plain value, as {"key": value}. */
static char *
first_member(Datum document, char **key)
{
	JsonbIterator *it = JsonbIteratorInit(&DatumGetJsonbP(document)->root);
	JsonbValue	v;
	JsonbIteratorToken token;
	JsonbInState state = {0};
	JsonbValue	name;

	if (JsonbIteratorNext(&it, &v, false) != WJB_BEGIN_OBJECT)
		return NULL;
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			name = v;
		if (token != WJB_VALUE || v.type == jbvBinary)
			continue;
		*key = pnstrdup(name.val.string.val, name.val.string.len);
		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		pushJsonbValue(&state, WJB_KEY, &name);
		pushJsonbValue(&state, WJB_VALUE, &v);
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
		return JsonbToCString(NULL, &JsonbValueToJsonb(state.result)->root, 0);
	}
	return NULL;
}

static bool
contained_value(const SkParamUse *use, Oid wanted, Oid *type, Datum *value)
{
	const SkValueList *elements = &use->values->elements;
	const SkValueList *list = use->values->sorted.n > 0 ?
		&use->values->sorted : &use->values->common;
	Oid			element = get_base_element_type(wanted);
	char	   *key;
	char	   *member;

	if (elements->n > 0)
	{
		Datum		elem = elements->values[(elements->n / 2 + use->i) % elements->n];

		if (wanted == TSQUERYOID)
			return text_value(quote_literal_cstr(as_text(elements->type, elem)),
							  type, value);
		*type = elements->type;
		*value = elem;
		if (element == elements->type)
		{
			*type = get_array_type(element);
			*value = make_array(&elem, 1, element);
		}
		return true;
	}
	if (list->n == 0 || list->type != JSONBOID)
		return false;
	member = first_member(list->values[list->n / 2], &key);
	if (member == NULL)
		return false;
	if (element == TEXTOID)
	{
		Datum		elem = CStringGetTextDatum(key);

		*type = TEXTARRAYOID;
		*value = make_array(&elem, 1, TEXTOID);
		return true;
	}
	return text_value(wanted == TEXTOID ? key : member, type, value);
}

static bool
equal_value(const SkParamUse *use, double share, Oid wanted, Oid *type, Datum *value)
{
	Oid			element = get_base_element_type(wanted);
	Datum		elems[ARRAY_LENGTH];

	if (!OidIsValid(element) || OidIsValid(get_base_element_type(exprType(use->key))))
		return sk_column_values_typical(use->values, use->i, share, type, value);
	for (int i = 0; i < ARRAY_LENGTH; i++)
	{
		Datum		elem;

		if (!sk_column_values_typical(use->values, i, share, type, &elem) ||
			!sk_column_values_convert(elem, *type, element, &elems[i]))
			return false;
	}
	*type = wanted;
	*value = make_array(elems, ARRAY_LENGTH, element);
	return true;
}

static bool
find_value(const SkParams *params, const SkParamUse *use, double share, Oid wanted,
		   Oid *type, Datum *value)
{
	char	   *begin;

	switch (use->kind)
	{
		case SK_PARAM_LIMIT:
			*type = INT8OID;
			*value = Int64GetDatum(params->rows < 0 ? LIMIT_ROWS :
								   (int64) ceil(Max(params->rows, 1)));
			return true;
		case SK_PARAM_OFFSET:
			*type = INT8OID;
			*value = Int64GetDatum(0);
			return true;
		case SK_PARAM_CONFIG:
			*type = REGCONFIGOID;
			*value = ObjectIdGetDatum(getTSCurrentConfig(true));
			return true;
		case SK_PARAM_WILDCARD:
			return text_value("%", type, value);
		default:
			break;
	}
	if (use->values == NULL)
		return false;
	switch (use->kind)
	{
		case SK_PARAM_EQUAL:
			return equal_value(use, share, wanted, type, value);
		case SK_PARAM_LOWER:
		case SK_PARAM_UPPER:
			return bound_value(params, use, share, type, value);
		case SK_PARAM_DISTANCE:
		case SK_PARAM_AGO:
			*type = wanted == INTERVALOID ? INTERVALOID : FLOAT8OID;
			return wanted == INTERVALOID ?
				distance_in_time(params, use, share, value) :
				distance_in_numbers(params, use, share, value);
		case SK_PARAM_INFIX:
			begin = use->i > 1 ? NULL : infix(use->values);
			if (begin != NULL)
				return text_value(begin, type, value);
			/* FALLTHROUGH */
		case SK_PARAM_PATTERN:
		case SK_PARAM_REGEX:
			begin = prefix(use->values, share);
			if (begin == NULL)
				return false;
			return text_value(use->kind == SK_PARAM_REGEX ? psprintf("^%s", begin) :
							  use->i > 1 ? begin : psprintf("%s%%", begin),
							  type, value);
		case SK_PARAM_CONTAINED:
			return contained_value(use, wanted, type, value);
		default:
			return false;
	}
}

/* ----------
 * The list for the planner
 * ----------
 */
typedef struct Wanted
{
	const SkParams *params;
	const SkParamUse *use;
	double		share;
	Oid			type;
	bool		found;
	Datum		value;
} Wanted;

static void
find_guarded(void *arg)
{
	Wanted	   *wanted = arg;
	Oid			type;
	Datum		value;

	wanted->found = find_value(wanted->params, wanted->use, wanted->share,
							   wanted->type, &type, &value) &&
		sk_column_values_convert(value, type, wanted->type, &wanted->value);
}

static bool
is_data_exception(const ErrorData *edata)
{
	return ERRCODE_TO_CATEGORY(edata->sqlerrcode) == ERRCODE_DATA_EXCEPTION ||
		ERRCODE_TO_CATEGORY(edata->sqlerrcode) == ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION;
}

static ParamListInfo
values_with(const SkParams *params, double share, double equal)
{
	ParamListInfo list = makeParamList(params->n);

	memset(list->params, 0, params->n * sizeof(ParamExternData));
	for (int i = 0; i < params->n; i++)
	{
		const SkParamUse *use = &params->uses[i];
		Wanted		wanted = {params, use, use->kind == SK_PARAM_EQUAL ? equal : share,
		params->types[i], false, 0};

		if (use->kind == SK_PARAM_UNKNOWN ||
			sk_guard_try(find_guarded, &wanted, is_data_exception) != NULL ||
			!wanted.found)
		{
			list->params[i].isnull = true;
			continue;
		}
		list->params[i].value = wanted.value;
		list->params[i].pflags = PARAM_FLAG_CONST;
		list->params[i].ptype = params->types[i];
	}
	return list;
}

/*
 * Values for all parameters, which the planner takes as constants.  "share" is
 * between 0, for few rows, and 1, for all; less than 0: what is likely.
 */
ParamListInfo
sk_param_values(const SkParams *params, double share)
{
	return values_with(params, share, share);
}

/*
 * The same, but what is looked for are values that few rows have.  NULL if none of the
 * parameters is such.
 */
ParamListInfo
sk_param_value_rare(const SkParams *params, double share)
{
	for (int i = 0; i < params->n; i++)
	{
		if (params->uses[i].kind == SK_PARAM_EQUAL && params->uses[i].values != NULL)
			return values_with(params, share, 0);
	}
	return NULL;
}
