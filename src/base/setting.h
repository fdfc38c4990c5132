/*-------------------------------------------------------------------------
 *
 * base/setting.h
 *	  Lists of settings of applications.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_SETTING_H
#define SK_SETTING_H

#include "nodes/pg_list.h"

typedef struct SkSetting
{
	char	   *name;
	List	   *keys;			/* C strings: where in the JSON value; NIL:
								 * the value itself */
} SkSetting;

extern bool sk_setting_parse(const char *text, List **settings, char **detail);

#endif							/* SK_SETTING_H */
