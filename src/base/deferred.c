/*-------------------------------------------------------------------------
 *
 * base/deferred.c
 *	  What is deferred now, and deferred constraints made immediate for a while.
 *
 * What is done as another role must not be deferred: at the end of the transaction it
 * would be done as the role that commits, and the server refuses that.  So what a
 * statement may defer is set to be done at once, and put back afterwards.
 *
 * SET CONSTRAINTS knows a constraint by its schema and its name, which another table's
 * may have, too.  That one is immediate meanwhile as well.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/deferred.h"
#include "base/guard.h"
#include "base/spi.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

typedef struct Probe
{
	const Trigger *trigger;
	bool		deferred;
} Probe;

/*
 * A trigger of pg_constraint, which has none, but with that OID: to fire it is an
 * error.
 */
static void
probe(void *arg)
{
	Probe	   *p = arg;
	Relation	rel = table_open(ConstraintRelationId, AccessShareLock);
	EState	   *estate = CreateExecutorState();
	ResultRelInfo *result = makeNode(ResultRelInfo);
	Trigger		trigger = {
		.tgoid = p->trigger->tgoid,
		.tgname = "deferred",
		.tgtype = TRIGGER_TYPE_INSERT,
		.tgenabled = TRIGGER_FIRES_ALWAYS,
		.tgdeferrable = true,
		.tginitdeferred = p->trigger->tginitdeferred,
	};
	TriggerDesc desc = {
		.triggers = &trigger,
		.numtriggers = 1,
		.trig_insert_after_statement = true,
	};

	InitResultRelInfo(result, rel, 0, NULL, 0);
	result->ri_TrigDesc = &desc;
	AfterTriggerBeginQuery();
	ExecASInsertTriggers(estate, result, NULL);
	AfterTriggerEndQuery(estate);
	p->deferred = AfterTriggerPendingOnRel(ConstraintRelationId);
	FreeExecutorState(estate);
	table_close(rel, NoLock);
}

/*
 * Does a trigger of a constraint wait for the end of the transaction now?
 */
bool
sk_deferred_is(const Trigger *trigger)
{
	Probe		p = {.trigger = trigger};
	ErrorData  *failure;

	if (!trigger->tgdeferrable)
		return false;
	failure = sk_guard_rehearse(probe, &p);
	if (failure != NULL)
		FreeErrorData(failure);
	return failure == NULL && p.deferred;
}


/* Those of the table's constraints that are deferred now, added to the list */
static List *
add_deferred(List *constraints, Relation rel)
{
	const TriggerDesc *triggers = CopyTriggerDesc(rel->trigdesc);

	for (int i = 0; triggers && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (OidIsValid(trigger->tgconstraint) &&
			!list_member_oid(constraints, trigger->tgconstraint) &&
			sk_deferred_is(trigger))
			constraints = lappend_oid(constraints, trigger->tgconstraint);
	}
	return constraints;
}

/* Does a foreign key's action change rows that refer to the table's? */
static bool
is_action(Oid function)
{
	return function == F_RI_FKEY_CASCADE_DEL || function == F_RI_FKEY_CASCADE_UPD ||
		function == F_RI_FKEY_SETNULL_DEL || function == F_RI_FKEY_SETNULL_UPD ||
		function == F_RI_FKEY_SETDEFAULT_DEL || function == F_RI_FKEY_SETDEFAULT_UPD;
}

/* The tables whose rows a foreign key's action changes along, added to the list */
static List *
add_referring(List *relids, Relation rel)
{
	const TriggerDesc *triggers = CopyTriggerDesc(rel->trigdesc);

	for (int i = 0; triggers && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (is_action(trigger->tgfoid) && OidIsValid(trigger->tgconstrrelid))
			relids = list_append_unique_oid(relids, trigger->tgconstrrelid);
	}
	return relids;
}

/* The table, its partitions, and what actions of foreign keys reach from them */
static List *
reached_from(Oid relid)
{
	List	   *relids = list_make1_oid(relid);

	for (int i = 0; i < list_length(relids); i++)
	{
		Oid			reached = list_nth_oid(relids, i);
		Relation	rel = table_open(reached, AccessShareLock);

		relids = add_referring(relids, rel);
		table_close(rel, NoLock);
		if (get_rel_relkind(reached) == RELKIND_PARTITIONED_TABLE)
			relids = list_concat_unique_oid(relids, find_all_inheritors(reached, AccessShareLock, NULL));
	}
	return relids;
}

/* "schema.constraint", or NULL if it is gone */
static char *
name_of(Oid constraint)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	Form_pg_constraint form;
	char	   *name;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	name = quote_qualified_identifier(get_namespace_name(form->connamespace),
									  NameStr(form->conname));
	ReleaseSysCache(tuple);
	return name;
}

static void
set_constraint(Oid constraint, const char *mode)
{
	char	   *name = name_of(constraint);

	if (name != NULL)
		(void) sk_spi_execute(psprintf("SET CONSTRAINTS %s %s", name, mode), 0, NULL,
							  NULL, SPI_OK_UTILITY, NULL);
}

/*
 * Make immediate what changes of the table's rows may defer: the constraints that are to
 * be put back.  What has been deferred of them is checked now, as the current role.
 */
List *
sk_deferred_suspend(Oid relid)
{
	List	   *constraints = NIL;
	ListCell   *lc;

	foreach(lc, reached_from(relid))
	{
		Relation	rel = table_open(lfirst_oid(lc), AccessShareLock);

		constraints = add_deferred(constraints, rel);
		table_close(rel, NoLock);
	}
	foreach(lc, constraints)
		set_constraint(lfirst_oid(lc), "IMMEDIATE");
	return constraints;
}

static void
defer(void *arg)
{
	set_constraint(*(Oid *) arg, "DEFERRED");
}

/*
 * Put them back.  A constraint that cannot be deferred, of another table, may have the
 * same name; then they stay immediate.
 */
void
sk_deferred_resume(List *constraints)
{
	ListCell   *lc;

	foreach(lc, constraints)
		(void) sk_guard_try(defer, &lfirst_oid(lc), sk_guard_is_failure);
}
