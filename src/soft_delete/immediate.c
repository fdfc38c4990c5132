/*-------------------------------------------------------------------------
 *
 * soft_delete/immediate.c
 *	  Deferred constraints of tables, immediate for a while.
 *
 * What is done as another role must not be deferred: at the end of the transaction it
 * would be done as the role that commits, and the server refuses that.  So what a
 * delete may defer is set to be done at once, and put back afterwards.
 *
 * SET CONSTRAINTS knows a constraint by its schema and its name, which another table's
 * may have, too.  That one is immediate meanwhile as well.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/immediate.h"
#include "base/guard.h"
#include "base/spi.h"
#include "soft_delete/defer.h"
#include "soft_delete/relation.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

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
			sk_soft_defer_is_deferred(trigger))
			constraints = lappend_oid(constraints, trigger->tgconstraint);
	}
	return constraints;
}

/* Also those whose rows the delete changes by SET NULL and SET DEFAULT, and partitions */
static List *
tables_of(List *relids)
{
	List	   *tables = list_copy(relids);
	List	   *all = NIL;
	ListCell   *lc;

	foreach(lc, relids)
	{
		Relation	rel = table_open(lfirst_oid(lc), AccessShareLock);
		ListCell   *lck;

		foreach(lck, sk_soft_relation_referring(rel))
			tables = list_append_unique_oid(tables, ((const SkForeignKey *) lfirst(lck))->referencing);
		table_close(rel, NoLock);
	}
	foreach(lc, tables)
	{
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_PARTITIONED_TABLE)
			all = list_concat_unique_oid(all, find_all_inheritors(lfirst_oid(lc), AccessShareLock, NULL));
		else
			all = list_append_unique_oid(all, lfirst_oid(lc));
	}
	return all;
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
 * Make the deferred constraints of these tables immediate: those that are to be put
 * back.  What has been deferred of them is checked now, as the current role.
 */
List *
sk_soft_immediate_begin(List *relids)
{
	List	   *constraints = NIL;
	ListCell   *lc;

	foreach(lc, tables_of(relids))
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
sk_soft_immediate_end(List *constraints)
{
	ListCell   *lc;

	foreach(lc, constraints)
		(void) sk_guard_try(defer, &lfirst_oid(lc), sk_guard_is_failure);
}
