/*-------------------------------------------------------------------------
 *
 * schemakit.c
 *	  The door: what happens when the library is loaded, as a table of
 *	  contents.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "sk_audit_log.h"
#include "sk_audit_shape.h"
#include "sk_audit_table.h"
#include "sk_audit_txn.h"
#include "sk_compat.h"
#include "sk_explain.h"
#include "sk_guc.h"
#include "sk_soft_follow.h"
#include "sk_soft_queue.h"
#include "sk_soft_relation.h"
#include "sk_whatif.h"

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
