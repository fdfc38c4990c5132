/*-------------------------------------------------------------------------
 *
 * base/guard.h
 *	  Work that must not fail the statement it is done in.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_GUARD_H
#define SK_GUARD_H

typedef void (*SkGuarded) (void *arg);

/* Is it an error that may happen? */
typedef bool (*SkExpected) (const ErrorData *edata);

extern bool sk_guard_is_failure(const ErrorData *edata);
extern bool sk_guard_in_time(SkGuarded work, void *arg, int ms);
extern ErrorData *sk_guard_try(SkGuarded work, void *arg,
							   SkExpected expected);
extern void sk_guard_require(SkGuarded work, void *arg);
extern ErrorData *sk_guard_rehearse(SkGuarded work, void *arg);
extern bool sk_guard_prepare(SkGuarded work, void *arg,
							 const char *purpose, Oid relid);
extern bool sk_guard_run(SkGuarded work, void *arg,
						 const char *purpose, Oid relid);
extern bool sk_guard_run_one(SkGuarded work, void *arg,
							 const char *purpose, Oid relid);
extern void sk_guard_become(Oid role);

#endif							/* SK_GUARD_H */
