/*-------------------------------------------------------------------------
 *
 * soft_delete/column_state.c
 *	  What is said of a column of a view of live rows: its default, its privileges,
 *	  its comment and its labels, saved and put on the column that takes its place.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/column_state.h"
#include "base/acl.h"
#include "base/compat.h"
#include "base/guard.h"
#include "base/rights.h"
#include "base/spi.h"
#include "base/table.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_seclabel.h"
#include "commands/comment.h"
#include "commands/seclabel.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

struct SkColumnState
{
	AttrNumber	attnum;			/* of the table's column: another may get its
								 * name */
	char	   *comment;
	List	   *labels;
	char	   *expression;		/* its default */
	Acl		   *acl;
};

typedef struct Label
{
	char	   *provider;
	char	   *label;
} Label;

/*
 * The security labels of the view, or of a column.
 */
List *
sk_soft_column_state_labels(Oid viewid, AttrNumber attnum)
{
	Relation	rel = table_open(SecLabelRelationId, AccessShareLock);
	TupleDesc	tupdesc = RelationGetDescr(rel);
	List	   *labels = NIL;
	ScanKeyData keys[3];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_seclabel_objoid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(viewid));
	ScanKeyInit(&keys[1], Anum_pg_seclabel_classoid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&keys[2], Anum_pg_seclabel_objsubid, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum((int32) attnum));
	scan = systable_beginscan(rel, SecLabelObjectIndexId, true, NULL, 3, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Label	   *label = palloc(sizeof(Label));
		bool		isnull;

		label->provider = TextDatumGetCString(heap_getattr(tuple, Anum_pg_seclabel_provider,
														   tupdesc, &isnull));
		label->label = TextDatumGetCString(heap_getattr(tuple, Anum_pg_seclabel_label,
														tupdesc, &isnull));
		labels = lappend(labels, label);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return labels;
}

static char *
save_default(Relation view, AttrNumber attnum)
{
	TupleConstr *constr = RelationGetDescr(view)->constr;

	for (int i = 0; constr && i < constr->num_defval; i++)
	{
		if (constr->defval[i].adnum == attnum)
			return TextDatumGetCString(DirectFunctionCall2(pg_get_expr,
														   CStringGetTextDatum(constr->defval[i].adbin),
														   ObjectIdGetDatum(RelationGetRelid(view))));
	}
	return NULL;
}

/*
 * What is said of the view's column, which shows that of the table.
 */
SkColumnState *
sk_soft_column_state_save(Oid viewid, AttrNumber attnum, AttrNumber table_attnum)
{
	Relation	view = relation_open(viewid, AccessShareLock);
	SkColumnState *column = palloc(sizeof(SkColumnState));
	SkRights	saved;

	sk_rights_pin(&saved);		/* names in SQL have their schemas */
	column->attnum = table_attnum;
	column->comment = GetComment(viewid, RelationRelationId, attnum);
	column->labels = sk_soft_column_state_labels(viewid, attnum);
	column->expression = save_default(view, attnum);
	column->acl = sk_acl_read(viewid, attnum);
	sk_rights_restore(&saved);
	relation_close(view, NoLock);
	return column;
}

void
sk_soft_column_state_set_labels(Oid viewid, AttrNumber attnum, List *labels)
{
	ObjectAddress object;
	ListCell   *lc;

	ObjectAddressSubSet(object, RelationRelationId, viewid, attnum);
	foreach(lc, labels)
	{
		const Label *label = lfirst(lc);

		SetSecurityLabel(&object, label->provider, label->label);
	}
}

/* The column's place among those of the view, or InvalidAttrNumber */
static AttrNumber
place_of(Relation rel, Oid viewid, const SkColumnState *column)
{
	char	   *name = get_attname(RelationGetRelid(rel), column->attnum, true);

	return name ? get_attnum(viewid, name) : InvalidAttrNumber;
}

static void
restore_rest(Relation rel, Oid viewid, const SkColumnState *column)
{
	AttrNumber	attnum = place_of(rel, viewid, column);

	if (attnum == InvalidAttrNumber)
		return;
	if (column->acl != NULL)
		sk_acl_write(viewid, attnum, column->acl, sk_table_owner(viewid));
	if (column->comment != NULL)
		CreateComments(viewid, RelationRelationId, attnum, column->comment);
	sk_soft_column_state_set_labels(viewid, attnum, column->labels);
}

static void
restore_default(Relation rel, Oid viewid, const SkColumnState *column)
{
	AttrNumber	attnum = place_of(rel, viewid, column);
	char	   *view = quote_qualified_identifier(get_namespace_name(get_rel_namespace(viewid)),
												  get_rel_name(viewid));
	SkRights	saved;

	if (attnum == InvalidAttrNumber || column->expression == NULL)
		return;
	sk_rights_assume(sk_table_owner(viewid), &saved);
	(void) sk_spi_execute(psprintf("ALTER VIEW %s ALTER COLUMN %s SET DEFAULT %s", view,
								   quote_identifier(get_attname(viewid, attnum, false)),
								   column->expression),
						  0, NULL, NULL, SPI_OK_UTILITY, NULL);
	sk_rights_restore(&saved);
	CommandCounterIncrement();
}

/*
 * Say it of the view's column that shows that one of the table's now.
 */
void
sk_soft_column_state_restore(Relation rel, Oid viewid, const SkColumnState *column)
{
	restore_rest(rel, viewid, column);
	restore_default(rel, viewid, column);
}

typedef struct Attempt
{
	Relation	rel;
	Oid			viewid;
	const SkColumnState *column;
} Attempt;

static void
try_default(void *arg)
{
	const Attempt *attempt = arg;

	restore_default(attempt->rel, attempt->viewid, attempt->column);
}

/*
 * The same after a command that must not fail for it: the column may have a type that its
 * default does not suit.
 */
void
sk_soft_column_state_try(Relation rel, Oid viewid, const SkColumnState *column)
{
	Attempt		attempt = {rel, viewid, column};

	restore_rest(rel, viewid, column);
	(void) sk_guard_run(try_default, &attempt, "restore the default of a column of", viewid);
}
