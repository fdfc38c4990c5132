/*-------------------------------------------------------------------------
 *
 * audit/version_stream.c
 *	  The rows that are there now, and the events of the table, both sorted by the hash
 *	  of the key: what versions are found from.
 *
 * What is read is allocated in the current context, and so must be taken along when
 * that is reset.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/version_stream.h"
#include "audit/committed.h"
#include "audit/key_hash.h"
#include "audit/live.h"
#include "audit/outcome.h"
#include "audit/past.h"
#include "audit/spelling.h"
#include "base/compat.h"

#include "catalog/pg_operator_d.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/timestamp.h"

#define FETCH_ROWS	1000


/*-------------------------------------------------------------------------
 * The rows that are there now
 *-------------------------------------------------------------------------
 */

static TupleDesc
make_sort_desc(const SkAuditReader *reader)
{
	int			natts = reader->tupdesc->natts;
	TupleDesc	result = CreateTemplateTupleDesc(natts + 1);

	TupleDescInitEntry(result, 1, "hash", INT8OID, -1, 0);
	for (int i = 0; i < natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(reader->tupdesc, i);

		TupleDescInitEntry(result, i + 2, "c", attr->attisdropped ? INT4OID : attr->atttypid,
						   attr->attisdropped ? -1 : attr->atttypmod, 0);
	}
	TupleDescFinalize(result);
	return result;
}

static void
sort_row(SkAuditPast *past, Datum *values, bool *nulls)
{
	SkAuditVersions *versions = ((SkAuditVersionPeriod *) past)->versions;
	TupleTableSlot *slot = versions->slot;
	int			natts = past->reader->tupdesc->natts;

	ExecClearTuple(slot);
	memcpy(&slot->tts_values[1], values, sizeof(Datum) * natts);
	memcpy(&slot->tts_isnull[1], nulls, sizeof(bool) * natts);
	slot->tts_isnull[0] = false;
	slot->tts_values[0] =
		UInt64GetDatum(sk_audit_key_hash_of(sk_audit_outcome_key(past, values, nulls),
											past->reader->nkeys, past->reader->rel_id));
	ExecStoreVirtualTuple(slot);
	tuplesort_puttupleslot(versions->sort, slot);
}

static void
finish_sort(SkAuditPast *past)
{
	tuplesort_performsort(((SkAuditVersionPeriod *) past)->versions->sort);
}

void
sk_audit_version_stream_sort(SkAuditVersions *versions)
{
	AttrNumber	column = 1;
	Oid			operator = Int8LessOperator;
	Oid			collation = InvalidOid;
	bool		nulls_first = false;

	versions->sort_desc = make_sort_desc(sk_audit_version_reader(versions));
	versions->slot = MakeSingleTupleTableSlot(versions->sort_desc, &TTSOpsVirtual);
	versions->sort = tuplesort_begin_heap(versions->sort_desc, 1, &column, &operator,
										  &collation, &nulls_first, work_mem, NULL, 0);
	sk_audit_live_each(&versions->periods[versions->nperiods - 1].past, sort_row, finish_sort);
	ExecDropSingleTupleTableSlot(versions->slot);
	versions->slot = MakeSingleTupleTableSlot(versions->sort_desc, &TTSOpsMinimalTuple);
}

/* Read the next row that is there into the current context. */
void
sk_audit_version_stream_next_live(SkAuditVersions *versions)
{
	const SkAuditPast *past = &versions->periods[0].past;
	int			natts = sk_audit_version_natts(versions);
	TupleTableSlot *slot = versions->slot;
	SkAuditVersionLive *live;

	versions->live = NULL;
	if (!tuplesort_gettupleslot(versions->sort, true, false, slot, NULL))
		return;
	slot_getallattrs(slot);
	live = palloc(sizeof(SkAuditVersionLive));
	live->hash = DatumGetInt64(slot->tts_values[0]);
	live->values = palloc(sizeof(Datum) * Max(natts, 1));
	live->nulls = palloc(sizeof(bool) * Max(natts, 1));
	for (int i = 0; i < natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(versions->sort_desc, i + 1);

		live->nulls[i] = slot->tts_isnull[i + 1];
		live->values[i] = live->nulls[i] ? (Datum) 0
			: datumCopy(slot->tts_values[i + 1], attr->attbyval, attr->attlen);
	}
	live->identity = sk_audit_reader_identity(sk_audit_outcome_key(past, live->values, live->nulls),
											  past->reader->nkeys, true);
	versions->live = live;
}


/*-------------------------------------------------------------------------
 * Events
 *-------------------------------------------------------------------------
 */

static const char events_query[] =
"SELECT e.key_hash, " SK_AUDIT_COMMITTED_AT " AS ended_at, e.txn_id, e.shape_id, e.op, e.key, e.old,"
" COALESCE(e.actor, c.actor) FROM schemakit.audit_event AS e LEFT JOIN LATERAL ("
"SELECT i.actor FROM schemakit.audit_event AS i WHERE e.role IS NULL AND i.role IS NOT NULL AND i.carrier IS NOT NULL"
" AND i.txn_id OPERATOR(pg_catalog.=) e.txn_id AND i.at OPERATOR(pg_catalog.=) e.at"
" AND i.n OPERATOR(pg_catalog.=) e.carrier OFFSET 0) AS c ON true" SK_AUDIT_COMMITTED_JOIN
" WHERE e.shape_id OPERATOR(pg_catalog.=) ANY ($1) AND e.key IS NOT NULL"
" AND e.op OPERATOR(pg_catalog.<>) 'B'"
" AND ($2 IS NULL OR e.key_hash OPERATOR(pg_catalog.=) ANY ($2))"
" ORDER BY e.key_hash, ended_at DESC, e.txn_id DESC, e.command DESC,"
" e.op OPERATOR(pg_catalog.=) ANY ('{I,N}'::pg_catalog.\"char\"[]) DESC, e.n DESC";

void
sk_audit_version_stream_open(SkAuditVersions *versions)
{
	static const Oid types[] = {INT4ARRAYOID, INT8ARRAYOID};
	Datum		values[2] = {0};
	char		nulls[] = "  ";
	SkRights	saved;

	values[0] = sk_audit_reader_shape_ids(sk_audit_version_reader(versions));
	nulls[1] = versions->key == NULL ? 'n' : ' ';
	if (versions->key != NULL)
		values[1] = sk_audit_spelling_hashes(versions->periods[0].past.reader,
											 versions->periods[0].past.spellings, false);
	sk_audit_reader_begin(&saved);
	versions->portal = SPI_cursor_open_with_args(NULL, events_query, 2, (Oid *) types, values,
												 nulls, true, 0);
	sk_rights_restore(&saved);
}

/* Fetch as the log's owner; what is done with events is not. */
static bool
fetch_events(SkAuditVersions *versions)
{
	SkRights	saved;

	if (versions->rows != NULL)
		SPI_freetuptable(versions->rows);
	sk_audit_reader_begin(&saved);
	SPI_cursor_fetch(versions->portal, true, FETCH_ROWS);
	sk_rights_restore(&saved);
	versions->rows = SPI_tuptable;
	versions->nrows = SPI_processed;
	versions->row = 0;
	return versions->nrows > 0;
}

static Datum
value_of(const SkAuditVersions *versions, int column, bool *isnull)
{
	return SPI_getbinval(versions->rows->vals[versions->row], versions->rows->tupdesc,
						 column, isnull);
}

static Jsonb *
document_of(const SkAuditVersions *versions, int column)
{
	bool		isnull;
	Datum		value = value_of(versions, column, &isnull);

	return isnull ? NULL : DatumGetJsonbPCopy(value);
}

static char *
identity_in(const SkAuditVersions *versions, const SkAuditVersionEvent *event, Jsonb *key)
{
	const SkAuditReader *reader = sk_audit_version_reader(versions);
	JsonbValue *values = palloc0(sizeof(JsonbValue) * Max(reader->tupdesc->natts, 1));

	sk_audit_reader_values(reader, event->shape, key, values);
	return sk_audit_reader_identity(sk_audit_reader_key_of(reader, values), reader->nkeys, true);
}

/* Read the next event into the current context. */
void
sk_audit_version_stream_next_event(SkAuditVersions *versions)
{
	SkAuditVersionEvent *event;
	bool		isnull;
	Datum		actor;

	versions->event = NULL;
	if (versions->row >= versions->nrows && !fetch_events(versions))
		return;
	event = palloc(sizeof(SkAuditVersionEvent));
	event->hash = DatumGetInt64(value_of(versions, 1, &isnull));
	event->ended_at = DatumGetTimestampTz(value_of(versions, 2, &isnull));
	event->txn_id = DatumGetInt64(value_of(versions, 3, &isnull));
	event->shape_id = DatumGetInt32(value_of(versions, 4, &isnull));
	event->shape = sk_audit_reader_shape(sk_audit_version_reader(versions), event->shape_id);
	event->op = DatumGetChar(value_of(versions, 5, &isnull));
	event->identity = identity_in(versions, event, document_of(versions, 6));
	event->old = document_of(versions, 7);
	actor = value_of(versions, 8, &isnull);
	event->actor = isnull ? NULL : TextDatumGetCString(actor);
	versions->row++;
	versions->event = event;
}

/* What was read already, but belongs to another row, is taken along. */
void
sk_audit_version_stream_take_along(SkAuditVersions *versions)
{
	int			natts = sk_audit_version_natts(versions);

	if (versions->event != NULL)
	{
		SkAuditVersionEvent *event = palloc(sizeof(SkAuditVersionEvent));

		*event = *versions->event;
		event->identity = pstrdup(event->identity);
		if (event->old != NULL)
			event->old = (Jsonb *) DatumGetPointer(datumCopy(JsonbPGetDatum(event->old), false, -1));
		if (event->actor != NULL)
			event->actor = pstrdup(event->actor);
		versions->event = event;
	}
	if (versions->live != NULL)
	{
		SkAuditVersionLive *live = palloc(sizeof(SkAuditVersionLive));
		const SkAuditVersionLive *from = versions->live;

		*live = *from;
		live->identity = pstrdup(from->identity);
		live->values = palloc(sizeof(Datum) * Max(natts, 1));
		live->nulls = palloc(sizeof(bool) * Max(natts, 1));
		memcpy(live->nulls, from->nulls, sizeof(bool) * natts);
		for (int i = 0; i < natts; i++)
		{
			Form_pg_attribute attr = TupleDescAttr(versions->sort_desc, i + 1);

			live->values[i] = live->nulls[i] ? (Datum) 0
				: datumCopy(from->values[i], attr->attbyval, attr->attlen);
		}
		versions->live = live;
	}
}
