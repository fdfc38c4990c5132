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

extern Datum sk_advice_report_helped(const SkAdvice *advice,
									 const SkAdviceItem *item);
extern void sk_advice_report(StringInfo buf, const SkAdvice *advice);

#endif							/* SK_ADVISOR_REPORT_H */
