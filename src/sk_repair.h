/*-------------------------------------------------------------------------
 *
 * sk_repair.h
 *	  Texts of statements, made SQL again.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_REPAIR_H
#define SK_REPAIR_H

extern char *sk_repair_text(const char *source, int *nparams, bool *utility);

#endif							/* SK_REPAIR_H */
