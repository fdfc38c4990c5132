/*-------------------------------------------------------------------------
 *
 * base/doing.h
 *	  The command that our work belongs to.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_DOING_H
#define SK_DOING_H

extern void sk_doing_begin(const char *command);
extern const char *sk_doing_command(void);

#endif							/* SK_DOING_H */
