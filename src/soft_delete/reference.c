/*-------------------------------------------------------------------------
 *
 * soft_delete/reference.c
 *	  Is the row live that another one refers to?
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "soft_delete/reference.h"
#include "soft_delete/fk_execute.h"
#include "soft_delete/newest.h"

#include "miscadmin.h"

/*
 * Keep the row that has the key from being deleted, after all who are about to have
 * ended.  False if there is none.
 */
static bool
hold_referenced(SkSoftLink *link, Datum *values)
{
	for (;;)
	{
		Oid			relid;
		ItemPointerData tid;
		bool		isnull;
		bool		found;

		CHECK_FOR_INTERRUPTS();
		sk_soft_fk_execute(link, SK_SOFT_LOCK, values, 1);
		found = SPI_processed > 0;
		if (found)
		{
			HeapTuple	tuple = SPI_tuptable->vals[0];

			relid = DatumGetObjectId(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 1, &isnull));
			tid = *(ItemPointer) DatumGetPointer(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 2, &isnull));
		}
		SPI_finish();
		if (!found || sk_soft_newest_is_held(relid, &tid))
			return found;
	}
}

/*
 * Is there a live row for the key, or none at all, which is not our business?  It
 * stays so to the end of the transaction.
 */
bool
sk_soft_reference_is_live(SkSoftLink *link, Datum *values)
{
	bool		live = true;
	bool		isnull;

	if (!hold_referenced(link, values))
		return true;
	sk_soft_fk_execute(link, SK_SOFT_CHECK, values, 1);
	if (SPI_processed > 0)
		live = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0],
										  SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	return live;
}
