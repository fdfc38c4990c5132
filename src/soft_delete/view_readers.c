/*-------------------------------------------------------------------------
 *
 * soft_delete/view_readers.c
 *	  Users' views that read a view of live rows.
 *
 * A view that takes the place of another one has other columns, so the queries of
 * those who read it have to be stored again.  They are written as pg_dump writes
 * them, and read again as their owner: nothing in them is looked up on a path, and
 * nothing is executed.  Who reads such a view now is not waited for: he is about to
 * want the view of live rows, which we have locked.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/view_readers.h"
#include "base/depend.h"
#include "base/rights.h"
#include "soft_delete/view.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_type.h"
#include "commands/view.h"
#include "parser/analyze.h"
#include "parser/parse_node.h"
#include "parser/parser.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

typedef struct Reader
{
	Oid			relid;
	char	   *sql;
} Reader;

static bool
is_known(Oid relid, List *readers)
{
	ListCell   *lc;

	foreach(lc, readers)
	{
		if (((Reader *) lfirst(lc))->relid == relid)
			return true;
	}
	return false;
}

static bool
add_reader(Oid relid, List **readers)
{
	Reader	   *reader;
	SkRights	saved;

	if (is_known(relid, *readers))
		return true;
	if (!ConditionalLockRelationOid(relid, AccessExclusiveLock))
		return false;
	reader = palloc(sizeof(Reader));
	reader->relid = relid;
	sk_rights_pin(&saved);
	reader->sql = TextDatumGetCString(DirectFunctionCall1(pg_get_viewdef,
														  ObjectIdGetDatum(relid)));
	sk_rights_restore(&saved);
	*readers = lappend(*readers, reader);
	return true;
}

static bool
add_readers(Oid classid, Oid objectid, Oid viewid, List **readers)
{
	ListCell   *lc;

	foreach(lc, sk_depend_rows(classid, objectid))
	{
		Form_pg_depend depend = lfirst(lc);
		Oid			relid = depend->classid == RewriteRelationId
			? sk_depend_view_of_rule(depend->objid) : InvalidOid;

		if (OidIsValid(relid) && relid != viewid &&
			!add_reader(relid, readers))
			return false;
	}
	return true;
}

/*
 * The views that read this one, with their queries as they are now.  False if one is in
 * use.
 */
bool
sk_soft_view_readers_find(Oid viewid, List **readers)
{
	*readers = NIL;
	return add_readers(RelationRelationId, viewid, viewid, readers) &&
		add_readers(TypeRelationId, get_rel_type_id(viewid), viewid, readers);
}

static void
store(const Reader *reader)
{
	Relation	rel = relation_open(reader->relid, NoLock);
	Oid			owner = rel->rd_rel->relowner;
	ParseState *pstate = make_parsestate(NULL);
	List	   *commands;
	Query	   *query;
	SkRights	saved;

	relation_close(rel, NoLock);
	sk_rights_assume(owner, &saved);
	pstate->p_sourcetext = reader->sql;
	commands = raw_parser(reader->sql, RAW_PARSE_DEFAULT);
	query = transformTopLevelStmt(pstate, linitial_node(RawStmt, commands));
	free_parsestate(pstate);
	StoreViewQuery(reader->relid, query, true);
	sk_rights_restore(&saved);
	CommandCounterIncrement();
}

/*
 * Let them read what has the names now.
 */
void
sk_soft_view_readers_store(List *readers)
{
	ListCell   *lc;

	foreach(lc, readers)
		store(lfirst(lc));
}
