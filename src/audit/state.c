/*-------------------------------------------------------------------------
 *
 * audit/state.c
 *	  Events S: what commands meant for the recording of a table's changes.
 *
 * Where recording stops or goes on, and where rows come, go or change without events, a
 * shape says so, and an event of the table stands between the changes of its rows, with
 * who did it and by which command.  If no command of the transaction is known to have
 * done it, it was found by the next change: then the time and the role are those of who
 * found it.
 *
 * A baseline of a table without rows is such an event, too: no row is there of which the
 * log has not the beginning.
 *
 * The role is the one that the client is, or has SET, whatever role our work is done as.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/state.h"
#include "audit/commit.h"
#include "audit/json.h"
#include "audit/key_hash.h"
#include "audit/log.h"
#include "audit/txn.h"
#include "base/compat.h"
#include "base/doing.h"
#include "base/rights.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

static void
push_text(JsonbInState *state, JsonbIteratorToken token, const char *text)
{
	JsonbValue	v;

	sk_audit_json_set_string(&v, pstrdup(text), strlen(text));
	pushJsonbValue(state, token, &v);
}

static void
push_text_or_null(JsonbInState *state, const char *key, const char *text)
{
	JsonbValue	v = {.type = jbvNull};

	push_text(state, WJB_KEY, key);
	if (text !=NULL)
		push_text(state, WJB_VALUE, text);
	else
		pushJsonbValue(state, WJB_VALUE, &v);
}

static void
push_true(JsonbInState *state, const char *key)
{
	JsonbValue	v = {.type = jbvBool,.val.boolean = true};

	push_text(state, WJB_KEY, key);
	pushJsonbValue(state, WJB_VALUE, &v);
}

static Jsonb *
describe(const SkAuditState *state)
{
	JsonbInState document = {0};
	JsonbValue	covered = {.type = jbvBool,.val.boolean = state->covered};
	ListCell   *lc;

	pushJsonbValue(&document, WJB_BEGIN_OBJECT, NULL);
	push_text_or_null(&document, "command", sk_doing_command());
	push_text(&document, WJB_KEY, "recorded");
	pushJsonbValue(&document, WJB_VALUE, &covered);
	if (state->reason != NULL)
		push_text_or_null(&document, "reason", state->reason);
	if (state->empty)
		push_true(&document, SK_AUDIT_STATE_EMPTY);
	if (state->columns != NIL)
	{
		push_text(&document, WJB_KEY, "columns");
		pushJsonbValue(&document, WJB_BEGIN_ARRAY, NULL);
		foreach(lc, state->columns)
			push_text(&document, WJB_ELEM, lfirst(lc));
		pushJsonbValue(&document, WJB_END_ARRAY, NULL);
	}
	pushJsonbValue(&document, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(document.result);
}

/* Who acts is asked as another role, so this is its own step. */
static void
write_event(const SkAuditState *state)
{
	bool		alone = sk_audit_commit_count();
	SkAuditStamp stamp = sk_audit_txn_next(false, alone);
	Datum		values[Natts_audit_event];
	bool		nulls[Natts_audit_event];

	memset(nulls, true, sizeof(nulls));
	memset(nulls, false, sizeof(bool) * Anum_audit_event_op);
	values[Anum_audit_event_key_hash - 1] =
		UInt64GetDatum(sk_audit_key_hash_of(NULL, 0, state->rel_id));
	values[Anum_audit_event_command - 1] = Int32GetDatum((int32) GetCurrentCommandId(true));
	values[Anum_audit_event_shape_id - 1] = Int32GetDatum(state->shape_id);
	values[Anum_audit_event_op - 1] = CharGetDatum(SK_AUDIT_STATE);
	values[Anum_audit_event_new - 1] = JsonbPGetDatum(describe(state));
	nulls[Anum_audit_event_new - 1] = false;
	sk_audit_txn_put(&stamp, values, nulls);
	sk_audit_log_insert(SK_AUDIT_LOG_EVENT, stamp.at, values, nulls);
}

/*
 * Write the event of a shape that was just recorded.
 */
void
sk_audit_state_write(const SkAuditState *state)
{
	SkRights	saved;

	sk_rights_assume_under_pin(GetOuterUserId(), &saved);
	write_event(state);
	sk_rights_restore(&saved);
}
