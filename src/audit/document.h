/*-------------------------------------------------------------------------
 *
 * audit/document.h
 *	  Documents of the audit log, in terms of the table as it is.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SK_AUDIT_DOCUMENT_H
#define SK_AUDIT_DOCUMENT_H

#include "audit/json_read.h"
#include "audit/shape.h"

/* What names of columns in documents mean; all shapes of a table have some. */
typedef struct SkAuditDocumentNames SkAuditDocumentNames;

/* A document that is being read */
typedef struct SkAuditDocument
{
	const struct SkAuditShapeNames *names;
	int			name;			/* the next one */
	SkJsonReader json;
} SkAuditDocument;

extern SkAuditDocumentNames *sk_audit_document_names(const List *shapes,
													 const SkAuditShape *current);
extern AttrNumber sk_audit_document_attnum(const SkAuditShape *current, int32 id);
extern SkAuditShape *sk_audit_document_shape(SkAuditDocumentNames *names,
											 int32 shape_id);
extern void sk_audit_document_begin(SkAuditDocument *document,
									SkAuditDocumentNames *names,
									const SkAuditShape *shape,
									const Jsonb *object);
extern AttrNumber sk_audit_document_next(SkAuditDocument *document,
										 JsonbValue *value);
extern void sk_audit_document_move(SkAuditDocument *document, const Jsonb *copy,
								   JsonbValue *value);

#endif							/* SK_AUDIT_DOCUMENT_H */
