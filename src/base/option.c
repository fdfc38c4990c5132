/*-------------------------------------------------------------------------
 *
 * base/option.c
 *	  Options given as a JSON object, as in auto_enable(options => '{...}').
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/option.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

static char *
join(const char *const *names)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; names[i]; i++)
		appendStringInfo(&buf, "%s%s", i ? ", " : "", names[i]);
	return buf.data;
}

static void
check_key(const char *key, const char *feature, const char *const *known)
{
	for (int i = 0; known[i]; i++)
	{
		if (strcmp(key, known[i]) == 0)
			return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unrecognized option \"%s\" for feature \"%s\"",
					key, feature),
			 errhint("Known options: %s.", join(known))));
}

/*
 * Raise an error unless it is an object whose keys are all in "known", which
 * ends with NULL.
 */
void
sk_option_check_keys(const Jsonb *options, const char *feature,
					 const char *const *known)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;

	if (!JB_ROOT_IS_OBJECT(options))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("options for feature \"%s\" must be a JSON object",
						feature),
				 errhint("Known options: %s.", join(known))));

	it = JsonbIteratorInit((JsonbContainer *) &options->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			check_key(pnstrdup(v.val.string.val, v.val.string.len),
					  feature, known);
	}
}

/* The value of an option; false if it is not given, or null. */
static bool
get_value(const Jsonb *options, const char *key, JsonbValue *value)
{
	return getKeyJsonValueFromContainer((JsonbContainer *) &options->root,
										key, strlen(key), value) != NULL &&
		value->type != jbvNull;
}

static void
refuse_value(const char *key, const char *wanted, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("option \"%s\" must be %s", key, wanted),
			 errhint("%s", hint)));
}

static char *
string_value(const JsonbValue *value)
{
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/*
 * The value of an option that is a string; NULL if it is not given, or null.
 */
char *
sk_option_text(const Jsonb *options, const char *key)
{
	JsonbValue	v;

	if (!get_value(options, key, &v))
		return NULL;
	if (v.type != jbvString)
		refuse_value(key, "a string", "Write the value in double quotes.");
	return string_value(&v);
}

/*
 * Likewise of one that names something.
 */
char *
sk_option_name(const Jsonb *options, const char *key)
{
	char	   *name = sk_option_text(options, key);

	if (name != NULL && *name == '\0')
		refuse_value(key, "a name", "Leave the option out for the default.");
	return name;
}

/*
 * The value of an option that is a boolean, or "otherwise".
 */
bool
sk_option_bool(const Jsonb *options, const char *key, bool otherwise)
{
	JsonbValue	v;

	if (!get_value(options, key, &v))
		return otherwise;
	if (v.type != jbvBool)
		refuse_value(key, "a boolean", "Write true or false, without quotes.");
	return v.val.boolean;
}

/*
 * The value of an option that is an integer; 0 if it is not given.
 */
int64
sk_option_int64(const Jsonb *options, const char *key)
{
	JsonbValue	v;

	if (!get_value(options, key, &v))
		return 0;
	if (v.type != jbvNumeric)
		refuse_value(key, "a number", "Write the number without quotes.");
	return DatumGetInt64(DirectFunctionCall1(numeric_int8,
											 NumericGetDatum(v.val.numeric)));
}

/*
 * The value of an option that is a list of names: C strings in "names".  False
 * if it is not given.
 */
bool
sk_option_names(const Jsonb *options, const char *key, List **names)
{
	JsonbValue	v;

	*names = NIL;
	if (!get_value(options, key, &v))
		return false;
	if (v.type != jbvBinary || !JsonContainerIsArray(v.val.binary.data) ||
		JsonContainerIsScalar(v.val.binary.data))
		refuse_value(key, "an array of names", "Write [\"a\", \"b\"].");
	for (uint32 i = 0; i < JsonContainerSize(v.val.binary.data); i++)
	{
		JsonbValue *name = getIthJsonbValueFromContainer(v.val.binary.data, i);

		if (name->type != jbvString)
			refuse_value(key, "an array of names", "Write [\"a\", \"b\"].");
		*names = lappend(*names, string_value(name));
	}
	return true;
}

/*
 * The value of an option, whatever it is; NULL if it is not given, or null.
 */
Jsonb *
sk_option_document(const Jsonb *options, const char *key)
{
	JsonbValue	v;

	return get_value(options, key, &v) ? JsonbValueToJsonb(&v) : NULL;
}

/*
 * An object of strings, the value of an option: its keys and values in turn,
 * as C strings.
 */
List *
sk_option_pairs(const Jsonb *object, const char *key)
{
	const char *hint = "Write an object of strings, like {\"email\": \"hash\"}.";
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;
	List	   *pairs = NIL;

	if (!JB_ROOT_IS_OBJECT(object))
		refuse_value(key, "an object of strings", hint);
	it = JsonbIteratorInit((JsonbContainer *) &object->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token != WJB_KEY && token != WJB_VALUE)
			continue;
		if (v.type != jbvString)
			refuse_value(key, "an object of strings", hint);
		pairs = lappend(pairs, string_value(&v));
	}
	return pairs;
}
