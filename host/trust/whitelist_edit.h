/* Changing the text of a whitelist without losing what people wrote around the entries: comments,
 * order and spacing stay as they are. Pure. */
#ifndef PLUGD_TRUST_WHITELIST_EDIT_H
#define PLUGD_TRUST_WHITELIST_EDIT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "trust/whitelist.h"

struct whitelist_pin {
	const char *name; /* NULL: for any plugin; an existing entry keeps its name */
	const char *path; /* absolute, without symbolic links */
	struct digest digest;
	/* Of a new entry. One that is there keeps what it has, and is refused when that differs. */
	const struct whitelist_metadata *metadata;
	size_t metadata_count;
	bool has_libraries;
	const struct whitelist_library *libraries; /* likewise */
	size_t library_count;
};

enum whitelist_change {
	WHITELIST_ADDED,
	WHITELIST_REPLACED, /* the entry with this path has another hash, or is enabled again */
	WHITELIST_UNCHANGED
};

/* Appends the whole new text to *out (unchanged text too). `file` is the name in messages. The old
 * text may be empty, and must else be a whitelist that parses. 0, or -EINVAL and *err. */
int whitelist_edit(struct str old_text, const char *file, const struct whitelist_pin *pin,
		   struct buf *out, enum whitelist_change *change_out, struct err *err);

/* Takes the entry with this path, or else with this name, out of the text: its lines, and the
 * comments on them; comments above it stay. Appends the whole new text to *out. 0, -ENOENT (no such
 * entry) or -EINVAL, and *err. */
int whitelist_remove(struct str old_text, const char *file, const char *path_or_name,
		     struct buf *out, struct err *err);

#endif
