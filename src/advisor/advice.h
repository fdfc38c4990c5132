/*-------------------------------------------------------------------------
 *
 * advisor/advice.h
 *	  Advice on indexes, as it comes together.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_ADVICE_H
#define SK_ADVISOR_ADVICE_H

#include "advisor/plan/query.h"
#include "advisor/search/write_cost.h"

/*
 * What saves a measured statement less, in milliseconds a call, saves nothing: the
 * planner's costs do not tell so little, and a client waits longer for the network.
 * That is not so if it runs so often that it saves a part of a core: one percent, or
 * ten where so little time was measured that a burst may look like a day.
 */
#define SK_ADVICE_LEAST_MS 0.05
#define SK_ADVICE_LEAST_OF_CORE 0.01
#define SK_ADVICE_LEAST_OF_CORE_YOUNG 0.1

/* Statistics of less time say little about a day. */
#define SK_ADVICE_LEAST_DAYS (1.0 / 24)

/* What is asked for. */
typedef struct SkAdviceOptions
{
	ArrayType  *queries;		/* NULL: pg_stat_statements */
	ArrayType  *weights;
	bool		all_schemas;
	List	   *schemas;		/* OIDs, unless all */
	bool		all_tables;
	List	   *tables;			/* OIDs, unless all */
	bool		create;
	bool		drop;
	bool		replace;
	bool		reindex;
	bool		statistics;
	bool		foreign_keys;	/* all, not only those of the statements */
	int			max_indexes;
	int			max_width;
	double		storage_budget; /* bytes; infinity: none */
	double		time_budget;	/* milliseconds; infinity: none */
	int			max_queries;
	double		min_benefit;
	double		max_regression;
} SkAdviceOptions;

/* What one index does for one statement. */
typedef struct SkHelped
{
	const SkQuery *query;
	double		cost;			/* with all that is advised */
} SkHelped;

typedef enum SkAdviceAction
{
	SK_ADVICE_CREATE,
	SK_ADVICE_REPLACE,
	SK_ADVICE_REINDEX,
	SK_ADVICE_DROP,
	SK_ADVICE_STATISTICS
} SkAdviceAction;

/* One thing to do. */
typedef struct SkAdviceItem
{
	SkAdviceAction action;
	Oid			relid;
	const SkIndex *index;		/* to create, or that exists; NULL for
								 * statistics */
	Bitmapset  *columns;		/* for statistics on several; NULL: ANALYZE */
	const char *definition;		/* of one to create */
	List	   *replaced;		/* OIDs of indexes that it makes redundant */
	double		bytes;			/* more, or less if dropped */
	double		benefit;		/* in the workload's unit of value */
	double		write;
	List	   *helped;			/* SkHelped */
	const char *confidence;
	char	   *reason;
} SkAdviceItem;

/* An index that was looked at and is not advised. */
typedef struct SkRefusal
{
	const SkIndex *index;
	const char *ddl;			/* as it was when the table was locked */
	double		bytes;
	double		benefit;		/* besides all that is advised; NaN: not known */
	double		write;
	const char *reason;			/* a clause */
	bool		limited;		/* a foreign key's, for a limit alone */
} SkRefusal;

typedef struct SkAdvice
{
	SkAdviceOptions options;
	SkWorkload *workload;
	List	   *queries;		/* SkQuery, those of the workload and of
								 * foreign keys, the costliest first */
	SkPool	   *pool;
	SkWrites   *writes;
	TimestampTz start;
	TimestampTz deadline;
	List	   *keys;			/* SkForeignKey of tables that advice is for */
	List	   *sizes;			/* of tables, see advisor/scope.c */
	List	   *items;			/* SkAdviceItem, in the order of ranks */
	List	   *refused;		/* SkRefusal, the most useful first */
	double		least_gain;		/* that each new index must bring */
	double		least_daily_ms; /* from here on small savings count */
	double		attainable;		/* value that could be saved at most */
	double		achieved;
	bool		out_of_time;
} SkAdvice;

#endif							/* SK_ADVISOR_ADVICE_H */
