/*-------------------------------------------------------------------------
 *
 * audit/verify_row.h
 *	  Rows, one by one: what the log says that they are, and what they are.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_VERIFY_ROW_H
#define SK_AUDIT_VERIFY_ROW_H

#include "audit/document.h"
#include "audit/reader.h"

#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "utils/tuplesort.h"

/* What is sorted has the letter of its event, or one of these. */
#define SK_AUDIT_VERIFY_LIVE			'L'
#define SK_AUDIT_VERIFY_GONE			'-' /* a content of which there is one
											 * less */

/* A shape, and which columns events that name it do not tell as they are now */
typedef struct SkAuditVerifyShape
{
	SkAuditShape *shape;
	bool	   *untold;			/* by attribute number - 1 */
	bool		without_values;
	bool		without_truncated;	/* TRUNCATE records no rows */
} SkAuditVerifyShape;

typedef struct SkAuditVerification
{
	SkAuditReader *reader;
	SkAuditDocumentNames *now;	/* of the table as it is */
	ReturnSetInfo *rsinfo;
	SkAuditVerifyShape *shapes; /* those whose events are compared */
	int			nshapes;
	bool	   *compared;		/* by attribute number - 1 */
	Tuplesortstate *sort;
	TupleTableSlot *slot;
	int64		seq;			/* of the last event */
	int64		emptied;		/* that of the last TRUNCATE */
	int64		part_emptied;	/* likewise, of a partition, without rows */
	bool		was_empty;		/* when a baseline was recorded */
	bool		all_recorded;	/* each row that there is must have events */
	int64		unrecorded;		/* rows without events that may have been
								 * there before */
} SkAuditVerification;

/* An event, or a row as it is, which comes last */
typedef struct SkAuditVerifyItem
{
	int64		seq;
	char		op;
	int32		shape_id;
	TimestampTz changed_at;
	Datum		key;			/* documents, or 0 */
	Datum		document;
	Datum		before;
} SkAuditVerifyItem;

extern const SkAuditVerifyShape *sk_audit_verify_row_shape(const SkAuditVerification *v,
														   int32 shape_id);
extern void sk_audit_verify_row_begin(SkAuditVerification *v);
extern void sk_audit_verify_row_live(const SkAuditVerification *v, Jsonb *document,
									 JsonbValue *values);
extern void sk_audit_verify_row_add(SkAuditVerification *v, const char *identity,
									const SkAuditVerifyItem *item);
extern void sk_audit_verify_row_compare(SkAuditVerification *v);

#endif							/* SK_AUDIT_VERIFY_ROW_H */
