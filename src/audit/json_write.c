/*-------------------------------------------------------------------------
 *
 * audit/json_write.c
 *	  Objects of columns' values, written into jsonb's stored form.
 *
 * The server makes jsonb of a tree of values, which costs more than all else that an
 * event needs.  Here an object's keys are written first, in jsonb's order, and
 * then each value once, where it stays (utils/jsonb.h says how that is laid out).  The
 * keys of an object that is written for each row are kept as a beginning of it.
 *
 * The result is what sk_audit_json_encode() and the server would make, bit for bit;
 * what is not written here goes through them.  Integers are written as numeric
 * stores them, which no version can change without losing what is stored.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/json_write.h"
#include "base/compat.h"

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

/* Room for what most values take */
#define VALUE_SIZE			32

/* More than JsonEncodeDateTime() writes */
#define DATETIME_SIZE		(MAXDATELEN + 1)

/* numeric's short form, as utils/adt/numeric.c has it */
#define NUMERIC_BASE		10000
#define NUMERIC_SHORT		0x8000
#define NUMERIC_NEGATIVE	0x2000
#define INTEGER_DIGITS		5	/* of that base in an int64 */
#define INTEGER_SIZE		(VARHDRSZ + sizeof(uint16) * (1 + INTEGER_DIGITS))

/* 0001-01-01 and 9999-12-31, whose years have four digits, as dates */
#define FIRST_DAY			(-730119)
#define LAST_DAY			2921939


/*-------------------------------------------------------------------------
 * The object
 *-------------------------------------------------------------------------
 */

/* Let there be room for so many bytes more. */
static inline void
reserve(SkJsonWriter *writer, Size size)
{
	if (unlikely(writer->size - writer->length < size))
	{
		writer->size = Max(2 * writer->size, writer->length + size);
		writer->data = repalloc(writer->data, writer->size);
	}
}

static inline void
append(SkJsonWriter *writer, const void *bytes, Size size)
{
	reserve(writer, size);
	memcpy(writer->data + writer->length, bytes, size);
	writer->length += size;
}

/* Numbers and containers begin at multiples of four, and the gap is part of them. */
static inline void
align(SkJsonWriter *writer)
{
	reserve(writer, sizeof(int32));
	while (writer->length != INTALIGN(writer->length))
		writer->data[writer->length++] = 0;
}

/* Enter a key or value that began there, and is written. */
static inline void
finish(SkJsonWriter *writer, JEntry kind, uint32 begin)
{
	JEntry	   *entries = ((Jsonb *) writer->data)->root.children;

	if (writer->entry % JB_OFFSET_STRIDE == 0)
		entries[writer->entry] = kind | JENTRY_HAS_OFF | (writer->length - writer->base);
	else
		entries[writer->entry] = kind | (writer->length - begin);
	writer->entry++;
}

/*
 * Begin an object of so many columns.  Their names follow, then their values.
 */
void
sk_audit_json_write_begin(SkJsonWriter *writer, int npairs)
{
	writer->base = offsetof(Jsonb, root.children) + sizeof(JEntry) * 2 * npairs;
	writer->length = writer->base;
	writer->size = writer->base + 2 * VALUE_SIZE * Max(npairs, 1);
	writer->data = palloc(writer->size);
	writer->entry = 0;
	writer->budget = SK_JSON_BUDGET;
	((Jsonb *) writer->data)->root.header = npairs | JB_FOBJECT;
}

void
sk_audit_json_write_key(SkJsonWriter *writer, const JsonbValue *key)
{
	uint32		begin = writer->length;

	append(writer, key->val.string.val, key->val.string.len);
	finish(writer, JENTRY_ISSTRING, begin);
}

/*
 * Begin an object as one of which the names of the columns have been written.
 */
void
sk_audit_json_write_head(SkJsonWriter *writer, const SkJsonWriter *head)
{
	*writer = *head;
	writer->size = head->length + VALUE_SIZE * Max(head->entry, 1);
	writer->data = palloc(writer->size);
	memcpy(writer->data, head->data, head->length);
}

Jsonb *
sk_audit_json_write_end(SkJsonWriter *writer)
{
	Jsonb	   *jsonb = (Jsonb *) writer->data;

	if (writer->length - writer->base > JENTRY_OFFLENMASK)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("total size of jsonb object elements exceeds the maximum of %u bytes",
						JENTRY_OFFLENMASK)));
	Assert((uint32) writer->entry == 2 * JsonContainerSize(&jsonb->root));
	SET_VARSIZE(jsonb, writer->length);
	return jsonb;
}


/*-------------------------------------------------------------------------
 * Values of some types
 *-------------------------------------------------------------------------
 */

void
sk_audit_json_write_null(SkJsonWriter *writer)
{
	finish(writer, JENTRY_ISNULL, writer->length);
}

static void
write_bool(SkJsonWriter *writer, bool value)
{
	finish(writer, value ? JENTRY_ISBOOL_TRUE : JENTRY_ISBOOL_FALSE, writer->length);
}

static void
write_string(SkJsonWriter *writer, const char *string, Size length)
{
	uint32		begin = writer->length;

	append(writer, string, length);
	finish(writer, JENTRY_ISSTRING, begin);
}

static void
write_numeric(SkJsonWriter *writer, Numeric number)
{
	uint32		begin = writer->length;

	align(writer);
	append(writer, number, VARSIZE_ANY(number));
	finish(writer, JENTRY_ISNUMERIC, begin);
}

static void
write_container(SkJsonWriter *writer, const Jsonb *jsonb)
{
	uint32		begin = writer->length;

	align(writer);
	append(writer, &jsonb->root, VARSIZE(jsonb) - VARHDRSZ);
	finish(writer, JENTRY_ISCONTAINER, begin);
}

/*
 * A value that sk_audit_json_encode() has made.
 */
void
sk_audit_json_write_encoded(SkJsonWriter *writer, const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			sk_audit_json_write_null(writer);
			break;
		case jbvBool:
			write_bool(writer, value->val.boolean);
			break;
		case jbvString:
			write_string(writer, value->val.string.val, value->val.string.len);
			break;
		case jbvNumeric:
			write_numeric(writer, value->val.numeric);
			break;
		default:
			write_container(writer, JsonbValueToJsonb((JsonbValue *) value));
			break;
	}
}

static void
write_other(SkJsonWriter *writer, SkJsonType *type, Datum value)
{
	JsonbValue	encoded;

	sk_audit_json_encode(type, value, &writer->budget, &encoded);
	sk_audit_json_write_encoded(writer, &encoded);
}

/* As int64_to_numeric() makes it */
static void
write_integer(SkJsonWriter *writer, int64 value)
{
	uint64		rest = value < 0 ? -(uint64) value : (uint64) value;
	uint32		begin = writer->length;
	uint16		digits[INTEGER_DIGITS];
	uint16	   *number;
	int			first = INTEGER_DIGITS;
	int			end = INTEGER_DIGITS;

	for (; rest > 0; rest /= NUMERIC_BASE)
		digits[--first] = rest % NUMERIC_BASE;
	align(writer);
	reserve(writer, INTEGER_SIZE);
	number = (uint16 *) (writer->data + writer->length + VARHDRSZ);
	/* the last is the weight of the first digit */
	*number++ = NUMERIC_SHORT | (value < 0 ? NUMERIC_NEGATIVE : 0) |
		Max(INTEGER_DIGITS - first - 1, 0);
	while (end > first && digits[end - 1] == 0)
		end--;
	memcpy(number, &digits[first], sizeof(uint16) * (end - first));
	SET_VARSIZE(writer->data + writer->length,
				VARHDRSZ + sizeof(uint16) * (1 + end - first));
	writer->length += VARHDRSZ + sizeof(uint16) * (1 + end - first);
	finish(writer, JENTRY_ISNUMERIC, begin);
}

/* A stored number, with a header of four bytes */
static void
write_stored_numeric(SkJsonWriter *writer, SkJsonType *type, Datum value)
{
	struct varlena *stored = PG_DETOAST_DATUM_PACKED(value);
	Size		size = VARSIZE_ANY_EXHDR(stored);
	uint32		begin = writer->length;
	Numeric		number;

	align(writer);
	reserve(writer, VARHDRSZ + size);
	number = (Numeric) (writer->data + writer->length);
	SET_VARSIZE(number, VARHDRSZ + size);
	memcpy(VARDATA(number), VARDATA_ANY(stored), size);
	if (numeric_is_nan(number) || numeric_is_inf(number))
	{
		writer->length = begin;
		write_other(writer, type, value);
		return;
	}
	writer->length += VARHDRSZ + size;
	finish(writer, JENTRY_ISNUMERIC, begin);
}

/* Is there room for a value that is written as it is stored? */
static inline bool
pay_for(SkJsonWriter *writer, Datum value)
{
	Size		size = toast_raw_datum_size(value);

	if (size > writer->budget)
		return false;
	writer->budget -= size;
	return true;
}

static void
write_text(SkJsonWriter *writer, SkJsonType *type, Datum value)
{
	struct varlena *text;

	if (!pay_for(writer, value))
	{
		write_other(writer, type, value);
		return;
	}
	text = PG_DETOAST_DATUM_PACKED(value);

	write_string(writer, VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text));
}

/*
 * Is it written as it is?  A scalar is not a container; and an object whose first key
 * begins with a dollar sign may be what sk_audit_json_encode() has to wrap.
 */
static bool
is_plain_container(const Jsonb *jsonb)
{
	const JsonbContainer *root = &jsonb->root;
	const char *first = (const char *) &root->children[2 * JsonContainerSize(root)];

	if (JsonContainerIsScalar(root))
		return false;
	return !JsonContainerIsObject(root) || JsonContainerSize(root) == 0 ||
		JBE_OFFLENFLD(root->children[0]) == 0 || *first != '$';
}

static void
write_jsonb(SkJsonWriter *writer, SkJsonType *type, Datum value)
{
	Jsonb	   *jsonb;

	if (toast_raw_datum_size(value) <= writer->budget)
	{
		jsonb = DatumGetJsonbP(value);
		if (is_plain_container(jsonb))
		{
			(void) pay_for(writer, value);
			write_container(writer, jsonb);
			return;
		}
		value = JsonbPGetDatum(jsonb);
	}
	write_other(writer, type, value);
}

static inline char *
put_digits(char *to, int value, int count)
{
	for (int i = count - 1; i >= 0; i--, value /= 10)
		to[i] = '0' + value % 10;
	return to + count;
}

/* Rows of one day come together. */
static char *
put_date(char *to, int day)
{
	static int	last_day;
	static char last[10];
	int			year,
				month,
				mday;
	char	   *end;

	if (day != last_day || last[0] == '\0')
	{
		j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &mday);
		end = put_digits(last, year, 4);
		*end++ = '-';
		end = put_digits(end, month, 2);
		*end++ = '-';
		(void) put_digits(end, mday, 2);
		last_day = day;
	}
	memcpy(to, last, sizeof(last));
	return to + sizeof(last);
}

static char *
put_time(char *to, int64 time)
{
	int			seconds = time / USECS_PER_SEC;
	int			fraction = time % USECS_PER_SEC;

	*to++ = 'T';
	to = put_digits(to, seconds / SECS_PER_HOUR, 2);
	*to++ = ':';
	to = put_digits(to, seconds / SECS_PER_MINUTE % MINS_PER_HOUR, 2);
	*to++ = ':';
	to = put_digits(to, seconds % SECS_PER_MINUTE, 2);
	if (fraction == 0)
		return to;
	*to++ = '.';
	to = put_digits(to, fraction, MAX_TIMESTAMP_PRECISION);
	while (to[-1] == '0')
		to--;
	return to;
}

/* The end of what is written there, or NULL if the server has to write it */
static char *
put_timestamp(char *to, Timestamp timestamp, bool with_zone)
{
	int64		day = timestamp / USECS_PER_DAY;
	int64		time = timestamp % USECS_PER_DAY;

	if (time < 0)
	{
		time += USECS_PER_DAY;
		day--;
	}
	if (day < FIRST_DAY || day > LAST_DAY)
		return NULL;
	to = put_time(put_date(to, (int) day), time);
	if (!with_zone)
		return to;
	memcpy(to, "+00:00", 6);
	return to + 6;
}

static char *
put_datetime(char *to, Oid type, Datum value)
{
	switch (type)
	{
		case TIMESTAMPTZOID:
			return put_timestamp(to, DatumGetTimestampTz(value), true);
		case TIMESTAMPOID:
			return put_timestamp(to, DatumGetTimestamp(value), false);
		case DATEOID:
			return DatumGetDateADT(value) < FIRST_DAY || DatumGetDateADT(value) > LAST_DAY ? NULL
				: put_date(to, DatumGetDateADT(value));
		default:
			return NULL;
	}
}

static void
write_datetime(SkJsonWriter *writer, SkJsonType *type, Datum value)
{
	uint32		begin = writer->length;
	char	   *end;

	reserve(writer, DATETIME_SIZE);
	end = put_datetime(writer->data + begin, type->type, value);
	if (end == NULL)
	{
		write_other(writer, type, value);
		return;
	}
	writer->length = end - writer->data;
	finish(writer, JENTRY_ISSTRING, begin);
}

static void
write_uuid(SkJsonWriter *writer, const pg_uuid_t *uuid)
{
	static const char digits[] = "0123456789abcdef";
	uint32		begin = writer->length;
	char	   *to;

	reserve(writer, 2 * UUID_LEN + 4);
	to = writer->data + writer->length;
	for (int i = 0; i < UUID_LEN; i++)
	{
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*to++ = '-';
		*to++ = digits[uuid->data[i] >> 4];
		*to++ = digits[uuid->data[i] & 0xF];
	}
	writer->length = to - writer->data;
	writer->budget -= Min(writer->length - begin, writer->budget);
	finish(writer, JENTRY_ISSTRING, begin);
}

/*
 * Write a value that is not null.
 */
void
sk_audit_json_write_value(SkJsonWriter *writer, SkJsonType *type, Datum value)
{
	switch (type->kind)
	{
		case SK_JSON_BOOL:
			write_bool(writer, DatumGetBool(value));
			break;
		case SK_JSON_INT2:
			write_integer(writer, DatumGetInt16(value));
			break;
		case SK_JSON_INT4:
			write_integer(writer, DatumGetInt32(value));
			break;
		case SK_JSON_INT8:
			write_integer(writer, DatumGetInt64(value));
			break;
		case SK_JSON_NUMERIC:
			write_stored_numeric(writer, type, value);
			break;
		case SK_JSON_TEXT:
		case SK_JSON_JSON:
			write_text(writer, type, value);
			break;
		case SK_JSON_JSONB:
			write_jsonb(writer, type, value);
			break;
		case SK_JSON_DATETIME:
			write_datetime(writer, type, value);
			break;
		default:
			if (type->type == UUIDOID && writer->budget > 2 * UUID_LEN + 4)
				write_uuid(writer, DatumGetUUIDP(value));
			else
				write_other(writer, type, value);
			break;
	}
}
