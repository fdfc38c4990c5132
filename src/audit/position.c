/*-------------------------------------------------------------------------
 *
 * audit/position.c
 *	  Positions of audit_changes(): which transactions a client has seen, and in
 *	  which database.
 *
 * A position is a text, "origin:place:snapshot": the number in schemakit.audit_origin,
 * a place in the WAL, and a pg_snapshot.  In the middle of the whole log, "@database"
 * follows: of which database the snapshot's numbers are (changes.c).  Numbers of transactions mean something in one
 * cluster only, so the position of another database is refused: a client that goes on
 * with it would miss changes, or see them twice.
 *
 * Even there they are given a second time to other transactions, if those that had
 * them are lost: by a crash before their WAL was on the disk, by a failover, by recovery
 * to a time before them.  A crash loses nothing that a position has, since the WAL is
 * flushed before the position is returned; this matters for transactions that are rolled
 * back or committed asynchronously, for which nobody waits.  A failover or recovery
 * begins a new timeline of the WAL.  The place tells on which one the position is,
 * and how far, so a position after the point at which this database has left that
 * timeline is refused.  (pg_upgrade begins with timelines anew, and gives
 * the cluster another number, by which it is recognized.  It loses nothing.)
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "audit/position.h"
#include "audit/origin.h"
#include "audit/reader.h"
#include "audit/shape.h"
#include "base/compat.h"

#include "access/timeline.h"
#include "access/transam.h"
#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/snapmgr.h"
#include "utils/xid8.h"

/* In which WAL, on which timeline of it, and how far */
typedef struct Place
{
	uint32		cluster;
	TimeLineID	timeline;
	XLogRecPtr	lsn;
} Place;


/*-------------------------------------------------------------------------
 * Places in the WAL
 *-------------------------------------------------------------------------
 */

/* Where the last record ends.  What is to be written next begins after a page's header. */
static XLogRecPtr
end_of_wal(void)
{
	XLogRecPtr	lsn = GetXLogInsertRecPtr();
	uint32		offset = XLogSegmentOffset(lsn, wal_segment_size);

	if (offset == SizeOfXLogLongPHD ||
		(offset > XLOG_BLCKSZ && offset % XLOG_BLCKSZ == SizeOfXLogShortPHD))
		lsn -= offset % XLOG_BLCKSZ;
	return lsn;
}

static Place
current_place(void)
{
	Place		place = {
		.cluster = (uint32) GetSystemIdentifier(),
		.timeline = GetWALInsertionTimeLine(),
		.lsn = end_of_wal(),
	};

	return place;
}

/* Is what was there still there? */
static bool
is_in_history(Place place)
{
	Place		now = current_place();
	List	   *history;

	if (place.cluster != now.cluster)
		return true;			/* before pg_upgrade */
	if (place.timeline == now.timeline)
		return place.lsn <= now.lsn;
	history = readTimeLineHistory(now.timeline);
	return tliInHistory(place.timeline, history) &&
		place.lsn <= tliSwitchPoint(place.timeline, history, NULL);
}


/*-------------------------------------------------------------------------
 * Positions
 *-------------------------------------------------------------------------
 */

/*
 * "1:2.3.4/5:6:7:8,9": the number, the place, and the snapshot, "@10" may follow; false
 * if it does not look like that.
 */
static bool
read_text(const char *text, int64 *origin, Place *place, char **snapshot, int *database)
{
	uint32		high;
	uint32		low;
	int			colons = 0;
	int			length = 0;
	char	   *at;

	if (sscanf(text, INT64_FORMAT ":%8X.%u.%8X/%8X:%n", origin, &place->cluster,
			   &place->timeline, &high, &low, &length) != 5 || length == 0)
		return false;
	place->lsn = ((XLogRecPtr) high) << 32 | low;
	*snapshot = pstrdup(text +length);
	*database = -1;
	at = strchr(*snapshot, '@');
	if (at != NULL)
	{
		if (strspn(at + 1, "0123456789") != strlen(at + 1) || strlen(at + 1) - 1 > 4)
			return false;
		*database = atoi(at + 1);
		*at = '\0';
	}

	for (const char *p = *snapshot; *p != '\0'; p++)
		colons += *p == ':';
	return colons == 2 && isdigit((unsigned char) text[0]) &&
		strspn(*snapshot, "0123456789:,") == strlen(*snapshot);
}

static void
refuse(const char *text, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" is not a position in this audit log", text),
			 errdetail("%s", detail),
			 errhint("Pass a position that schemakit.audit_changes() or schemakit.audit_position() has returned in this database.  Without one, audit_changes() returns the whole log.")));
}

/*
 * What a position includes, or an error.
 */
SkAuditPosition *
sk_audit_position_read(const char *text)
{
	SkAuditPosition *position = palloc(sizeof(SkAuditPosition));
	int64		origin;
	Place		place;
	char	   *written;
	FullTransactionId xmax;

	if (!read_text(text, &origin, &place, &written, &position->database))
		refuse(text, "A position consists of a number, a place in the WAL and a snapshot.");
	if (origin != sk_audit_origin_cluster())
		refuse(text, "It is a position in another database, of which this one may be a copy.");
	position->snapshot = DirectFunctionCall1(pg_snapshot_in, CStringGetDatum(written));
	xmax = DatumGetFullTransactionId(DirectFunctionCall1(pg_snapshot_xmax, position->snapshot));
	if (!is_in_history(place))
		refuse(text, "It includes what this database has lost in a failover or recovery.");
	position->is_inside = position->database >= 0;
	if (!position->is_inside)
		position->database = sk_audit_origin_database();
	if (position->database == sk_audit_origin_database() &&
		FullTransactionIdFollows(xmax, ReadNextFullTransactionId()))
		refuse(text, "It is ahead of this database, which has been restored to a time before it.");
	return position;
}

/*
 * The oldest transaction that the position may not include.
 */
uint64
sk_audit_position_oldest(const SkAuditPosition *position)
{
	return U64FromFullTransactionId(DatumGetFullTransactionId(DirectFunctionCall1(pg_snapshot_xmin,
																				  position->snapshot)));
}

/*
 * The first transaction that it cannot include
 */
uint64
sk_audit_position_end(const SkAuditPosition *position)
{
	return U64FromFullTransactionId(DatumGetFullTransactionId(DirectFunctionCall1(pg_snapshot_xmax,
																				  position->snapshot)));
}

bool
sk_audit_position_includes(const SkAuditPosition *position, uint64 xid)
{
	return DatumGetBool(DirectFunctionCall2(pg_visible_in_snapshot,
											FullTransactionIdGetDatum(FullTransactionIdFromU64(xid)),
											position->snapshot));
}

/*
 * "origin:place:", with which positions begin of which the snapshot has been taken
 * already.
 */
char *
sk_audit_position_prefix(void)
{
	Place		place = current_place();

	XLogFlush(place.lsn);
	return psprintf(INT64_FORMAT ":%08X.%u.%X/%X:", sk_audit_origin_cluster(), place.cluster,
					place.timeline, LSN_FORMAT_ARGS(place.lsn));
}

/*
 * What the current statement sees, as a pg_snapshot
 */
char *
sk_audit_position_now(void)
{
	LOCAL_FCINFO(call, 0);
	Datum		snapshot;

	InitFunctionCallInfoData(*call, NULL, 0, InvalidOid, NULL, NULL);
	snapshot = pg_current_snapshot(call);
	return DatumGetCString(DirectFunctionCall1(pg_snapshot_out, snapshot));
}


/*-------------------------------------------------------------------------
 * Snapshots that nobody took
 *-------------------------------------------------------------------------
 */

void
sk_audit_position_add(SkAuditXids *xids, uint64 xid)
{
	if (xids->count == xids->size)
	{
		xids->size = Max(64, xids->size * 2);
		xids->xids = xids->xids == NULL ? palloc(sizeof(uint64) * xids->size)
			: repalloc_huge(xids->xids, sizeof(uint64) * xids->size);
	}
	xids->xids[xids->count++] = xid;
}

static int
by_number(const void *a, const void *b)
{
	uint64		one = *(const uint64 *) a;
	uint64		other = *(const uint64 *) b;

	return (one > other) - (one < other);
}

/*
 * Sort them; the largest one, or 0 if there are none.
 */
uint64
sk_audit_position_sort(SkAuditXids *xids)
{
	if (xids->count == 0)
		return 0;
	qsort(xids->xids, xids->count, sizeof(uint64), by_number);
	return xids->xids[xids->count - 1];
}

/*
 * Those below a number that a snapshot, "6:9:7,8", knows to be running, but for some,
 * which are sorted.
 */
void
sk_audit_position_add_running(SkAuditXids *xids, const char *snapshot, uint64 below,
							  const SkAuditXids *but)
{
	const char *p = strrchr(snapshot, ':') + 1;

	while (*p != '\0')
	{
		char	   *end;
		uint64		xid = (uint64) strtoull(p, &end, 10);

		if (xid < below &&
			(but == NULL || but->count == 0 ||
			 bsearch(&xid, but->xids, but->count, sizeof(uint64), by_number) == NULL))
			sk_audit_position_add(xids, xid);
		p = *end == ',' ? end + 1 : end;
	}
}

/*
 * The snapshot that includes all before a number but these.
 */
char *
sk_audit_position_write(SkAuditXids *xids, uint64 xmax)
{
	StringInfoData buf;
	const char *comma = "";

	(void) sk_audit_position_sort(xids);
	initStringInfo(&buf);
	appendStringInfo(&buf, UINT64_FORMAT ":" UINT64_FORMAT ":",
					 xids->count > 0 ? xids->xids[0] : xmax, xmax);
	for (int i = 0; i < xids->count; i++)
	{
		if (i > 0 && xids->xids[i] == xids->xids[i - 1])
			continue;
		appendStringInfo(&buf, "%s" UINT64_FORMAT, comma, xids->xids[i]);
		comma = ",";
	}
	return buf.data;
}

/*
 * schemakit.audit_position() RETURNS text
 */
PG_FUNCTION_INFO_V1(schemakit_audit_position);
Datum
schemakit_audit_position(PG_FUNCTION_ARGS)
{
	char	   *now;

	sk_audit_reader_check_primary("audit_position()");
	now = sk_audit_position_now();
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%s%s", sk_audit_position_prefix(), now)));
}
