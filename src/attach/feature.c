/*-------------------------------------------------------------------------
 *
 * attach/feature.c
 *	  The features that attach themselves to tables, by their names.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "attach/feature.h"

/* "timestamps", or "timestamps, audit" and so on, for a hint */
static char *
known_names(void)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (const SkFeature *const *f = sk_features; *f; f++)
		appendStringInfo(&buf, "%s%s", f == sk_features ? "" : ", ", (*f)->name);
	return buf.data;
}

/*
 * The feature of that name, or an error that lists the known ones.
 */
const SkFeature *
sk_feature_find(const char *name)
{
	for (const SkFeature *const *f = sk_features; *f; f++)
	{
		if (strcmp((*f)->name, name) == 0)
			return *f;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unrecognized feature \"%s\"", name),
			 errhint("Known features: %s.", known_names())));
}
