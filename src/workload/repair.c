/*-------------------------------------------------------------------------
 *
 * workload/repair.c
 *	  Texts of statements, made SQL again.
 *
 * pg_stat_statements replaces constants by parameters, also where the grammar
 * wants a constant.  What cannot be parsed any more is written as what can:
 *
 *	date $1, interval $1 day	CAST($1 AS date), CAST($1 AS interval day)
 *	extract($1 from x)			pg_catalog.extract($1, x)
 *	in ($1 /+, ... +/)			more parameters, since a list that was cut down to
 *								its first element (PostgreSQL 18) had others
 *	into strict a, b.c			nothing: PL/pgSQL takes it out as well before it has
 *								the statement planned
 *
 * None of these is SQL otherwise, or it is left out later, so another text stays
 * as it is.  The server's own scanner finds the words.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "workload/repair.h"
#include "base/compat.h"

#include "common/keywords.h"
#include "lib/stringinfo.h"
#include "parser/scanner.h"
#include "parser/scansup.h"

#include <ctype.h>
#include <limits.h>

/* How many elements a list is taken to have had. */
#define LIST_LENGTH 5
#define LIST_MARK "/*, ... */"

/* "timestamp (3) without time zone", and some for names with schemas */
#define MAX_TYPE_WORDS 9

/* Of a parameter's number; more are too many parameters in any case. */
#define MAX_DIGITS 6

typedef struct Token
{
	int			start;			/* bytes */
	int			end;
	int			param;			/* of $n, or 0 */
	bool		name;			/* an identifier that is not a keyword */
	const char *word;			/* a keyword or a character, else "" */
} Token;

typedef struct Tokens
{
	const char *source;
	Token	   *token;
	int			n;
	int			nparams;		/* the highest $n */
} Tokens;

static void
classify(Tokens *tokens, Token *token)
{
	int			len = token->end - token->start;
	char	   *word = pnstrdup(tokens->source + token->start, len);

	token->word = "";
	if (word[0] == '$' && len > 1 && isdigit((unsigned char) word[1]))
	{
		token->param = len > MAX_DIGITS + 1 ? INT_MAX : atoi(word + 1);
		tokens->nparams = Max(tokens->nparams, token->param);
	}
	else if (word[0] == '"')
		token->name = true;
	else if (strchr(word, '\'') != NULL)
		return;
	else if (len == 1 && strchr("(),.", word[0]) != NULL)
		token->word = word;
	else if (isalpha((unsigned char) word[0]) || word[0] == '_' ||
			 IS_HIGHBIT_SET(word[0]))
	{
		word = downcase_identifier(word, len, false, false);
		if (ScanKeywordLookup(word, &ScanKeywords) >= 0)
			token->word = word;
		else
			token->name = true;
	}
}

/* The scanner ends the current token with a zero byte in its buffer. */
static void
scan(Tokens *tokens, const char *source)
{
	core_yy_extra_type extra;
	core_yyscan_t scanner = scanner_init(source, &extra, &ScanKeywords,
										 ScanKeywordTokens);
	core_YYSTYPE value;
	YYLTYPE		location;
	int			allocated = 64;

	memset(tokens, 0, sizeof(Tokens));
	tokens->source = source;
	tokens->token = palloc(allocated * sizeof(Token));
	sk_ignore_escapes(extra);
	while (core_yylex(&value, &location, scanner) != 0)
	{
		Token	   *token;

		if (tokens->n == allocated)
		{
			allocated *= 2;
			tokens->token = repalloc(tokens->token, allocated * sizeof(Token));
		}
		token = &tokens->token[tokens->n++];
		memset(token, 0, sizeof(Token));
		token->start = location;
		token->end = location + strlen(extra.scanbuf + location);
		classify(tokens, token);
	}
	scanner_finish(scanner);
}

static const char *
word_at(const Tokens *tokens, int i)
{
	return i >= 0 && i < tokens->n ? tokens->token[i].word : "";
}

static bool
is_word(const Tokens *tokens, int i, const char *word)
{
	return strcmp(word_at(tokens, i), word) == 0;
}

static bool
is_one_of(const Tokens *tokens, int i, const char *const *words)
{
	for (; *words != NULL; words++)
	{
		if (is_word(tokens, i, *words))
			return true;
	}
	return false;
}

/* Where the type's name begins that ends before token i, or -1. */
static int
type_before(const Tokens *tokens, int i)
{
	static const char *const types[] = {
		"bigint", "bit", "boolean", "char", "character", "dec", "decimal",
		"float", "int", "integer", "interval", "nchar", "numeric", "real",
		"smallint", "time", "timestamp", "varchar", NULL
	};

	i--;
	if (is_word(tokens, i, "zone") && is_word(tokens, i - 1, "time") &&
		(is_word(tokens, i - 2, "with") || is_word(tokens, i - 2, "without")))
		i -= 3;
	if (is_word(tokens, i, ")"))
	{
		while (i > 0 && !is_word(tokens, i, "("))
			i--;
		i--;
	}
	if (is_word(tokens, i, "varying") || is_word(tokens, i, "precision"))
		return is_word(tokens, i - 2, "national") ? i - 2 : i - 1;
	if (is_one_of(tokens, i, types))
		return is_word(tokens, i - 1, "national") ? i - 1 : i;
	if (i < 0 || !tokens->token[i].name)
		return -1;
	while (is_word(tokens, i - 1, ".") && i >= 2)
		i -= 2;
	return i;
}

/* The end of the fields of an interval that begin at token i. */
static int
fields_after(const Tokens *tokens, int i)
{
	static const char *const fields[] = {
		"year", "month", "day", "hour", "minute", "second", NULL
	};

	if (!is_one_of(tokens, i, fields))
		return i;
	i++;
	if (is_word(tokens, i, "to") && is_one_of(tokens, i + 1, fields))
		i += 2;
	if (is_word(tokens, i - 1, "second") && is_word(tokens, i, "("))
		i += 3;
	return Min(i, tokens->n);
}

static void
append_tokens(StringInfo buf, const Tokens *tokens, int from, int to)
{
	if (from < to)
		appendBinaryStringInfo(buf, tokens->source + tokens->token[from].start,
							   tokens->token[to - 1].end -
							   tokens->token[from].start);
}

/* "type $n", the type being tokens "from" to "at": returns the next token. */
static int
append_cast(StringInfo buf, const Tokens *tokens, int from, int at)
{
	int			next = fields_after(tokens, at + 1);

	if (!is_word(tokens, from, "interval"))
		next = at + 1;
	appendStringInfo(buf, "CAST($%d AS ", tokens->token[at].param);
	append_tokens(buf, tokens, from, at);
	if (next > at + 1)
	{
		appendStringInfoChar(buf, ' ');
		append_tokens(buf, tokens, at + 1, next);
	}
	appendStringInfoChar(buf, ')');
	return next;
}

/* The parameter at token i, and those of the list that it stands for. */
static void
append_param(StringInfo buf, Tokens *tokens, int i)
{
	const Token *token = &tokens->token[i];
	const char *mark = strstr(tokens->source + token->end, LIST_MARK);

	appendStringInfo(buf, "$%d", token->param);
	if (mark == NULL || i + 1 >= tokens->n ||
		mark > tokens->source + tokens->token[i + 1].start)
		return;
	for (int more = 1; more < LIST_LENGTH; more++)
		appendStringInfo(buf, ", $%d", ++tokens->nparams);
}

/* White space and comments before token i. */
static void
append_space(StringInfo buf, const Tokens *tokens, int i)
{
	int			from = i == 0 ? 0 : tokens->token[i - 1].end;

	appendBinaryStringInfo(buf, tokens->source + from,
						   tokens->token[i].start - from);
}

static bool
is_extract(const Tokens *tokens, int i)
{
	return is_word(tokens, i, "extract") && is_word(tokens, i + 1, "(") &&
		i + 3 < tokens->n && tokens->token[i + 2].param > 0 &&
		is_word(tokens, i + 3, "from");
}

static bool
is_char(const Tokens *tokens, int i, char c)
{
	return i < tokens->n && tokens->token[i].end == tokens->token[i].start + 1 &&
		tokens->source[tokens->token[i].start] == c;
}

/* Names may be those of keywords. */
static bool
is_identifier(const Tokens *tokens, int i)
{
	return i < tokens->n &&
		(tokens->token[i].name || isalpha((unsigned char) word_at(tokens, i)[0]));
}

/* The token after the variable at token i: "a", "a.b", "a[1].b" */
static int
variable_end(const Tokens *tokens, int i)
{
	int			depth = 0;

	for (i++; i < tokens->n; i++)
	{
		if (is_char(tokens, i, '['))
			depth++;
		else if (is_char(tokens, i, ']'))
			depth--;
		else if (depth == 0 && is_word(tokens, i, "."))
			i++;
		else if (depth == 0)
			break;
	}
	return Min(i, tokens->n);
}

/*
 * The token after the variables that PL/pgSQL's INTO at token i names; "i" if it is none,
 * or makes a table by more words than SELECT ... INTO needs.
 */
static int
into_end(const Tokens *tokens, int i)
{
	static const char *const others[] = {
		"global", "local", "table", "temp", "temporary", "unlogged", NULL
	};
	int			next = i + 1;

	if (!is_word(tokens, i, "into") || is_word(tokens, i - 1, "insert") ||
		is_word(tokens, i - 1, "merge") || is_one_of(tokens, next, others))
		return i;
	if (is_word(tokens, next, "strict") && is_identifier(tokens, next + 1) &&
		!is_word(tokens, next + 1, "from"))
		next++;
	if (!is_identifier(tokens, next))
		return i;
	next = variable_end(tokens, next);
	while (is_word(tokens, next, ",") && is_identifier(tokens, next + 1))
		next = variable_end(tokens, next + 1);
	return next;
}

/* Append what is at token i and belongs together; returns the next token. */
static int
append_next(StringInfo buf, Tokens *tokens, int i)
{
	int			end = into_end(tokens, i);

	if (end > i)
		return end;
	if (is_extract(tokens, i))
	{
		appendStringInfo(buf, "pg_catalog.extract($%d,",
						 tokens->token[i + 2].param);
		return i + 4;
	}
	for (int at = i + 1; at < tokens->n && at <= i + MAX_TYPE_WORDS; at++)
	{
		if (tokens->token[at].param > 0 && type_before(tokens, at) == i)
			return append_cast(buf, tokens, i, at);
	}
	if (tokens->token[i].param > 0)
		append_param(buf, tokens, i);
	else
		append_tokens(buf, tokens, i, i + 1);
	return i + 1;
}

/*
 * Can it not be one of the statements that are planned, or a command with one
 * in it?  Constants of others are replaced, too, which no repair would mend.
 */
static bool
is_utility(const Tokens *tokens)
{
	static const char *const starts[] = {
		"(", "copy", "create", "declare", "delete", "explain", "insert",
		"merge", "prepare", "select", "table", "update", "values", "with", NULL
	};

	return tokens->n > 0 && tokens->token[0].word[0] != '\0' &&
		!is_one_of(tokens, 0, starts);
}

/*
 * The text, repaired, the highest number of a parameter in it, and whether it is
 * a command that has no plan.  Raises an error if the text is not made of SQL's
 * words.
 */
char *
sk_repair_text(const char *source, int *nparams, bool *utility)
{
	Tokens		tokens;
	StringInfoData buf;

	scan(&tokens, source);
	initStringInfo(&buf);
	for (int i = 0; i < tokens.n;)
	{
		append_space(&buf, &tokens, i);
		i = append_next(&buf, &tokens, i);
	}
	*nparams = tokens.nparams;
	*utility = is_utility(&tokens);
	return buf.data;
}
