/*-------------------------------------------------------------------------
 *
 * base/rights.h
 *	  As whom, and with which settings, code runs.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_RIGHTS_H
#define SK_RIGHTS_H

/* What sk_rights_restore() goes back to. */
typedef struct SkRights
{
	Oid			role;
	int			sec_context;
	int			nestlevel;		/* of the settings; 0: they are the session's */
} SkRights;

extern void sk_rights_assume(Oid role, SkRights *saved);
extern void sk_rights_assume_under_pin(Oid role, SkRights *saved);
extern void sk_rights_assume_to_read(Oid role, SkRights *saved);
extern void sk_rights_assume_for_triggers(Oid role, bool all_rows,
										  SkRights *saved);
extern void sk_rights_assume_for_key(Oid role, SkRights *saved);
extern void sk_rights_pin(SkRights *saved);
extern void sk_rights_restore(const SkRights *saved);

#endif							/* SK_RIGHTS_H */
