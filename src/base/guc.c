/*-------------------------------------------------------------------------
 *
 * base/guc.c
 *	  schemakit's settings: their variables and definitions, in the order of
 *	  their names.
 *
 * The library is loaded when one of its functions is first called, so a
 * session may have set a value before; the server keeps such a value as a
 * placeholder and hands it over here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/guc.h"
#include "base/compat.h"
#include "base/setting.h"

#include "catalog/namespace.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "utils/bytea.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/varlena.h"
#include "utils/xml.h"

double		sk_guc_advice_unused_days = 14;
char	   *sk_guc_audit_actor = NULL;
char	   *sk_guc_audit_actor_settings = NULL;
bool		sk_guc_audit_auto = true;
char	   *sk_guc_audit_context = NULL;
bool		sk_guc_audit_query = false;
bool		sk_guc_audit_writable = false;
uint64		sk_guc_audit_changes = 0;
bool		sk_guc_soft_delete_auto = true;
bool		sk_guc_timestamps_auto = true;
bool		sk_guc_timestamps_touch = true;

/*
 * The tables that migration tools and frameworks keep for themselves.  Names that
 * applications use for data of their own, such as "migrations" or "sessions", are not
 * among them.
 */
#define BOOKKEEPING_TABLES \
	"__drizzle%, \"__EFMigrationsHistory\", __diesel_schema_migrations, " \
	"_prisma_migrations, _sqlx_migrations, alembic_version, ar_internal_metadata, " \
	"atlas_schema_revisions%, databasechangelog%, django_migrations, " \
	"doctrine_migration_versions, flyway_schema_history, goose_db_version, " \
	"graphile_migrate.%, knex_migrations%, kysely_migration%, mikro_orm_migrations, " \
	"pgmigrations, pgroll.%, phinxlog, schema_migrations%, seaql_migrations, " \
	"sequelizemeta, \"SequelizeMeta\", sqitch.%, supabase_migrations.%, " \
	"typeorm_metadata"

static char *auto_exceptions = NULL;
static char *soft_delete_columns = NULL;
static char *timestamps_columns = NULL;

static bool
is_list(const char *value)
{
	char	   *copy = pstrdup(value);
	List	   *names;
	bool		valid = SplitIdentifierString(copy, ',', &names);

	if (!valid)
		GUC_check_errdetail("List syntax is invalid.");
	list_free(names);
	pfree(copy);
	return valid;
}

static bool
check_column_list(char **newval, void **extra, GucSource source)
{
	return is_list(*newval);
}

static List *
split_list(const char *value)
{
	List	   *names;

	if (!SplitIdentifierString(pstrdup(value), ',', &names))
		elog(ERROR, "invalid list in a setting: %s", value);
	return names;
}

/*
 * Does the LIKE pattern end in a lone backslash?  That is an error when it is used.
 */
bool
sk_guc_pattern_is_open(const char *pattern)
{
	int			backslashes = 0;

	for (const char *p = pattern; *p; p++)
		backslashes = *p == '\\' ? backslashes + 1 : 0;
	return backslashes % 2 != 0;
}

static bool
check_patterns(char **newval, void **extra, GucSource source)
{
	ListCell   *lc;

	if (!is_list(*newval))
		return false;
	foreach(lc, split_list(*newval))
	{
		if (!sk_guc_pattern_is_open(lfirst(lc)))
			continue;
		GUC_check_errdetail("The LIKE pattern \"%s\" ends with the escape character.",
							(char *) lfirst(lc));
		return false;
	}
	return true;
}

/*
 * Is the text one that jsonb takes?  The parser holds no resources, so its
 * error can be caught and dropped.
 */
static bool
is_jsonb(const char *text)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool valid = true;

	PG_TRY();
	{
		(void) DirectFunctionCall1(jsonb_in, CStringGetDatum(text));
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		FlushErrorState();
		valid = false;
	}
	PG_END_TRY();
	return valid;
}

static bool
check_context(char **newval, void **extra, GucSource source)
{
	if (**newval == '\0' || is_jsonb(*newval))
		return true;
	GUC_check_errdetail("The value is not valid JSON.");
	return false;
}

static bool
check_settings(char **newval, void **extra, GucSource source)
{
	List	   *settings;
	char	   *detail;

	if (sk_setting_parse(*newval, &settings, &detail))
		return true;
	GUC_check_errdetail("%s", detail);
	return false;
}

static void
audit_string_changed(const char *newval, void *extra)
{
	sk_guc_audit_changes++;
}

static void
audit_bool_changed(bool newval, void *extra)
{
	sk_guc_audit_changes++;
}

static void
define_advice(void)
{
	DefineCustomRealVariable("schemakit.advice_unused_days",
							 "Sets the number of days after which an unused index is advised for dropping.",
							 "The statistics of the database must be at least that old.",
							 &sk_guc_advice_unused_days,
							 14, 0, 10000,
							 PGC_USERSET,
							 0,
							 NULL, NULL, NULL);
}

static void
define_audit(void)
{
	DefineCustomStringVariable("schemakit.audit_actor",
							   "Sets the actor that the audit log records.",
							   "It is usually the user of an application.  The value is not checked.",
							   &sk_guc_audit_actor,
							   "",
							   PGC_USERSET,
							   0,
							   NULL, audit_string_changed, NULL);

	DefineCustomStringVariable("schemakit.audit_actor_settings",
							   "Names settings of the application that contain the actor.",
							   "A comma-separated list, in which -> and a key lead into a JSON value; the first one that says something is used.",
							   &sk_guc_audit_actor_settings,
							   "",
							   PGC_USERSET,
							   0,
							   check_settings, audit_string_changed, NULL);

	DefineCustomBoolVariable("schemakit.audit_auto",
							 "Applies the rules for audit to new tables.",
							 "Existing triggers are kept.",
							 &sk_guc_audit_auto,
							 true,
							 PGC_SUSET,
							 0,
							 NULL, NULL, NULL);

	DefineCustomStringVariable("schemakit.audit_context",
							   "Sets other information that the audit log records, as JSON.",
							   NULL,
							   &sk_guc_audit_context,
							   "",
							   PGC_USERSET,
							   0,
							   check_context, audit_string_changed, NULL);

	DefineCustomBoolVariable("schemakit.audit_query",
							 "Records the text of statements in the audit log.",
							 "It is recorded once for each statement that changes an audited table.",
							 &sk_guc_audit_query,
							 false,
							 PGC_SUSET,
							 0,
							 NULL, audit_bool_changed, NULL);

	DefineCustomBoolVariable("schemakit.audit_writable",
							 "Allows changing the audit log and its tables.",
							 "Otherwise this is refused, also for superusers.",
							 &sk_guc_audit_writable,
							 false,
							 PGC_SUSET,
							 0,
							 NULL, NULL, NULL);
}

void
sk_guc_define(void)
{
	define_advice();
	define_audit();

	DefineCustomStringVariable("schemakit.auto_exceptions",
							   "Names of tables that rules leave alone.",
							   "A comma-separated list of LIKE patterns for the names of tables, or for schema.table.",
							   &auto_exceptions,
							   BOOKKEEPING_TABLES,
							   PGC_SUSET,
							   0,
							   check_patterns, NULL, NULL);

	DefineCustomBoolVariable("schemakit.soft_delete_auto",
							 "Applies the rules for soft delete to new tables.",
							 "Existing triggers are kept.",
							 &sk_guc_soft_delete_auto,
							 true,
							 PGC_USERSET,
							 0,
							 NULL, NULL, NULL);

	DefineCustomStringVariable("schemakit.soft_delete_columns",
							   "Names of the columns that hold the time of a row's deletion.",
							   "A comma-separated list of identifiers; the first one that a table has is used.",
							   &soft_delete_columns,
							   "deleted_at, \"deletedAt\"",
							   PGC_USERSET,
							   0,
							   check_column_list, NULL, NULL);

	DefineCustomBoolVariable("schemakit.timestamps_auto",
							 "Applies the rules for timestamps to new tables.",
							 "Existing triggers are kept.",
							 &sk_guc_timestamps_auto,
							 true,
							 PGC_USERSET,
							 0,
							 NULL, NULL, NULL);

	DefineCustomStringVariable("schemakit.timestamps_columns",
							   "Names of the columns that hold the time of a row's last change.",
							   "A comma-separated list of identifiers; the first one that a table has is used.",
							   &timestamps_columns,
							   "updated_at, modified_at, \"updatedAt\"",
							   PGC_USERSET,
							   0,
							   check_column_list, NULL, NULL);

	DefineCustomBoolVariable("schemakit.timestamps_touch",
							 "Maintains the columns that hold the time of a row's last change.",
							 "Turn it off in a session that repairs or imports data.",
							 &sk_guc_timestamps_touch,
							 true,
							 PGC_USERSET,
							 0,
							 NULL, NULL, NULL);

	MarkGUCPrefixReserved("schemakit");
}

/*
 * The names in schemakit.timestamps_columns, in their order, as C strings in
 * the current memory context.
 */
List *
sk_guc_timestamps_columns(void)
{
	return split_list(timestamps_columns);
}

/* Those in schemakit.soft_delete_columns, likewise. */
List *
sk_guc_soft_delete_columns(void)
{
	return split_list(soft_delete_columns);
}

/* The patterns in schemakit.auto_exceptions, likewise. */
List *
sk_guc_auto_exceptions(void)
{
	return split_list(auto_exceptions);
}

/* SET LOCAL: until the transaction ends, or the subtransaction is rolled back. */
void
sk_guc_set_local(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
}

#define PINNED_PATH	"pg_catalog, pg_temp"

/* Are the settings as sk_guc_pin() makes them?  It is called within itself. */
static bool
is_pinned(void)
{
	return strcmp(namespace_search_path, PINNED_PATH) == 0 &&
		DateStyle == USE_ISO_DATES && DateOrder == DATEORDER_YMD &&
		IntervalStyle == INTSTYLE_ISO_8601 &&
		strcmp(pg_get_timezone_name(session_timezone), "UTC") == 0 &&
		bytea_output == BYTEA_OUTPUT_HEX && extra_float_digits == 1 &&
		strcmp(locale_monetary, "C") == 0 && xmloption == XMLOPTION_CONTENT;
}

/*
 * Fix the settings that input and output functions ask, as postgres_fdw does
 * for its transmissions, and the search_path, until sk_guc_unpin().  An error
 * restores them, too.  A search_path that does not name pg_temp has it first, where
 * anybody can put tables and types.
 */
int
sk_guc_pin(void)
{
	static const char *const settings[][2] = {
		{"DateStyle", "ISO, YMD"},
		{"IntervalStyle", "iso_8601"},
		{"TimeZone", "UTC"},
		{"bytea_output", "hex"},
		{"extra_float_digits", "1"},
		{"lc_monetary", "C"},
		{"search_path", PINNED_PATH},
		{"xmloption", "content"},
	};
	int			nestlevel = NewGUCNestLevel();
	size_t		count = is_pinned() ? 0 : lengthof(settings);

	for (size_t i = 0; i < count; i++)
		(void) set_config_option(settings[i][0], settings[i][1],
								 PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	return nestlevel;
}

/*
 * Within sk_guc_pin(): statements are not compiled.  That takes longer than what they
 * read, although the server expects much of them.
 */
void
sk_guc_without_jit(void)
{
	(void) set_config_option("jit", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/*
 * Likewise: a table is not read as a whole if it has an index for what is asked for,
 * although the server expects to find much.
 */
void
sk_guc_with_indexes(void)
{
	(void) set_config_option("enable_seqscan", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/*
 * All settings are what they were, also those that somebody's code has changed
 * for the session meanwhile.
 */
void
sk_guc_unpin(int nestlevel)
{
	AtEOXact_GUC(false, nestlevel);
}
