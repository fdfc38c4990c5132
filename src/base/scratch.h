/*-------------------------------------------------------------------------
 *
 * base/scratch.h
 *	  Memory of what is needed only to find something out.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SCRATCH_H
#define SK_SCRATCH_H

#include "utils/palloc.h"

extern MemoryContext sk_scratch_begin(void);
extern void sk_scratch_end(MemoryContext old);

#endif							/* SK_SCRATCH_H */
