/*-------------------------------------------------------------------------
 *
 * audit/outcome.c
 *	  What rows were, when their events have been taken back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/outcome.h"
#include "audit/past.h"

#include "miscadmin.h"

/*
 * The key of a row that there is now, as the log would have it
 */
JsonbValue *
sk_audit_outcome_key(const SkAuditPast *past, const Datum *values, const bool *nulls)
{
	const SkAuditReader *reader = past->reader;
	JsonbValue *key = palloc(sizeof(JsonbValue) * reader->nkeys);

	for (int k = 0; k < reader->nkeys; k++)
	{
		int			i = reader->keys[k] - 1;

		sk_audit_past_encode(past, i, values[i], nulls[i], &key[k]);
	}
	return key;
}

/*
 * Events tell of a row that is there now: it must be the only one with its key, and
 * not one that was removed.
 */
static void
check_accounted(const SkAuditPast *past, SkAuditPastRow *row, const Datum *values,
				const bool *nulls)
{
	if (past->reader->nkeys > 0 && (row->gone || row->seen))
		sk_audit_undo_refuse(past,
							 psprintf("The table has a row %s that does not follow from its events.",
									  sk_audit_past_key_now(past, values, nulls)),
							 "Its key may not be unique, or rows were changed without events.  Query schemakit.audit_log instead.");
	row->seen = true;
}

/*
 * A row that there is now: return what it was.  Without key, "identity" is its content.
 */
void
sk_audit_outcome_of_live(SkAuditPast *past, const char *identity, Datum *values,
						 bool *nulls)
{
	SkAuditPastRow *row;

	if (past->reader->nkeys > 0)
		row = sk_audit_undo_find(past, sk_audit_outcome_key(past, values, nulls), NULL);
	else
		row = sk_audit_undo_find(past, NULL, identity);
	if (row != NULL)
		check_accounted(past, row, values, nulls);
	if (row != NULL && past->reader->nkeys == 0 && row->surplus < 0)
		row->surplus++;
	else if (row == NULL || (!row->absent && !row->complete))
		sk_audit_past_put(past, row, values, nulls);
}

/* A row that is all in the log */
static void
put_logged(SkAuditPast *past, const SkAuditPastRow *row)
{
	int			natts = past->reader->tupdesc->natts;
	Datum	   *values = palloc0(sizeof(Datum) * Max(natts, 1));
	bool	   *nulls = palloc(sizeof(bool) * Max(natts, 1));

	memset(nulls, true, sizeof(bool) * natts);
	sk_audit_past_put(past, row, values, nulls);
}

/* Is it the row that is asked for, if one is? */
static bool
is_asked_for(const SkAuditPast *past, const SkAuditPastRow *row)
{
	ListCell   *lc;

	if (past->key == NULL)
		return true;
	foreach(lc, past->spellings)
	{
		if (sk_audit_reader_is_same_key(past->reader, row->key, lfirst(lc)))
			return true;
	}
	return false;
}

/*
 * All of the rows of a number is known: return those that the log has, and forget
 * them.
 */
void
sk_audit_outcome_finish(SkAuditPast *past)
{
	for (SkAuditPastRow *row = sk_audit_undo_rows(past); row != NULL; row = row->next)
	{
		if (!is_asked_for(past, row))
			continue;
		if (row->complete)
			put_logged(past, row);
		for (; row->surplus > 0; row->surplus--)
		{
			put_logged(past, row);
			CHECK_FOR_INTERRUPTS();
		}
	}
	sk_audit_undo_next(past);
}
