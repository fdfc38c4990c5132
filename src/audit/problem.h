/*-------------------------------------------------------------------------
 *
 * audit/problem.h
 *	  What is wrong with a table, or with what the log has of it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_PROBLEM_H
#define SK_AUDIT_PROBLEM_H

#include "datatype/timestamp.h"
#include "nodes/execnodes.h"
#include "utils/jsonb.h"

/* A row of the result; all but the problem may be missing */
typedef struct SkAuditProblem
{
	const char *problem;
	Jsonb	   *key;
	const char *column;
	Jsonb	   *logged;
	Jsonb	   *found;
	TimestampTz since;			/* 0: null */
	TimestampTz until;			/* likewise */
	const char *role;
	const char *detail;
} SkAuditProblem;

extern void sk_audit_problem_put(ReturnSetInfo *rsinfo, const SkAuditProblem *problem);

#endif							/* SK_AUDIT_PROBLEM_H */
