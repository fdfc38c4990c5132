/*-------------------------------------------------------------------------
 *
 * soft_delete/coverage.h
 *	  The triggers of a table with soft delete.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SOFT_DELETE_COVERAGE_H
#define SK_SOFT_DELETE_COVERAGE_H

#include "attach/coverage.h"

#include "nodes/nodes.h"
#include "utils/relcache.h"

#define SK_SOFT_REFERENCE_FUNCTION	"soft_delete_reference"

/* A state of status() */
#define SK_SOFT_NOT_PROTECTED		"not protected"

extern const SkTriggerSpec sk_soft_coverage_triggers[];

extern Node *sk_soft_coverage_condition(const char *col);
extern char *sk_soft_coverage_lost(Relation rel);
extern char *sk_soft_coverage_open_child(Relation rel);

#endif							/* SK_SOFT_DELETE_COVERAGE_H */
