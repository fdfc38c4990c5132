/*-------------------------------------------------------------------------
 *
 * base/utf8.c
 *	  UTF-8 in the database's encoding.
 *
 * What clients encode in texts, as URLs and JSON do, is Unicode whatever the database's
 * encoding is, which may have no such character.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/utf8.h"
#include "base/guc.h"

#include "catalog/namespace.h"
#include "mb/pg_wchar.h"

/*
 * Append UTF-8 in the database's encoding; false if it has no such characters.
 */
bool
sk_utf8_append(StringInfo buf, const char *utf8, int length)
{
	int			encoding = GetDatabaseEncoding();
	int			size = length * MAX_CONVERSION_GROWTH + 1;
	char	   *converted;
	int			nestlevel;
	Oid			proc;

	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
	{
		appendBinaryStringInfo(buf, utf8, length);
		return true;
	}
	if (!pg_verify_mbstr(PG_UTF8, utf8, length, true))
		return false;
	nestlevel = sk_guc_pin();
	proc = FindDefaultConversionProc(PG_UTF8, encoding);
	sk_guc_unpin(nestlevel);
	converted = palloc(size);
	if (!OidIsValid(proc) ||
		pg_do_encoding_conversion_buf(proc, PG_UTF8, encoding,
									  (unsigned char *) utf8, length,
									  (unsigned char *) converted, size,
									  true) != length)
		return false;
	appendStringInfoString(buf, converted);
	return true;
}
