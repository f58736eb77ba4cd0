/* What whitelist_parse.c builds and whitelist.c answers from; nobody else includes it. */
#ifndef PLUGD_TRUST_WHITELIST_PRIVATE_H
#define PLUGD_TRUST_WHITELIST_PRIVATE_H

#include "base/arena.h"
#include "trust/whitelist.h"

struct whitelist_ref {
	const char *key;
	const struct whitelist_entry *entry;
};

/* Entries in the ascending order of one of their texts. */
struct whitelist_index {
	struct whitelist_ref *rows;
	size_t count;
};

struct whitelist {
	struct arena arena; /* everything below */
	const char *file;
	struct digest digest;		 /* of the text */
	struct whitelist_entry *entries; /* in the order of the file */
	size_t count;
	struct whitelist_index by_path;
	struct whitelist_index by_name; /* only those that have one */
};

#endif
