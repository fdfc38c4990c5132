/*-------------------------------------------------------------------------
 *
 * advisor/service.h
 *	  What an index does for a statement.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_SERVICE_H
#define SK_ADVISOR_SERVICE_H

#include "advisor/advice.h"

extern List *sk_advice_service_of(const SkQuery *query, const SkIndex *index);

#endif							/* SK_ADVISOR_SERVICE_H */
