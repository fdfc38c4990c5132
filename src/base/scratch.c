/*-------------------------------------------------------------------------
 *
 * base/scratch.c
 *	  Memory of what is needed only to find something out.
 *
 * What a session keeps is made in a context of its own, where nothing is freed before
 * all of it is.  To make it, triggers are copied, and catalogs and histories read,
 * which takes many times as much memory.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/scratch.h"

#include "utils/memutils.h"

/*
 * Go on in a context that is deleted by sk_scratch_end(), or with the current one
 * after an error.  Returns the current one.
 */
MemoryContext
sk_scratch_begin(void)
{
	return MemoryContextSwitchTo(AllocSetContextCreate(CurrentMemoryContext,
													   "schemakit scratch",
													   ALLOCSET_DEFAULT_SIZES));
}

void
sk_scratch_end(MemoryContext old)
{
	MemoryContext scratch = MemoryContextSwitchTo(old);

	MemoryContextDelete(scratch);
}
