/*-------------------------------------------------------------------------
 *
 * audit/mask.c
 *	  Hashes in place of masked values.
 *
 * Whoever may read the log, and can have a value of his choice hashed with the key of
 * a column, finds out by trying what the column's values are.  So each table has a
 * key of its own, made of the secret in audit_secret and the table's identity, which
 * nobody can choose.  Tables can share one by naming a group: then it is made of the
 * group's name and the owner's, so that only tables of one owner are in a group.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/mask.h"
#include "audit/json.h"
#include "audit/log.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "common/cryptohash.h"
#include "common/hmac.h"
#include "common/sha2.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* Masked values show so many bytes of their hash, as hexadecimal digits. */
#define SHOWN_SIZE	16

static void
compute_hmac(const uint8 *secret, const char *data, Size length, uint8 *digest)
{
	pg_hmac_ctx *ctx = pg_hmac_create(PG_SHA256);

	if (ctx == NULL ||
		pg_hmac_init(ctx, secret, PG_SHA256_DIGEST_LENGTH) < 0 ||
		pg_hmac_update(ctx, (const uint8 *) data, length) < 0 ||
		pg_hmac_final(ctx, digest, PG_SHA256_DIGEST_LENGTH) < 0)
		elog(ERROR, "could not compute a hash of a masked value");
	pg_hmac_free(ctx);
}

/* What all keys are made of; false if the database has none */
static bool
read_secret(uint8 *secret)
{
	Relation	rel = table_open(sk_audit_log_relid("audit_secret"),
								 AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, SnapshotSelf, 0, NULL);
	HeapTuple	tuple = systable_getnext(scan);
	bool		found = HeapTupleIsValid(tuple);
	bool		isnull;
	bytea	   *key;

	if (found)
	{
		key = DatumGetByteaPP(heap_getattr(tuple, 1, RelationGetDescr(rel), &isnull));
		if (VARSIZE_ANY_EXHDR(key) != PG_SHA256_DIGEST_LENGTH)
			elog(ERROR, "the key in schemakit.audit_secret has the wrong size");
		memcpy(secret, VARDATA_ANY(key), PG_SHA256_DIGEST_LENGTH);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/*
 * The key of a masked column: that of the table, or of its owner's tables that name
 * the group.  NULL if the database has no secret: the table came from another one, whose
 * secret no dump of a table contains.
 */
uint8 *
sk_audit_mask_secret(Relation root, int64 rel_id, const char *group)
{
	uint8	   *secret = palloc(PG_SHA256_DIGEST_LENGTH);
	uint8		all[PG_SHA256_DIGEST_LENGTH];
	StringInfoData scope;

	/* the first byte keeps tables and groups apart, zero bytes the names */
	initStringInfo(&scope);
	appendStringInfoChar(&scope, group == NULL ? 't' : 'g');
	if (group == NULL)
		pq_sendint64(&scope, rel_id);
	else
	{
		const char *owner = GetUserNameFromId(root->rd_rel->relowner, false);

		appendBinaryStringInfo(&scope, owner, strlen(owner) + 1);
		appendBinaryStringInfo(&scope, group, strlen(group) + 1);
	}
	if (!read_secret(all))
		return NULL;
	compute_hmac(all, scope.data, scope.len, secret);
	return secret;
}

/*
 * Put the hash in the value's place; or null as long as there is no key, since a write
 * must neither fail nor show the value.
 */
void
sk_audit_mask_hash(const uint8 *secret, JsonbValue *value)
{
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	char	   *text;
	char	   *hex = palloc(2 * SHOWN_SIZE);

	if (secret == NULL)
	{
		value->type = jbvNull;
		return;
	}
	text = sk_audit_json_text(value);

	compute_hmac(secret, text, strlen(text), digest);
	hex_encode((char *) digest, SHOWN_SIZE, hex);
	sk_audit_json_set_string(value, hex, 2 * SHOWN_SIZE);
}
