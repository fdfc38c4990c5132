/*-------------------------------------------------------------------------
 *
 * audit/version.h
 *	  What rows were, and when: for the files that find it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_VERSION_H
#define SK_AUDIT_VERSION_H

#include "audit/undo.h"

#include "executor/spi.h"
#include "executor/tuptable.h"
#include "utils/tuplesort.h"

/* An event of the row that is looked at */
typedef struct SkAuditVersionEvent
{
	uint64		hash;
	TimestampTz ended_at;		/* its transaction's time */
	int64		txn_id;
	char		op;
	const SkAuditShape *shape;	/* as the first period knows it */
	int32		shape_id;
	char	   *identity;
	Jsonb	   *old;
	char	   *actor;
} SkAuditVersionEvent;

/* A row that is there now */
typedef struct SkAuditVersionLive
{
	uint64		hash;
	char	   *identity;
	Datum	   *values;
	bool	   *nulls;
} SkAuditVersionLive;

/* A version that was found */
typedef struct SkAuditVersion
{
	TimestampTz since;
	TimestampTz until;
	const SkAuditVersionEvent *event;	/* that made it; NULL: none, or it is
										 * not known */
	Datum		row;
} SkAuditVersion;

typedef struct SkAuditVersions SkAuditVersions;

/* A time in which the table had one shape */
typedef struct SkAuditVersionPeriod
{
	SkAuditPast past;			/* must be first */
	TimestampTz since;
	SkAuditVersions *versions;
} SkAuditVersionPeriod;

struct SkAuditVersions
{
	Oid			relid;
	SkAuditPast *parent;		/* of a table that inherits: the one that was
								 * asked for */
	ReturnSetInfo *rsinfo;
	const Jsonb *key;
	TimestampTz from_at;
	TimestampTz to_at;
	TimestampTz since;			/* before it, nothing is known */
	SkAuditVersionPeriod *periods;	/* oldest first */
	int			nperiods;

	/* the rows that are there now, by hash */
	Tuplesortstate *sort;
	TupleDesc	sort_desc;
	TupleTableSlot *slot;
	SkAuditVersionLive *live;	/* the next one, or NULL */

	/* events, by hash, and the latest first */
	Portal		portal;
	SPITupleTable *rows;
	uint64		nrows;
	uint64		row;
	SkAuditVersionEvent *event; /* the next one, or NULL */

	/* the row that is looked at */
	MemoryContext context;		/* for it */
	SkAuditVersionPeriod *period;	/* of the version */
	SkAuditPastRow state;
	bool		exists;
	const SkAuditVersionLive *base; /* values that no event tells; NULL: there
									 * are none */
	List	   *found;			/* of Version, the latest first */
	Datum		made;			/* the row that was put last */
	FmgrInfo	same_image;
};

/* The columns of the table are the same in all periods. */
static inline const SkAuditReader *
sk_audit_version_reader(const SkAuditVersions *versions)
{
	return versions->periods[0].past.reader;
}

static inline int
sk_audit_version_natts(const SkAuditVersions *versions)
{
	return sk_audit_version_reader(versions)->tupdesc->natts;
}

#endif							/* SK_AUDIT_VERSION_H */
