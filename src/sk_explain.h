/*-------------------------------------------------------------------------
 *
 * sk_explain.h
 *	  EXPLAIN as if other indexes existed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_EXPLAIN_H
#define SK_EXPLAIN_H

extern void sk_explain_init(void);

#endif							/* SK_EXPLAIN_H */
