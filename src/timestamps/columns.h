/*-------------------------------------------------------------------------
 *
 * timestamps/columns.h
 *	  The columns created_at and updated_at of a table, by whatever names.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_TIMESTAMPS_COLUMNS_H
#define SK_TIMESTAMPS_COLUMNS_H

#include "access/tupdesc.h"
#include "utils/relcache.h"

/* Why a column cannot be maintained, as status() says it */
#define SK_COLUMN_GONE			"column gone"
#define SK_COLUMN_GENERATED		"column generated"
#define SK_COLUMN_TYPE			"column type"

extern const char *sk_columns_fault(TupleDesc tupdesc, const char *col);
extern const char *sk_columns_choose(TupleDesc tupdesc, const char *given);
extern const char *sk_columns_to_use(TupleDesc tupdesc, const char *given);
extern bool sk_columns_can_add(Relation rel, const char *given);
extern char *sk_columns_statement(Relation rel, const char *given);
extern void sk_columns_add(Oid relid, const char *given);

#endif							/* SK_TIMESTAMPS_COLUMNS_H */
