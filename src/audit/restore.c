/*-------------------------------------------------------------------------
 *
 * audit/restore.c
 *	  schemakit.audit_restore(): rows put back as they were.
 *
 * What the rows were is known by audit_as_of(), and it is put back by one statement of
 * the caller's: with the caller's rights, under the policies and triggers of the table.
 * A caller who could become the table's owner does it as the owner, whose code is in those
 * triggers.
 * The statement is made in restore_statement.c.
 *
 * Nobody may change the rows between reading and writing: the row with the key is
 * locked, or the table against writers, and then the past is read with a new snapshot.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/live.h"
#include "audit/restore_statement.h"
#include "base/arg.h"
#include "base/compat.h"
#include "base/owner.h"
#include "base/spi.h"
#include "base/table.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/queryenvironment.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"


/*-------------------------------------------------------------------------
 * What there was
 *-------------------------------------------------------------------------
 */

/* Columns of the table by their places, as c1, and "unknown" */
static TupleDesc
make_descriptor(const SkAuditReader *reader)
{
	int			natts = reader->tupdesc->natts;
	TupleDesc	result = CreateTemplateTupleDesc(natts + 1);

	for (int i = 0; i < natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(reader->tupdesc, i);

		TupleDescInitEntry(result, i + 1, psprintf("c%d", i + 1),
						   attr->attisdropped ? INT4OID : attr->atttypid,
						   attr->attisdropped ? -1 : attr->atttypmod, 0);
		if (!attr->attisdropped)
			TupleDescInitEntryCollation(result, i + 1, attr->attcollation);
	}
	TupleDescInitEntry(result, natts + 1, "unknown", INT2ARRAYOID, -1, 0);
	TupleDescFinalize(result);
	return result;
}

/* The row that has the key now; its values become the parameters. */
static void
find_row(SkAuditRestore *restore, SkAuditReader *reader)
{
	restore->condition = pstrdup("");
	if (restore->key == NULL)
		return;
	restore->nparams = reader->nkeys;
	restore->types = palloc(sizeof(Oid) * reader->nkeys);
	restore->values = palloc(sizeof(Datum) * reader->nkeys);
	restore->nulls = palloc0(reader->nkeys + 1);
	restore->condition = sk_audit_live_condition(reader,
												 sk_audit_reader_key(reader, restore->key),
												 restore->types, restore->values,
												 restore->nulls);
}

static void
find_table(SkAuditRestore *restore)
{
	SkAuditReader *reader = sk_audit_reader_open(restore->relid);

	if (reader->nkeys == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no key", reader->label),
				 errdetail("Rows are put back by their keys."),
				 errhint("Insert what is missing from schemakit.audit_as_of().")));
	restore->table = psprintf("%s%s", reader->partitioned ? "" : "ONLY ", reader->name);
	find_row(restore, reader);
}

/* Keep others from changing what is about to be changed. */
static void
lock_rows(SkAuditRestore *restore)
{
	SPI_connect();
	if (restore->key == NULL)
	{
		if (SPI_execute(psprintf("LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE", restore->table),
						false, 0) != SPI_OK_UTILITY)
			elog(ERROR, "could not lock table %s", restore->table);
	}
	else
		(void) sk_audit_restore_statement_execute(restore, psprintf("SELECT FROM %s%s FOR UPDATE", restore->table,
																	restore->condition), SPI_OK_SELECT);
	SPI_finish();
}

static void
read_past(SkAuditRestore *restore)
{
	ReturnSetInfo *rsinfo = &restore->rsinfo;

	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	rsinfo->setResult = tuplestore_begin_heap(true, false, work_mem);
	rsinfo->setDesc = make_descriptor(sk_audit_reader_open(restore->relid));
	sk_audit_as_of_rows(&restore->past, restore->relid, restore->at, restore->key, rsinfo);
	PopActiveSnapshot();
}


static EphemeralNamedRelation
make_relation(const SkAuditRestore *restore)
{
	EphemeralNamedRelation relation = palloc0(sizeof(EphemeralNamedRelationData));

	relation->md.name = pstrdup(SK_AUDIT_RESTORE_WAS);
	relation->md.reliddesc = InvalidOid;
	relation->md.tupdesc = restore->rsinfo.setDesc;
	relation->md.enrtype = ENR_NAMED_TUPLESTORE;
	relation->md.enrtuples = (double) tuplestore_tuple_count(restore->rsinfo.setResult);
	relation->reldata = restore->rsinfo.setResult;
	return relation;
}

static void
write_rows(SkAuditRestore *restore)
{
	bool		isnull;

	SPI_connect();
	if (SPI_register_relation(make_relation(restore)) != SPI_OK_REL_REGISTER)
		elog(ERROR, "could not register what there was");
	(void) sk_audit_restore_statement_execute(restore, sk_audit_restore_statement_make(restore),
											  SPI_OK_SELECT);
	restore->count = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
												 &isnull));
	SPI_finish();
}

/* Do it as the owner, if the caller could become it. */
static void
as_owner(SkAuditRestore *restore, Relation rel, void (*work) (SkAuditRestore *))
{
	AclMode		needed = ACL_SELECT | ACL_INSERT | ACL_UPDATE | ACL_DELETE;
	SkOwner		owner;

	sk_owner_begin(rel, needed, "put back", &owner);
	work(restore);
	sk_owner_end(&owner);
}

/*
 * schemakit.audit_restore(rel regclass, at timestamptz, key jsonb, remove boolean)
 *		RETURNS bigint
 */
PG_FUNCTION_INFO_V1(schemakit_audit_restore);
Datum
schemakit_audit_restore(PG_FUNCTION_ARGS)
{
	SkAuditRestore restore = {0};
	Relation	rel;

	sk_arg_reject_null(fcinfo, 0, "rel");
	sk_arg_reject_null(fcinfo, 1, "at");
	sk_arg_reject_null(fcinfo, 3, "remove");
	restore.relid = PG_GETARG_OID(0);
	restore.at = PG_GETARG_TIMESTAMPTZ(1);
	restore.key = PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2);
	restore.remove = PG_GETARG_BOOL(3);
	PreventCommandIfReadOnly("audit_restore()");
	find_table(&restore);
	rel = table_open(restore.relid, AccessShareLock);
	as_owner(&restore, rel, lock_rows);
	read_past(&restore);
	as_owner(&restore, rel, write_rows);
	table_close(rel, NoLock);
	tuplestore_end(restore.rsinfo.setResult);
	PG_RETURN_INT64(restore.count);
}
