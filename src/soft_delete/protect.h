/*-------------------------------------------------------------------------
 *
 * soft_delete/protect.h
 *	  Tables whose rows can only be soft-deleted.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SOFT_DELETE_PROTECT_H
#define SK_SOFT_DELETE_PROTECT_H

#define SK_SOFT_PROTECT_FUNCTION	"soft_delete_protect"
#define SK_SOFT_PROTECT_TRUNCATE	"soft_delete_protect_truncate"

/* Set while rows are purged, which is what may delete them. */
extern bool sk_soft_protect_off;

#endif							/* SK_SOFT_DELETE_PROTECT_H */
