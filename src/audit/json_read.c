/*-------------------------------------------------------------------------
 *
 * audit/json_read.c
 *	  Objects in jsonb's stored form, read pair by pair.
 *
 * The server's iterator allocates memory and goes into what is nested; here values
 * stay where they are.  It is what json_write.c writes (utils/jsonb.h says how that
 * is laid out).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "audit/json_read.h"

/* The values follow the keys, and begin where these end. */
void
sk_audit_json_read_begin(SkJsonReader *reader, const Jsonb *object)
{
	Assert(JB_ROOT_IS_OBJECT(object));
	reader->object = &object->root;
	reader->npairs = JsonContainerSize(&object->root);
	reader->next = 0;
	reader->key = 0;
	reader->value = getJsonbOffset(&object->root, reader->npairs);
}

static void
set_value(const char *base, JEntry entry, uint32 begin, uint32 end, JsonbValue *value)
{
	if (JBE_ISSTRING(entry))
	{
		value->type = jbvString;
		value->val.string.val = (char *) base + begin;
		value->val.string.len = end - begin;
	}
	else if (JBE_ISNUMERIC(entry))
	{
		value->type = jbvNumeric;
		value->val.numeric = (Numeric) (base + INTALIGN(begin));
	}
	else if (JBE_ISBOOL(entry))
	{
		value->type = jbvBool;
		value->val.boolean = JBE_ISBOOL_TRUE(entry) != 0;
	}
	else if (JBE_ISNULL(entry))
		value->type = jbvNull;
	else
	{
		Assert(JBE_ISCONTAINER(entry));
		value->type = jbvBinary;
		value->val.binary.data = (JsonbContainer *) (base + INTALIGN(begin));
		value->val.binary.len = end - INTALIGN(begin);
	}
}

/*
 * The next pair, which stays where it is; false if there is none.  Keys are in jsonb's
 * order: the shortest first.
 */
bool
sk_audit_json_read_next(SkJsonReader *reader, JsonbValue *key, JsonbValue *value)
{
	const JEntry *entries = reader->object->children;
	const char *base = (const char *) &entries[2 * reader->npairs];
	uint32		key_end = reader->key;
	uint32		value_end = reader->value;
	int			i = reader->next;

	if (i >= reader->npairs)
		return false;
	JBE_ADVANCE_OFFSET(key_end, entries[i]);
	JBE_ADVANCE_OFFSET(value_end, entries[reader->npairs + i]);
	set_value(base, entries[i], reader->key, key_end, key);
	set_value(base, entries[reader->npairs + i], reader->value, value_end, value);
	reader->key = key_end;
	reader->value = value_end;
	reader->next++;
	return true;
}
