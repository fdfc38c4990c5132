/*-------------------------------------------------------------------------
 *
 * attach/rule.h
 *	  The rules that say which new tables get which feature.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ATTACH_RULE_H
#define SK_ATTACH_RULE_H

#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/relcache.h"

/* One enabled row of schemakit.auto_rule. */
typedef struct SkRule
{
	int64		id;
	char	   *feature;
	text	   *schemas;		/* LIKE patterns */
	text	   *tables;
	Jsonb	   *options;
} SkRule;

extern List *sk_rule_list(void);
extern bool sk_rule_has_schema(const text *pattern);
extern bool sk_rule_matches(const SkRule *rule, const char *feature,
							Relation rel);

#endif							/* SK_ATTACH_RULE_H */
