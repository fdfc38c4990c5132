/*-------------------------------------------------------------------------
 *
 * advisor/note.h
 *	  What a caller should know of the advice.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_NOTE_H
#define SK_ADVISOR_NOTE_H

#include "advisor/advice.h"

/* What is missing for good advice. */
typedef struct SkNote
{
	char	   *message;
	char	   *hint;			/* a sentence, or NULL */
} SkNote;

extern List *sk_advice_note_list(const SkAdvice *advice);
extern void sk_advice_note_raise_missing(const SkAdvice *advice);
extern void sk_advice_note_raise(const SkAdvice *advice);

#endif							/* SK_ADVISOR_NOTE_H */
