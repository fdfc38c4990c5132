/*-------------------------------------------------------------------------
 *
 * sk_guc.h
 *	  schemakit's settings.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_GUC_H
#define SK_GUC_H

#include "nodes/pg_list.h"

extern bool sk_guc_timestamps_auto;
extern bool sk_guc_timestamps_touch;

extern void sk_guc_define(void);
extern List *sk_guc_timestamps_columns(void);

#endif							/* SK_GUC_H */
