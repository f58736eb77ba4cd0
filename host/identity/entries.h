/* A file of keys or users: what it says about each, checked and complete. */
#ifndef PLUGD_IDENTITY_ENTRIES_H
#define PLUGD_IDENTITY_ENTRIES_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "identity/principal.h"

#define ENTRIES_MAX_BYTES (16u << 20)
#define ENTRY_NEVER	  INT64_MAX

struct entry {
	struct str name;   /* of a user, or id of a key; unique in the file */
	struct str hash;   /* as it is written */
	int64_t expires_s; /* since 1970; ENTRY_NEVER */
	unsigned line;
	struct principal principal; /* sealed */
};

/* How the two kinds of file differ. */
struct entries_kind {
	const char *list;   /* the key of the whole list: "keys" */
	const char *name;   /* of the key that tells one from another: "id" */
	const char *method; /* of the principals */
	/* NULL, or what is wrong with a name or a hash, as the end of a sentence. */
	const char *(*check_name)(struct str name);
	const char *(*check_hash)(struct str hash);
};

struct entries {
	struct entry *items; /* sorted by name */
	size_t count;
};

/* Reads a file that only root or plugd's own user may read. Everything is in the arena. 0 and *out;
 * or -errno and *err, which names the line and never what is in it. */
int entries_read(const char *path, const struct entries_kind *kind, struct arena *arena,
		 struct entries *out, struct err *err);

/* The same of a text. */
int entries_parse(struct str text, const char *path, const struct entries_kind *kind,
		  struct arena *arena, struct entries *out, struct err *err);

const struct entry *entries_find(const struct entries *entries, struct str name);

#endif
