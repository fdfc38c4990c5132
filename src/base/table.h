/*-------------------------------------------------------------------------
 *
 * base/table.h
 *	  Which tables schemakit may work on.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_TABLE_H
#define SK_TABLE_H

#include "nodes/pg_list.h"
#include "storage/lockdefs.h"
#include "utils/relcache.h"

extern bool sk_table_is_eligible(Relation rel);
extern List *sk_table_list(void);
extern bool sk_table_have_lock(Oid relid, LOCKMODE lockmode);
extern bool sk_table_lock_at_once(Oid relid, bool *ours);
extern void sk_table_check_owner(Oid relid);
extern Relation sk_table_open(Oid relid, LOCKMODE lockmode);
extern Relation sk_table_open_attached(Oid relid, LOCKMODE lockmode);
extern char *sk_table_present_name(Oid relid);
extern char *sk_table_present_schema(Oid relid);
extern void sk_table_refuse_view(Relation rel);
extern Oid	sk_table_owner(Oid relid);
extern double sk_table_rows(Oid relid);
extern char *sk_table_column_names(List *names);
extern char *sk_table_name(Relation rel);
extern char *sk_table_told_name(Oid relid);
extern void sk_table_hold(Oid relid);
extern bool sk_table_index_is_plain(Relation index);
extern Bitmapset *sk_table_index_unless_null(Relation index);
extern Oid	sk_table_primary_key(Relation rel);

#endif							/* SK_TABLE_H */
