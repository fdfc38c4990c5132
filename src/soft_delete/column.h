/*-------------------------------------------------------------------------
 *
 * soft_delete/column.h
 *	  The column that tells when a row was deleted.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SOFT_DELETE_COLUMN_H
#define SK_SOFT_DELETE_COLUMN_H

#include "catalog/pg_attribute.h"
#include "utils/relcache.h"

extern bool sk_soft_column_is_type(Oid type);
extern bool sk_soft_column_can_hold(Form_pg_attribute attr);
extern Form_pg_attribute sk_soft_column_find(Relation rel, const char *col);
extern const char *sk_soft_column_choose(Relation rel, const char *given);
extern const char *sk_soft_column_ensure(Oid relid, const char *given);
extern Datum sk_soft_column_now(Relation table, AttrNumber column);

#endif							/* SK_SOFT_DELETE_COLUMN_H */
