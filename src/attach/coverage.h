/*-------------------------------------------------------------------------
 *
 * attach/coverage.h
 *	  Does a trigger of ours do all of its work?
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ATTACH_COVERAGE_H
#define SK_ATTACH_COVERAGE_H

#include "commands/trigger.h"
#include "nodes/pg_list.h"

/*
 * What a trigger must be like to do its part of a feature's work.  A feature has
 * a list of them, which ends with one without a function.
 */
typedef struct SkTriggerSpec
{
	const char *function;		/* schemakit.function() */
	int16		timing;			/* TRIGGER_TYPE_BEFORE or _AFTER */
	int16		events;			/* TRIGGER_TYPE_INSERT, _UPDATE, ... */
	bool		for_statement;	/* or for each row */
	bool		last;			/* must no other trigger change the row after
								 * it? */
	bool		optional;		/* is it missing on purpose? */
	const char *state;			/* what status() says if it does not do its
								 * work; NULL: the state of the trigger */

	/* Is that its condition?  NULL: it must have none. */
	bool		(*condition) (Oid relid, const Trigger *trigger);
} SkTriggerSpec;

/* What is wrong with a trigger. */
typedef struct SkCoverage
{
	const char *state;			/* a word for status(); NULL: nothing is */
	char	   *detail;			/* "trigger t does not fire for UPDATE", or
								 * NULL */
	bool		off;			/* only that the trigger is disabled */
	bool		late;			/* only that another trigger comes later */
} SkCoverage;

extern bool sk_coverage_fires(const Trigger *trigger);
extern List *sk_coverage_triggers(Oid relid);
extern SkCoverage sk_coverage_trigger(Oid relid, const SkTriggerSpec *spec,
									  const Trigger *trigger);
extern bool sk_coverage_is_altered(Oid relid, const SkTriggerSpec *spec,
								   const Trigger *trigger);
extern SkCoverage sk_coverage_of(Oid relid, const SkTriggerSpec *specs);
extern Oid	sk_coverage_gap(Oid relid, const SkTriggerSpec *specs,
							SkCoverage *gap);
extern bool sk_coverage_is_intact(Oid relid, const SkTriggerSpec *specs);
extern bool sk_coverage_is_complete(Oid relid, const SkTriggerSpec *specs);

#endif							/* SK_ATTACH_COVERAGE_H */
