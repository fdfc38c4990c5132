/*-------------------------------------------------------------------------
 *
 * audit/txn.c
 *	  The current transaction, as the audit log knows it: its number, the
 *	  number of its next event, and who acts.
 *
 * The first event of a transaction carries who acts.  When the role, the actor or
 * whatever else it tells changes on the way, the next event carries it again; each
 * event says which one does.  A transaction that is expected to end with its first
 * event needs nothing by which others find that one; if it goes on, the next event
 * carries who acts again.  An event that was written in a subtransaction goes
 * away with it, so the next one carries who acts again.
 *
 * The number is the server's, and above it a part of the number of the database, so
 * that those of a log that was restored elsewhere are told from those that follow.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/txn.h"
#include "audit/actor.h"
#include "audit/log.h"
#include "audit/origin.h"
#include "audit/replication.h"
#include "audit/sqlcommenter.h"
#include "base/arg.h"
#include "base/compat.h"
#include "base/guc.h"

#include "access/xact.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/plannodes.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/inval.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

/*
 * A statement of the client's, and where it is in the text that the client sent.
 * It takes all of this to tell it from others.
 */
typedef struct Statement
{
	const char *text;
	TimestampTz started_at;
	bool		running;		/* false: at commit, or outside of any */
	int			location;
	int			length;			/* 0: the rest of the text */
} Statement;

static struct
{
	int64		id;				/* 0: no event yet */
	int32		n;				/* of the last event */
	TimestampTz changed_at;
	bool		is_local;		/* an actor was set for this transaction, by a
								 * statement of the client's */
	TimestampTz set_at;			/* when that statement began */

	/* what the last carrier was written from */
	int32		carrier;		/* 0: there is none */
	SubTransactionId subid;
	Oid			role;
	Oid			session_role;
	uint64		settings;
	ReplOriginId origin;
	Statement	statement;
	CommandId	command;		/* the last that settings of others were
								 * looked at in */
	char	   *actor;			/* in TopTransactionContext; NULL: nobody */
	bool		in_comment;		/* a comment says so */
	char	   *application;	/* likewise */
}			txn;

/*
 * As SET LOCAL warns, but at the end: a DO block may go on and change rows, and in a
 * pipeline other statements may follow.  This is about the client's transaction
 * block, not about the one of a subtransaction in which the actor was set.
 */
static void
warn_of_lost_actor(void)
{
	if (txn.is_local && txn.id == 0 && !IsTransactionBlock() &&
		txn.set_at == GetCurrentStatementStartTimestamp())
		ereport(WARNING,
				(errcode(ERRCODE_NO_ACTIVE_SQL_TRANSACTION),
				 errmsg("the actor was set for this statement only"),
				 errhint("Begin a transaction first, or set the actor for the session with local => false.")));
}

/*
 * Is it a statement of the client's that calls the function?  One that calls a
 * function which does so may have nothing to change.
 */
static bool
is_called_by_client(void)
{
	return debug_query_string != NULL &&
		strstr(debug_query_string, "audit_set_actor") != NULL;
}

static void
at_transaction_end(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			warn_of_lost_actor();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			memset(&txn, 0, sizeof(txn));
			break;
		default:
			break;
	}
}

static void
at_subtransaction_end(SubXactEvent event, SubTransactionId subid,
					  SubTransactionId parent, void *arg)
{
	if (txn.subid != subid)
		return;
	if (event == SUBXACT_EVENT_COMMIT_SUB)
		txn.subid = parent;
	else if (event == SUBXACT_EVENT_ABORT_SUB)
		txn.carrier = 0;
}

static Oid	named_role = InvalidOid;
static char role_name[NAMEDATALEN];

static void
forget_role(Datum arg, int cacheid, uint32 hash)
{
	named_role = InvalidOid;
}

void
sk_audit_txn_init(void)
{
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
	CacheRegisterSyscacheCallback(AUTHOID, forget_role, (Datum) 0);
}


/*-------------------------------------------------------------------------
 * Who acts
 *-------------------------------------------------------------------------
 */

/* An empty setting is one that nobody has made, or that has expired. */
static bool
is_set(const char *setting)
{
	return setting != NULL && *setting != '\0';
}

/* The server does not check what a configuration file sets. */
static bool
is_text(const char *setting)
{
	return pg_verifymbstr(setting, strlen(setting), true);
}

/*
 * Is it the portal in which the client's statement runs?  Others are cursors of
 * functions, and EXECUTE.
 */
static bool
is_of_client(Portal portal)
{
	return portal != NULL && portal->status == PORTAL_ACTIVE &&
		portal->sourceText == debug_query_string && portal->stmts != NIL;
}

/*
 * A text of several statements is run in the unnamed portal, one statement after
 * the other.  What has a named one is a text of one statement.
 */
static Statement
current_statement(void)
{
	Statement	statement = {
		.text = debug_query_string,
		.started_at = GetCurrentStatementStartTimestamp(),
		.running = ActivePortal != NULL,
	};
	Portal		portal = ActivePortal;

	if (portal != NULL && !is_of_client(portal))
		portal = GetPortalByName("");
	if (is_of_client(portal))
	{
		statement.location = linitial_node(PlannedStmt, portal->stmts)->stmt_location;
		statement.length = linitial_node(PlannedStmt, portal->stmts)->stmt_len;
	}
	return statement;
}

static bool
is_same_statement(Statement a, Statement b)
{
	return a.started_at == b.started_at && a.text == b.text &&
		a.running == b.running && a.location == b.location;
}

/*
 * What a comment says.  At commit, deferred triggers go on with what statements
 * have begun: if COMMIT does not say who acts, it is who did before.
 */
static char *
actor_in_comment(Statement statement)
{
	char	   *actor = sk_audit_sqlcommenter_value(statement.text, statement.location,
													statement.length, "actor");

	if (!is_set(actor) && !statement.running && txn.in_comment)
		return txn.actor ? pstrdup(txn.actor) : NULL;
	return is_set(actor) ? actor : NULL;
}

/*
 * Our setting goes before the comment, and that before the settings of others; NULL
 * if nothing tells.
 */
static const char *
current_actor(bool *in_comment)
{
	const char *actor;

	*in_comment = false;
	if (is_set(sk_guc_audit_actor))
		return is_text(sk_guc_audit_actor) ? sk_guc_audit_actor : NULL;
	actor = actor_in_comment(current_statement());
	*in_comment = actor != NULL;
	return actor ? actor : sk_audit_actor_find();
}

static bool
is_same_text(const char *a, const char *b)
{
	return (a == NULL || b == NULL) ? a == b : strcmp(a, b) == 0;
}

static const char *
current_application(void)
{
	return application_name ? application_name : "";
}

/*
 * Is the actor in the settings of others, if they are asked, still the same in this
 * command of a statement?  Functions change them, but not within a command.
 */
static bool
is_actor_in_settings_current(void)
{
	if (!sk_audit_actor_in_settings() || is_set(sk_guc_audit_actor) ||
		txn.in_comment || txn.command == GetCurrentCommandId(false))
		return true;
	if (!is_same_text(txn.actor, sk_audit_actor_find()))
		return false;
	txn.command = GetCurrentCommandId(false);
	return true;
}

/*
 * Is what the last carrier says still true?  Asked for each event, so what
 * is dear to find out, the comment in the statement, is looked at once.
 */
static bool
is_context_current(void)
{
	Statement	statement;
	bool		in_comment;

	if (txn.carrier == 0 || txn.role != GetUserId() ||
		txn.session_role != GetSessionUserId() ||
		txn.settings != sk_guc_audit_changes ||
		txn.origin != sk_session_origin ||
		strcmp(txn.application, current_application()) != 0)
		return false;
	statement = current_statement();
	if (is_same_statement(txn.statement, statement))
		return is_actor_in_settings_current();
	if (sk_guc_audit_query || !is_same_text(txn.actor, current_actor(&in_comment)))
		return false;
	txn.statement = statement;
	txn.in_comment = in_comment;
	txn.command = GetCurrentCommandId(false);
	return true;
}


/*-------------------------------------------------------------------------
 * What an event carries
 *-------------------------------------------------------------------------
 */

/* The name of a role, which is mostly that of the last one asked for */
static Datum
name_of_role(Oid role)
{
	if (role != named_role)
	{
		char	   *name = GetUserNameFromId(role, true);

		if (name == NULL)
			return CStringGetTextDatum(psprintf("%u", role));
		strlcpy(role_name, name, sizeof(role_name));
		named_role = role;
	}
	return CStringGetTextDatum(role_name);
}

/* The client's address, which does not change; false if it has none. */
static bool
client_address(Datum *address)
{
	static bool known = false;
	static Datum value = (Datum) 0;

	if (!known)
	{
		LOCAL_FCINFO(fcinfo, 0);
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		InitFunctionCallInfoData(*fcinfo, NULL, 0, InvalidOid, NULL, NULL);
		value = inet_client_addr(fcinfo);
		if (fcinfo->isnull)
			value = (Datum) 0;
		MemoryContextSwitchTo(old);
		known = true;
	}
	*address = value;
	return value != (Datum) 0;
}

static void
set_or_null(Datum *values, bool *nulls, int attnum, bool isset, Datum value)
{
	values[attnum - 1] = isset ? value : (Datum) 0;
	nulls[attnum - 1] = !isset;
}

static void
set_text(Datum *values, bool *nulls, int attnum, const char *text)
{
	set_or_null(values, nulls, attnum, text !=NULL,
				text ? CStringGetTextDatum(text) : (Datum) 0);
}

/* The statement's own text */
static char *
statement_text(Statement statement)
{
	const char *begin = &statement.text[Max(statement.location, 0)];
	const char *end = statement.length > 0 ? begin + statement.length
		: begin + strlen(begin);

	while (begin < end && isspace((unsigned char) *begin))
		begin++;
	while (begin < end && isspace((unsigned char) end[-1]))
		end--;
	return pnstrdup(begin, end - begin);
}

/*
 * Put what an event says of its transaction into its columns: the stamp, and if it
 * carries that, who acts.  sk_audit_txn_next() was just called for it.
 */
void
sk_audit_txn_put(const SkAuditStamp *stamp, Datum *values, bool *nulls)
{
	Datum		client;
	bool		has_client;
	bool		has_context = is_set(sk_guc_audit_context) && is_text(sk_guc_audit_context);
	bool		is_same_role = txn.role == txn.session_role;

	values[Anum_audit_event_txn_id - 1] = Int64GetDatum(stamp->txn_id);
	values[Anum_audit_event_at - 1] = TimestampTzGetDatum(stamp->at);
	values[Anum_audit_event_changed_at - 1] = TimestampTzGetDatum(stamp->changed_at);
	values[Anum_audit_event_n - 1] = Int32GetDatum(stamp->n);
	set_or_null(values, nulls, Anum_audit_event_carrier, stamp->carrier != 0,
				Int32GetDatum(stamp->carrier));
	if (stamp->carrier != 0 && stamp->carrier != stamp->n)
	{
		memset(&nulls[Natts_audit_event_plain], true,
			   sizeof(bool) * (Natts_audit_event - Natts_audit_event_plain));
		return;
	}
	values[Anum_audit_event_role - 1] = name_of_role(txn.role);
	nulls[Anum_audit_event_role - 1] = false;
	set_or_null(values, nulls, Anum_audit_event_session_role, !is_same_role,
				is_same_role ? (Datum) 0 : name_of_role(txn.session_role));
	set_text(values, nulls, Anum_audit_event_actor, txn.actor);
	set_or_null(values, nulls, Anum_audit_event_context, has_context,
				has_context ? DirectFunctionCall1(jsonb_in, CStringGetDatum(sk_guc_audit_context))
				: (Datum) 0);
	set_text(values, nulls, Anum_audit_event_application,
			 is_set(txn.application) ? txn.application : NULL);
	has_client = client_address(&client);
	set_or_null(values, nulls, Anum_audit_event_client, has_client, client);
	values[Anum_audit_event_pid - 1] = Int32GetDatum(MyProcPid);
	nulls[Anum_audit_event_pid - 1] = false;
	set_text(values, nulls, Anum_audit_event_query,
			 sk_guc_audit_query && txn.statement.text
			 ? statement_text(txn.statement) : NULL);
	nulls[Anum_audit_event_events - 1] = true;
	set_text(values, nulls, Anum_audit_event_origin, sk_audit_replication_name(txn.origin));
	nulls[Anum_audit_event_origin_at - 1] = true;
}

/* A string that lives as long as the transaction, in place of another one. */
static void
keep(char **kept, const char *string)
{
	char	   *copy = string ? MemoryContextStrdup(TopTransactionContext, string)
		: NULL;

	if (*kept != NULL)
		pfree(*kept);
	*kept = copy;
}

/* Who acts from event "n" on, which carries it. */
static void
begin_carrier(int32 n)
{
	txn.carrier = 0;			/* until all is known */
	txn.role = GetUserId();
	txn.session_role = GetSessionUserId();
	txn.settings = sk_guc_audit_changes;
	txn.origin = sk_session_origin;
	txn.statement = current_statement();
	txn.command = GetCurrentCommandId(false);
	keep(&txn.actor, current_actor(&txn.in_comment));
	keep(&txn.application, current_application());
	txn.subid = GetCurrentSubTransactionId();
	txn.carrier = n;
}

/*
 * Has the current transaction changed audited tables?
 */
bool
sk_audit_txn_has_events(void)
{
	return txn.id != 0;
}

/*
 * Events of the log are removed or changed, perhaps that which carries who acts in this
 * transaction: the next one carries it again.
 */
void
sk_audit_txn_forget_carrier(void)
{
	txn.carrier = 0;
}

static void
check_actor(void)
{
	if (txn.actor == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("no actor is set"),
				 errdetail("The table is audited with require_actor."),
				 errhint("Call schemakit.audit_set_actor() in the transaction, set schemakit.audit_actor, or add a comment like /*actor='ann'*/ to the statement.")));
}

/*
 * The stamp of the next event.  It is "alone" if the transaction is expected to end
 * with it.  Where an actor is required and nobody has said who acts, this is an error.
 */
SkAuditStamp
sk_audit_txn_next(bool require_actor, bool alone)
{
	SkAuditStamp stamp;

	if (txn.id == 0)
		txn.id = sk_audit_origin_txn(GetTopFullTransactionId());
	if (txn.n >= PG_INT32_MAX - 1)	/* one for the commit */
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many changes of audited tables in one transaction"),
				 errhint("Divide the transaction.")));
	stamp.n = ++txn.n;
	stamp.changed_at = txn.changed_at = Max(txn.changed_at + 1, GetCurrentTimestamp());
	if (!is_context_current())
		begin_carrier(stamp.n);
	if (require_actor)
		check_actor();

	stamp.txn_id = txn.id;
	stamp.at = GetCurrentTransactionStartTimestamp();
	if (alone)
		txn.carrier = 0;
	stamp.carrier = txn.carrier;
	return stamp;
}

/*
 * How long after the start of the transaction its last event was, in microseconds
 */
int64
sk_audit_txn_duration(void)
{
	return txn.changed_at - GetCurrentTransactionStartTimestamp();
}

/*
 * schemakit.audit_set_actor(actor text, context jsonb, local boolean)
 */
PG_FUNCTION_INFO_V1(schemakit_audit_set_actor);
Datum
schemakit_audit_set_actor(PG_FUNCTION_ARGS)
{
	GucAction	action;
	char	   *actor = PG_ARGISNULL(0) ? pstrdup("")
		: text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *context = pstrdup("");

	sk_arg_reject_null(fcinfo, 2, "local");
	action = PG_GETARG_BOOL(2) ? GUC_ACTION_LOCAL : GUC_ACTION_SET;
	if (!PG_ARGISNULL(1))
	{
		Jsonb	   *jsonb = PG_GETARG_JSONB_P(1);

		context = JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));
	}
	txn.is_local = action == GUC_ACTION_LOCAL && is_called_by_client() &&
		(*actor != '\0' || *context != '\0');
	txn.set_at = GetCurrentStatementStartTimestamp();
	(void) set_config_option("schemakit.audit_actor", actor, PGC_USERSET,
							 PGC_S_SESSION, action, true, 0, false);
	(void) set_config_option("schemakit.audit_context", context, PGC_USERSET,
							 PGC_S_SESSION, action, true, 0, false);
	PG_RETURN_VOID();
}
