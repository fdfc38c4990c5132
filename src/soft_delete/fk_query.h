/*-------------------------------------------------------------------------
 *
 * soft_delete/fk_query.h
 *	  The statements that soft delete executes across foreign keys.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SOFT_DELETE_FK_QUERY_H
#define SK_SOFT_DELETE_FK_QUERY_H

#include "base/plan.h"

#include "access/attnum.h"
#include "nodes/pg_list.h"
#include "pg_config_manual.h"
#include "utils/relcache.h"

/* A foreign key, as its row in pg_constraint has it. */
typedef struct SkForeignKey
{
	Oid			id;
	Oid			parentid;		/* the constraint of which it is a part */
	char	   *name;
	char		on_delete;		/* FKCONSTR_ACTION_* */
	bool		deferrable;
	Oid			referencing;
	Oid			referenced;
	int			nkeys;
	AttrNumber	conkey[INDEX_MAX_KEYS];
	AttrNumber	confkey[INDEX_MAX_KEYS];
	Oid			operators[INDEX_MAX_KEYS];	/* referenced = referencing */
	Oid			referenced_operators[INDEX_MAX_KEYS];	/* of one side */
	Oid			referencing_operators[INDEX_MAX_KEYS];
} SkForeignKey;

/* The other parent of a row: a foreign key, and the parent's stamp. */
typedef struct SkSoftBlocker
{
	const SkForeignKey *key;
	AttrNumber	column;
	Oid			owner;			/* of the parent */
	SkPlan		plan;			/* where the parent is asked by itself */
	Relation	parent;			/* open while a statement is written */
} SkSoftBlocker;

extern char *sk_soft_fk_query_column(const char *alias, Relation rel,
									 AttrNumber attnum);
extern char *sk_soft_fk_query_from(Relation rel, const char *alias);
extern char *sk_soft_fk_query_cascade(const SkForeignKey *key, Relation child,
									  AttrNumber column, Oid stamp_type);
extern char *sk_soft_fk_query_restamp(const SkForeignKey *key, Relation child,
									  AttrNumber column, Oid stamp_type);
extern char *sk_soft_fk_query_restore(const SkForeignKey *key, Relation child,
									  AttrNumber column, Oid stamp_type,
									  List *blockers);
extern char *sk_soft_fk_query_skipped(const SkForeignKey *key, Relation child,
									  AttrNumber column, Oid stamp_type);
extern char *sk_soft_fk_query_members(const SkForeignKey *key, Relation child,
									  AttrNumber column, Oid stamp_type,
									  List *holders);
extern char *sk_soft_fk_query_keys(const SkForeignKey *key, Relation child,
								   AttrNumber column, Oid stamp_type,
								   List *blockers);
extern char *sk_soft_fk_query_parent(const SkSoftBlocker *blocker, Relation child,
									 AttrNumber column);
extern char *sk_soft_fk_query_stamp(Relation rel, AttrNumber column);
extern char *sk_soft_fk_query_find(const SkForeignKey *key, Relation child,
								   AttrNumber column);
extern char *sk_soft_fk_query_is_due(const char *alias, Relation rel,
									 AttrNumber column, int param);
extern char *sk_soft_fk_query_referring(const SkForeignKey *key, Relation child,
										const char *columns);
extern char *sk_soft_fk_query_lock(const SkForeignKey *key, Relation parent);
extern char *sk_soft_fk_query_check(const SkForeignKey *key, Relation parent,
									AttrNumber column);
extern char *sk_soft_fk_query_own(Relation rel, AttrNumber column, int nkeys,
								  const AttrNumber *attnums,
								  const Oid *operators);
extern char *sk_soft_fk_query_blocker(const SkForeignKey *key, Relation parent,
									  AttrNumber column, Relation child,
									  AttrNumber child_column);

#endif							/* SK_SOFT_DELETE_FK_QUERY_H */
