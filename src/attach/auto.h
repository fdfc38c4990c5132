/*-------------------------------------------------------------------------
 *
 * attach/auto.h
 *	  Rules applied to tables.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ATTACH_AUTO_H
#define SK_ATTACH_AUTO_H

#include "attach/feature.h"
#include "attach/rule.h"

extern const char *sk_auto_obstacle(void);
extern const SkRule *sk_auto_rule(List *rules, const SkFeature *feature,
								  Relation rel, const SkGain *gain);
extern const SkRule *sk_auto_rule_for_all(List *rules, const SkFeature *feature,
										  Relation rel);
extern char *sk_auto_objection(List *rules, const SkFeature *feature,
							   Relation rel);
extern bool sk_auto_names(List *rules, const SkFeature *feature, Oid relid);
extern void sk_auto_equip(const SkFeature *feature, Oid relid);
extern bool sk_auto_attach(const SkFeature *feature, Relation rel,
						   const SkGain *gain, char fires_when);

#endif							/* SK_ATTACH_AUTO_H */
