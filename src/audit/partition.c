/*-------------------------------------------------------------------------
 *
 * audit/partition.c
 *	  The audit log's partitions.
 *
 * There is one for each month (of UTC), named audit_event_p2026_11.  What
 * finds none goes to the default partition, and is moved when its month gets
 * one: no write ever waits for maintenance to be done.
 *
 * The caller is the log's owner, under fixed settings.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/partition.h"
#include "audit/log.h"
#include "base/acl.h"
#include "base/compat.h"
#include "base/guard.h"
#include "base/spi.h"
#include "schemakit.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

/* The indexes of each partition; 75_dump.sql knows them by their names. */
const SkAuditIndex sk_audit_partition_indexes[SK_AUDIT_PARTITION_INDEXES] = {
	{"key_hash", "CREATE INDEX %s ON schemakit.%s (key_hash) WHERE key_hash IS NOT NULL"},
	{"carrier", "CREATE INDEX %s ON schemakit.%s (txn_id) WHERE role IS NOT NULL AND carrier IS NOT NULL"},
	{"commit", "CREATE INDEX %s ON schemakit.%s USING brin (at, changed_at) WITH (autosummarize = on) WHERE events IS NOT NULL"},
	{"time", "CREATE INDEX %s ON schemakit.%s USING brin (txn_id, at) WITH (autosummarize = on)"},
};

/* Is that the name of a partition? */
static bool
is_partition_name(const char *name)
{
	static const char prefix[] = "audit_event_p";

	return strncmp(name, prefix, strlen(prefix)) == 0 &&
		strspn(name + strlen(prefix), "0123456789_") == strlen(name + strlen(prefix));
}

/*
 * Is it one of the partitions that audit_maintain() makes?
 */
bool
sk_audit_partition_is_month(Oid relid)
{
	char	   *name = get_rel_name(relid);

	return name != NULL && is_partition_name(name);
}

static uint64
run(int expected, const char *sql)
{
	return sk_spi_execute(sql, 0, NULL, NULL, expected, NULL);
}


/*-------------------------------------------------------------------------
 * Making partitions
 *-------------------------------------------------------------------------
 */

static Datum
as_timestamptz(const char *text)
{
	return DirectFunctionCall3(timestamptz_in, CStringGetDatum(text),
							   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
}

/*
 * Is a part of the month somebody's own partition already?  Those who divide
 * the log otherwise see to it themselves.
 */
static bool
is_taken(const SkLogMonth *month)
{
	Relation	rel = table_open(sk_audit_log_relid("audit_event"), AccessShareLock);
	PartitionDesc partdesc = RelationGetPartitionDesc(rel, true);
	PartitionBoundInfo bounds = partdesc->boundinfo;
	TimestampTz from = DatumGetTimestampTz(as_timestamptz(month->from));
	TimestampTz until = DatumGetTimestampTz(as_timestamptz(month->until));
	bool		taken = false;

	for (int i = 0; partdesc->nparts > 0 && i < bounds->ndatums; i++)
	{
		/* a bound is the end of the partition that its index names */
		TimestampTz end = bounds->kind[i][0] == PARTITION_RANGE_DATUM_VALUE
			? DatumGetTimestampTz(bounds->datums[i][0]) : DT_NOEND;
		TimestampTz begin = i > 0 && bounds->kind[i - 1][0] == PARTITION_RANGE_DATUM_VALUE
			? DatumGetTimestampTz(bounds->datums[i - 1][0]) : DT_NOBEGIN;

		taken |= bounds->indexes[i] >= 0 && begin < until && from < end;
	}
	table_close(rel, NoLock);
	return taken;
}

/*
 * The months that have no partition: from the current one until the given
 * interval is over, and those of rows in the default partition.
 */
List *
sk_audit_partition_missing(Interval *premake)
{
	static const Oid types[] = {INTERVALOID};
	static const char months_query[] =
		"SELECT pg_catalog.to_char(m, '\"p\"YYYY_MM'),"
		" pg_catalog.concat(m, '+00'), pg_catalog.concat(m OPERATOR(pg_catalog.+) '1 month'::pg_catalog.interval, '+00')"
		" FROM (SELECT pg_catalog.generate_series(pg_catalog.date_trunc('month', pg_catalog.now() AT TIME ZONE 'UTC'),"
		" (pg_catalog.now() OPERATOR(pg_catalog.+) $1) AT TIME ZONE 'UTC', '1 month'::pg_catalog.interval)"
		" UNION SELECT pg_catalog.date_trunc('month', at AT TIME ZONE 'UTC')"
		" FROM schemakit.audit_event_default WHERE pg_catalog.isfinite(at)) AS s(m)"
		" WHERE pg_catalog.to_regclass(pg_catalog.format('schemakit.%I', pg_catalog.concat('audit_event_', pg_catalog.to_char(m, '\"p\"YYYY_MM')))) IS NULL"
		" ORDER BY m";
	Datum		value = IntervalPGetDatum(premake);
	MemoryContext context = CurrentMemoryContext;
	List	   *months = NIL;

	SPI_connect();
	if (SPI_execute_with_args(months_query, 1, (Oid *) types, &value, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not list months");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		SkLogMonth *month = palloc0(sizeof(SkLogMonth));
		char	  **fields[] = {&month->name, &month->from, &month->until};

		for (int f = 0; f < 3; f++)
			*fields[f] = SPI_getvalue(SPI_tuptable->vals[i],
									  SPI_tuptable->tupdesc, f + 1);
		month->partition = psprintf("audit_event_%s", month->name);
		if (!is_taken(month))
			months = lappend(months, month);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	return months;
}

/* Nobody but the owner may do anything, whatever ALTER DEFAULT PRIVILEGES. */
static void
revoke_all(const char *partition)
{
	sk_acl_write(sk_audit_log_relid(partition), 0, NULL, sk_audit_log_owner());
}

/*
 * A dump has a table of an extension only with the privileges on it that were not
 * there from the beginning.  Those on a partition it would grant on a table that
 * CREATE EXTENSION does not make: they are all said to have been there, and saved
 * by 75_dump.sql.
 */
void
sk_audit_partition_granted(Oid relid)
{
	char	   *name = get_rel_name(relid);

	if (name == NULL || !is_partition_name(name))
		return;
	removeExtObjInitPriv(relid, RelationRelationId);
	CommandCounterIncrement();
	recordExtObjInitPriv(relid, RelationRelationId);
}

/*
 * What of a table is a member of the extension: since 17, also its row type and the
 * type of arrays of it, as those of the log's own tables are.
 */
static List *
members(Oid relid)
{
	Oid			type = get_rel_type_id(relid);
	Oid			log_type = get_rel_type_id(sk_audit_log_relid("audit_event"));
	Oid			ids[][2] = {
		{RelationRelationId, relid},
		{TypeRelationId, type},
		{TypeRelationId, get_array_type(type)},
	};
	bool		types = OidIsValid(getExtensionOfObject(TypeRelationId, log_type));
	List	   *objects = NIL;

	for (size_t i = 0; i < (types ? lengthof(ids) : 1); i++)
	{
		ObjectAddress *object = palloc(sizeof(ObjectAddress));

		ObjectAddressSet(*object, ids[i][0], ids[i][1]);
		objects = lappend(objects, object);
	}
	return objects;
}

/*
 * The extension's tables are not locked by pg_dump, which needs rights on them, and not
 * dropped by mistake.
 */
static void
become_member(Oid relid)
{
	ObjectAddress extension = {
		ExtensionRelationId, get_extension_oid(SK_EXTENSION, false), 0
	};
	ListCell   *lc;

	foreach(lc, members(relid))
		recordDependencyOn(lfirst(lc), &extension, DEPENDENCY_EXTENSION);
	sk_audit_partition_granted(relid);
	CommandCounterIncrement();
}

/*
 * Let it be dropped.
 */
void
sk_audit_partition_release(Oid relid)
{
	ListCell   *lc;

	foreach(lc, members(relid))
	{
		const ObjectAddress *object = lfirst(lc);

		deleteDependencyRecordsForClass(object->classId, object->objectId,
										ExtensionRelationId, DEPENDENCY_EXTENSION);
	}
	removeExtObjInitPriv(relid, RelationRelationId);
	CommandCounterIncrement();
}

/* Rows of the month that went to the default partition; how many? */
static uint64
move_rows(const SkLogMonth *month)
{
	return run(SPI_OK_INSERT,
			   psprintf("WITH moved AS (DELETE FROM schemakit.audit_event_default"
						" WHERE at OPERATOR(pg_catalog.>=) '%s'::pg_catalog.timestamptz"
						" AND at OPERATOR(pg_catalog.<) '%s'::pg_catalog.timestamptz RETURNING *)"
						" INSERT INTO schemakit.%s SELECT * FROM moved",
						month->from, month->until, month->partition));
}

/* Compress documents faster, if the server was built with lz4. */
static void
choose_compression(const char *partition)
{
	if (run(SPI_OK_SELECT, "SELECT FROM pg_catalog.pg_settings"
			" WHERE name OPERATOR(pg_catalog.=) 'default_toast_compression'"
			" AND 'lz4' OPERATOR(pg_catalog.=) ANY (enumvals)") > 0)
		run(SPI_OK_UTILITY, psprintf("ALTER TABLE schemakit.%s ALTER key SET COMPRESSION lz4,"
									 " ALTER old SET COMPRESSION lz4, ALTER new SET COMPRESSION lz4",
									 partition));
}

/*
 * An index on times is made with a summary of the last pages, too, where rows are
 * still to come.  Each of them would change it, which costs more than all else about
 * the row; without it none does, until the server summarizes the pages when they are full.
 */
static void
leave_end_unsummarized(const char *partition, const char *index)
{
	run(SPI_OK_SELECT, psprintf("SELECT pg_catalog.brin_desummarize_range('schemakit.%s_%s_idx'::pg_catalog.regclass,"
								" pg_catalog.int8larger(0, pg_catalog.pg_relation_size('schemakit.%s'::pg_catalog.regclass)"
								" OPERATOR(pg_catalog./) pg_catalog.current_setting('block_size')::pg_catalog.int8 OPERATOR(pg_catalog.-) 1))",
								partition, index, partition));
}

/*
 * Make the table that is to become the month's partition, with its rows so far.
 */
void
sk_audit_partition_prepare(SkLogMonth *month)
{
	char	   *partition = month->partition;

	run(SPI_OK_UTILITY, psprintf("CREATE TABLE schemakit.%s (LIKE schemakit.audit_event)",
								 partition));
	revoke_all(partition);
	become_member(sk_audit_log_relid(partition));
	choose_compression(partition);
	month->moved = move_rows(month);
	for (size_t i = 0; i < lengthof(sk_audit_partition_indexes); i++)
		run(SPI_OK_UTILITY, psprintf(sk_audit_partition_indexes[i].statement,
									 psprintf("%s_%s_idx", partition, sk_audit_partition_indexes[i].name),
									 partition));
	leave_end_unsummarized(partition, "commit");
	leave_end_unsummarized(partition, "time");
	run(SPI_OK_UTILITY, psprintf("CREATE TRIGGER audit_protect_statement BEFORE INSERT OR TRUNCATE ON schemakit.%s"
								 " FOR EACH STATEMENT EXECUTE FUNCTION schemakit.internal_audit_protect()",
								 partition));
	run(SPI_OK_UTILITY, psprintf("ALTER TABLE schemakit.%s ENABLE ALWAYS TRIGGER audit_protect_statement,"
								 " REPLICA IDENTITY FULL", partition));
}

/*
 * Make it the month's partition.  Rows that have come meanwhile come along.
 */
void
sk_audit_partition_attach(SkLogMonth *month)
{
	month->moved += move_rows(month);
	run(SPI_OK_UTILITY, psprintf("ALTER TABLE schemakit.audit_event ATTACH PARTITION schemakit.%s FOR VALUES FROM ('%s') TO ('%s')",
								 month->partition, month->from, month->until));
}


/* A time in quotes, as in the text of a partition's bounds; NULL: there is none. */
static char *
next_time(const char **text)
{
	const char *begin = strchr(*text, '\'');
	const char *end = begin == NULL ? NULL : strchr(begin + 1, '\'');
	Datum		value;

	if (end == NULL)
		return NULL;
	value = as_timestamptz(pnstrdup(begin + 1, end - begin - 1));
	*text = end + 1;
	return pstrdup(timestamptz_to_str(DatumGetTimestampTz(value)));
}

static void
restore(void *arg)
{
	SkLogMonth *month = arg;

	if (is_taken(month) ||
		OidIsValid(get_relname_relid(month->partition,
									 get_namespace_oid(SK_SCHEMA, false))))
		return;
	sk_guard_become(sk_audit_log_owner());
	sk_audit_partition_prepare(month);

	/*
	 * Another session may be loading the month's rows into the default
	 * partition. So what ATTACH PARTITION locks is locked before they are
	 * moved.
	 */
	LockRelationOid(sk_audit_log_relid("audit_event"), ShareUpdateExclusiveLock);
	LockRelationOid(sk_audit_log_relid("audit_event_default"),
					AccessExclusiveLock);
	sk_audit_partition_attach(month);
}

/*
 * Make the partition that a dump says there was, with the bounds as the server
 * writes them.
 */
void
sk_audit_partition_restore(const char *name, const char *bounds)
{
	const char *text = bounds;
	SkLogMonth	month = {.partition = pstrdup(name)};

	month.from = next_time(&text);
	month.until = month.from == NULL ? NULL : next_time(&text);
	if (month.until == NULL || !is_partition_name(name))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not a partition of the audit log", name)));
	sk_guard_require(restore, &month);
}


/*-------------------------------------------------------------------------
 * What has ended
 *-------------------------------------------------------------------------
 */

/* A bound, or that if there is none */
static TimestampTz
bound_at(PartitionBoundInfo bounds, int i, TimestampTz none)
{
	return bounds->kind[i][0] == PARTITION_RANGE_DATUM_VALUE
		? DatumGetTimestampTz(bounds->datums[i][0]) : none;
}

/*
 * The OIDs of the partitions that end before that time.
 */
List *
sk_audit_partition_ended(TimestampTz before)
{
	Relation	table = table_open(sk_audit_log_relid("audit_event"), AccessShareLock);
	PartitionDesc partdesc = RelationGetPartitionDesc(table, true);
	PartitionBoundInfo bounds = partdesc->boundinfo;
	List	   *ended = NIL;

	for (int i = 0; partdesc->nparts > 0 && i < bounds->ndatums; i++)
	{
		int			part = bounds->indexes[i];

		/* a bound is the end of the partition that its index names */
		if (part >= 0 && bounds->kind[i][0] == PARTITION_RANGE_DATUM_VALUE &&
			DatumGetTimestampTz(bounds->datums[i][0]) <= before)
			ended = lappend_oid(ended, partdesc->oids[part]);
	}
	table_close(table, NoLock);
	return ended;
}

/*
 * All partitions, in the order of their times, and the default one at last.
 */
List *
sk_audit_partition_leaves(void)
{
	Relation	table = table_open(sk_audit_log_relid("audit_event"), AccessShareLock);
	PartitionDesc partdesc = RelationGetPartitionDesc(table, true);
	PartitionBoundInfo bounds = partdesc->boundinfo;
	SkAuditLeaf *leaf;
	List	   *leaves = NIL;

	for (int i = 0; partdesc->nparts > 0 && i < bounds->ndatums; i++)
	{
		if (bounds->indexes[i] < 0)
			continue;
		leaf = palloc(sizeof(SkAuditLeaf));
		leaf->relid = partdesc->oids[bounds->indexes[i]];
		leaf->from = i > 0 ? bound_at(bounds, i - 1, DT_NOBEGIN) : DT_NOBEGIN;
		leaf->until = bound_at(bounds, i, DT_NOEND);
		leaves = lappend(leaves, leaf);
	}
	leaf = palloc(sizeof(SkAuditLeaf));
	*leaf = (SkAuditLeaf)
	{
		sk_audit_log_relid("audit_event_default"), DT_NOBEGIN, DT_NOEND
	};
	table_close(table, NoLock);
	return lappend(leaves, leaf);
}

/*
 * Delete the default partition's rows of before that time; how many?
 */
uint64
sk_audit_partition_empty_default(TimestampTz before)
{
	return run(SPI_OK_DELETE, psprintf("DELETE FROM schemakit.audit_event_default"
									   " WHERE at OPERATOR(pg_catalog.<) '%s'::pg_catalog.timestamptz",
									   timestamptz_to_str(before)));
}

/*
 * Has nothing gone to the default partition?
 */
bool
sk_audit_partition_is_default_empty(void)
{
	return run(SPI_OK_SELECT, "SELECT FROM schemakit.audit_event_default LIMIT 1") == 0;
}

/*
 * Stop here unless partitions may be moved to the schema: whoever owns it can drop what
 * is in it.
 */
void
sk_audit_partition_check_archive(const char *schema)
{
	Oid			oid = get_namespace_oid(schema, false);
	HeapTuple	tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(oid));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for namespace %u", oid);
	owner = ((Form_pg_namespace) GETSTRUCT(tuple))->nspowner;
	ReleaseSysCache(tuple);
	if (!has_privs_of_role(owner, sk_audit_log_owner()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("schema \"%s\" cannot be the archive of the audit log", schema),
				 errdetail("It belongs to role \"%s\", which could drop the events that are moved there.",
						   GetUserNameFromId(owner, false)),
				 errhint("Use a schema of role \"%s\".",
						 GetUserNameFromId(sk_audit_log_owner(), false))));
}

static bool
is_type_taken(Oid type, Oid schema)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	bool		taken;

	if (!HeapTupleIsValid(tuple))
		return false;
	taken = SearchSysCacheExists2(TYPENAMENSP, NameGetDatum(&((Form_pg_type) GETSTRUCT(tuple))->typname),
								  ObjectIdGetDatum(schema));
	ReleaseSysCache(tuple);
	return taken;
}

/*
 * Is a name in use in the schema, of the table or of what goes with it there: indexes,
 * the row type, arrays of it?
 */
bool
sk_audit_partition_is_name_taken(Oid relid, const char *schema)
{
	Oid			archive = get_namespace_oid(schema, false);
	Oid			type = get_rel_type_id(relid);
	Relation	rel = table_open(relid, AccessShareLock);
	bool		taken = OidIsValid(get_relname_relid(RelationGetRelationName(rel), archive)) ||
		is_type_taken(type, archive) || is_type_taken(get_array_type(type), archive);
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
		taken |= OidIsValid(get_relname_relid(get_rel_name(lfirst_oid(lc)), archive));
	table_close(rel, NoLock);
	return taken;
}

/* What protects a partition is nothing to a table of its own. */
static void
drop_triggers(Oid relid, const char *name)
{
	static const char *const triggers[] = {
		"audit_protect", "audit_protect_statement", "a_replica_skip"
	};

	for (size_t i = 0; i < lengthof(triggers); i++)
	{
		if (OidIsValid(get_trigger_oid(relid, triggers[i], true)))
			run(SPI_OK_UTILITY, psprintf("DROP TRIGGER %s ON schemakit.%s", triggers[i], name));
	}
}

/*
 * Take a partition out of the log, into another schema.  It is then an ordinary table of
 * the log's owner, which is dumped and may be dropped.
 */
void
sk_audit_partition_archive(Oid relid, const char *schema)
{
	const char *name = quote_identifier(get_rel_name(relid));

	run(SPI_OK_UTILITY, psprintf("ALTER TABLE schemakit.audit_event DETACH PARTITION schemakit.%s", name));
	drop_triggers(relid, name);
	sk_audit_partition_release(relid);
	run(SPI_OK_UTILITY, psprintf("ALTER TABLE schemakit.%s SET SCHEMA %s", name,
								 quote_identifier(schema)));
}
