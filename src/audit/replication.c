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

#include "catalog/pg_subscription.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

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
 * When what the session commits was committed where it comes from, if that is known.
 */
bool
sk_audit_replication_time(Datum *time)
{
	bool		known = sk_session_origin != InvalidReplOriginId &&
		sk_session_origin != DoNotReplicateId && sk_session_origin_timestamp != 0;

	*time = TimestampTzGetDatum(known ? sk_session_origin_timestamp : 0);
	return known;
}
