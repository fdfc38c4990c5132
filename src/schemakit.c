/*-------------------------------------------------------------------------
 *
 * schemakit.c
 *	  The door: what happens when the library is loaded, as a table of
 *	  contents.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "sk_compat.h"
#include "sk_guc.h"

#include "fmgr.h"

SK_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	sk_guc_define();
}
