/*-------------------------------------------------------------------------
 *
 * advisor/foreign_key.h
 *	  Foreign keys that no index serves.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_FOREIGN_KEY_H
#define SK_ADVISOR_FOREIGN_KEY_H

#include "advisor/advice.h"

typedef struct SkForeignKey
{
	char	   *name;
	Oid			relid;			/* the table that refers */
	Oid			referenced;
	int			n;
	AttrNumber *columns;
	AttrNumber *keys;			/* of the other table */
	bool		part;			/* a partition has it because its parent has */
	double		changes;		/* of rows that it refers to, in the workload */
	bool		learnt;			/* they are among its statements, */
	double		value;			/* with this value */
} SkForeignKey;

extern List *sk_advice_foreign_key_all(void);
extern List *sk_advice_foreign_key_list(SkAdvice *advice);
extern bool sk_advice_foreign_key_is_served(const SkForeignKey *key, List *indexes);
extern bool sk_advice_foreign_key_is_costly(SkAdvice *advice, const SkForeignKey *key);
extern SkIndex *sk_advice_foreign_key_index(const SkForeignKey *key);
extern char *sk_advice_foreign_key_query(const SkForeignKey *key);

#endif							/* SK_ADVISOR_FOREIGN_KEY_H */
