/* Members of JSON objects. Called by views, replies and capsules. Never fails: memory
 * is there (base/mem.h is jansson's allocator), and text is made valid. */
#include "base/member.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"

void member_init(void)
{
	json_set_alloc_funcs(mem_alloc, free);
}

static struct str text_mend(struct str text, struct buf *mended)
{
	while (text.len > 0) {
		size_t bytes = str_utf8_next(text);

		if (bytes > 0)
			buf_append(mended, text.data, bytes);
		else
			buf_append(mended, "\xef\xbf\xbd", 3);
		text.data += bytes ? bytes : 1;
		text.len -= bytes ? bytes : 1;
	}
	return (struct str){(const char *)buf_front(mended), buf_len(mended)};
}

json_t *text_json(struct str text)
{
	json_t *value = json_stringn(text.len ? text.data : "", text.len);
	struct buf mended = {0};

	if (value)
		return value;
	text = text_mend(text, &mended);
	value = json_stringn_nocheck(text.data, text.len);
	buf_deinit(&mended);
	return value;
}

void member_json(json_t *object, const char *name, json_t *value)
{
	json_object_set_new_nocheck(object, name, value);
}

void member_text(json_t *object, const char *name, const char *text)
{
	member_json(object, name, text ? text_json(str_from(text)) : json_null());
}

void member_str(json_t *object, const char *name, struct str text)
{
	member_json(object, name, text_json(text));
}

void member_int(json_t *object, const char *name, int64_t value)
{
	member_json(object, name, json_integer(value));
}

void member_bool(json_t *object, const char *name, bool value)
{
	member_json(object, name, json_boolean(value));
}
