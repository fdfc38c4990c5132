/*-------------------------------------------------------------------------
 *
 * base/restore.h
 *	  Dumps that are loaded.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_RESTORE_H
#define SK_RESTORE_H

extern bool sk_restore_is_running(void);
extern bool sk_restore_is_by(Oid owner);

#endif							/* SK_RESTORE_H */
