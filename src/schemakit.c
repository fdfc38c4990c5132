/*-------------------------------------------------------------------------
 *
 * schemakit.c
 *	  The door: what happens when the library is loaded, as a table of
 *	  contents.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advisor/plan/explain.h"
#include "advisor/plan/whatif.h"
#include "audit/adopt.h"
#include "audit/audit.h"
#include "audit/buffer.h"
#include "audit/commit.h"
#include "audit/log.h"
#include "audit/names.h"
#include "audit/recorded.h"
#include "audit/replication.h"
#include "audit/table.h"
#include "audit/txn.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/plan.h"
#include "soft_delete/batch.h"
#include "soft_delete/defer.h"
#include "soft_delete/queue.h"
#include "soft_delete/recheck.h"
#include "soft_delete/relation.h"
#include "soft_delete/soft_delete.h"
#include "soft_delete/view_follow.h"
#include "timestamps/timestamps.h"

#include "fmgr.h"

SK_MODULE_MAGIC;

/*
 * The features that attach themselves to tables.  A new one is a folder of its
 * own and a line here.
 */
const SkFeature *const sk_features[] = {
	&sk_feature_timestamps,
	&sk_feature_audit,
	&sk_feature_soft_delete,
	NULL
};

void		_PG_init(void);

void
_PG_init(void)
{
	sk_guc_define();
	sk_plan_init();
	sk_audit_log_init();
	sk_audit_txn_init();
	sk_audit_buffer_init();
	sk_audit_commit_init();
	sk_audit_recorded_init();
	sk_audit_names_init();
	sk_audit_replication_init();
	sk_audit_table_init();
	sk_audit_adopt_init();
	sk_soft_batch_init();
	sk_soft_defer_init();
	sk_soft_recheck_init();
	sk_soft_relation_init();
	sk_soft_queue_init();
	sk_soft_view_follow_init();
	sk_whatif_init();
	sk_explain_init();
}
