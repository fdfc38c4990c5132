/*-------------------------------------------------------------------------
 *
 * soft_delete/view_state.c
 *	  Views of live rows are dropped, and made again as they were.
 *
 * With a view go its triggers, rules and defaults, and what is said of it.  So these
 * are saved, as the SQL that makes them, and made again as the view's owner.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/view_state.h"
#include "attach/attach.h"
#include "base/acl.h"
#include "base/depend.h"
#include "base/guard.h"
#include "base/rights.h"
#include "base/spi.h"
#include "base/table.h"
#include "schemakit.h"
#include "soft_delete/column_state.h"
#include "soft_delete/view.h"
#include "soft_delete/view_make.h"
#include "soft_delete/view_readers.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_seclabel.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/comment.h"
#include "commands/seclabel.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "rewrite/rewriteSupport.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

struct SkLiveState
{
	Oid			tableid;
	char	   *schema;
	char	   *name;
	Oid			owner;
	char	   *options;		/* as in WITH (...) */
	char	   *comment;
	List	   *labels;			/* sk_soft_column_state_labels() */
	Acl		   *acl;
	AttrNumber	column;			/* of the table, by which rows are live */
	List	   *columns;		/* of SkColumnState */
	List	   *parts;			/* of Part */
};

/* A trigger or rule of a user's */
typedef struct Part
{
	Oid			classid;
	char	   *name;
	char	   *sql;
	char	   *comment;
} Part;


/*-------------------------------------------------------------------------
 * What depends on the view
 *-------------------------------------------------------------------------
 */

/* Is it part of the view itself, which goes with it? */
static bool
is_part(const FormData_pg_depend *depend, Oid viewid)
{
	ListCell   *lc;
	ObjectAddress object;

	if (depend->deptype == DEPENDENCY_INTERNAL || depend->deptype == DEPENDENCY_AUTO)
		return true;

	/* a rule or trigger may name columns besides */
	ObjectAddressSet(object, depend->classid, depend->objid);
	foreach(lc, sk_depend_rows(RelationRelationId, viewid))
	{
		Form_pg_depend other = lfirst(lc);

		if (other->classid == object.classId && other->objid == object.objectId &&
			other->refobjsubid == 0 &&
			(other->deptype == DEPENDENCY_INTERNAL || other->deptype == DEPENDENCY_AUTO))
			return true;
	}
	return false;
}

static bool
has_dependents(Oid classid, Oid objectid, Oid viewid, bool but_readers)
{
	ListCell   *lc;

	foreach(lc, sk_depend_rows(classid, objectid))
	{
		Form_pg_depend depend = lfirst(lc);

		if (!is_part(depend, viewid) &&
			!(but_readers && depend->classid == RewriteRelationId &&
			  OidIsValid(sk_depend_view_of_rule(depend->objid))))
			return true;
	}
	return false;
}

static bool
is_free(Oid viewid, bool but_readers)
{
	Oid			type = get_rel_type_id(viewid);

	return !has_dependents(RelationRelationId, viewid, viewid, but_readers) &&
		!has_dependents(TypeRelationId, type, viewid, but_readers) &&
		!has_dependents(TypeRelationId, get_array_type(type), viewid, but_readers);
}

/*
 * Does nothing of a user's depend on it, but for what is part of it?
 */
bool
sk_soft_view_state_can_drop(Oid viewid)
{
	return is_free(viewid, false);
}

void
sk_soft_view_state_drop(Oid viewid)
{
	ObjectAddress object;

	ObjectAddressSet(object, RelationRelationId, viewid);
	/* internal: not an event for those who watch over what users drop */
	performDeletion(&object, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	CommandCounterIncrement();
}


/*-------------------------------------------------------------------------
 * Saving
 *-------------------------------------------------------------------------
 */

static Part *
save_part(Oid classid, Oid objectid, const char *name, PGFunction definition)
{
	Part	   *part = palloc(sizeof(Part));

	part->classid = classid;
	part->name = pstrdup(name);
	part->sql = TextDatumGetCString(DirectFunctionCall1(definition, ObjectIdGetDatum(objectid)));
	part->comment = GetComment(objectid, classid, 0);
	return part;
}

static char *
rule_name(Oid rule)
{
	Relation	rel = table_open(RewriteRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	char	   *name;

	ScanKeyInit(&key, Anum_pg_rewrite_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(rule));
	scan = systable_beginscan(rel, RewriteOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "could not find tuple for rule %u", rule);
	name = pstrdup(NameStr(((Form_pg_rewrite) GETSTRUCT(tuple))->rulename));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return name;
}

/* Triggers and rules of users */
static List *
save_parts(Relation view)
{
	TriggerDesc *triggers = CopyTriggerDesc(view->trigdesc);
	List	   *parts = NIL;
	List	   *rules = NIL;
	ListCell   *lc;

	for (int i = 0; triggers && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (!sk_attach_is_function(trigger->tgfoid))
			parts = lappend(parts, save_part(TriggerRelationId, trigger->tgoid,
											 trigger->tgname, pg_get_triggerdef));
	}
	for (int i = 0; view->rd_rules && i < view->rd_rules->numLocks; i++)
	{
		if (view->rd_rules->rules[i]->event != CMD_SELECT)
			rules = lappend_oid(rules, view->rd_rules->rules[i]->ruleId);
	}
	foreach(lc, rules)
		parts = lappend(parts, save_part(RewriteRelationId, lfirst_oid(lc),
										 rule_name(lfirst_oid(lc)), pg_get_ruledef));
	return parts;
}

/*
 * What is to be made again, in the current memory context.
 */
SkLiveState *
sk_soft_view_state_save(Oid viewid)
{
	Relation	view = relation_open(viewid, AccessShareLock);
	SkLiveState *state = palloc0(sizeof(SkLiveState));
	SkLiveView	live;
	SkRights	saved;

	sk_rights_pin(&saved);		/* names in SQL have their schemas */
	state->schema = get_namespace_name(RelationGetNamespace(view));
	state->name = pstrdup(RelationGetRelationName(view));
	state->owner = view->rd_rel->relowner;
	state->options = sk_soft_view_make_options(view);
	state->comment = GetComment(viewid, RelationRelationId, 0);
	state->labels = sk_soft_column_state_labels(viewid, 0);
	state->acl = sk_acl_read(viewid, 0);
	if (sk_soft_view_read(view, &live))
	{
		state->tableid = live.tableid;
		state->column = live.column;
		for (int i = 0; i < live.natts; i++)
		{
			if (live.attnums[i] != InvalidAttrNumber)
				state->columns = lappend(state->columns,
										 sk_soft_column_state_save(viewid, i + 1, live.attnums[i]));
		}
	}
	state->parts = save_parts(view);
	sk_rights_restore(&saved);
	relation_close(view, NoLock);
	return state;
}


/*-------------------------------------------------------------------------
 * Making it again
 *-------------------------------------------------------------------------
 */

static void
execute(const char *sql)
{
	(void) sk_spi_execute(sql, 0, NULL, NULL, SPI_OK_UTILITY, NULL);
	CommandCounterIncrement();
}

static void
restore_part(Oid viewid, const Part *part)
{
	execute(part->sql);
	if (part->comment != NULL)
		CreateComments(part->classid == TriggerRelationId
					   ? get_trigger_oid(viewid, part->name, false)
					   : get_rewrite_oid(viewid, part->name, false),
					   part->classid, 0, part->comment);
}

/* What users have put on it, with the rights of the view's owner */
static void
restore_parts(Relation rel, Oid viewid, const SkLiveState *state)
{
	SkRights	saved;
	ListCell   *lc;

	sk_rights_assume(state->owner, &saved);
	foreach(lc, state->columns)
		sk_soft_column_state_restore(rel, viewid, lfirst(lc));
	foreach(lc, state->parts)
		restore_part(viewid, lfirst(lc));
	sk_rights_restore(&saved);
}

/*
 * Make the view again, for the table as it is now, but with the owner that the view
 * had; unless the table has lost the column, by which rows are live: InvalidOid.
 */
Oid
sk_soft_view_state_restore(Relation rel, const SkLiveState *state)
{
	char	   *col = get_attname(RelationGetRelid(rel), state->column, true);
	Oid			viewid;

	if (col == NULL)
		return InvalidOid;
	viewid = sk_soft_view_make_bare(rel, col, state->schema, state->name, state->options);
	sk_soft_view_make_cover(viewid);	/* before rights to do so are taken
										 * away */
	sk_soft_view_make_set_owner(viewid, state->owner);
	sk_acl_write(viewid, 0, state->acl, state->owner);
	if (state->comment != NULL)
		CreateComments(viewid, RelationRelationId, 0, state->comment);
	sk_soft_column_state_set_labels(viewid, 0, state->labels);
	restore_parts(rel, viewid, state);
	return viewid;
}

static void
make_again(void *arg)
{
	Oid		   *viewid = arg;
	Oid			old = *viewid;
	SkLiveState *state = sk_soft_view_state_save(old);
	Relation	rel;
	List	   *readers;

	if (!sk_soft_view_readers_find(old, &readers))
		return;
	rel = table_open(state->tableid, AccessShareLock);
	sk_soft_view_make_set_name(old, state->schema, psprintf("%s%u", SK_TRIGGER_PREFIX, old));
	*viewid = sk_soft_view_state_restore(rel, state);
	sk_soft_view_readers_store(readers);
	sk_soft_view_state_drop(old);
	table_close(rel, NoLock);
}

static bool
is_failure(const ErrorData *edata)
{
	return ERRCODE_TO_CATEGORY(edata->sqlerrcode) !=
		ERRCODE_TO_CATEGORY(ERRCODE_OPERATOR_INTERVENTION);
}

/* Rid the view of columns that the table has lost, if that can be done. */
static Oid
renew(Oid viewid)
{
	Oid			renewed = viewid;

	if (!is_free(viewid, true) ||
		sk_guard_try(make_again, &renewed, is_failure) != NULL)
		return viewid;
	return renewed;
}

/*
 * Make the view like the table, and a new one if that has columns less and nothing but
 * views depends on it.
 */
Oid
sk_soft_view_state_refresh(Relation rel, Oid viewid)
{
	SkLiveView	live;
	Relation	view;
	bool		lost;

	sk_soft_view_make_refresh(rel, viewid);
	view = relation_open(viewid, AccessShareLock);
	lost = sk_soft_view_read(view, &live) && live.plain && live.nlost > 0;
	relation_close(view, NoLock);
	return lost ? renew(viewid) : viewid;
}
