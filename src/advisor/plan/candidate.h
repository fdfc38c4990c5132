/*-------------------------------------------------------------------------
 *
 * advisor/plan/candidate.h
 *	  Indexes that might help.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_PLAN_CANDIDATE_H
#define SK_ADVISOR_PLAN_CANDIDATE_H

#include "advisor/plan/indexable.h"
#include "advisor/plan/whatif.h"

typedef struct SkCandidate
{
	int			id;				/* position in the pool */
	SkIndex    *index;
	char	   *definition;		/* tells it from others on its table */
	char	   *ddl;			/* as it was when the table was locked */
	SkHypothetical *what;
	bool		promising;		/* a plan has used it to some gain; */
	double		bytes;			/* then, what it would take */
	bool		merged;			/* made of two that are promising */
	bool		too_large;		/* larger than the pool allows: no plan was
								 * made with it; "bytes" is its size */
} SkCandidate;

typedef struct SkPool
{
	MemoryContext context;
	int			max_width;		/* keys of an index */
	double		max_bytes;		/* and its size */
	int			n;
	int			allocated;
	SkCandidate **candidate;
	List	   *existing;		/* see sk_candidate_existing() */
} SkPool;

extern SkPool *sk_candidate_pool(int max_width, double max_bytes);
extern double sk_candidate_bytes(const SkCandidate *candidate);
extern List *sk_candidate_existing(SkPool *pool, Oid relid);
extern Bitmapset *sk_candidate_generate(SkPool *pool, const SkIndexable *access,
										Bitmapset *ids);
extern Bitmapset *sk_candidate_refine(SkPool *pool, const SkIndexable *access,
									  const SkCandidate *candidate,
									  Bitmapset *ids);
extern Bitmapset *sk_candidate_merge(SkPool *pool, const SkCandidate *a,
									 const SkCandidate *b, Bitmapset *ids);

#endif							/* SK_ADVISOR_PLAN_CANDIDATE_H */
