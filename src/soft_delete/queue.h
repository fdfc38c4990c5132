/*-------------------------------------------------------------------------
 *
 * soft_delete/queue.h
 *	  What is looked at when all else of a statement is done.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SOFT_DELETE_QUEUE_H
#define SK_SOFT_DELETE_QUEUE_H

#include "soft_delete/relation.h"

typedef enum SkSoftDoubtKind
{
	SK_SOFT_REFERENCE,			/* a restored row refers to one that is not */
	SK_SOFT_CYCLE,				/* rows that refer to it may keep each other
								 * from coming back */
	SK_SOFT_STAMPS				/* rows of one batch were put into another */
} SkSoftDoubtKind;

typedef struct SkSoftDoubt
{
	SkSoftDoubtKind kind;
	Oid			relid;			/* of the restored row */
	Oid			otherid;		/* at the other end of the constraint */
	char	   *constraint;
	Datum	   *values;			/* of the key; CYCLE: and the stamp */
	int			nkeys;
	Oid		   *types;			/* of the key */
	Timestamp	from;			/* STAMPS */
	Timestamp	to;
	int			depth;			/* of the trigger that found it */
	SubTransactionId subid;
} SkSoftDoubt;

extern void sk_soft_queue_init(void);
extern void sk_soft_queue_add(SkSoftDoubtKind kind, Relation rel,
							  const SkSoftLink *link, const Datum *values);
extern void sk_soft_queue_add_stamps(Timestamp from, Timestamp to);
extern Timestamp sk_soft_queue_last_stamp(Timestamp stamp);
extern void sk_soft_queue_forget_stamps(void);
extern void sk_soft_queue_again(void);
extern List *sk_soft_queue_list(SkSoftDoubtKind kind);
extern void sk_soft_queue_clear(void);
extern bool sk_soft_queue_is_about(const SkSoftDoubt *doubt,
								   const SkSoftLink *link);

#endif							/* SK_SOFT_DELETE_QUEUE_H */
