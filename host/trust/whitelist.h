/* The whitelist: which executables may run, and the hash that each must have. This file parses the
 * text and decides; whitelist_file.h reads and writes the file, exec.h obeys. Pure.
 *
 *	version: 1
 *	plugins:
 *	  - name: echo
 *	    path: /opt/plugd/echo
 *	    hash: "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
 *	    algorithm: sha256      # the only one; may be left out
 *	    enabled: true          # may be left out
 *	    metadata: {owner: team-a}
 *	    libraries:             # what it loads is pinned too (libraries.h); may be left out
 *	      - {path: /usr/lib/x86_64-linux-gnu/libc.so.6, hash: "sha256:…"}
 *
 * Strict: only what is listed, enabled and unchanged may run. An entry is found by the real path of
 * the file (after all symbolic links) or by the path as it was asked for; never by its name. An
 * entry with a name is for the plugin of that name only; one without a name is for any plugin. An
 * interpreter is an entry like any other; its name is not compared. */
#ifndef PLUGD_TRUST_WHITELIST_H
#define PLUGD_TRUST_WHITELIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"
#include "trust/digest.h"

#define WHITELIST_VERSION 1

struct whitelist_metadata {
	const char *key;
	const char *value;
};

/* A shared library that the executable loads. */
struct whitelist_library {
	const char *path; /* absolute, without symbolic links */
	struct digest digest;
};

struct whitelist_entry {
	const char *name; /* NULL: any plugin */
	const char *path; /* absolute */
	struct digest digest;
	bool enabled;
	const struct whitelist_metadata *metadata;
	size_t metadata_count;
	bool has_libraries; /* what is loaded is pinned too, perhaps nothing */
	const struct whitelist_library *libraries;
	size_t library_count;
	unsigned line; /* where the entry begins, from 1 */
};

struct whitelist_problem {
	unsigned line;
	struct err err; /* the text begins with "file:line: " */
};

/* Everything that is wrong with a file, in the order of its lines. */
struct whitelist_problems {
	struct whitelist_problem *rows; /* owned */
	size_t count;
	size_t more; /* problems beyond the first hundred, only counted */
};

/* One problem with the file as a whole. Returns rc. */
int whitelist_problems_one(struct whitelist_problems *problems, const struct err *err, int rc);

/* The first, which speaks for all, with how many more there are. There is one at least. */
void whitelist_problems_sum(const struct whitelist_problems *problems, struct err *err);
void whitelist_problems_deinit(struct whitelist_problems *problems);

struct whitelist;

/* Parses the text of a whitelist; `file` is its name in messages. 0 and *out (returns owned), or
 * -EINVAL and one row for each problem in *problems (zeroed before; the caller deinits it either
 * way). */
int whitelist_parse(struct str text, const char *file, struct whitelist **out,
		    struct whitelist_problems *problems);
void whitelist_free(struct whitelist *whitelist); /* NULL is fine */

/* Of the text that it was parsed from. */
const struct digest *whitelist_digest(const struct whitelist *whitelist);

/* In the order of the file. Entries are valid until whitelist_free(). */
size_t whitelist_count(const struct whitelist *whitelist);
const struct whitelist_entry *whitelist_at(const struct whitelist *whitelist, size_t index);
const struct whitelist_entry *whitelist_find_path(const struct whitelist *whitelist,
						  const char *path); /* NULL: none */
const struct whitelist_entry *whitelist_find_name(const struct whitelist *whitelist,
						  const char *name);

/* Who wants to run what. */
struct whitelist_question {
	const char *path;   /* as it was asked for */
	const char *real;   /* the same file without symbolic links */
	const char *plugin; /* the plugin's name; NULL for an interpreter */
};

/* The first half of the decision, before the file is read: is it listed, enabled, and meant for
 * this plugin? 0 and the entry, or -EACCES and *err. */
int whitelist_admit(const struct whitelist *whitelist, const struct whitelist_question *question,
		    const struct whitelist_entry **entry_out, struct err *err);

/* The second half: are these the pinned bytes? 0, or -EACCES and *err. */
int whitelist_check(const struct whitelist *whitelist, const struct whitelist_entry *entry,
		    const struct digest *actual, struct err *err);

#endif
