/*-------------------------------------------------------------------------
 *
 * audit/candidates.h
 *	  Rows that may have had given values.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_CANDIDATES_H
#define SK_AUDIT_CANDIDATES_H

#include "audit/undo.h"

extern bool sk_audit_candidates_find(SkAuditPast *past, List **keys);

#endif							/* SK_AUDIT_CANDIDATES_H */
