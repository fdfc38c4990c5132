/*-------------------------------------------------------------------------
 *
 * attach/attach.h
 *	  The triggers that schemakit puts on users' tables.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ATTACH_ATTACH_H
#define SK_ATTACH_ATTACH_H

#include "commands/trigger.h"
#include "nodes/parsenodes.h"
#include "utils/relcache.h"

/* A trigger, as CREATE TRIGGER would make it. */
typedef struct SkTriggerDef
{
	const char *name;
	Oid			function;
	int16		timing;			/* TRIGGER_TYPE_BEFORE, _AFTER or _INSTEAD */
	int16		events;			/* TRIGGER_TYPE_INSERT, _UPDATE, ... */
	bool		for_statement;	/* or for each row */
	List	   *args;			/* of C strings */
	Node	   *when;			/* the condition as parsed, or NULL */
	Node	   *analyzed;		/* or, where there is one, as stored */
	char		fires_when;		/* TRIGGER_FIRES_* */
} SkTriggerDef;

extern Oid	sk_attach_function(const char *name);
extern bool sk_attach_is_function(Oid function);
extern bool sk_attach_is_trigger(Oid trigger);
extern bool sk_attach_has_ours(Oid relid);
extern bool sk_attach_is_on(Oid relid, Oid function);
extern void sk_attach_drop_all(Relation rel);
extern List *sk_attach_list(Relation rel, Oid function);
extern const Trigger *sk_attach_choose(List *triggers, Oid function);
extern const Trigger *sk_attach_find(Relation rel, Oid function);
extern Oid	sk_attach_relid(Oid trigger);
extern Oid	sk_attach_origin(Oid trigger);
extern void sk_attach_create(Relation rel, const SkTriggerDef *def);
extern void sk_attach_drop(const Trigger *trigger);
extern void sk_attach_set_arguments(Relation rel, const Trigger *trigger, List *args);
extern void sk_attach_set_argument(Relation rel, const Trigger *trigger,
								   const char *arg);
extern void sk_attach_depend(Oid trigger);
extern void sk_attach_yield(Relation child, Relation parent);
extern void sk_attach_inherit(Relation child, Relation parent);

#endif							/* SK_ATTACH_ATTACH_H */
