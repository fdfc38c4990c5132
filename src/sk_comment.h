/*-------------------------------------------------------------------------
 *
 * sk_comment.h
 *	  What a client says in a comment at the end of its statement.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_COMMENT_H
#define SK_COMMENT_H

extern char *sk_comment_value(const char *query, const char *key);

#endif							/* SK_COMMENT_H */
