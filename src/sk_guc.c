/*-------------------------------------------------------------------------
 *
 * sk_guc.c
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

#include "sk_compat.h"
#include "sk_guc.h"

#include "utils/varlena.h"

bool		sk_guc_timestamps_auto = true;
bool		sk_guc_timestamps_touch = true;

static char *timestamps_columns = NULL;

static bool
check_column_list(char **newval, void **extra, GucSource source)
{
	char	   *copy = pstrdup(*newval);
	List	   *names;
	bool		valid = SplitIdentifierString(copy, ',', &names);

	if (!valid)
		GUC_check_errdetail("List syntax is invalid.");
	list_free(names);
	pfree(copy);
	return valid;
}

void
sk_guc_define(void)
{
	DefineCustomBoolVariable("schemakit.timestamps_auto",
							 "Attaches timestamps to new tables in this session.",
							 "Tables that have a trigger already keep it.",
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
							 "Turn it off in a session that must not advance them, as when data is filled in or repaired.",
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
	List	   *names;

	if (!SplitIdentifierString(pstrdup(timestamps_columns), ',', &names))
		elog(ERROR, "invalid list in schemakit.timestamps_columns");
	return names;
}
