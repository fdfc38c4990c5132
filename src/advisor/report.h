/*-------------------------------------------------------------------------
 *
 * advisor/report.h
 *	  What advice was made from, and what was missing.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_REPORT_H
#define SK_ADVISOR_REPORT_H

#include "advisor/advice.h"

#include "lib/stringinfo.h"

extern double sk_advice_report_total(const SkAdvice *advice);
extern Datum sk_advice_report_helped(const SkAdvice *advice,
									 const SkAdviceItem *item);
extern List *sk_advice_report_notes(const SkAdvice *advice);
extern void sk_advice_report(StringInfo buf, const SkAdvice *advice);

#endif							/* SK_ADVISOR_REPORT_H */
