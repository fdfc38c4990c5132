/*-------------------------------------------------------------------------
 *
 * attach/command.h
 *	  What the server says about the DDL that fired an event trigger.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ATTACH_COMMAND_H
#define SK_ATTACH_COMMAND_H

#include "attach/feature.h"

#include "nodes/pg_list.h"
#include "tcop/deparse_utility.h"

/* A column that was dropped from a relation that is still there. */
typedef struct SkDroppedColumn
{
	Oid			relid;
	char	   *name;
} SkDroppedColumn;

/* A table that was dropped, under the name that it had. */
typedef struct SkDroppedTable
{
	Oid			relid;
	char	   *schema;
	char	   *name;
} SkDroppedTable;

extern List *sk_command_list(void);
extern SkGain sk_command_gain(const CollectedCommand *cmd);
extern bool sk_command_is_foreign(void);
extern List *sk_command_dropped_columns(void);
extern List *sk_command_dropped_tables(void);
extern List *sk_command_dropped_triggers(void);

#endif							/* SK_ATTACH_COMMAND_H */
