/* The audit trail as a file: a SQLite database with one table. The host writes it (audit.h);
 * plugctl looks at it, also while the host runs. Triggers in the file refuse changes; they are a
 * hint to people, the wall is the chain. */
#ifndef PLUGD_TRUST_AUDIT_FILE_H
#define PLUGD_TRUST_AUDIT_FILE_H

#include <stdbool.h>

#include "base/err.h"
#include "store/store.h"
#include "trust/audit_chain.h"

/* Opens it, and makes it when there is none, unless it is only looked at. Refuses a schema that is
 * not exactly ours: what else is in it could change what is written. 0 and *out (returns owned), or
 * -errno and *err of ERR_AUDIT_FILE. */
int audit_file_open(const char *path, bool is_readonly, struct store **out, struct err *err);

/* ---- reading, record by record ---- */

struct audit_cursor;

/* From the first record whose number is `from` or above. 0 and *out (returns owned), or -errno and
 * *err. */
int audit_cursor_open(struct store *store, int64_t from, struct audit_cursor **out,
		      struct err *err);

/* 1: *row is the next record, its texts valid until the next call; 0: there is none; or -errno
 * and *err: -EBADMSG for a row that can't be a record. */
int audit_cursor_next(struct audit_cursor *cursor, struct audit_row *row, struct err *err);
void audit_cursor_close(struct audit_cursor *cursor); /* NULL is fine */

/* ---- for the one who writes ---- */

/* 0 and the last place of the chain, zeroed when there is none; or -errno and *err. */
int audit_file_tail(struct store *store, struct audit_link *out, struct err *err);

/* Inside a transaction. 0, or -errno and *err. */
int audit_file_add(struct store *store, const struct audit_row *row, struct err *err);

#endif
