/*-------------------------------------------------------------------------
 *
 * audit/options.c
 *	  What a table's audit trigger has been told: the options, from and to the
 *	  JSON object that is the trigger's argument.
 *
 * The object is also what a rule's options are.  It names what differs from
 * the defaults.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/options.h"
#include "base/arg.h"
#include "base/compat.h"
#include "base/option.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

static const char *const known[] = {
	"capture", "exclude", "ignore", "key", "mask", "replica", "require_actor",
	"truncate_rows", NULL
};

#define MASK_HASH	"hash"
#define MASK_GROUP	"hash:"

static const char *const captures[] = {
	[SK_AUDIT_DIFF] = "diff",
	[SK_AUDIT_FULL] = "full",
	[SK_AUDIT_KEYS] = "keys",
};

/*
 * The way to capture of that name, or an error.
 */
SkAuditCapture
sk_audit_options_capture(const char *name)
{
	for (size_t i = 0; i < lengthof(captures); i++)
	{
		if (strcmp(name, captures[i]) == 0)
			return (SkAuditCapture) i;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unrecognized capture \"%s\"", name),
			 errhint("Use \"diff\", \"full\" or \"keys\".")));
}

static void
add_hash(SkAuditOptions *options, char *column, const char *group)
{
	options->mask_hash = lappend(options->mask_hash, column);
	options->mask_groups = lappend(options->mask_groups,
								   group ? pstrdup(group) : NULL);
}

static void
set_masks(SkAuditOptions *result, List *pairs)
{
	for (int i = 0; i + 1 < list_length(pairs); i += 2)
	{
		char	   *column = list_nth(pairs, i);
		const char *mask = list_nth(pairs, i + 1);

		if (strcmp(mask, "null") == 0)
			result->mask_null = lappend(result->mask_null, column);
		else if (strcmp(mask, MASK_HASH) == 0)
			add_hash(result, column, NULL);
		else if (strncmp(mask, MASK_GROUP, strlen(MASK_GROUP)) == 0 &&
				 mask[strlen(MASK_GROUP)] != '\0')
			add_hash(result, column, mask + strlen(MASK_GROUP));
		else
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unrecognized mask \"%s\" for column \"%s\"",
							mask, column),
					 errhint("Use \"null\", \"hash\", or \"hash:\" and the name of a group.")));
	}
}

/*
 * Take the masks from an object of columns and their masks, or raise an error.
 */
void
sk_audit_options_set_masks(SkAuditOptions *options, const Jsonb *masks)
{
	set_masks(options, sk_option_pairs(masks, "mask"));
}

/* Raise an error that names what is wrong with a rule's options. */
void
sk_audit_options_check(const Jsonb *options)
{
	(void) sk_audit_options_parse(options);
}

/*
 * The options that the object gives, or an error that names what is wrong.
 */
SkAuditOptions *
sk_audit_options_parse(const Jsonb *options)
{
	SkAuditOptions *result = palloc0(sizeof(SkAuditOptions));
	Jsonb	   *masks;
	char	   *capture;

	sk_option_check_keys(options, "audit", known);
	capture = sk_option_text(options, "capture");
	if (capture != NULL)
		result->capture = sk_audit_options_capture(capture);
	(void) sk_option_names(options, "exclude", &result->exclude);
	result->ignore_given = sk_option_names(options, "ignore", &result->ignore);
	masks = sk_option_document(options, "mask");
	if (masks != NULL)
		sk_audit_options_set_masks(result, masks);
	(void) sk_option_names(options, "key", &result->key);
	result->truncate_rows = sk_option_bool(options, "truncate_rows", true);
	result->require_actor = sk_option_bool(options, "require_actor", false);
	result->replica = sk_option_bool(options, "replica", false);
	return result;
}

/*
 * The options in a trigger's argument.
 */
SkAuditOptions *
sk_audit_options_of(const Trigger *trigger)
{
	if (trigger->tgnargs != 1)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger \"%s\" must have one argument",
						trigger->tgname),
				 errhint("Drop the trigger, and call schemakit.audit_enable() to create it.")));
	return sk_audit_options_parse(DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
																	 CStringGetDatum(trigger->tgargs[0]))));
}

static List *
copy_names(const List *names)
{
	List	   *copies = NIL;
	ListCell   *lc;

	foreach(lc, names)
		copies = lappend(copies, lfirst(lc) ? pstrdup(lfirst(lc)) : NULL);
	return copies;
}

/*
 * A copy in the current context.
 */
SkAuditOptions *
sk_audit_options_copy(const SkAuditOptions *options)
{
	SkAuditOptions *copy = palloc(sizeof(SkAuditOptions));

	*copy = *options;
	copy->exclude = copy_names(options->exclude);
	copy->ignore = copy_names(options->ignore);
	copy->mask_null = copy_names(options->mask_null);
	copy->mask_hash = copy_names(options->mask_hash);
	copy->mask_groups = copy_names(options->mask_groups);
	copy->key = copy_names(options->key);
	return copy;
}

/*
 * The same, or NULL if the argument cannot be read: anybody may write one, and
 * those who only look at all tables must not fail for it.  What is caught holds
 * no resources.
 */
SkAuditOptions *
sk_audit_options_try(const Trigger *trigger)
{
	MemoryContext context = CurrentMemoryContext;
	SkAuditOptions *volatile options = NULL;

	PG_TRY();
	{
		options = sk_audit_options_of(trigger);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		FlushErrorState();
	}
	PG_END_TRY();
	return options;
}

static void
push_key(JsonbInState *state, const char *key)
{
	JsonbValue	v;

	v.type = jbvString;
	v.val.string.val = pstrdup(key);
	v.val.string.len = strlen(key);
	pushJsonbValue(state, WJB_KEY, &v);
}

static void
push_string(JsonbInState *state, JsonbIteratorToken token, const char *value)
{
	JsonbValue	v;

	v.type = jbvString;
	v.val.string.val = pstrdup(value);
	v.val.string.len = strlen(value);
	pushJsonbValue(state, token, &v);
}

static void
push_names(JsonbInState *state, const char *key, List *names)
{
	ListCell   *lc;

	push_key(state, key);
	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	foreach(lc, names)
		push_string(state, WJB_ELEM, lfirst(lc));
	pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

static void
push_masks(JsonbInState *state, const SkAuditOptions *options)
{
	ListCell   *lc;
	ListCell   *group;

	foreach(lc, options->mask_null)
	{
		push_key(state, lfirst(lc));
		push_string(state, WJB_VALUE, "null");
	}
	forboth(lc, options->mask_hash, group, options->mask_groups)
	{
		push_key(state, lfirst(lc));
		push_string(state, WJB_VALUE, lfirst(group) == NULL ? MASK_HASH
					: psprintf("%s%s", MASK_GROUP, (char *) lfirst(group)));
	}
}

static void
push_bool(JsonbInState *state, const char *key, bool value)
{
	JsonbValue	v;

	push_key(state, key);
	v.type = jbvBool;
	v.val.boolean = value;
	pushJsonbValue(state, WJB_VALUE, &v);
}

/*
 * The object that says what differs from the defaults.
 */
Jsonb *
sk_audit_options_jsonb(const SkAuditOptions *options)
{
	JsonbInState state = {0};

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	if (options->capture != SK_AUDIT_DIFF)
	{
		push_key(&state, "capture");
		push_string(&state, WJB_VALUE, captures[options->capture]);
	}
	if (options->exclude != NIL)
		push_names(&state, "exclude", options->exclude);
	if (options->ignore_given)
		push_names(&state, "ignore", options->ignore);
	if (options->key != NIL)
		push_names(&state, "key", options->key);
	if (options->mask_null != NIL || options->mask_hash != NIL)
	{
		push_key(&state, "mask");
		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		push_masks(&state, options);
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	}
	if (!options->truncate_rows)
		push_bool(&state, "truncate_rows", false);
	if (options->require_actor)
		push_bool(&state, "require_actor", true);
	pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(state.result);
}

/*
 * The same, as the trigger's argument.
 */
char *
sk_audit_options_text(const SkAuditOptions *options)
{
	Jsonb	   *jsonb = sk_audit_options_jsonb(options);

	return JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));
}

/*
 * Names of the options that differ from their defaults before, and not after.
 */
List *
sk_audit_options_missing(const SkAuditOptions *before,
						 const SkAuditOptions *after)
{
	Jsonb	   *had = sk_audit_options_jsonb(before);
	Jsonb	   *has = sk_audit_options_jsonb(after);
	JsonbIterator *it = JsonbIteratorInit(&had->root);
	List	   *names = NIL;
	JsonbIteratorToken token;
	JsonbValue	v;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY &&
			findJsonbValueFromContainer(&has->root, JB_FOBJECT, &v) == NULL)
			names = lappend(names, pnstrdup(v.val.string.val, v.val.string.len));
	}
	return names;
}

/*
 * Is the name in the list?
 */
bool
sk_audit_options_has(List *names, const char *name)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		if (strcmp(lfirst(lc), name) == 0)
			return true;
	}
	return false;
}

/*
 * Is a column of that name excluded or masked?
 */
bool
sk_audit_options_hides(const SkAuditOptions *options, const char *name)
{
	return sk_audit_options_has(options->exclude, name) ||
		sk_audit_options_has(options->mask_null, name) ||
		sk_audit_options_has(options->mask_hash, name);
}

/*
 * All names of which that is so.
 */
List *
sk_audit_options_hidden(const SkAuditOptions *options)
{
	return list_concat(list_concat_copy(options->exclude, options->mask_null),
					   options->mask_hash);
}

/*
 * The group within which equal values of a column with mask "hash" have equal
 * hashes; NULL if that is the table.
 */
const char *
sk_audit_options_group(const SkAuditOptions *options, const char *name)
{
	ListCell   *lc;
	ListCell   *group;

	forboth(lc, options->mask_hash, group, options->mask_groups)
	{
		if (strcmp(lfirst(lc), name) == 0)
			return lfirst(group);
	}
	return NULL;
}

static bool
rename_in(List *names, const char *from, const char *to)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		if (strcmp(lfirst(lc), from) == 0)
		{
			lfirst(lc) = pstrdup(to);
			return true;
		}
	}
	return false;
}

static bool
add_beside(List **names, const char *from, const char *to)
{
	if (!sk_audit_options_has(*names, from) || sk_audit_options_has(*names, to))
		return false;
	*names = lappend(*names, pstrdup(to));
	return true;
}

/*
 * Follow a column that was renamed; true if an option names it.  What hides it hides
 * both names from now on: the column keeps its mask, and so will another one that
 * gets the former name.
 */
bool
sk_audit_options_rename(SkAuditOptions *options, const char *from,
						const char *to)
{
	bool		found = false;

	found |= rename_in(options->ignore, from, to);
	found |= rename_in(options->key, from, to);
	found |= add_beside(&options->exclude, from, to);
	found |= add_beside(&options->mask_null, from, to);
	if (sk_audit_options_has(options->mask_hash, from) &&
		!sk_audit_options_has(options->mask_hash, to))
	{
		add_hash(options, pstrdup(to), sk_audit_options_group(options, from));
		found = true;
	}
	return found;
}

static List *
names_from_array(Datum array)
{
	Datum	   *elements;
	bool	   *nulls;
	int			count;
	List	   *names = NIL;

	deconstruct_array(DatumGetArrayTypeP(array), NAMEOID, NAMEDATALEN, false,
					  TYPALIGN_CHAR, &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("name of a column must not be null"),
					 errhint("Name columns of the table.")));
		names = lappend(names, pstrdup(NameStr(*DatumGetName(elements[i]))));
	}
	return names;
}

/*
 * The arguments of audit_enable(), but for the first and the last two.
 */
SkAuditOptions *
sk_audit_options_from_args(FunctionCallInfo fcinfo)
{
	static const char *const names[] = {
		"rel", "capture", "exclude", NULL, "mask", NULL, "truncate_rows",
		"require_actor", "baseline", "replica"
	};
	SkAuditOptions *options = palloc0(sizeof(SkAuditOptions));

	for (size_t i = 0; i < lengthof(names); i++)
	{
		if (names[i] != NULL)
			sk_arg_reject_null(fcinfo, i, names[i]);
	}
	options->capture = sk_audit_options_capture(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	options->exclude = names_from_array(PG_GETARG_DATUM(2));
	options->ignore_given = !PG_ARGISNULL(3);
	if (options->ignore_given)
		options->ignore = names_from_array(PG_GETARG_DATUM(3));
	sk_audit_options_set_masks(options, PG_GETARG_JSONB_P(4));
	if (!PG_ARGISNULL(5))
		options->key = names_from_array(PG_GETARG_DATUM(5));
	options->truncate_rows = PG_GETARG_BOOL(6);
	options->require_actor = PG_GETARG_BOOL(7);
	return options;
}
