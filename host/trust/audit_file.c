/* The table of the audit trail, and how rows go in and out of it. What comes out is what a file
 * says, which anybody may have written: lengths are checked, and nothing is believed before the
 * chain was. */
#include "trust/audit_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "observe/errors.h"

#define APPLICATION_ID 0x50417564 /* "PAud" */

/* A reader that recovers the log holds a lock for a moment; the loop must not wait for longer. */
#define WRITER_WAIT_MS 50
#define READER_WAIT_MS 5000

#define TABLE                                                                                      \
	"CREATE TABLE record (seq INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, "                 \
	"event TEXT NOT NULL, subject TEXT NOT NULL, actor TEXT NOT NULL, "                        \
	"details TEXT NOT NULL, previous BLOB NOT NULL, hash BLOB NOT NULL) STRICT"
#define KEEP_CONTENT                                                                               \
	"CREATE TRIGGER keep_content BEFORE UPDATE ON record "                                     \
	"BEGIN SELECT RAISE(ABORT, 'a record of the audit trail is not changed'); END"
#define KEEP_ROWS                                                                                  \
	"CREATE TRIGGER keep_rows BEFORE DELETE ON record "                                        \
	"BEGIN SELECT RAISE(ABORT, 'a record of the audit trail is not removed'); END"

static const char *const migrations[] = {TABLE "; " KEEP_CONTENT "; " KEEP_ROWS ";", NULL};

/* As SQLite keeps it, by name. */
static const char *const schema[] = {KEEP_CONTENT, KEEP_ROWS, TABLE};

#define SCHEMA_COUNT (sizeof(schema) / sizeof(schema[0]))

static int refuse_schema(struct err *err)
{
	err_set(err, ERR_AUDIT_FILE,
		"somebody has changed the schema of the audit trail, so that it may not keep what "
		"is written");
	return -EBADMSG;
}

static int check_schema(struct store *store, struct err *err)
{
	struct store_statement *statement;
	size_t count = 0;
	int r = store_prepare(store, "SELECT sql FROM sqlite_schema ORDER BY name", &statement,
			      err);

	if (r < 0)
		return r;
	while ((r = store_step(statement, err)) == 1) {
		if (count == SCHEMA_COUNT ||
		    !str_eq(store_str(statement, 0), str_from(schema[count++]))) {
			r = refuse_schema(err);
			break;
		}
	}
	store_statement_free(statement);
	return r == 0 && count < SCHEMA_COUNT ? refuse_schema(err) : r;
}

int audit_file_open(const char *path, bool is_readonly, struct store **out, struct err *err)
{
	struct store_opts opts = {
		.path = path,
		.err_code = ERR_AUDIT_FILE,
		.is_readonly = is_readonly,
		.busy_ms = is_readonly ? READER_WAIT_MS : WRITER_WAIT_MS,
		.migrations = migrations,
		.application_id = APPLICATION_ID,
	};
	int r = store_open(&opts, out, err);

	if (r < 0)
		return r;
	r = check_schema(*out, err);
	if (r == 0)
		return 0;
	store_close(*out);
	*out = NULL;
	return r;
}

/* ---- reading ---- */

struct audit_cursor {
	struct store_statement *statement;
};

int audit_cursor_open(struct store *store, int64_t from, struct audit_cursor **out, struct err *err)
{
	struct store_statement *statement;
	int r = store_prepare(store,
			      "SELECT seq, time_ms, event, subject, actor, details, previous, hash "
			      "FROM record WHERE seq >= ?1 ORDER BY seq",
			      &statement, err);

	if (r < 0)
		return r;
	store_bind_int(statement, 1, from);
	*out = mem_new(struct audit_cursor);
	(*out)->statement = statement;
	return 0;
}

static bool take_digest(struct store_statement *statement, int column, struct digest *out)
{
	struct str bytes = store_str(statement, column);

	if (bytes.len != DIGEST_BYTES)
		return false;
	memcpy(out->bytes, bytes.data, DIGEST_BYTES);
	return true;
}

int audit_cursor_next(struct audit_cursor *cursor, struct audit_row *row, struct err *err)
{
	struct store_statement *statement = cursor->statement;
	int r = store_step(statement, err);

	if (r <= 0)
		return r;
	row->seq = store_int(statement, 0);
	row->time_ms = store_int(statement, 1);
	row->event = store_str(statement, 2);
	row->subject = store_str(statement, 3);
	row->actor = store_str(statement, 4);
	row->details = store_str(statement, 5);
	if (take_digest(statement, 6, &row->previous) && take_digest(statement, 7, &row->hash))
		return 1;
	err_set(err, ERR_AUDIT_CHAIN, "record %" PRId64 " was changed: its hashes are none",
		row->seq);
	return -EBADMSG;
}

void audit_cursor_close(struct audit_cursor *cursor)
{
	if (!cursor)
		return;
	store_statement_free(cursor->statement);
	free(cursor);
}

/* ---- writing ---- */

int audit_file_tail(struct store *store, struct audit_link *out, struct err *err)
{
	struct store_statement *statement;
	int r = store_prepare(store, "SELECT seq, hash FROM record ORDER BY seq DESC LIMIT 1",
			      &statement, err);

	if (r < 0)
		return r;
	*out = (struct audit_link){0};
	r = store_step(statement, err);
	if (r == 1) {
		out->seq = store_int(statement, 0);
		r = take_digest(statement, 1, &out->hash) ? 0 : -EBADMSG;
		if (r < 0)
			err_set(err, ERR_AUDIT_CHAIN,
				"record %" PRId64 " was changed: its hash is none", out->seq);
	}
	store_statement_free(statement);
	return r;
}

int audit_file_add(struct store *store, const struct audit_row *row, struct err *err)
{
	struct store_statement *statement;
	int r = store_prepare(store, "INSERT INTO record VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
			      &statement, err);

	if (r < 0)
		return r;
	store_bind_int(statement, 1, row->seq);
	store_bind_int(statement, 2, row->time_ms);
	store_bind_str(statement, 3, row->event);
	store_bind_str(statement, 4, row->subject);
	store_bind_str(statement, 5, row->actor);
	store_bind_str(statement, 6, row->details);
	store_bind_bytes(statement, 7, row->previous.bytes, DIGEST_BYTES);
	store_bind_bytes(statement, 8, row->hash.bytes, DIGEST_BYTES);
	r = store_step(statement, err);
	store_statement_free(statement);
	return r;
}
