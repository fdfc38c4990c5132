/*-------------------------------------------------------------------------
 *
 * base/json_text.c
 *	  A value in a text that may be JSON.
 *
 * The text comes from outside, and the statement that asks must not fail because of it.
 * The server's parser raises errors.  Here is none, and the depth of what is read is
 * limited.  A text that is not JSON as a whole has no values.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/json_text.h"
#include "base/utf8.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#define MAX_DEPTH	64			/* of values within each other */

/* A string without its quotes, as it is written */
typedef struct Written
{
	const char *begin;
	int			length;
	bool		escapes;
} Written;

typedef struct Reader
{
	const char *p;
	int			depth;
	List	   *keys;
	char	   *found;			/* NULL: nothing, or null */
} Reader;

static bool read_value(Reader *reader, int matched);

/* Four hexadecimal digits, or -1 */
static int
hex_number(const char *p)
{
	int			number = 0;

	for (int i = 0; i < 4; i++)
	{
		const char *digits = "0123456789abcdef";
		const char *digit = p[i] == '\0' ? NULL
			: strchr(digits, pg_ascii_tolower((unsigned char) p[i]));

		if (digit == NULL)
			return -1;
		number = number * 16 + (int) (digit - digits);
	}
	return number;
}

static bool
read_string(Reader *reader, Written *written)
{
	const char *p = reader->p;

	if (*p++ != '"')
		return false;
	written->begin = p;
	written->escapes = false;
	for (; *p != '"'; p++)
	{
		if ((unsigned char) *p < ' ')
			return false;
		if (*p != '\\')
			continue;
		written->escapes = true;
		p++;
		if (*p == '\0' || strchr("\"\\/bfnrtu", *p) == NULL ||
			(*p == 'u' && hex_number(p + 1) < 0))
			return false;
	}
	written->length = p - written->begin;
	reader->p = p + 1;
	return true;
}

/* Append \uXXXX, or two of them that mean one character; leaves *p on the last digit. */
static bool
append_escaped(StringInfo buf, const char **p)
{
	pg_wchar	c = (pg_wchar) hex_number(*p + 1);
	unsigned char utf8[MAX_MULTIBYTE_CHAR_LEN + 1] = {0};

	*p += 4;
	if (is_utf16_surrogate_first(c))
	{
		int			second = (*p)[1] == '\\' && (*p)[2] == 'u' ? hex_number(*p + 3) : -1;

		if (second < 0 || !is_utf16_surrogate_second((pg_wchar) second))
			return false;
		c = surrogate_pair_to_codepoint(c, (pg_wchar) second);
		*p += 6;
	}
	else if (c == 0 || is_utf16_surrogate_second(c))
		return false;
	unicode_to_utf8(c, utf8);
	return sk_utf8_append(buf, (char *) utf8, pg_utf_mblen(utf8));
}

/* What is written, or NULL if the database cannot have it as text. */
static char *
decoded(const Written *written)
{
	const char *end = written->begin + written->length;
	StringInfoData buf;

	if (!written->escapes)
		return pnstrdup(written->begin, written->length);
	initStringInfo(&buf);
	for (const char *p = written->begin; p < end; p++)
	{
		const char *escape;

		if (*p != '\\')
			appendStringInfoChar(&buf, *p);
		else if (*++p == 'u')
		{
			if (!append_escaped(&buf, &p))
				return NULL;
		}
		else if ((escape = strchr("b\bf\fn\nr\rt\t", *p)) != NULL)
			appendStringInfoChar(&buf, escape[1]);
		else
			appendStringInfoChar(&buf, *p);
	}
	return buf.data;
}

/* How many keys are matched in a value behind that one, or -1: it is not on the way. */
static int
match(const Reader *reader, int matched, const Written *key)
{
	const char *wanted;
	char	   *text;

	if (matched < 0 || matched >= list_length(reader->keys))
		return -1;
	wanted = list_nth(reader->keys, matched);
	if (!key->escapes)
		return strlen(wanted) == (size_t) key->length &&
			memcmp(wanted, key->begin, key->length) == 0 ? matched + 1 : -1;
	text = decoded(key);
	return text !=NULL && strcmp(text, wanted) == 0 ? matched + 1 : -1;
}

static void
skip_json_blanks(Reader *reader)
{
	while (*reader->p == ' ' || *reader->p == '\t' || *reader->p == '\n' || *reader->p == '\r')
		reader->p++;
}

/* Behind a member of an object or array: does another one follow?  Or is it wrong? */
static bool
read_separator(Reader *reader, char close, bool *more)
{
	skip_json_blanks(reader);
	*more = *reader->p == ',';
	if (!*more && *reader->p != close)
		return false;
	reader->p++;
	return true;
}

static bool
read_members(Reader *reader, int matched, char close)
{
	bool		more = true;

	reader->p++;
	skip_json_blanks(reader);
	if (*reader->p == close)
	{
		reader->p++;
		return true;
	}
	while (more)
	{
		Written		key;
		int			inner = -1;

		skip_json_blanks(reader);
		if (close == '}')
		{
			if (!read_string(reader, &key))
				return false;
			skip_json_blanks(reader);
			if (*reader->p++ != ':')
				return false;
			inner = match(reader, matched, &key);
		}
		if (!read_value(reader, inner) || !read_separator(reader, close, &more))
			return false;
	}
	return true;
}

static void
skip_digits(const char **p)
{
	while (**p >= '0' && **p <= '9')
		(*p)++;
}

/* A number, true, false or null */
static bool
read_word_value(Reader *reader, bool wanted)
{
	const char *p = reader->p;
	const char *digits;

	if (strncmp(p, "true", 4) == 0 || strncmp(p, "null", 4) == 0)
		p += 4;
	else if (strncmp(p, "false", 5) == 0)
		p += 5;
	else
	{
		p += *p == '-';
		digits = p;
		skip_digits(&p);
		if (p == digits || (*digits == '0' && p > digits + 1))
			return false;
		if (*p == '.')
		{
			digits = ++p;
			skip_digits(&p);
			if (p == digits)
				return false;
		}
		if (*p == 'e' || *p == 'E')
		{
			p++;
			p += *p == '+' || *p == '-';
			digits = p;
			skip_digits(&p);
			if (p == digits)
				return false;
		}
	}
	if (wanted && *reader->p != 'n')
		reader->found = pnstrdup(reader->p, p - reader->p);
	reader->p = p;
	return true;
}

/*
 * Read a value.  Of a key that is there twice, the last one counts, as in jsonb.
 */
static bool
read_value(Reader *reader, int matched)
{
	bool		wanted = matched == list_length(reader->keys);
	bool		valid;
	Written		string;

	skip_json_blanks(reader);
	if (wanted)
		reader->found = NULL;
	if (*reader->p == '{' || *reader->p == '[')
	{
		if (++reader->depth > MAX_DEPTH)
			return false;
		valid = read_members(reader, *reader->p == '{' ? matched : -1,
							 *reader->p == '{' ? '}' : ']');
		reader->depth--;
		return valid;
	}
	if (*reader->p != '"')
		return read_word_value(reader, wanted);
	if (!read_string(reader, &string))
		return false;
	if (wanted)
		reader->found = decoded(&string);
	return true;
}

/*
 * The string, number or boolean that the keys lead to, as text.  NULL if there is
 * none, or if this is not JSON.
 */
char *
sk_json_text_value(const char *json, List *keys)
{
	Reader		reader = {.p = json,.keys = keys};

	if (!read_value(&reader, 0))
		return NULL;
	skip_json_blanks(&reader);
	return *reader.p == '\0' ? reader.found : NULL;
}
