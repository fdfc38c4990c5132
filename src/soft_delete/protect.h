/*-------------------------------------------------------------------------
 *
 * soft_delete/protect.h
 *	  Tables whose rows can only be soft-deleted.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SOFT_DELETE_PROTECT_H
#define SK_SOFT_DELETE_PROTECT_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

#define SK_SOFT_PROTECT_FUNCTION	"soft_delete_protect"
#define SK_SOFT_PROTECT_TRUNCATE	"soft_delete_protect_truncate"

/* What a purge may delete */
typedef struct SkSoftPermit
{
	struct SkSoftPermit *outer;
	List	   *relids;
	TimestampTz before;
} SkSoftPermit;

extern void sk_soft_protect_permit(SkSoftPermit *permit);
extern void sk_soft_protect_revoke(SkSoftPermit *permit);

#endif							/* SK_SOFT_DELETE_PROTECT_H */
