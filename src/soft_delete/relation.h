/*-------------------------------------------------------------------------
 *
 * soft_delete/relation.h
 *	  A table with soft delete, and its foreign keys, as this session knows
 *	  them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SOFT_DELETE_RELATION_H
#define SK_SOFT_DELETE_RELATION_H

#include "base/plan.h"
#include "soft_delete/fk_query.h"

#include "access/attnum.h"
#include "nodes/pg_list.h"
#include "pg_config_manual.h"
#include "utils/relcache.h"

#define SK_SOFT_FUNCTION	"soft_delete"

/*
 * What is done across a foreign key.  Parameters are the key's values, then the
 * stamp, and for RESTAMP the new one.
 */
typedef enum SkSoftAction
{
	SK_SOFT_CASCADE,			/* stamp the live rows that refer to it */
	SK_SOFT_RESTAMP,			/* those of a batch get another stamp */
	SK_SOFT_RESTORE,			/* those of a batch come back */
	SK_SOFT_SKIPPED,			/* which of them did not? */
	SK_SOFT_MEMBERS,			/* which are there, and what else holds them? */
	SK_SOFT_FIND,				/* is there a live row that refers to it? */
	SK_SOFT_LOCK,				/* keep the row that it refers to */
	SK_SOFT_CHECK,				/* is that live? */
	SK_SOFT_OWN,				/* has the table at this end a live row? */
	SK_SOFT_BLOCKER				/* that one, if it keeps the row deleted */
} SkSoftAction;

#define SK_SOFT_ACTIONS		(SK_SOFT_BLOCKER + 1)

/* A foreign key, seen from the table at one of its ends. */
typedef struct SkSoftLink
{
	char	   *name;			/* of the constraint */
	char		on_delete;		/* FKCONSTR_ACTION_* */
	Oid			otherid;		/* the table at the other end */
	Oid			owner;			/* of that one */
	AttrNumber	column;			/* its stamp; invalid: it has no soft delete */
	bool		cyclic;			/* can a cascade come back to that table? */
	int			nkeys;
	AttrNumber	attnums[INDEX_MAX_KEYS];	/* of the table at this end */

	/* what the statements across it are made of */
	const SkForeignKey *key;
	Oid			relid;			/* of the table at this end */
	Oid			own_owner;
	AttrNumber	own_column;		/* its stamp */
	Oid			stamp_type;		/* of that */
	List	   *blockers;		/* of SkSoftBlocker: of rows at the other end */
	bool		apart;			/* not all these tables have one owner */
	Oid			types[INDEX_MAX_KEYS + 2];	/* of the parameters */
	bool		can[SK_SOFT_ACTIONS];
	SkPlan		plans[SK_SOFT_ACTIONS];
} SkSoftLink;

typedef struct SkSoftRelation
{
	Oid			relid;
	bool		valid;
	MemoryContext context;
	List	   *watched;		/* OIDs of tables that this was made of */
	AttrNumber	column;			/* invalid: the table has no soft delete */
	Oid			type;			/* of the stamp */
	List	   *children;		/* of SkSoftLink, in the order in which the
								 * server looks at them */
	List	   *parents;
} SkSoftRelation;

extern void sk_soft_relation_init(void);
extern AttrNumber sk_soft_relation_column(Relation rel);
extern SkSoftLink *sk_soft_relation_link(const SkSoftRelation *soft,
										 Oid constraint, bool referenced);
extern List *sk_soft_relation_holders(const SkSoftLink *link);
extern SkSoftRelation *sk_soft_relation_get(Relation rel);
extern void sk_soft_relation_release(void);

#endif							/* SK_SOFT_DELETE_RELATION_H */
