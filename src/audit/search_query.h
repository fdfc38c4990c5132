/*-------------------------------------------------------------------------
 *
 * audit/search_query.h
 *	  The statements of audit_search().
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_SEARCH_QUERY_H
#define SK_AUDIT_SEARCH_QUERY_H

#include "datatype/timestamp.h"
#include "utils/palloc.h"

/* Parameters of statements, in the order of their numbers */
enum
{
	SK_SEARCH_FROM, SK_SEARCH_TO, SK_SEARCH_AT, SK_SEARCH_TXN_ID, SK_SEARCH_COMMAND, SK_SEARCH_N,
	SK_SEARCH_SHAPES, SK_SEARCH_ACTOR, SK_SEARCH_COLUMNS, SK_SEARCH_VALUE, SK_SEARCH_LIMIT,
	SK_SEARCH_TIDS, SK_SEARCH_PARAMETERS
};

/* What is asked for */
typedef struct SkAuditSearch
{
	Datum		values[SK_SEARCH_PARAMETERS];
	char		nulls[SK_SEARCH_PARAMETERS];
	const char *op;				/* NULL: any */
	TimestampTz from;
	TimestampTz to;
	int			max_rows;
	bool		all;			/* may the caller read all of the log? */
	uint64		returned;		/* rows of the last statement, others than
								 * asked for, too */
	MemoryContext context;
} SkAuditSearch;

/* Is it a condition? */
static inline bool
is_given(const SkAuditSearch *search, int parameter)
{
	return search->nulls[parameter] == ' ';
}

static inline void
sk_audit_search_set(SkAuditSearch *search, int parameter, Datum value)
{
	search->values[parameter] = value;
	search->nulls[parameter] = ' ';
}

extern char *sk_audit_search_query_newest(const SkAuditSearch *search, const char *leaf,
										  bool is_closed, bool by_value);
extern char *sk_audit_search_query_kinds(const SkAuditSearch *search, const char *leaf,
										 const Datum *shapes, int nshapes, const char *ops);
extern char *sk_audit_search_query_acting(const SkAuditSearch *search, const char *leaf);
extern char *sk_audit_search_query_any(const SkAuditSearch *search, const char *leaf);
extern char *sk_audit_search_query_these(const SkAuditSearch *search, const char *leaf);

#endif							/* SK_AUDIT_SEARCH_QUERY_H */
