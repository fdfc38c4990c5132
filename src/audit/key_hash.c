/*-------------------------------------------------------------------------
 *
 * audit/key_hash.c
 *	  The number under which the events of a row are found: audit_event.key_hash.
 *
 * 16 bits are the table's, 48 the key's.  Of an integer they are its last ones, and of
 * a uuid what its time is in, if it has one: rows whose keys are close together, as those
 * are that are made together, are close together in the index, which then is smaller
 * and costs less to keep.  Of all other keys they are a hash.
 *
 * Values count, not types: the same number has the same, whatever holds it and with
 * however many zeros it is written.  So the hash of a key stays the same when a column's
 * type changes so that its values are written as before.
 *
 * Different keys may have the same number, and so may tables: who looks for events
 * compares their keys and shapes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/key_hash.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "common/int.h"
#include "utils/numeric.h"
#include "utils/uuid.h"

#define KEY_BITS	48
#define KEY_MASK	((UINT64CONST(1) << KEY_BITS) - 1)

#define UUID_TEXT	36			/* characters */

static uint64
combine(int64 rel_id, uint64 key)
{
	/* identities are hashes themselves: their last bits will do */
	return (uint64) rel_id << KEY_BITS | (key & KEY_MASK);
}

/*
 * The first 48 bits may be a time in milliseconds, which is that of many rows.  Its
 * last 32 bits are followed by what tells these apart.
 */
static uint64
of_uuid(const unsigned char *bytes)
{
	uint64		time = (uint64) bytes[2] << 24 | bytes[3] << 16 | bytes[4] << 8 | bytes[5];

	return time << 16 | (hash_bytes(bytes + 6, UUID_LEN - 6) & 0xFFFF);
}

/* The value of a hexadecimal digit as uuid_out() writes it, or -1 */
static int
digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
is_uuid(const JsonbValue *value, unsigned char *bytes)
{
	const char *text = value->val.string.val;
	int			n = 0;

	if (value->type != jbvString || value->val.string.len != UUID_TEXT)
		return false;
	for (int i = 0; i < UUID_TEXT; i++)
	{
		if (i == 8 || i == 13 || i == 18 || i == 23)
		{
			if (text[i] != '-')
				return false;
			continue;
		}
		if (digit(text[i]) < 0 || digit(text[i + 1]) < 0)
			return false;
		bytes[n++] = digit(text[i]) << 4 | digit(text[i + 1]);
		i++;
	}
	return true;
}

static bool
is_integer(const JsonbValue *value, int64 *integer)
{
	const char *text;
	bool		negative;

	if (value->type != jbvNumeric)
		return false;
	text = numeric_normalize(value->val.numeric);

	negative = *text == '-';
	*integer = 0;
	for (text +=negative; *text !='\0'; text ++)
	{
		if (*text <'0' || *text >'9' ||
			pg_mul_s64_overflow(*integer, 10, integer) ||
			pg_sub_s64_overflow(*integer, *text -'0', integer))
			return false;
	}
	/* it is the negative one, which may be larger */
	if (negative)
		return true;
	return !pg_sub_s64_overflow(0, *integer, integer);
}

static uint64
of_any(const JsonbValue *values, int nvalues, int64 rel_id)
{
	uint64		hash = (uint64) rel_id;

	for (int i = 0; i < nvalues; i++)
	{
		if (IsAJsonbScalar(&values[i]))
			JsonbHashScalarValueExtended(&values[i], &hash, (uint64) rel_id);
		else
		{
			Jsonb	   *jsonb = JsonbValueToJsonb((JsonbValue *) &values[i]);

			hash = hash_combine64(hash,
								  hash_bytes_extended((unsigned char *) &jsonb->root,
													  VARSIZE(jsonb) - VARHDRSZ,
													  (uint64) rel_id));
		}
	}
	return hash;
}

/*
 * The number of a key of these values.
 */
uint64
sk_audit_key_hash_of(const JsonbValue *values, int nvalues, int64 rel_id)
{
	unsigned char bytes[UUID_LEN];
	int64		integer;

	if (nvalues == 1 && is_integer(&values[0], &integer))
		return combine(rel_id, (uint64) integer);
	if (nvalues == 1 && is_uuid(&values[0], bytes))
		return combine(rel_id, of_uuid(bytes));
	return combine(rel_id, of_any(values, nvalues, rel_id));
}

/*
 * The same of a key of one column that is an integer or a uuid, as it is stored; false
 * if it is none.
 */
bool
sk_audit_key_hash_of_stored(const SkJsonType *type, Datum value, int64 rel_id,
							uint64 *hash)
{
	switch (type->kind)
	{
		case SK_JSON_INT2:
			*hash = combine(rel_id, (uint64) (int64) DatumGetInt16(value));
			return true;
		case SK_JSON_INT4:
			*hash = combine(rel_id, (uint64) (int64) DatumGetInt32(value));
			return true;
		case SK_JSON_INT8:
			*hash = combine(rel_id, (uint64) DatumGetInt64(value));
			return true;
		default:
			if (type->type != UUIDOID)
				return false;
			*hash = combine(rel_id, of_uuid(DatumGetUUIDP(value)->data));
			return true;
	}
}
