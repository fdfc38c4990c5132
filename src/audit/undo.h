/*-------------------------------------------------------------------------
 *
 * audit/undo.h
 *	  What has happened to rows since some time, taken back.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_UNDO_H
#define SK_AUDIT_UNDO_H

#include "audit/reader.h"

#include "nodes/execnodes.h"

/* A row, or of a table without key a content, that events tell of. */
typedef struct SkAuditPastRow
{
	struct SkAuditPastRow *next;	/* of the same hash */
	JsonbValue *key;
	const Jsonb *key_document;	/* the key is in it, */
	const SkAuditShape *key_shape;	/* written in this shape */
	const char *identity;		/* without key: the content */
	JsonbValue *values;			/* by attribute number - 1 */
	bool	   *known;
	const SkAuditShape **shapes;	/* when the table had these values */
	int			unknown;		/* how many are not known */
	bool		closed;			/* older events have told all */
	bool		absent;			/* it was not there */
	bool		complete;		/* all that it was is in "values" */
	bool		gone;			/* the last event has removed it */
	bool		seen;			/* it is there now */
	int64		surplus;		/* without key: more were there than are now */
} SkAuditPastRow;

typedef struct SkAuditConversion SkAuditConversion;

typedef struct SkAuditPast SkAuditPast;

struct SkAuditPast
{
	SkAuditReader *reader;
	TimestampTz at;
	JsonbValue *key;			/* only this row; NULL: all */
	List	   *spellings;		/* it, and equal ones in the log */
	struct SkAuditFilter *filter;	/* only rows with these values; NULL: all */
	bool	   *shown;			/* by attribute number - 1 */
	bool	   *rewritten;		/* likewise: only what events tell is true */
	bool	   *untold;			/* likewise: former values may have to be
								 * null, see audit/convert.c */
	bool	   *touched;		/* likewise, see audit/touched.c */
	Timestamp	local_at;		/* "at", in the session's time zone */
	bool		withheld;		/* a value was not told */
	bool		digests;		/* a value was told as null, of which the log
								 * has a digest */
	List	   *conversions;	/* of SkAuditConversion */
	bool		as_documents;	/* values as the log has them */
	bool		quiet;			/* what is not told is told of elsewhere */
	void		(*receive) (SkAuditPast *past, Datum *values, bool *nulls); /* NULL: rows are the
																			 * result */
	bool		with_unknown;	/* rows say which columns are not told */
	Bitmapset  *ever_unknown;	/* those, of all rows: attribute number - 1 */
	struct SkAuditUndo *undo;
	struct SkAuditMerge *merge;
	MemoryContext context;		/* for what is kept */
	ReturnSetInfo *rsinfo;
	TupleDesc	result;
	AttrNumber *columns;		/* of a table that inherits: its column for
								 * each of the result, or 0; NULL: they are
								 * the same */
	bool	   *wanted;			/* those of its columns; NULL: all */
};

/* An event; what it points to is gone when the next one comes */
typedef struct SkAuditPastEvent
{
	char		op;
	const SkAuditShape *shape;
	const char *identity;		/* without key: of what is in "old" or "new" */
	Jsonb	   *key;
	Jsonb	   *old;
	Jsonb	   *new;
} SkAuditPastEvent;

extern void sk_audit_undo_refuse(const SkAuditPast *past, const char *detail,
								 const char *hint);
extern char *sk_audit_undo_content(const SkAuditPast *past,
								   const JsonbValue *values);
extern void sk_audit_undo_begin(SkAuditPast *past);
extern void sk_audit_undo_event(SkAuditPast *past, const SkAuditPastEvent *event);
extern SkAuditPastRow *sk_audit_undo_find(const SkAuditPast *past,
										  const JsonbValue *key,
										  const char *identity);
extern SkAuditPastRow *sk_audit_undo_rows(const SkAuditPast *past);
extern void sk_audit_undo_next(SkAuditPast *past);
extern void sk_audit_undo_end(SkAuditPast *past);

#endif							/* SK_AUDIT_UNDO_H */
