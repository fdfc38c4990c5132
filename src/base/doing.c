/*-------------------------------------------------------------------------
 *
 * base/doing.c
 *	  The command that our work belongs to: the DDL that fired an event trigger, or
 *	  a function of ours.
 *
 * It is one's own until the memory context goes away in which it was named, which for
 * event triggers and functions is one for their call.  So nobody must say
 * that it is over, also after an error.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/doing.h"

#include "utils/palloc.h"

typedef struct Doing
{
	MemoryContextCallback callback;
	const char *command;
	struct Doing *outer;
} Doing;

static Doing *innermost = NULL;

/* Contexts of commands that failed may go in any order. */
static void
forget(void *arg)
{
	for (Doing **link = &innermost; *link != NULL; link = &(*link)->outer)
	{
		if (*link == arg)
		{
			*link = (*link)->outer;
			return;
		}
	}
}

/*
 * What is done from now on belongs to that command, a constant string.
 */
void
sk_doing_begin(const char *command)
{
	Doing	   *doing = palloc0(sizeof(Doing));

	doing->command = command;
	doing->outer = innermost;
	doing->callback.func = forget;
	doing->callback.arg = doing;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &doing->callback);
	innermost = doing;
}

/*
 * The innermost one; NULL if there is none.
 */
const char *
sk_doing_command(void)
{
	return innermost ? innermost->command : NULL;
}
