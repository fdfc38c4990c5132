/*-------------------------------------------------------------------------
 *
 * base/trigger.h
 *	  The checks that every trigger function makes first.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_TRIGGER_H
#define SK_TRIGGER_H

#include "commands/event_trigger.h"
#include "commands/trigger.h"
#include "fmgr.h"

extern TriggerData *sk_trigger_before_row(FunctionCallInfo fcinfo,
										  const char *function,
										  TriggerEvent op);
extern TriggerData *sk_trigger_before(FunctionCallInfo fcinfo,
									  const char *function);
extern TriggerData *sk_trigger_after_row(FunctionCallInfo fcinfo,
										 const char *function);
extern TriggerData *sk_trigger_after_delete(FunctionCallInfo fcinfo,
											const char *function);
extern TriggerData *sk_trigger_after_insert(FunctionCallInfo fcinfo,
											const char *function);
extern TriggerData *sk_trigger_instead_of_delete(FunctionCallInfo fcinfo,
												 const char *function);
extern TriggerData *sk_trigger_before_truncate(FunctionCallInfo fcinfo,
											   const char *function);
extern EventTriggerData *sk_trigger_event(FunctionCallInfo fcinfo,
										  const char *function);

#endif							/* SK_TRIGGER_H */
