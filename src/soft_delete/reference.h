/*-------------------------------------------------------------------------
 *
 * soft_delete/reference.h
 *	  Is the row live that another one refers to?
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SOFT_DELETE_REFERENCE_H
#define SK_SOFT_DELETE_REFERENCE_H

#include "soft_delete/relation.h"

extern bool sk_soft_reference_is_live(SkSoftLink *link, Datum *values);

#endif							/* SK_SOFT_DELETE_REFERENCE_H */
