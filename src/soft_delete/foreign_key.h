/*-------------------------------------------------------------------------
 *
 * soft_delete/foreign_key.h
 *	  The foreign keys of a table, and those that refer to it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SOFT_DELETE_FOREIGN_KEY_H
#define SK_SOFT_DELETE_FOREIGN_KEY_H

#include "soft_delete/fk_query.h"

extern List *sk_soft_foreign_key_to(Relation rel);
extern List *sk_soft_foreign_key_to_any(Relation rel);
extern List *sk_soft_foreign_key_own(Relation rel);

#endif							/* SK_SOFT_DELETE_FOREIGN_KEY_H */
