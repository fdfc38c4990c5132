/*-------------------------------------------------------------------------
 *
 * soft_delete/table.c
 *	  The triggers of a table with soft delete.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/table.h"
#include "attach/attach.h"
#include "attach/coverage.h"
#include "attach/truncate_trigger.h"
#include "schemakit.h"
#include "soft_delete/coverage.h"
#include "soft_delete/protect.h"
#include "soft_delete/relation.h"
#include "soft_delete/view.h"
#include "soft_delete/view_make.h"

#include "catalog/pg_trigger.h"
#include "utils/rel.h"

bool		sk_soft_table_by_hand = false;

void
sk_soft_table_make_trigger(Relation rel, List *args, char fires_when)
{
	SkTriggerDef def = {
		.name = SK_TRIGGER_PREFIX SK_SOFT_FUNCTION,
		.function = sk_attach_function(SK_SOFT_FUNCTION),
		.timing = TRIGGER_TYPE_AFTER,
		.events = TRIGGER_TYPE_UPDATE,
		.args = args,
		.when = sk_soft_coverage_condition(linitial(args)),
		.fires_when = fires_when,
	};

	sk_attach_create(rel, &def);
}

void
sk_soft_table_make_triggers(Relation rel, const char *col, char fires_when)
{
	SkTriggerDef def = {
		.name = SK_TRIGGER_PREFIX SK_SOFT_REFERENCE_FUNCTION,
		.function = sk_attach_function(SK_SOFT_REFERENCE_FUNCTION),
		.timing = TRIGGER_TYPE_AFTER,
		.events = TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE,
		.fires_when = fires_when,
	};

	sk_soft_table_make_trigger(rel, list_make1(pstrdup(col)), fires_when);
	sk_attach_create(rel, &def);
}

void
sk_soft_table_drop_triggers(Relation rel, const char *function)
{
	ListCell   *lc;

	foreach(lc, sk_attach_list(rel, sk_attach_function(function)))
		sk_attach_drop(lfirst(lc));
}

void
sk_soft_table_protect(Relation rel, bool protect)
{
	SkTriggerDef def = {
		.name = SK_TRIGGER_PREFIX SK_SOFT_PROTECT_FUNCTION,
		.function = sk_attach_function(SK_SOFT_PROTECT_FUNCTION),
		.timing = TRIGGER_TYPE_BEFORE,
		.events = TRIGGER_TYPE_DELETE,
		.fires_when = TRIGGER_FIRES_ON_ORIGIN,
	};

	if (protect)
	{
		if (!sk_coverage_is_complete(RelationGetRelid(rel), sk_soft_coverage_triggers) ||
			sk_attach_find(rel, def.function) == NULL)
			sk_attach_create(rel, &def);
		sk_truncate_trigger_all(rel, SK_SOFT_PROTECT_TRUNCATE, TRIGGER_FIRES_ON_ORIGIN);
	}
	else
	{
		sk_soft_table_drop_triggers(rel, SK_SOFT_PROTECT_FUNCTION);
		sk_truncate_trigger_end(rel, SK_SOFT_PROTECT_TRUNCATE);
	}
}

const Trigger *
sk_soft_table_trigger(Relation rel)
{
	return sk_attach_find(rel, sk_attach_function(SK_SOFT_FUNCTION));
}

/* Is it meant to be?  Whether the triggers really do it is another question. */
bool
sk_soft_table_is_protected(Relation rel)
{
	const Trigger *trigger = sk_attach_find(rel, sk_attach_function(SK_SOFT_PROTECT_FUNCTION));

	return trigger != NULL && trigger->tgenabled != TRIGGER_DISABLED;
}

/* The table's trigger, which may have been made anew, remembers where the view is. */
void
sk_soft_table_note_view(Relation rel)
{
	const Trigger *trigger = sk_soft_table_trigger(rel);
	SkLiveView	live;
	Oid			viewid = sk_soft_view_followed(RelationGetRelid(rel), &live);

	if (OidIsValid(viewid) && trigger != NULL && trigger->tgnargs > 0 && !trigger->tgisclone)
		sk_soft_view_make_note_name(rel, trigger, viewid);
}
