/*-------------------------------------------------------------------------
 *
 * audit/verify_gap.h
 *	  The times of which the log does not have all changes of a table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_VERIFY_GAP_H
#define SK_AUDIT_VERIFY_GAP_H

#include "audit/reader.h"

#include "nodes/execnodes.h"

extern bool sk_audit_verify_gap_all(const SkAuditReader *reader, ReturnSetInfo *rsinfo);

#endif							/* SK_AUDIT_VERIFY_GAP_H */
