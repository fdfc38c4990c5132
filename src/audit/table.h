/*-------------------------------------------------------------------------
 *
 * audit/table.h
 *	  An audited table, as this session knows it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_TABLE_H
#define SK_AUDIT_TABLE_H

#include "audit/coverage.h"
#include "audit/json_write.h"
#include "audit/options.h"
#include "audit/shape.h"

#include "utils/relcache.h"

typedef enum SkAuditMask
{
	SK_AUDIT_MASK_NONE,
	SK_AUDIT_MASK_NULL,
	SK_AUDIT_MASK_HASH
} SkAuditMask;

typedef struct SkAuditColumn
{
	AttrNumber	attnum;
	JsonbValue	name;
	SkJsonType *type;
	bool		ignored;		/* no event if nothing else changes */
	SkAuditMask mask;
	uint8	   *secret;			/* key of the hashes, with mask "hash" */
} SkAuditColumn;

/*
 * Columns are in jsonb's order of their names.  Those that are excluded,
 * virtual or dropped are not among them.
 */
typedef struct SkAuditTable
{
	Oid			relid;			/* key of the hash table: must be first */
	Oid			root;			/* where a partition has its trigger from */
	bool		valid;
	bool		stale;			/* invalidated while it was being made */
	uint64		aborts;			/* sk_audit_recorded_aborts at that time */
	uint64		names;			/* likewise sk_audit_names_changes */
	MemoryContext context;
	bool		loading;		/* by a dump that has its history: no events */

	Oid			trigger;		/* by which rows are recorded */
	SkAuditOptions *options;
	int64		rel_id;			/* the table's identity in the log */
	int32		shape_id;
	int			ncolumns;
	SkAuditColumn *columns;
	int			nkeys;			/* 0: the table has no key */
	int			nkey_columns;	/* fewer if the option names one twice */
	int		   *key_columns;	/* in the order of their names */
	int		   *key_ranks;		/* in the key's order: which of these */
	bool	   *is_key;			/* for each column */
	SkJsonWriter row_head;		/* objects of all columns, and of the key */
	SkJsonWriter key_head;
} SkAuditTable;

extern void sk_audit_table_init(void);
extern SkAuditTable *sk_audit_table_get(Relation rel);
extern void sk_audit_table_release(void);
extern SkAuditShape *sk_audit_table_shape(Relation root, int64 rel_id,
										  const SkAuditOptions *options);
extern int32 sk_audit_table_record(Relation root, int64 rel_id,
								   const SkAuditOptions *options,
								   const char *reason);

#endif							/* SK_AUDIT_TABLE_H */
