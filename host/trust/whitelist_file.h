/* The whitelist as a file: loading it, pinning an executable in it, checking all that it lists.
 * Used by the host at start and by `plugctl whitelist`. */
#ifndef PLUGD_TRUST_WHITELIST_FILE_H
#define PLUGD_TRUST_WHITELIST_FILE_H

#include "base/err.h"
#include "trust/whitelist.h"
#include "trust/whitelist_edit.h"

/* Appends the bytes of a whitelist, or of a file that belongs to one, to *out. Refuses what is no
 * regular file, what everybody may write, and what is too large. 0, or -errno and *err. */
int whitelist_read(const char *file, struct buf *out, struct err *err);
struct str whitelist_text(const struct buf *buf); /* what was read; valid as long as it is */

/* Reads and parses. 0 and *out (returns owned), or -errno and at least one problem (see
 * whitelist_parse()). */
int whitelist_load(const char *file, struct whitelist **out, struct whitelist_problems *problems);

/* Adds the pin to the file, or changes the entry with its path; comments and order stay. Makes the
 * file (mode 0644) when there is none. The new text replaces the old at once (temporary file,
 * fsync, rename), so nobody ever reads half of it. Refuses a file that whitelist_load() refuses. 0,
 * or -errno and *err. */
int whitelist_pin(const char *file, const struct whitelist_pin *pin,
		  enum whitelist_change *change_out, struct err *err);

/* Removes the entry with this path, or else with this name (whitelist_remove()). 0, or -errno and
 * *err. */
int whitelist_unpin(const char *file, const char *path_or_name, struct err *err);

/* What a check of one entry came to; err.code is 0 when the file may run as it is. */
typedef void whitelist_verify_fn(void *user, const struct whitelist_entry *entry,
				 const struct err *err);

/* Reads every enabled entry's file again and tells the result of each entry, in the order of the
 * file; a disabled entry is told with ERR_WHITELIST_DISABLED. Returns the number of enabled entries
 * that may not run as they are. */
size_t whitelist_verify(const struct whitelist *whitelist, whitelist_verify_fn *on_result,
			void *user);

#endif
