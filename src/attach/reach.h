/*-------------------------------------------------------------------------
 *
 * attach/reach.h
 *	  What a command reaches besides the objects that it names.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ATTACH_REACH_H
#define SK_ATTACH_REACH_H

#include "catalog/objectaddress.h"
#include "nodes/parsenodes.h"

/* A table that loses columns */
typedef struct SkReachedTable
{
	Oid			relid;
	List	   *columns;		/* their names, as C strings */
} SkReachedTable;

extern List *sk_reach_typed_tables(Oid composite);
extern List *sk_reach_altered(Oid relid);
extern List *sk_reach_dropped(const Node *stmt);
extern bool sk_reach_drops_parts(const Node *parsetree);
extern List *sk_reach_columns(List *addresses);

#endif							/* SK_ATTACH_REACH_H */
