/*-------------------------------------------------------------------------
 *
 * audit/touched.c
 *	  Times of the last change, which change without events.
 *
 * By default an UPDATE that changes nothing but the column that timestamps maintain
 * is no event.  So neither what the row has now nor what the next event tells is
 * certainly what it was.  But such an UPDATE sets the column to its own time: a value
 * that is not later than the time that is asked for is what it was then, and any other
 * is not told.  (Shapes say which columns these are.)
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/touched.h"
#include "audit/options.h"
#include "base/table.h"

#include "catalog/pg_type.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

static bool
is_maintained(List *shapes, int32 id)
{
	ListCell   *lc;

	foreach(lc, shapes)
	{
		const SkAuditShapeColumn *column = sk_audit_shape_column(lfirst(lc), id);

		if (column != NULL && column->maintained)
			return true;
	}
	return false;
}

/*
 * The table has had these shapes since then.  Rows without key are told apart by what
 * the log has of them, which is not this.
 */
void
sk_audit_touched_examine(SkAuditPast *past, List *shapes)
{
	ListCell   *lc;

	past->touched = palloc0(sizeof(bool) * Max(past->reader->tupdesc->natts, 1));
	past->local_at = DatumGetTimestamp(DirectFunctionCall1(timestamptz_timestamp,
														   TimestampTzGetDatum(past->at)));
	foreach(lc, past->reader->current->columns)
	{
		const SkAuditShapeColumn *column = lfirst(lc);
		int			i = column->attnum - 1;

		if (!past->shown[i] || !is_maintained(shapes, column->id))
			continue;
		past->touched[i] = true;
		if (past->reader->nkeys == 0)
		{
			past->shown[i] = false;
			past->withheld = true;
		}
	}
}

/*
 * Is it later than that time?  Without time zone it may be in the session's or in UTC.
 */
static bool
is_later(const SkAuditPast *past, Oid type, Datum value)
{
	switch (type)
	{
		case TIMESTAMPTZOID:
			return DatumGetTimestampTz(value) > past->at;
		case TIMESTAMPOID:
			return DatumGetTimestamp(value) > past->at ||
				DatumGetTimestamp(value) > past->local_at;
		case DATEOID:
			return date_cmp_timestamp_internal(DatumGetDateADT(value), past->at) > 0 ||
				date_cmp_timestamp_internal(DatumGetDateADT(value), past->local_at) > 0;
		default:
			return true;
	}
}

/*
 * Must the value of the column, which is not null, not be told?
 */
bool
sk_audit_touched_withholds(SkAuditPast *past, int i, Datum value)
{
	if (!past->touched[i] || !is_later(past, past->reader->types[i]->type, value))
		return false;
	past->withheld = true;
	return true;
}

/*
 * Say if a value was not told.
 */
void
sk_audit_touched_tell(const SkAuditPast *past)
{
	List	   *names = NIL;
	ListCell   *lc;

	if (!past->withheld)
		return;
	foreach(lc, past->reader->current->columns)
	{
		SkAuditShapeColumn *column = lfirst(lc);

		if (past->touched[column->attnum - 1])
			names = lappend(names, column->name);
	}
	ereport(NOTICE,
			(errmsg("the audit log does not have all values of this column of table \"%s\": %s",
					past->reader->label, sk_table_column_names(names)),
			 errdetail("Changes of only this column are not events.  It is left out or null in rows that may have changed in this way."),
			 errhint("With ignore => '{}', audit_enable() records them.")));
}
