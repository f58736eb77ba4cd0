/* The fields of a head while they are gathered. http1_head.c and http2_head.c call it. */
#include "net/fields.h"

#include <string.h>

#define FIRST_CAP 16

void fields_add(struct fields *fields, struct arena *arena, struct http_field field)
{
	if (fields->count == fields->cap) {
		size_t cap = fields->cap ? fields->cap * 2 : FIRST_CAP;
		struct http_field *list = arena_alloc(arena, cap * sizeof(*list));

		if (fields->count)
			memcpy(list, fields->list, fields->count * sizeof(*list));
		fields->list = list;
		fields->cap = cap;
	}
	fields->list[fields->count++] = field;
}
