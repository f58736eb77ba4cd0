/* Which certificate answers to a name that a client asks for (SNI, RFC 6066). Pure. */
#ifndef PLUGD_NET_TLS_NAMES_H
#define PLUGD_NET_TLS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define TLS_NAME_BYTES 254 /* of the longest name, with its NUL */

struct tls_name {
	char *text; /* in lower case */
	size_t index;
};

/* Zeroed is empty. */
struct tls_names {
	struct tls_name *items;
	size_t count;
	size_t room;
	bool is_sorted;
};

/* "example.com", or "*.example.com" for what has one label in the place of the star. Any case. */
bool tls_name_is_valid(struct str name);

/* `name`, which must be valid, leads to `index`. When it is there already, the lower index wins. */
void tls_names_add(struct tls_names *names, struct str name, size_t index);

/* Looks for the name itself, then for its wildcard. `name` may be any bytes. */
bool tls_names_find(struct tls_names *names, struct str name, size_t *index_out);

void tls_names_deinit(struct tls_names *names); /* leaves it empty */

#endif
