/*-------------------------------------------------------------------------
 *
 * workload/repair.h
 *	  Texts of statements, made SQL again.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_WORKLOAD_REPAIR_H
#define SK_WORKLOAD_REPAIR_H

extern char *sk_repair_text(const char *source, int *nparams, bool *utility);

#endif							/* SK_WORKLOAD_REPAIR_H */
