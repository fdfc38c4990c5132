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
#include "audit/log.h"
#include "audit/shape.h"
#include "audit/table.h"
#include "audit/txn.h"
#include "base/compat.h"
#include "base/guc.h"
#include "soft_delete/queue.h"
#include "soft_delete/relation.h"
#include "soft_delete/view_follow.h"

#include "fmgr.h"

SK_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	sk_guc_define();
	sk_audit_log_init();
	sk_audit_txn_init();
	sk_audit_shape_init();
	sk_audit_table_init();
	sk_soft_relation_init();
	sk_soft_queue_init();
	sk_soft_follow_init();
	sk_whatif_init();
	sk_explain_init();
}
