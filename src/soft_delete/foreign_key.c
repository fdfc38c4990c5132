/*-------------------------------------------------------------------------
 *
 * soft_delete/foreign_key.c
 *	  The foreign keys of a table, and those that refer to it.
 *
 * Keys that refer to a table are found by the triggers that the server has for them
 * there, so they come in the order in which it would look at them; a partition has its
 * own, and may be referred to by keys that do not refer to the whole table.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/foreign_key.h"
#include "base/compat.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* NULL if it is none that we know how to follow */
static SkForeignKey *
read_key(Oid constraint)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	SkForeignKey *key = palloc(sizeof(SkForeignKey));
	Form_pg_constraint form;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for constraint %u", constraint);
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	key->id = constraint;
	if (form->contype != CONSTRAINT_FOREIGN || sk_constraint_is_temporal(form) ||
		!sk_constraint_is_enforced(form))
	{
		ReleaseSysCache(tuple);
		return NULL;
	}
	key->parentid = form->conparentid;
	key->name = pstrdup(NameStr(form->conname));
	key->on_delete = form->confdeltype;
	key->referencing = form->conrelid;
	key->referenced = form->confrelid;
	key->deferrable = form->condeferrable;
	sk_deconstruct_foreign_key(tuple, &key->nkeys, key->conkey, key->confkey,
							   key->operators, key->referenced_operators,
							   key->referencing_operators);
	ReleaseSysCache(tuple);
	return key;
}

static bool
is_action_trigger(const Trigger *trigger)
{
	return trigger->tgfoid == F_RI_FKEY_CASCADE_DEL ||
		trigger->tgfoid == F_RI_FKEY_RESTRICT_DEL ||
		trigger->tgfoid == F_RI_FKEY_NOACTION_DEL ||
		trigger->tgfoid == F_RI_FKEY_SETNULL_DEL ||
		trigger->tgfoid == F_RI_FKEY_SETDEFAULT_DEL;
}

/*
 * The keys that refer to the table, as SkForeignKey.
 */
List *
sk_soft_foreign_key_to(Relation rel)
{
	List	   *constraints = NIL;
	List	   *keys = NIL;
	ListCell   *lc;

	for (int i = 0; rel->trigdesc && i < rel->trigdesc->numtriggers; i++)
	{
		if (is_action_trigger(&rel->trigdesc->triggers[i]))
			constraints = lappend_oid(constraints, rel->trigdesc->triggers[i].tgconstraint);
	}
	foreach(lc, constraints)
	{
		SkForeignKey *key = read_key(lfirst_oid(lc));

		if (key != NULL)
			keys = lappend(keys, key);
	}
	return keys;
}

static bool
is_listed(List *keys, Oid id)
{
	ListCell   *lc;

	foreach(lc, keys)
	{
		if (((SkForeignKey *) lfirst(lc))->id == id)
			return true;
	}
	return false;
}

/*
 * Those that refer to the table or to a partition of it, without the parts that keys to
 * the whole have for its partitions.
 */
List *
sk_soft_foreign_key_to_any(Relation rel)
{
	List	   *seen = sk_soft_foreign_key_to(rel);
	List	   *keys = list_copy(seen);
	ListCell   *lc;

	if (rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return keys;
	for_each_from(lc, find_all_inheritors(RelationGetRelid(rel), AccessShareLock, NULL), 1)
	{
		Relation	partition = table_open(lfirst_oid(lc), NoLock);
		ListCell   *lck;

		foreach(lck, sk_soft_foreign_key_to(partition))
		{
			SkForeignKey *key = lfirst(lck);

			if (!is_listed(seen, key->parentid))
				keys = lappend(keys, key);
			seen = lappend(seen, key);
		}
		table_close(partition, NoLock);
	}
	return keys;
}

/*
 * The table's own keys.  One that refers to a partitioned table has a part for
 * each of its partitions, which says nothing new.
 */
List *
sk_soft_foreign_key_own(Relation rel)
{
	List	   *constraints = NIL;
	List	   *keys = NIL;
	ListCell   *lc;

	foreach(lc, RelationGetFKeyList(rel))
		constraints = lappend_oid(constraints, ((ForeignKeyCacheInfo *) lfirst(lc))->conoid);
	foreach(lc, constraints)
	{
		SkForeignKey *key = read_key(lfirst_oid(lc));
		SkForeignKey *whole = key && OidIsValid(key->parentid)
			? read_key(key->parentid) : NULL;

		if (key != NULL && (whole == NULL || whole->referencing != key->referencing))
			keys = lappend(keys, key);
	}
	return keys;
}
