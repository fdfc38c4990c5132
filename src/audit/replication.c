/*-------------------------------------------------------------------------
 *
 * audit/replication.c
 *	  Where changes come from that replication brings: the replication origin of the
 *	  session, which the server sets in the processes of a subscription, and other
 *	  software by pg_replication_origin_session_setup().
 *
 * What is recorded is a name, since the number is given again after the origin was
 * dropped.  The origins of a subscription are called after its OID; what the DBA knows
 * is the name of the subscription.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/replication.h"

#include "access/xact.h"
#include "catalog/pg_subscription.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

/*
 * What the last transaction has left.  The server does not forget it at the end of a
 * transaction; if that had no time, it leaves the one at which it has committed it.
 */
static TimestampTz left_timestamp = 0;
static XLogRecPtr left_lsn = InvalidXLogRecPtr;

static void
at_transaction_end(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)
		return;
	left_timestamp = sk_session_origin_timestamp;
	left_lsn = sk_session_origin_lsn;
}

void
sk_audit_replication_init(void)
{
	RegisterXactCallback(at_transaction_end, NULL);
}

/* The subscription of which the server has made the origin, or NULL */
static char *
name_of_subscription(const char *origin)
{
	Oid			subid;
	Oid			relid;
	int			end = 0;

	/* the second number is that of a table which is copied */
	if (sscanf(origin, "pg_%u%n_%u%n", &subid, &end, &relid, &end) < 1 ||
		origin[end] != '\0')
		return NULL;
	return get_subscription_name(subid, true);
}

/*
 * Where a session with this origin gets its changes from; NULL if they are its own.
 */
char *
sk_audit_replication_name(ReplOriginId origin)
{
	char	   *name;
	char	   *subscription;

	if (origin == InvalidReplOriginId || origin == DoNotReplicateId)
		return NULL;
	if (!replorigin_by_oid(origin, true, &name))
		return psprintf("%u", origin);
	subscription = name_of_subscription(name);
	return subscription ? subscription : name;
}

/*
 * When what the session commits was committed where it comes from, if that is known:
 * somebody has said so in this transaction.
 */
bool
sk_audit_replication_time(Datum *time)
{
	bool		known = sk_session_origin != InvalidReplOriginId &&
		sk_session_origin != DoNotReplicateId && sk_session_origin_timestamp != 0 &&
		(sk_session_origin_timestamp != left_timestamp || sk_session_origin_lsn != left_lsn);

	*time = TimestampTzGetDatum(known ? sk_session_origin_timestamp : 0);
	return known;
}
