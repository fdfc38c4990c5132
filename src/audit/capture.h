/*-------------------------------------------------------------------------
 *
 * audit/capture.h
 *	  What an audited table's rows are, or become, recorded.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_CAPTURE_H
#define SK_AUDIT_CAPTURE_H

#include "utils/relcache.h"

extern void sk_audit_capture_baseline(Relation rel);

#endif							/* SK_AUDIT_CAPTURE_H */
