/*-------------------------------------------------------------------------
 *
 * advisor/statement_report.h
 *	  What the advice is for each statement, and why there is none.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_STATEMENT_REPORT_H
#define SK_ADVISOR_STATEMENT_REPORT_H

#include "advisor/advice.h"

extern void sk_advice_statement_report_name(StringInfo buf, const SkAdvice *advice,
											const SkQuery *query);
extern void sk_advice_statement_report(StringInfo buf, const SkAdvice *advice);

#endif							/* SK_ADVISOR_STATEMENT_REPORT_H */
