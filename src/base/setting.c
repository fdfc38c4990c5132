/*-------------------------------------------------------------------------
 *
 * base/setting.c
 *	  Lists of settings of applications, such as
 *
 *		request.jwt.claims ->> sub, hasura.user ->> x-hasura-user-id, app.user
 *
 * A key behind an arrow is looked for in the JSON object that the setting contains,
 * or that is found by the keys before.  Keys may be in single or double quotes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/setting.h"

#include "lib/stringinfo.h"

static const char *
skip_blanks(const char *p)
{
	while (isspace((unsigned char) *p))
		p++;
	return p;
}

static bool
is_arrow(const char *p)
{
	return p[0] == '-' && p[1] == '>';
}

/* In quotes, which are written twice to be meant; NULL: they do not end. */
static char *
read_quoted(const char **p)
{
	StringInfoData word;
	char		quote = *(*p)++;

	initStringInfo(&word);
	for (; **p != '\0'; (*p)++)
	{
		if (**p == quote && (*p)[1] != quote)
		{
			(*p)++;
			return word.data;
		}
		if (**p == quote)
			(*p)++;
		appendStringInfoChar(&word, **p);
	}
	return NULL;
}

/* A name or a key, up to a comma, an arrow or the end; NULL: there is none. */
static char *
read_word(const char **p)
{
	const char *begin = *p = skip_blanks(*p);
	const char *end;

	if (**p == '\'' || **p == '"')
		return read_quoted(p);
	while (**p != '\0' && **p != ',' && !is_arrow(*p))
		(*p)++;
	for (end = *p; end > begin && isspace((unsigned char) end[-1]);)
		end--;
	return end > begin ? pnstrdup(begin, end - begin) : NULL;
}

/* The server's own settings have no dot; some of them are secret. */
static bool
read_setting(const char **p, SkSetting *setting, char **detail)
{
	setting->name = read_word(p);
	setting->keys = NIL;
	if (setting->name != NULL && strchr(setting->name, '.') == NULL)
	{
		*detail = psprintf("\"%s\" is not the name of a setting with a dot in it.",
						   setting->name);
		return false;
	}
	for (*p = skip_blanks(*p); setting->name != NULL && is_arrow(*p); *p = skip_blanks(*p))
	{
		char	   *key;

		*p += (*p)[2] == '>' ? 3 : 2;
		key = read_word(p);
		if (key == NULL)
			return false;
		setting->keys = lappend(setting->keys, key);
	}
	return setting->name != NULL && (**p == ',' || **p == '\0');
}

/*
 * The settings in a list, in its order.  False if the list has another form; then
 * "detail" says what is wrong with it.
 */
bool
sk_setting_parse(const char *text, List **settings, char **detail)
{
	const char *p = skip_blanks(text);

	*settings = NIL;
	*detail = "List syntax is invalid.";
	while (*p != '\0')
	{
		SkSetting  *setting = palloc(sizeof(SkSetting));

		if (!read_setting(&p, setting, detail))
			return false;
		*settings = lappend(*settings, setting);
		if (*p == ',' && *skip_blanks(++p) == '\0')
			return false;
	}
	return true;
}
