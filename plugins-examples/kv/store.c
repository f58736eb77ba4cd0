/* The SQLite file. What store_put() and store_delete() have acknowledged is on the disk (WAL, with
 * a sync for each transaction). Owns the connection and one prepared statement for each verb; every
 * verb leaves its statement reset, so that no transaction stays open between two calls. */
#include "store.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum verb { VERB_GET, VERB_PUT, VERB_DELETE, VERB_SCAN, VERB_VERSION, VERB_COUNT };

/* `puts` tells a new entry from a replaced one in the same statement. */
static const char schema[] = "PRAGMA journal_mode = WAL;"
			     "PRAGMA synchronous = FULL;"
			     "CREATE TABLE IF NOT EXISTS entries ("
			     " key BLOB PRIMARY KEY NOT NULL CHECK (length(key) <= 255),"
			     " value BLOB NOT NULL CHECK (length(value) <= 32768),"
			     " puts INTEGER NOT NULL"
			     ") STRICT";

static const char *const statements[VERB_COUNT] = {
	[VERB_GET] = "SELECT value FROM entries WHERE key = ?1",
	[VERB_PUT] = "INSERT INTO entries (key, value, puts) VALUES (?1, ?2, 1)"
		     " ON CONFLICT (key) DO UPDATE SET value = excluded.value, puts = puts + 1"
		     " RETURNING puts",
	[VERB_DELETE] = "DELETE FROM entries WHERE key = ?1",
	[VERB_SCAN] = "SELECT key, value FROM entries WHERE key >= ?1 ORDER BY key",
	[VERB_VERSION] = "PRAGMA data_version",
};

struct store {
	sqlite3 *database;
	sqlite3_stmt *verbs[VERB_COUNT];
};

static enum store_result result_of(int status)
{
	switch (status & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
		return STORE_OK;
	case SQLITE_DONE:
		return STORE_NOT_FOUND;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return STORE_BUSY;
	case SQLITE_FULL:
		return STORE_FULL;
	default:
		return STORE_FAILED;
	}
}

static bool store_prepare(struct store *store, const char *path, int busy_timeout_ms)
{
	if (sqlite3_open_v2(path, &store->database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
			    NULL) != SQLITE_OK)
		return false;
	sqlite3_busy_timeout(store->database, busy_timeout_ms);
	if (sqlite3_exec(store->database, schema, NULL, NULL, NULL) != SQLITE_OK)
		return false;
	for (int verb = 0; verb < VERB_COUNT; verb++) {
		if (sqlite3_prepare_v3(store->database, statements[verb], -1,
				       SQLITE_PREPARE_PERSISTENT, &store->verbs[verb],
				       NULL) != SQLITE_OK)
			return false;
	}
	return true;
}

struct store *store_open(const char *path, int busy_timeout_ms, char *why, size_t why_size)
{
	struct store *store = calloc(1, sizeof(*store));

	if (store && store_prepare(store, path, busy_timeout_ms))
		return store;
	snprintf(why, why_size, "%s: %s", path,
		 store && store->database ? sqlite3_errmsg(store->database) : "out of memory");
	store_close(store);
	return NULL;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	for (int verb = 0; verb < VERB_COUNT; verb++)
		sqlite3_finalize(store->verbs[verb]);
	sqlite3_close(store->database);
	free(store);
}

const char *store_error(const struct store *store)
{
	return sqlite3_errmsg(store->database);
}

/* Bytes without a length are an empty blob too, not NULL. */
static void bind_bytes(sqlite3_stmt *statement, int index, struct plug_bytes bytes)
{
	sqlite3_bind_blob(statement, index, bytes.len > 0 ? bytes.data : "", (int)bytes.len,
			  SQLITE_STATIC);
}

static struct plug_bytes column_bytes(sqlite3_stmt *statement, int column)
{
	const void *data = sqlite3_column_blob(statement, column);

	return (struct plug_bytes){data, (size_t)sqlite3_column_bytes(statement, column)};
}

/* Ends what the statement has begun, and forgets the bytes that it borrowed. */
static void verb_end(sqlite3_stmt *statement)
{
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
}

static enum store_result value_copy(struct plug_bytes from, struct store_value *value_out)
{
	if (from.len > sizeof(value_out->data))
		return STORE_FAILED;
	value_out->len = from.len;
	if (from.len > 0)
		memcpy(value_out->data, from.data, from.len);
	return STORE_OK;
}

enum store_result store_get(struct store *store, struct plug_bytes key,
			    struct store_value *value_out)
{
	sqlite3_stmt *get = store->verbs[VERB_GET];
	enum store_result result;

	bind_bytes(get, 1, key);
	result = result_of(sqlite3_step(get));
	if (result == STORE_OK)
		result = value_copy(column_bytes(get, 0), value_out);
	verb_end(get);
	return result;
}

/* The first step writes and tells the row, the second one commits. */
enum store_result store_put(struct store *store, struct plug_bytes key, struct plug_bytes value,
			    bool *created_out)
{
	sqlite3_stmt *put = store->verbs[VERB_PUT];
	int status;

	bind_bytes(put, 1, key);
	bind_bytes(put, 2, value);
	status = sqlite3_step(put);
	if (status == SQLITE_ROW) {
		*created_out = sqlite3_column_int64(put, 0) == 1;
		status = sqlite3_step(put);
	}
	verb_end(put);
	return status == SQLITE_DONE ? STORE_OK : result_of(status);
}

enum store_result store_delete(struct store *store, struct plug_bytes key)
{
	sqlite3_stmt *delete = store->verbs[VERB_DELETE];
	int status;

	bind_bytes(delete, 1, key);
	status = sqlite3_step(delete);
	verb_end(delete);
	if (status == SQLITE_DONE && sqlite3_changes(store->database) > 0)
		return STORE_OK;
	return result_of(status);
}

int64_t store_version(struct store *store)
{
	sqlite3_stmt *version = store->verbs[VERB_VERSION];
	int64_t result =
		sqlite3_step(version) == SQLITE_ROW ? sqlite3_column_int64(version, 0) : -1;

	verb_end(version);
	return result;
}

void store_scan(struct store *store, struct plug_bytes from)
{
	bind_bytes(store->verbs[VERB_SCAN], 1, from);
}

enum store_result store_next(struct store *store, struct store_entry *entry_out)
{
	sqlite3_stmt *scan = store->verbs[VERB_SCAN];
	enum store_result result = result_of(sqlite3_step(scan));

	if (result == STORE_OK) {
		entry_out->key = column_bytes(scan, 0);
		entry_out->value = column_bytes(scan, 1);
	}
	return result;
}

void store_scan_end(struct store *store)
{
	verb_end(store->verbs[VERB_SCAN]);
}
