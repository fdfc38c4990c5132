/*-------------------------------------------------------------------------
 *
 * sk_option.c
 *	  Options given as a JSON object, as in auto_enable(options => '{...}').
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "sk_option.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"

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

/*
 * The value of an option that is a string; NULL if it is not given, or null.
 */
char *
sk_option_text(const Jsonb *options, const char *key)
{
	JsonbValue	v;

	if (getKeyJsonValueFromContainer((JsonbContainer *) &options->root,
									 key, strlen(key), &v) == NULL ||
		v.type == jbvNull)
		return NULL;
	if (v.type != jbvString)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"%s\" must be a string", key),
				 errhint("Write the value in double quotes.")));
	return pnstrdup(v.val.string.val, v.val.string.len);
}
