/*-------------------------------------------------------------------------
 *
 * advisor/ddl.h
 *	  Advice as commands.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ADVISOR_DDL_H
#define SK_ADVISOR_DDL_H

#include "advisor/advice.h"

/* One command. */
typedef struct SkAdviceStep
{
	Oid			relid;
	char	   *ddl;
	char	   *undo;			/* NULL: another step's undo does it */
} SkAdviceStep;

extern List *sk_advice_ddl(const SkAdviceItem *item, List **names);

#endif							/* SK_ADVISOR_DDL_H */
