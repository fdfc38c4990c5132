/*-------------------------------------------------------------------------
 *
 * audit/sqlcommenter.c
 *	  What a client says in a comment at the end of its statement, or at the
 *	  beginning:
 *
 *		UPDATE ... / *actor='ann%40example.com',route='%2Forders'* /
 *		/ *actor:ann,route:orders* / UPDATE ...
 *
 * without the blanks in the marks.  The first format is that of sqlcommenter
 * (https://google.github.io/sqlcommenter/spec/): pairs of keys and values,
 * both URL-encoded, the value in single quotes, which a backslash may escape.
 * What is URL-encoded is UTF-8, whatever the database's encoding.  The second
 * is that of Rails' query logs and of marginalia: nothing is encoded.
 *
 * A comment needs no statement of its own and no session to keep it, so it goes
 * through every pooler.  Of several statements in one text, each has its own.
 *
 * Texts come from outside: whatever does not follow the format says nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/sqlcommenter.h"
#include "base/utf8.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

/* A part of a text */
typedef struct Part
{
	const char *begin;
	const char *end;
} Part;


/*-------------------------------------------------------------------------
 * Values
 *-------------------------------------------------------------------------
 */

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

/* The byte that "%41" stands for; 0, which no text has, if it is none. */
static char
encoded_byte(const char *in, const char *end)
{
	int			high = end - in > 2 ? hex_digit(in[1]) : -1;
	int			low = end - in > 2 ? hex_digit(in[2]) : -1;

	return high < 0 || low < 0 ? '\0' : (char) (high << 4 | low);
}

/*
 * Undo the encoding of the part up to "end" or the next "stop"; leaves
 * *p behind it, or returns NULL if it is not encoded as it should be.
 */
static char *
decode(const char **p, const char *end, char stop)
{
	StringInfoData result;
	StringInfoData encoded;
	const char *in = *p;

	initStringInfo(&result);
	initStringInfo(&encoded);
	while (in < end && *in != stop)
	{
		resetStringInfo(&encoded);
		for (; in < end && *in == '%'; in += 3)
		{
			char		byte = encoded_byte(in, end);

			if (byte == '\0')
				return NULL;
			appendStringInfoChar(&encoded, byte);
		}
		if (encoded.len > 0 && !sk_utf8_append(&result, encoded.data, encoded.len))
			return NULL;
		if (encoded.len > 0)
			continue;
		if (*in == '\\' && end - in > 1)
			in++;
		appendStringInfoChar(&result, *in++);
	}
	*p = in;
	return in < end ? result.data : NULL;
}

static void
skip_blanks(const char **p, const char *end)
{
	while (*p < end && (isspace((unsigned char) **p) || **p == ','))
		(*p)++;
}

static char *
trimmed(const char *begin, const char *end)
{
	while (begin < end && isspace((unsigned char) *begin))
		begin++;
	while (begin < end && isspace((unsigned char) end[-1]))
		end--;
	return pnstrdup(begin, end - begin);
}

/* key='value' */
static bool
read_quoted(const char **p, const char *end, char **key, char **value)
{
	const char *in = *p;

	*key = decode(&in, end, '=');
	if (*key == NULL || end - in < 2 || in[1] != '\'')
		return false;
	in += 2;
	*value = decode(&in, end, '\'');
	if (*value == NULL)
		return false;
	*p = in + 1;
	return true;
}

/* key:value */
static bool
read_plain(const char **p, const char *end, char **key, char **value)
{
	const char *in = *p;
	const char *comma = memchr(in, ',', end - in);
	const char *colon = memchr(in, ':', end - in);

	if (comma == NULL)
		comma = end;
	if (colon == NULL || colon > comma || memchr(in, '=', colon - in) != NULL)
		return false;
	*key = trimmed(in, colon);
	*value = trimmed(colon + 1, comma);
	*p = comma;
	return true;
}

/* What the comment says of the key; NULL if it does not, or says nothing. */
static char *
value_in(Part comment, const char *wanted)
{
	const char *p = comment.begin;
	char	   *found = NULL;

	for (skip_blanks(&p, comment.end); p < comment.end; skip_blanks(&p, comment.end))
	{
		char	   *key;
		char	   *value;

		if (!read_quoted(&p, comment.end, &key, &value) &&
			!read_plain(&p, comment.end, &key, &value))
			return NULL;
		if (found == NULL && strcmp(key, wanted) == 0)
			found = value;
	}
	return found != NULL && pg_verifymbstr(found, strlen(found), true) ? found : NULL;
}


/*-------------------------------------------------------------------------
 * Comments
 *-------------------------------------------------------------------------
 */

/* Behind the comment that begins there, which may have others in it */
static const char *
end_of_comment(const char *p)
{
	int			depth = 0;

	for (; *p != '\0'; p++)
	{
		if (p[0] == '/' && p[1] == '*')
		{
			depth++;
			p++;
		}
		else if (p[0] == '*' && p[1] == '/')
		{
			p++;
			if (--depth == 0)
				return p + 1;
		}
	}
	return p;
}

/*
 * Skip white space, comments, and semicolons if they are blank, too.  If "comment"
 * is given, stop behind the first one in marks.
 */
static const char *
skip(const char *p, bool semicolons, Part *comment)
{
	for (;;)
	{
		if (isspace((unsigned char) *p) || (semicolons && *p == ';'))
			p++;
		else if (p[0] == '-' && p[1] == '-')
			p += strcspn(p, "\r\n");
		else if (p[0] == '/' && p[1] == '*')
		{
			const char *end = end_of_comment(p);

			if (comment != NULL)
			{
				comment->begin = p + 2;
				comment->end = Max(end - 2, p + 2);
				return end;
			}
			p = end;
		}
		else
			return p;
	}
}

/*
 * The comment that a part of a text ends with, without its marks; false if there
 * is none.  Only white space and semicolons may follow.  "part" is shortened to
 * what is before it.
 */
static bool
last_comment(Part *part, Part *comment)
{
	const char *p = part->end;

	while (p > part->begin && (isspace((unsigned char) p[-1]) || p[-1] == ';'))
		p--;
	if (p - part->begin < 4 || p[-1] != '/' || p[-2] != '*')
		return false;
	comment->end = p - 2;
	for (p = comment->end - 2; p >= part->begin; p--)
	{
		if (p[0] == '/' && p[1] == '*')
		{
			comment->begin = p + 2;
			part->end = p;
			return true;
		}
	}
	return false;
}

static char *
value_at_end(Part part, const char *key)
{
	Part		comment;
	char	   *value = NULL;

	while (value == NULL && last_comment(&part, &comment))
		value = value_in(comment, key);
	return value;
}

static char *
value_at_begin(const char *p, const char *key)
{
	char	   *value = NULL;

	while (value == NULL)
	{
		Part		comment = {NULL, NULL};

		p = skip(p, false, &comment);
		if (comment.begin == NULL)
			break;
		value = value_in(comment, key);
	}
	return value;
}

/*
 * Where the comments before the statement begin, which newer servers do not count as
 * parts of it: behind the semicolon of the statement before.
 */
static const char *
head(const char *text, const char *begin)
{
	for (const char *p = begin; p > text; p--)
	{
		if (p[-1] == ';' && skip(p, false, NULL) >= begin)
			return p;
	}
	return text;
}

/*
 * The value of a key in a comment of the statement that is at "location" in the
 * text and has that length, or the rest of the text if it is 0; NULL if none
 * says it.
 */
char *
sk_audit_sqlcommenter_value(const char *text, int location, int length,
							const char *key)
{
	Part		part;
	char	   *value;

	if (text == NULL)
		return NULL;
	part.begin = &text[Max(location, 0)];

	part.end = length > 0 ? part.begin + length : part.begin + strlen(part.begin);
	if (*skip(part.end, true, NULL) == '\0')
		part.end += strlen(part.end);
	value = value_at_end(part, key);
	if (value == NULL)
		value = value_at_begin(head(text, part.begin), key);
	return value;
}
