/*-------------------------------------------------------------------------
 *
 * audit/verify_gap.c
 *	  The times of which the log does not have all changes of a table: rows of
 *	  audit_verify().
 *
 * Shapes tell them, which is what audit_as_of() asks, too.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/verify_gap.h"
#include "audit/coverage.h"
#include "audit/problem.h"
#include "audit/retention.h"

static void
put(ReturnSetInfo *rsinfo, const SkAuditShape *shape, TimestampTz until,
	const char *column, const char *detail)
{
	SkAuditProblem problem = {
		.problem = "gap",
		.column = column,
		.since = shape->recorded_at,
		.until = until,
		.role = shape->role,
		.detail = detail,
	};

	sk_audit_problem_put(rsinfo, &problem);
}

/* Columns whose former values the log has no more, or in another form */
static void
put_columns(ReturnSetInfo *rsinfo, const SkAuditShape *before, const SkAuditShape *shape)
{
	ListCell   *lc;
	ListCell   *lcc;

	if (before->cluster != shape->cluster || before->relid != shape->relid)
		return;
	foreach(lc, before->columns)
	{
		const SkAuditShapeColumn *former = lfirst(lc);

		foreach(lcc, shape->columns)
		{
			const SkAuditShapeColumn *column = lfirst(lcc);

			if (column->attnum == former->attnum && column->id != former->id)
				put(rsinfo, shape, shape->recorded_at, column->name,
					"The values of the column were computed anew, or are written in another way.");
		}
	}
}

static void
put_of_shapes(const SkAuditReader *reader, ReturnSetInfo *rsinfo)
{
	const SkAuditShape *gap = NULL;
	const SkAuditShape *before = NULL;
	ListCell   *lc;

	foreach(lc, reader->shapes)
	{
		const SkAuditShape *shape = lfirst(lc);

		if (shape->covered && gap != NULL)
		{
			put(rsinfo, gap, shape->recorded_at, NULL, gap->reason);
			gap = NULL;
		}
		else if (!shape->covered && gap == NULL)
			gap = shape;
		if (shape->covered && shape->reason != NULL)
			put(rsinfo, shape, shape->recorded_at, NULL, shape->reason);
		if (before != NULL)
			put_columns(rsinfo, before, shape);
		before = shape;
	}
	if (gap != NULL)
		put(rsinfo, gap, 0, NULL, gap->reason);
}

/*
 * A trigger may have been altered while event triggers did not fire, so that no shape
 * tells of it yet.
 */
static void
put_unnoticed(const SkAuditReader *reader, ReturnSetInfo *rsinfo)
{
	const SkAuditShape *last = llast(reader->shapes);
	SkAuditProblem problem = {
		.problem = "gap",
		.detail = sk_audit_coverage_gap_at_event(reader->relid, reader->relid),
	};

	if (last->covered && problem.detail != NULL)
		sk_audit_problem_put(rsinfo, &problem);
}

static bool
put_removed(const SkAuditReader *reader, ReturnSetInfo *rsinfo)
{
	const SkAuditShape *first = linitial(reader->shapes);
	SkAuditProblem problem = {
		.problem = "gap",
		.since = first->recorded_at,
		.until = sk_audit_retention_since(reader->rel_id),
		.detail = "Events were removed from the log by audit_maintain().",
	};

	if (first->recorded_at >= problem.until)
		return false;
	sk_audit_problem_put(rsinfo, &problem);
	return true;
}

/*
 * Return a row for each gap, oldest first.  Were events removed from the log?
 */
bool
sk_audit_verify_gap_all(const SkAuditReader *reader, ReturnSetInfo *rsinfo)
{
	bool		removed = put_removed(reader, rsinfo);

	put_of_shapes(reader, rsinfo);
	put_unnoticed(reader, rsinfo);
	return removed;
}
