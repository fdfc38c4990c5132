/*-------------------------------------------------------------------------
 *
 * audit/actor.h
 *	  Who acts, as the settings of the application's platform say.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_ACTOR_H
#define SK_AUDIT_ACTOR_H

extern bool sk_audit_actor_in_settings(void);
extern const char *sk_audit_actor_find(void);

#endif							/* SK_AUDIT_ACTOR_H */
