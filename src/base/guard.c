/*-------------------------------------------------------------------------
 *
 * base/guard.c
 *	  Work that must not fail the statement it is done in.
 *
 * What an event trigger does besides a user's DDL runs in a subtransaction:
 * if it fails, it is undone, the user gets a WARNING, and the DDL goes
 * through.  A request to stop is not a failure, and is passed on.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/guard.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

static bool
is_request_to_stop(int sqlerrcode)
{
	return sqlerrcode == ERRCODE_QUERY_CANCELED ||
		ERRCODE_TO_CATEGORY(sqlerrcode) == ERRCODE_TO_CATEGORY(ERRCODE_OPERATOR_INTERVENTION);
}

/*
 * Is it an error of the work itself?
 */
bool
sk_guard_is_failure(const ErrorData *edata)
{
	return !is_request_to_stop(edata->sqlerrcode);
}

static void
warn(const ErrorData *edata, const char *purpose, Oid relid, const char *hint)
{
	char	   *name = get_rel_name(relid);

	ereport(WARNING,
			(errcode(edata->sqlerrcode),
			 errmsg("could not %s table \"%s\": %s",
					purpose, name ? name : "?", edata->message),
			 edata->detail ? errdetail_internal("%s", edata->detail) : 0,
			 errhint("%s  SELECT * FROM schemakit.status() shows what is covered.", hint)));
}

static ErrorData *
run(SkGuarded work, void *arg, SkExpected expected, bool keep)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile failure = NULL;
	Oid			role;
	int			sec_context;

	GetUserIdAndSecContext(&role, &sec_context);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		work(arg);
		SetUserIdAndSecContext(role, sec_context);
		if (keep)
			ReleaseCurrentSubTransaction();
		else
			RollbackAndReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		failure = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (!expected(failure))
			ReThrowError(failure);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return failure;
}

/*
 * Run "work" in a subtransaction.  Returns NULL if it succeeded.  If it failed
 * with an error that is "expected", it is undone, and the error is returned;
 * any other is raised.
 *
 * What "work" leaves to its caller must be in memory that outlives the
 * subtransaction: the current context at the time of this call does.
 */
ErrorData *
sk_guard_try(SkGuarded work, void *arg, SkExpected expected)
{
	return run(work, arg, expected, true);
}

static bool
is_never(const ErrorData *edata)
{
	return false;
}

/* The same, but any error is raised. */
void
sk_guard_require(SkGuarded work, void *arg)
{
	(void) run(work, arg, is_never, true);
}

/* The same, but it is undone in any case: no lock or setting remains. */
ErrorData *
sk_guard_rehearse(SkGuarded work, void *arg)
{
	return run(work, arg, sk_guard_is_failure, false);
}

static bool
is_lock_failure(const ErrorData *edata)
{
	return edata->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ||
		edata->sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED;
}

static bool
is_other_failure(const ErrorData *edata)
{
	return sk_guard_is_failure(edata) && !is_lock_failure(edata);
}

static bool
run_and_warn(SkGuarded work, void *arg, SkExpected expected,
			 const char *purpose, Oid relid, const char *hint)
{
	ErrorData  *failure = sk_guard_try(work, arg, expected);

	if (failure == NULL)
		return true;
	warn(failure, purpose, relid, hint);
	FreeErrorData(failure);
	return false;
}

/*
 * Run "work" in a subtransaction.  True if it succeeded; if it failed, a
 * WARNING has told that schemakit could not do "purpose" to the table.
 */
bool
sk_guard_run(SkGuarded work, void *arg, const char *purpose, Oid relid)
{
	return run_and_warn(work, arg, sk_guard_is_failure, purpose, relid,
						"The statement itself went through.");
}

/*
 * The same, where no statement of a user's is concerned, but many tables are.
 */
bool
sk_guard_run_one(SkGuarded work, void *arg, const char *purpose, Oid relid)
{
	return run_and_warn(work, arg, sk_guard_is_failure, purpose, relid,
						"Other tables are not affected.");
}

/*
 * The same before the user's command is run: it would not get a lock, either, that
 * cannot be had now.
 */
bool
sk_guard_prepare(SkGuarded work, void *arg, const char *purpose, Oid relid)
{
	return run_and_warn(work, arg, is_other_failure, purpose, relid,
						"The statement itself is run all the same.");
}

/* Work that waits for no lock longer than that */
typedef struct Brief
{
	SkGuarded	work;
	void	   *arg;
	int			ms;
} Brief;

static void
run_brief(void *arg)
{
	const Brief *brief = arg;
	int			nest_level = NewGUCNestLevel();

	if (LockTimeout == 0 || LockTimeout > brief->ms)
		(void) set_config_option("lock_timeout", psprintf("%dms", brief->ms),
								 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
								 true, 0, false);
	brief->work(brief->arg);
	AtEOXact_GUC(true, nest_level);
}

/*
 * Run "work" in a subtransaction.  False if it was undone because a lock could not
 * be had within that time; other errors are raised.
 */
bool
sk_guard_in_time(SkGuarded work, void *arg, int ms)
{
	Brief		brief = {work, arg, ms};
	ErrorData  *failure = sk_guard_try(run_brief, &brief, is_lock_failure);

	if (failure == NULL)
		return true;
	FreeErrorData(failure);
	return false;
}

/*
 * Go on as another role, until the guarded work ends.  Whatever runs then can
 * change neither the role nor the session.
 */
void
sk_guard_become(Oid role)
{
	Oid			current;
	int			sec_context;

	GetUserIdAndSecContext(&current, &sec_context);
	SetUserIdAndSecContext(role, sec_context |
						   SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION);
}
