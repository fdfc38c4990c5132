/*-------------------------------------------------------------------------
 *
 * audit/sqlcommenter.c
 *	  What a client says in a comment at the end of its statement:
 *
 *		UPDATE ... / *actor='ann%40example.com',route='%2Forders'* /
 *
 * without the blanks in the marks.  That is the format of sqlcommenter
 * (https://google.github.io/sqlcommenter/spec/): pairs of keys and values,
 * both URL-encoded, the value in single quotes, which a backslash may escape.
 * It needs no statement of its own and no session to keep it, so it goes
 * through every pooler.
 *
 * Texts come from outside: whatever does not follow the format says nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/sqlcommenter.h"

#include "mb/pg_wchar.h"

/*
 * Where the comment at the end of the statement begins and ends, without its
 * marks; false if there is none.  Only white space and semicolons may follow.
 */
static bool
find_comment(const char *query, const char **begin, const char **end)
{
	const char *p = query + strlen(query);

	while (p > query && (isspace((unsigned char) p[-1]) || p[-1] == ';'))
		p--;
	if (p - query < 4 || p[-1] != '/' || p[-2] != '*')
		return false;
	*end = p - 2;
	for (p = *end - 2; p >= query; p--)
	{
		if (p[0] == '/' && p[1] == '*')
		{
			*begin = p + 2;
			return true;
		}
	}
	return false;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/*
 * Undo the encoding of the part up to "end" or the next "stop"; leaves
 * *p behind it, or returns NULL if it is not encoded as it should be.
 */
static char *
decode(const char **p, const char *end, char stop)
{
	char	   *result = palloc(end - *p + 1);
	char	   *out = result;
	const char *in;

	for (in = *p; in < end && *in != stop; in++)
	{
		if (*in == '%')
		{
			int			high = end - in > 2 ? hex_digit(in[1]) : -1;
			int			low = end - in > 2 ? hex_digit(in[2]) : -1;

			if (high < 0 || low < 0 || (high == 0 && low == 0))
				return NULL;
			*out++ = (char) (high << 4 | low);
			in += 2;
		}
		else if (*in == '\\' && end - in > 1)
			*out++ = *++in;
		else
			*out++ = *in;
	}
	*out = '\0';
	*p = in;
	return in < end ? result : NULL;
}

static void
skip_blanks(const char **p, const char *end)
{
	while (*p < end && (isspace((unsigned char) **p) || **p == ','))
		(*p)++;
}

/*
 * The value of a key in the comment that the statement ends with; NULL if it
 * does not say.
 */
char *
sk_audit_sqlcommenter_value(const char *query, const char *key)
{
	const char *p;
	const char *end;

	if (query == NULL || !find_comment(query, &p, &end))
		return NULL;
	for (skip_blanks(&p, end); p < end; skip_blanks(&p, end))
	{
		char	   *name = decode(&p, end, '=');
		char	   *value;

		if (name == NULL || end - p < 2 || p[1] != '\'')
			return NULL;
		p += 2;
		value = decode(&p, end, '\'');
		if (value == NULL)
			return NULL;
		p++;
		if (strcmp(name, key) == 0)
			return pg_verifymbstr(value, strlen(value), true) ? value : NULL;
	}
	return NULL;
}
