/*-------------------------------------------------------------------------
 *
 * attach/uninstall.c
 *	  Commands that drop the extension: DROP EXTENSION, and DROP OWNED BY the
 *	  role that owns it.
 *
 * A feature may refuse, where something would be lost that nobody can bring
 * back.  Whoever may not drop the extension is told so by the server itself.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "attach/uninstall.h"

#include "attach/feature.h"
#include "schemakit.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

/* The role that owns the extension. */
static Oid
extension_owner(void)
{
	Relation	pg_extension = table_open(ExtensionRelationId, AccessShareLock);
	Oid			owner = InvalidOid;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber,
				F_NAMEEQ, CStringGetDatum(SK_EXTENSION));
	scan = systable_beginscan(pg_extension, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		owner = ((Form_pg_extension) GETSTRUCT(tuple))->extowner;
	systable_endscan(scan);
	table_close(pg_extension, AccessShareLock);
	return owner;
}

static bool
names_extension(const DropStmt *stmt)
{
	ListCell   *lc;

	if (stmt->removeType != OBJECT_EXTENSION)
		return false;
	foreach(lc, stmt->objects)
	{
		if (strcmp(strVal(lfirst(lc)), SK_EXTENSION) == 0)
			return true;
	}
	return false;
}

static bool
names_owner(const DropOwnedStmt *stmt, Oid owner)
{
	ListCell   *lc;

	foreach(lc, stmt->roles)
	{
		if (get_rolespec_oid(lfirst(lc), true) == owner)
			return true;
	}
	return false;
}

/*
 * The extension, locked as the command will lock it: before the log, or two such
 * commands could deadlock.  False if it is gone by then.
 */
static bool
lock_extension(void)
{
	Oid			extension = get_extension_oid(SK_EXTENSION, true);

	if (!OidIsValid(extension))
		return false;
	LockDatabaseObject(ExtensionRelationId, extension, 0, AccessExclusiveLock);
	return get_extension_oid(SK_EXTENSION, true) == extension;
}

/*
 * A command is about to be run: if it drops the extension, ask the features.
 */
void
sk_uninstall_before(const Node *stmt)
{
	Oid			owner;

	if (IsA(stmt, DropStmt) && !names_extension((const DropStmt *) stmt))
		return;
	owner = extension_owner();
	if (!OidIsValid(owner) || !has_privs_of_role(GetUserId(), owner))
		return;
	if (IsA(stmt, DropOwnedStmt) &&
		!names_owner((const DropOwnedStmt *) stmt, owner))
		return;
	if (!lock_extension())
		return;
	for (const SkFeature *const *f = sk_features; *f; f++)
	{
		if ((*f)->uninstall != NULL)
			(*f)->uninstall();
	}
}
