/*-------------------------------------------------------------------------
 *
 * base/guc.h
 *	  schemakit's settings.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_GUC_H
#define SK_GUC_H

#include "nodes/pg_list.h"

extern double sk_guc_advice_unused_days;
extern char *sk_guc_audit_actor;
extern char *sk_guc_audit_actor_settings;
extern bool sk_guc_audit_auto;
extern char *sk_guc_audit_context;
extern bool sk_guc_audit_query;
extern bool sk_guc_audit_writable;
extern bool sk_guc_soft_delete_auto;
extern bool sk_guc_timestamps_auto;
extern bool sk_guc_timestamps_touch;

/* Counts the changes of the audit settings. */
extern uint64 sk_guc_audit_changes;

extern void sk_guc_define(void);
extern bool sk_guc_pattern_is_open(const char *pattern);
extern List *sk_guc_auto_exceptions(void);
extern List *sk_guc_soft_delete_columns(void);
extern List *sk_guc_timestamps_columns(void);
extern void sk_guc_set_local(const char *name, const char *value);
extern int	sk_guc_pin(void);
extern void sk_guc_without_jit(void);
extern void sk_guc_with_indexes(void);
extern void sk_guc_unpin(int nestlevel);

#endif							/* SK_GUC_H */
