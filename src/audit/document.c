/*-------------------------------------------------------------------------
 *
 * audit/document.c
 *	  Documents of the audit log, in terms of the table as it is: columns that have
 *	  been renamed meanwhile are found by their numbers.
 *
 * What the names mean is found out once for each shape.  They are kept in the order
 * that jsonb has, so that a document and its shape's names are read side by side.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/document.h"

#include "utils/memutils.h"

typedef struct ColumnName
{
	const char *text;
	int			length;
	AttrNumber	attnum;			/* of the column now; InvalidAttrNumber: it
								 * has gone */
} ColumnName;

typedef struct SkAuditShapeNames
{
	SkAuditShape *shape;
	int			count;
	ColumnName *names;			/* NULL: not known yet */
} SkAuditShapeNames;

struct SkAuditDocumentNames
{
	MemoryContext context;
	const SkAuditShape *current;
	SkAuditShapeNames *last;	/* the one that was asked for last */
	int			count;
	SkAuditShapeNames shapes[FLEXIBLE_ARRAY_MEMBER];
};

/*
 * Names are kept in the current context.
 */
SkAuditDocumentNames *
sk_audit_document_names(const List *shapes, const SkAuditShape *current)
{
	SkAuditDocumentNames *names = palloc0(offsetof(SkAuditDocumentNames, shapes) +
										  sizeof(SkAuditShapeNames) * list_length(shapes));
	ListCell   *lc;

	names->context = CurrentMemoryContext;
	names->current = current;
	foreach(lc, shapes)
		names->shapes[names->count++].shape = lfirst(lc);
	names->last = &names->shapes[0];
	return names;
}

/*
 * The shape of that number, or NULL
 */
SkAuditShape *
sk_audit_document_shape(SkAuditDocumentNames *names, int32 shape_id)
{
	if (names->last->shape->shape_id == shape_id)
		return names->last->shape;
	for (int i = 0; i < names->count; i++)
	{
		if (names->shapes[i].shape->shape_id == shape_id)
		{
			names->last = &names->shapes[i];
			return names->last->shape;
		}
	}
	return NULL;
}

/* Jsonb's order of keys: the shortest first */
static int
compare(const char *a, int alength, const char *b, int blength)
{
	return alength != blength ? alength - blength : memcmp(a, b, alength);
}

static int
in_order(const void *a, const void *b)
{
	const ColumnName *na = a;
	const ColumnName *nb = b;

	return compare(na->text, na->length, nb->text, nb->length);
}

/*
 * Which column of the table is it now?  InvalidAttrNumber if it has gone.
 */
AttrNumber
sk_audit_document_attnum(const SkAuditShape *current, int32 id)
{
	ListCell   *lc;

	foreach(lc, current->columns)
	{
		const SkAuditShapeColumn *column = lfirst(lc);

		if (column->id == id)
			return column->attnum;
	}
	return InvalidAttrNumber;
}

static void
find_names(SkAuditDocumentNames *names, SkAuditShapeNames *shape)
{
	const List *columns = shape->shape->columns;
	ColumnName *found = MemoryContextAlloc(names->context,
										   sizeof(ColumnName) * Max(list_length(columns), 1));
	int			count = 0;
	ListCell   *lc;

	foreach(lc, columns)
	{
		const SkAuditShapeColumn *column = lfirst(lc);

		found[count].text = column->name;
		found[count].length = strlen(column->name);
		found[count++].attnum = sk_audit_document_attnum(names->current, column->id);
	}
	qsort(found, count, sizeof(ColumnName), in_order);
	shape->count = count;
	shape->names = found;
}

/*
 * Begin to read a document that was written when the table had the shape, which is one
 * of those of "names".
 */
void
sk_audit_document_begin(SkAuditDocument *document, SkAuditDocumentNames *names,
						const SkAuditShape *shape, const Jsonb *object)
{
	if (names->last->shape != shape)
		(void) sk_audit_document_shape(names, shape->shape_id);
	Assert(names->last->shape == shape);
	if (names->last->names == NULL)
		find_names(names, names->last);
	document->names = names->last;
	document->name = 0;
	sk_audit_json_read_begin(&document->json, object);
}

/*
 * The next value of a column that there still is, and the column's number;
 * InvalidAttrNumber at the end.  The value stays where it is.
 */
AttrNumber
sk_audit_document_next(SkAuditDocument *document, JsonbValue *value)
{
	const SkAuditShapeNames *shape = document->names;
	JsonbValue	key;

	while (sk_audit_json_read_next(&document->json, &key, value))
	{
		int			order = 1;

		for (; document->name < shape->count; document->name++)
		{
			const ColumnName *name = &shape->names[document->name];

			order = compare(name->text, name->length,
							key.val.string.val, key.val.string.len);
			if (order >= 0)
				break;
		}
		if (document->name < shape->count && order == 0 &&
			shape->names[document->name].attnum != InvalidAttrNumber)
			return shape->names[document->name].attnum;
	}
	return InvalidAttrNumber;
}

/*
 * Go on in a copy of the document, where the last value is, too.
 */
void
sk_audit_document_move(SkAuditDocument *document, const Jsonb *copy, JsonbValue *value)
{
	ptrdiff_t	distance = (const char *) &copy->root - (const char *) document->json.object;

	document->json.object = &copy->root;
	switch (value->type)
	{
		case jbvString:
			value->val.string.val += distance;
			break;
		case jbvNumeric:
			value->val.numeric = (Numeric) ((char *) value->val.numeric + distance);
			break;
		case jbvBinary:
			value->val.binary.data =
				(JsonbContainer *) ((char *) value->val.binary.data + distance);
			break;
		default:
			break;
	}
}
