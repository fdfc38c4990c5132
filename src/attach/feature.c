/*-------------------------------------------------------------------------
 *
 * attach/feature.c
 *	  The features that attach themselves to tables, by their names.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "attach/feature.h"
#include "base/guard.h"
#include "schemakit.h"

#include "catalog/namespace.h"
#include "utils/lsyscache.h"

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

/*
 * Has the table got the column, if that is what is asked for?
 */
bool
sk_feature_gained(const SkGain *gain, const char *col)
{
	ListCell   *lc;

	if (gain == NULL)
		return true;
	foreach(lc, gain->columns)
	{
		if (strcmp(lfirst(lc), col) == 0)
			return true;
	}
	return false;
}


/*-------------------------------------------------------------------------
 * What is done for each of them
 *
 * One feature that fails must not take what the others did with it.  All of them are
 * run in one guard, since that hardly ever happens; where it does, each is run again
 * in a guard of its own.
 *-------------------------------------------------------------------------
 */

typedef struct Round
{
	SkFeatureWork work;
	void	   *arg;
	const SkFeature *only;		/* NULL: all */
} Round;

static void
go_round(void *arg)
{
	const Round *round = arg;

	for (const SkFeature *const *f = sk_features; *f; f++)
	{
		if (round->only == NULL || round->only == *f)
			round->work(*f, round->arg);
	}
}

static bool
all_succeed(Round *round)
{
	ErrorData  *failure = sk_guard_try(go_round, round, sk_guard_is_failure);

	if (failure == NULL)
		return true;
	FreeErrorData(failure);
	return false;
}

/*
 * Do "work", which may be done again, for each feature.  Of one that fails, a
 * WARNING tells that schemakit could not do "purpose" to the table.
 */
void
sk_feature_each(SkFeatureWork work, void *arg, const char *purpose, Oid relid)
{
	Round		round = {work, arg, NULL};

	if (all_succeed(&round))
		return;
	for (const SkFeature *const *f = sk_features; *f; f++)
		sk_feature_one(*f, work, arg, purpose, relid);
}

/*
 * Do it for that feature only.
 */
void
sk_feature_one(const SkFeature *feature, SkFeatureWork work, void *arg,
			   const char *purpose, Oid relid)
{
	Round		round = {work, arg, feature};

	sk_guard_run(go_round, &round, purpose, relid);
}

/*
 * The same before the user's command is run; see sk_guard_prepare().
 */
void
sk_feature_prepare(const SkFeature *feature, SkFeatureWork work, void *arg,
				   const char *purpose, Oid relid)
{
	Round		round = {work, arg, feature};

	sk_guard_prepare(go_round, &round, purpose, relid);
}

/*
 * The same, but an error is raised.
 */
void
sk_feature_require(const SkFeature *feature, SkFeatureWork work, void *arg)
{
	Round		round = {work, arg, feature};

	sk_guard_require(go_round, &round);
}

/*
 * Rights on these tables were granted or revoked: tell the features of their own.
 */
void
sk_feature_own_granted(List *relids)
{
	Oid			schema = get_namespace_oid(SK_SCHEMA, true);
	ListCell   *lc;

	foreach(lc, relids)
	{
		if (get_rel_namespace(lfirst_oid(lc)) != schema)
			continue;
		for (const SkFeature *const *f = sk_features; *f; f++)
		{
			if ((*f)->own != NULL)
				(*f)->own->granted(lfirst_oid(lc));
		}
	}
}

/*
 * Raise an error if the command changes what is kept from changes.
 */
void
sk_feature_own_check(const Node *stmt)
{
	for (const SkFeature *const *f = sk_features; *f; f++)
	{
		if ((*f)->own != NULL)
			(*f)->own->check_command(stmt);
	}
}

/*
 * Has a feature taken away something of the table's that it is to put back?
 */
bool
sk_feature_is_owed(Oid relid)
{
	for (const SkFeature *const *f = sk_features; *f; f++)
	{
		if ((*f)->owes != NULL && (*f)->owes(relid))
			return true;
	}
	return false;
}
