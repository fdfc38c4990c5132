/*-------------------------------------------------------------------------
 *
 * audit/reader.h
 *	  What the audit log says of a table, in terms of the table as it is.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_READER_H
#define SK_AUDIT_READER_H

#include "audit/document.h"
#include "audit/json.h"
#include "audit/shape.h"
#include "base/rights.h"

#include "access/tupdesc.h"

typedef struct SkAuditReader
{
	Oid			relid;
	Oid			owner;
	bool		partitioned;
	double		rows;			/* as the server estimates */
	bool		all;			/* does the current user read the whole log? */
	char	   *name;			/* qualified, for SQL */
	char	   *label;			/* for messages */
	int64		rel_id;
	TupleDesc	tupdesc;
	SkJsonType **types;			/* by attribute number - 1 */
	List	   *shapes;			/* oldest first; not empty */
	SkAuditShape *current;		/* the table as it is */
	int			nkeys;
	AttrNumber *keys;			/* in the order of the key */
	SkAuditDocumentNames *names;
} SkAuditReader;

extern SkAuditReader *sk_audit_reader_open(Oid relid);
extern bool sk_audit_reader_as_owner(const SkAuditReader *reader);
extern SkAuditShape *sk_audit_reader_shape(const SkAuditReader *reader,
										   int32 shape_id);
extern JsonbValue *sk_audit_reader_key(SkAuditReader *reader,
									   const Jsonb *given);
extern Datum sk_audit_reader_given(const SkAuditReader *reader,
								   AttrNumber attnum, const JsonbValue *given,
								   bool *isnull, JsonbValue *encoded);
extern JsonbValue *sk_audit_reader_key_of(const SkAuditReader *reader,
										  const JsonbValue *values);
extern char *sk_audit_reader_identity(const JsonbValue *values, int nvalues,
									  bool is_key);
extern bool sk_audit_reader_is_same_key(const SkAuditReader *reader,
										const JsonbValue *a,
										const JsonbValue *b);
extern void sk_audit_reader_values(const SkAuditReader *reader,
								   const SkAuditShape *shape,
								   const Jsonb *document, JsonbValue *values);
extern Datum sk_audit_reader_shape_ids(const SkAuditReader *reader);
extern void sk_audit_reader_check_primary(const char *function);
extern void sk_audit_reader_begin(SkRights *saved);
extern void sk_audit_reader_begin_quick(SkRights *saved);

#endif							/* SK_AUDIT_READER_H */
