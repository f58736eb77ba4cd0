/* The fields of a head while they are gathered. Pure. */
#ifndef PLUGD_NET_FIELDS_H
#define PLUGD_NET_FIELDS_H

#include <stddef.h>

#include "net/message.h"

/* Zeroed is empty. The list is the arena's. */
struct fields {
	struct http_field *list;
	size_t count;
	size_t cap;
};

void fields_add(struct fields *fields, struct arena *arena, struct http_field field);

#endif
