/*-------------------------------------------------------------------------
 *
 * attach/feature.h
 *	  What a feature that attaches itself to tables has to say.
 *
 * The event triggers and the functions that work on all features know each of
 * them only through this table of functions, and features do not know each
 * other.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_ATTACH_FEATURE_H
#define SK_ATTACH_FEATURE_H

#include "attach/coverage.h"

#include "commands/trigger.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/relcache.h"

/* What a command is about to do to a table. */
typedef struct SkTableChange
{
	const Node *stmt;			/* the command */
	bool		dropped;		/* the table is dropped */
	bool		cascade;		/* so is what depends on what is dropped */
	List	   *lost;			/* names of columns that are */
	List	   *retyped;		/* of AlterTableCmd, that change a type */
} SkTableChange;

/* Something that is wrong with a table of schemakit's own, or with none. */
typedef struct SkOwnTrouble
{
	Oid			relid;
	const char *state;
	char	   *detail;
} SkOwnTrouble;

typedef struct SkOwnTables
{
	/* Rights on one were granted or revoked; also while a dump is loaded. */
	void		(*granted) (Oid relid);

	/*
	 * A command is about to be run, or CREATE TABLE has been run, by whoever
	 * may do so: raise an error if it changes what is kept from changes.
	 */
	void		(*check_command) (const Node *stmt);

	/*
	 * A command is about to be run, which may change any table of users: what
	 * is known of them must be up to date.
	 */
	void		(*before_command) (const Node *stmt);

	/* What is wrong with them, a list of SkOwnTrouble. */
	List	   *(*troubles) (void);
} SkOwnTables;

/* The state of a table that a rule names, or a trigger is on, and that is left alone */
#define SK_LEFT_ALONE	"left alone"

/* What a table has got, so that a rule may suit it that did not before. */
typedef struct SkGain
{
	List	   *columns;		/* C strings */
	bool		primary_key;
} SkGain;

typedef struct SkFeature
{
	const char *name;			/* as in auto_enable(name) */
	const char *function;		/* its row trigger is on schemakit.function() */
	const SkTriggerSpec *triggers;	/* all that it needs, that one first */
	const bool *automatic;		/* the setting: do rules apply? */
	bool		inherited;		/* do tables that inherit get it, too? */

	/* Raise an error that names what is wrong with a rule's options. */
	void		(*check_options) (const Jsonb *options);

	/*
	 * Would a rule with these options attach to the table?  With "gain", only
	 * because of that; NULL means that the whole table is considered.
	 */
	bool		(*wants) (Relation rel, const Jsonb *options, const SkGain *gain);

	/*
	 * Do the options give tables anything?  Can they give a whole table what
	 * it lacks, so that wants() says yes?  Do so: it is locked, but not open,
	 * so that it can be altered.  All or none of these.
	 */
	bool		(*equips) (const Jsonb *options);
	bool		(*can_equip) (Relation rel, const Jsonb *options);
	void		(*equip) (Oid relid, const Jsonb *options);

	/*
	 * Do so, with a trigger in the state TRIGGER_FIRES_* or TRIGGER_DISABLED;
	 * wants() has said yes.
	 */
	void		(*attach) (Relation rel, const Jsonb *options, char fires_when);

	/*
	 * The table's trigger does not do its work, but is enabled: make it and
	 * the others as they should be, with the arguments that it has.  False if
	 * it is left alone.
	 */
	bool		(*repair) (Relation rel, const Trigger *trigger);

	/* What status() tells of a table that has lost its trigger.  Optional. */
	char	   *(*lost) (Relation rel);

	/* Why does a rule leave it alone, if that may surprise?  Optional. */
	char	   *(*objection) (Relation rel, const Jsonb *options);

	/* Has the table lost what is no trigger, and mend() makes?  Optional. */
	bool		(*is_damaged) (Relation rel);
	void		(*mend) (Relation rel);

	/* What do a rule's options name that is not there?  Optional. */
	char	   *(*lacks) (const Jsonb *options);

	/*
	 * A column of a table that has the feature's trigger was renamed, or
	 * dropped if "to" is NULL.  False if the trigger is gone because of it.
	 */
	bool		(*column_changed) (Relation rel, const Trigger *trigger,
								   const char *from, const char *to);

	/*
	 * A column that the trigger itself changes with every change of a row, so
	 * that it tells nothing new; NULL if there is none.  Optional.
	 */
	const char *(*maintains) (Relation rel, const Trigger *trigger);

	/*
	 * The column whose time marks a row as deleted; NULL if there is none.
	 * Optional.
	 */
	const char *(*marks) (Relation rel, const Trigger *trigger);

	/*
	 * A relation that who reads it locks before the table, and that changes
	 * with the table; InvalidOid if there is none.  Optional.
	 */
	Oid			(*companion) (Oid relid);

	/*
	 * A command is about to alter a table that has the feature's trigger, or
	 * has lost it and still has the companion; both are locked.  Optional.
	 */
	void		(*before) (Relation rel, const SkTableChange *change);

	/*
	 * The table was made or altered, or is a partition now or no longer
	 * (detached), or has lost a trigger: see to what depends on its
	 * definition. Also called while a dump is loaded.  Optional.
	 */
	void		(*altered) (Relation rel, bool detached);

	/* A table became a partition (attached), or no longer is one.  Optional. */
	void		(*moved) (Relation parent, Relation child, bool attached);

	/* Columns' types, or the names of values, changed; computed: any value. */
	void		(*retyped) (Relation rel, List *columns, bool computed);

	/* A table was dropped that may have had the trigger.  Optional. */
	void		(*dropped) (Oid relid, const char *schema, const char *name);

	/*
	 * Has before() taken away something of the table's that altered() puts
	 * back?  Then the command fails if that does: the server would not have
	 * let it pass with what was there.  Optional.
	 */
	bool		(*owes) (Oid relid);

	/* The tables of which before() has done so for the command.  Optional. */
	List	   *(*owed) (const Node *stmt);

	/* Rights on a table with the trigger were granted or revoked.  Optional. */
	void		(*granted) (const GrantStmt *stmt, Oid relid);

	/*
	 * Why does a trigger that fires leave the table alone?  Or NULL.
	 * Optional.
	 */
	char	   *(*idle) (Relation rel, const Trigger *trigger);

	/*
	 * Why does the trigger, though enabled, not do its work?  A word for
	 * status(), or NULL; "detail" tells more in either case.
	 */
	const char *(*fault) (Relation rel, const Trigger *trigger,
						  char **detail);

	/* What it says of tables of schemakit's own.  Optional. */
	const SkOwnTables *own;

	/*
	 * The extension is about to be dropped: raise an error if something would
	 * be lost that nobody can bring back.  Optional.
	 */
	void		(*uninstall) (void);
} SkFeature;

/* All of them, as the door lists them; the last entry is NULL. */
extern const SkFeature *const sk_features[];

/* Something that is done for a feature */
typedef void (*SkFeatureWork) (const SkFeature *feature, void *arg);

extern const SkFeature *sk_feature_find(const char *name);
extern bool sk_feature_gained(const SkGain *gain, const char *col);
extern void sk_feature_each(SkFeatureWork work, void *arg,
							const char *purpose, Oid relid);
extern void sk_feature_one(const SkFeature *feature, SkFeatureWork work,
						   void *arg, const char *purpose, Oid relid);
extern void sk_feature_prepare(const SkFeature *feature, SkFeatureWork work,
							   void *arg, const char *purpose, Oid relid);
extern void sk_feature_require(const SkFeature *feature, SkFeatureWork work,
							   void *arg);
extern void sk_feature_own_granted(List *relids);
extern void sk_feature_own_check(const Node *stmt);
extern bool sk_feature_is_owed(Oid relid);

#endif							/* SK_ATTACH_FEATURE_H */
