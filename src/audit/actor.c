/*-------------------------------------------------------------------------
 *
 * audit/actor.c
 *	  Who acts, as the settings of the application's platform say: those that
 *	  schemakit.audit_actor_settings names.
 *
 * The server does not tell of changes of settings that are not ours, so they are looked
 * at again, and compared with what they were.  Most values are the same as before: a
 * value is read only if it has changed.
 *
 * Any role may name settings, so those that the server keeps from roles say nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/actor.h"
#include "base/guc.h"
#include "base/json_text.h"
#include "base/setting.h"

#include "mb/pg_wchar.h"
#include "utils/guc.h"
#include "utils/memutils.h"

/* A value that is longer is read each time, and not kept. */
#define MAX_KEPT	8192

typedef struct Source
{
	SkSetting  *setting;
	char	   *text;			/* what the setting was; NULL: not known */
	char	   *actor;			/* what it says; NULL: nothing */
} Source;

/* What the list of settings was made from, in a context of its own; NULL: nothing */
static MemoryContext context = NULL;
static char *list = NULL;
static Source *sources;
static int	nsources;

/*
 * Are there settings to look at?
 */
bool
sk_audit_actor_in_settings(void)
{
	return sk_guc_audit_actor_settings != NULL && *sk_guc_audit_actor_settings != '\0';
}

/* What is no list any more has not been checked yet: nothing is in it. */
static void
make_sources(void)
{
	MemoryContext old;
	List	   *settings;
	char	   *detail;

	list = NULL;
	if (context == NULL)
		context = AllocSetContextCreate(CacheMemoryContext, "schemakit actor",
										ALLOCSET_SMALL_SIZES);
	MemoryContextReset(context);
	old = MemoryContextSwitchTo(context);
	nsources = 0;
	if (!sk_setting_parse(sk_guc_audit_actor_settings, &settings, &detail))
		settings = NIL;
	sources = palloc0(sizeof(Source) * Max(list_length(settings), 1));
	for (; nsources < list_length(settings); nsources++)
		sources[nsources].setting = list_nth(settings, nsources);
	list = pstrdup(sk_guc_audit_actor_settings);
	MemoryContextSwitchTo(old);
}

/* What the text of a setting says, if it is anything that can be stored */
static char *
read_actor(const SkSetting *setting, const char *text)
{
	char	   *actor = setting->keys == NIL ? pstrdup(text)
		: sk_json_text_value(text, setting->keys);

	if (actor == NULL || *actor == '\0' ||
		!pg_verifymbstr(actor, strlen(actor), true) ||
		(GetConfigOptionFlags(setting->name, true) & GUC_SUPERUSER_ONLY))
		return NULL;
	return actor;
}

static void
keep(Source *source, const char *text, const char *actor)
{
	if (source->text !=NULL)
		pfree(source->text);
	if (source->actor != NULL)
		pfree(source->actor);
	source->text = source->actor = NULL;
	if (strlen(text) > MAX_KEPT)
		return;
	source->actor = actor ? MemoryContextStrdup(context, actor) : NULL;
	source->text = MemoryContextStrdup(context, text);
}

static const char *
actor_of(Source *source)
{
	const char *text = GetConfigOption(source->setting->name, true, false);
	char	   *actor;

	if (text == NULL || *text == '\0')
		return NULL;
	if (source->text !=NULL && strcmp(source->text, text) == 0)
		return source->actor;
	actor = read_actor(source->setting, text);
	keep(source, text, actor);
	return actor;
}

/*
 * The first that one of the settings says, or NULL.
 */
const char *
sk_audit_actor_find(void)
{
	const char *actor = NULL;

	if (!sk_audit_actor_in_settings())
		return NULL;
	if (list == NULL || strcmp(list, sk_guc_audit_actor_settings) != 0)
		make_sources();
	for (int i = 0; i < nsources && actor == NULL; i++)
		actor = actor_of(&sources[i]);
	return actor;
}
