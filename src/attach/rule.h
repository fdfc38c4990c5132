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
	List	   *exceptions;		/* of text *: patterns */
	Jsonb	   *options;
} SkRule;

/*
 * The WHERE clause that finds the rule for the same tables and column, as the unique
 * index of the table has it: rules that differ only in the column both count.
 */
#define SK_RULE_COLUMN(options) \
	"COALESCE(" options " OPERATOR(pg_catalog.->>) 'col'::pg_catalog.text, ''::pg_catalog.text)"
#define SK_RULE_IS_SAME(feature, schemas, tables, options_) \
	"feature OPERATOR(pg_catalog.=) " feature \
	" AND schemas OPERATOR(pg_catalog.=) " schemas \
	" AND tables OPERATOR(pg_catalog.=) " tables \
	" AND " SK_RULE_COLUMN("options") " OPERATOR(pg_catalog.=) " SK_RULE_COLUMN(options_)

extern List *sk_rule_list(void);
extern char *sk_rule_exemption(Relation rel);
extern bool sk_rule_has_schema(const text *pattern);
extern bool sk_rule_matches(const SkRule *rule, const char *feature,
							Relation rel);

#endif							/* SK_ATTACH_RULE_H */
