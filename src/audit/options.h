/*-------------------------------------------------------------------------
 *
 * audit/options.h
 *	  What a table's audit trigger has been told.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_OPTIONS_H
#define SK_AUDIT_OPTIONS_H

#include "commands/trigger.h"
#include "fmgr.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

typedef enum SkAuditCapture
{
	SK_AUDIT_DIFF,				/* of an update, the columns that it changed */
	SK_AUDIT_FULL,				/* the whole row before and after */
	SK_AUDIT_KEYS				/* no values */
} SkAuditCapture;

/*
 * Lists are of C strings: names of columns, which the table need not have: a column
 * that gets a name that is excluded or masked is so from its first row on.
 */
typedef struct SkAuditOptions
{
	SkAuditCapture capture;
	List	   *exclude;
	List	   *ignore;
	bool		ignore_given;	/* if not: columns that features maintain */
	List	   *mask_null;
	List	   *mask_hash;
	List	   *mask_groups;	/* of each of them, NULL for the table's own */
	List	   *key;			/* NIL: what the table has */
	bool		truncate_rows;
	bool		require_actor;
	bool		replica;		/* only a wish of rules and audit_enable():
								 * the trigger's state tells */
} SkAuditOptions;

extern SkAuditCapture sk_audit_options_capture(const char *name);
extern void sk_audit_options_set_masks(SkAuditOptions *options,
									   const Jsonb *masks);
extern SkAuditOptions *sk_audit_options_from_args(FunctionCallInfo fcinfo);
extern void sk_audit_options_check(const Jsonb *options);
extern SkAuditOptions *sk_audit_options_parse(const Jsonb *options);
extern SkAuditOptions *sk_audit_options_copy(const SkAuditOptions *options);
extern SkAuditOptions *sk_audit_options_of(const Trigger *trigger);
extern SkAuditOptions *sk_audit_options_try(const Trigger *trigger);
extern Jsonb *sk_audit_options_jsonb(const SkAuditOptions *options);
extern char *sk_audit_options_text(const SkAuditOptions *options);
extern List *sk_audit_options_missing(const SkAuditOptions *before,
									  const SkAuditOptions *after);
extern bool sk_audit_options_rename(SkAuditOptions *options,
									const char *from, const char *to);
extern bool sk_audit_options_has(List *names, const char *name);
extern bool sk_audit_options_hides(const SkAuditOptions *options,
								   const char *name);
extern List *sk_audit_options_hidden(const SkAuditOptions *options);
extern const char *sk_audit_options_group(const SkAuditOptions *options,
										  const char *name);

#endif							/* SK_AUDIT_OPTIONS_H */
