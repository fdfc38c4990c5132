/*-------------------------------------------------------------------------
 *
 * audit/told.c
 *	  Of which times, and which columns, the log tells what a table was.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/told.h"
#include "audit/convert.h"
#include "audit/gap.h"
#include "audit/options.h"
#include "audit/retention.h"
#include "audit/touched.h"
#include "base/table.h"
#include "base/tuple.h"

#include "utils/timestamp.h"

/*
 * Why rows of before the next shape cannot be told, or NULL; and what to do about it
 */
static const char *
why_not(const SkAuditReader *reader, const SkAuditShape *shape, const char **hint)
{
	const SkAuditOptions *options = sk_audit_options_parse(shape->options);
	const char *reason = shape->reason ? psprintf("  %s", shape->reason) : "";

	if (!shape->covered && shape == llast(reader->shapes))
	{
		*hint = "Call schemakit.audit_enable() to record them again.  Then use a time after that call.";
		return psprintf("Changes of the table have not been recorded since %s.%s",
						timestamptz_to_str(shape->recorded_at), reason);
	}
	*hint = "Use a later time.";
	if (!shape->covered)
		return psprintf("Changes of the table were not recorded for some time after %s.%s",
						timestamptz_to_str(shape->recorded_at), reason);
	*hint = "Query schemakit.audit_log instead.";
	if (shape->cluster == reader->current->cluster &&
		shape->relid != reader->current->relid)
		return "The table was dropped and created again since then.";
	if (options->capture == SK_AUDIT_KEYS)
	{
		*hint = "Use capture \"diff\" or \"full\" to record them.";
		return "The table was audited with capture \"keys\", which stores no values.";
	}
	if (!equal(sk_audit_shape_key(shape), sk_audit_shape_key(reader->current)))
		return "The key of the table was changed since then.";
	return NULL;
}

static void
check_shape(const SkAuditPast *past, const SkAuditShape *shape)
{
	const char *hint;
	const char *refusal;

	if (shape->covered && shape->reason != NULL && shape->recorded_at > past->at)
		sk_audit_undo_refuse(past, shape->reason,
							 psprintf("Use a time after %s.",
									  timestamptz_to_str(shape->recorded_at)));
	refusal = why_not(past->reader, shape, &hint);
	if (refusal != NULL)
		sk_audit_undo_refuse(past, refusal, hint);
}

/*
 * The first time of which the log tells what the table was; DT_NOEND if there is none.
 */
TimestampTz
sk_audit_told_since(const SkAuditReader *reader)
{
	TimestampTz since = DT_NOEND;

	for (int i = list_length(reader->shapes) - 1; i >= 0; i--)
	{
		const SkAuditShape *shape = list_nth(reader->shapes, i);
		const char *hint;

		if (why_not(reader, shape, &hint) != NULL)
			break;
		since = shape->recorded_at;
		if (shape->reason != NULL)
			break;
	}
	return since == DT_NOEND ? since : Max(since, sk_audit_retention_since(reader->rel_id));
}

/* The shapes that the table has had since then, the first of them included */
static List *
shapes_since(const SkAuditPast *past)
{
	List	   *shapes = NIL;
	ListCell   *lc;

	sk_audit_gap_check_retention(past);

	foreach(lc, past->reader->shapes)
	{
		SkAuditShape *shape = lfirst(lc);

		if (shape->recorded_at <= past->at)
			shapes = NIL;
		shapes = lappend(shapes, shape);
	}
	if (((SkAuditShape *) linitial(shapes))->recorded_at > past->at)
		sk_audit_undo_refuse(past, psprintf("Changes of the table have been recorded since %s.",
											timestamptz_to_str(((SkAuditShape *) linitial(shapes))->recorded_at)),
							 "Use a later time.");
	return shapes;
}

/* Were the column's values stored, as long as the table had the shape? */
static bool
stored_column(const SkAuditShape *shape, int32 id)
{
	const SkAuditOptions *options = sk_audit_options_parse(shape->options);
	const SkAuditShapeColumn *column = sk_audit_shape_column(shape, id);

	return column == NULL ||
		(!sk_audit_options_hides(options, column->name) &&
		 !(options->ignore_given &&
		   sk_audit_options_has(options->ignore, column->name)));
}

/* Were the column's values stored, all the time? */
static bool
always_stored(List *shapes, const SkAuditShapeColumn *column,
			  Form_pg_attribute attr)
{
	bool		stored = !sk_tuple_is_virtual(attr);
	ListCell   *lc;

	foreach(lc, shapes)
		stored = stored && stored_column(lfirst(lc), column->id);
	return stored;
}

/* Say which columns the table had, but the log does not tell. */
static void
tell_of_missing(const SkAuditPast *past, List *names)
{
	if (names == NIL || past->quiet)
		return;
	ereport(NOTICE,
			(errmsg_plural("the audit log does not have the values of this column of table \"%s\": %s",
						   "the audit log does not have the values of these columns of table \"%s\": %s",
						   list_length(names), past->reader->label,
						   sk_table_column_names(names))));
}

/*
 * Decide which columns can be shown, or that nothing can.
 */
void
sk_audit_told_examine(SkAuditPast *past)
{
	List	   *shapes = shapes_since(past);
	List	   *missing = NIL;
	ListCell   *lc;

	past->shown = palloc0(sizeof(bool) * Max(past->reader->tupdesc->natts, 1));
	foreach(lc, shapes)
		check_shape(past, lfirst(lc));
	sk_audit_gap_follow(past, linitial(shapes));
	foreach(lc, past->reader->current->columns)
	{
		SkAuditShapeColumn *column = lfirst(lc);
		bool		had = sk_audit_shape_column(linitial(shapes), column->id) != NULL;
		bool		stored = always_stored(shapes, column,
										   TupleDescAttr(past->reader->tupdesc,
														 column->attnum - 1));

		/* rows without key are told apart by what they are now */
		past->shown[column->attnum - 1] = had && stored &&
			!(past->reader->nkeys == 0 && past->rewritten[column->attnum - 1]);
		if (had && !stored)
			missing = lappend(missing, column->name);
	}
	tell_of_missing(past, missing);
	sk_audit_convert_examine(past, shapes);
	sk_audit_touched_examine(past, shapes);
}
