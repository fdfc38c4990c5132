/*-------------------------------------------------------------------------
 *
 * audit/position.c
 *	  Positions of audit_changes(): which transactions a client has seen, and in
 *	  which database.
 *
 * A position is a text, "origin:snapshot": the number in schemakit.audit_origin,
 * and a pg_snapshot.  Numbers of transactions mean something in one cluster only,
 * so the position of another database is refused: a client that goes on with it
 * would miss changes, or see them twice.  So is one that is ahead of this
 * database, which was then restored to a time before it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/position.h"
#include "audit/origin.h"
#include "audit/reader.h"
#include "audit/shape.h"
#include "base/compat.h"

#include "access/transam.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/snapmgr.h"
#include "utils/xid8.h"

/* Does it look like "1:2:3:4,5"? */
static bool
is_well_formed(const char *text)
{
	int			colons = 0;

	for (const char *p = text; *p != '\0'; p++)
		colons += *p == ':';
	return colons == 3 && text[0] != ':' &&
				strspn(text, "0123456789:,") == strlen(text);
}

static void
refuse(const char *text, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" is not a position in this audit log", text),
			 errdetail("%s", detail),
			 errhint("Pass a position that schemakit.audit_changes() or schemakit.audit_position() has returned in this database.  Without one, audit_changes() returns the whole log.")));
}

/*
 * The snapshot of a position, as a pg_snapshot, or an error.
 */
Datum
sk_audit_position_snapshot(const char *text)
{
	Datum		snapshot;
	FullTransactionId xmax;

	if (!is_well_formed(text))
		refuse(text, "A position consists of a number and a snapshot.");
	if (strtoll(text, NULL, 10) != sk_audit_origin_cluster())
		refuse(text, "It is a position in another database, of which this one may be a copy.");
	snapshot = DirectFunctionCall1(pg_snapshot_in,
								   CStringGetDatum(strchr(text, ':') + 1));
	xmax = DatumGetFullTransactionId(DirectFunctionCall1(pg_snapshot_xmax, snapshot));
	if (FullTransactionIdFollows(xmax, ReadNextFullTransactionId()))
		refuse(text, "It is ahead of this database, which has been restored to a time before it.");
	return snapshot;
}

/*
 * "origin:", with which positions in this database begin.
 */
char *
sk_audit_position_prefix(void)
{
	return psprintf(INT64_FORMAT ":", sk_audit_origin_cluster());
}

/*
 * schemakit.audit_position() RETURNS text
 */
PG_FUNCTION_INFO_V1(schemakit_audit_position);
Datum
schemakit_audit_position(PG_FUNCTION_ARGS)
{
	LOCAL_FCINFO(call, 0);
	Datum		snapshot;

	sk_audit_reader_check();
	sk_audit_reader_check_primary("audit_position()");
	InitFunctionCallInfoData(*call, NULL, 0, InvalidOid, NULL, NULL);
	snapshot = pg_current_snapshot(call);
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%s%s", sk_audit_position_prefix(),
											  DatumGetCString(DirectFunctionCall1(pg_snapshot_out,
																				  snapshot)))));
}
