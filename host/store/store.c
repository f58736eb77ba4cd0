/* The one user of SQLite.
 *
 * Owns the connection. A file is made beside its place and renamed when it is whole, so that a
 * crash never leaves a half-made one, and an empty one is known to be damage. Called by whoever
 * keeps something on disk; it knows no table. It fails with the sentence of SQLite and an errno
 * that says what kind of failure it is, and never retries. */
#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

#define NEW_MODE 0600

struct store {
	sqlite3 *db;
	char *path; /* owned */
	char *wal;  /* of its write-ahead log; owned */
	struct stat place;
	struct stat wal_place; /* st_ino 0: it was not there yet */
	int err_code;
	int version;
	bool is_readonly;
};

struct store_statement {
	struct store *store;
	sqlite3_stmt *stmt;
};

/* ---- errors ---- */

static int errno_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_FULL:
		return ENOSPC;
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return EROFS;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return EBADMSG;
	case SQLITE_CANTOPEN:
		return ENOENT;
	case SQLITE_NOMEM:
		return ENOMEM;
	default:
		return EIO;
	}
}

static int fail(const struct store *store, struct err *err)
{
	int code = sqlite3_extended_errcode(store->db);
	int system = sqlite3_system_errno(store->db);
	bool is_system = system != 0 && (errno_of(code) == EIO || errno_of(code) == ENOENT);

	err_set(err, store->err_code, "%s: %s%s%s", store->path, sqlite3_errmsg(store->db),
		is_system ? ": " : "", is_system ? strerror(system) : "");
	return -errno_of(code);
}

/* ---- running ---- */

/* SQL without results, also several statements. */
static int run(struct store *store, const char *sql, struct err *err)
{
	int r = sqlite3_exec(store->db, sql, NULL, NULL, NULL);

	return r == SQLITE_OK ? 0 : fail(store, err);
}

int store_begin(struct store *store, struct err *err)
{
	return run(store, "BEGIN IMMEDIATE", err);
}

int store_commit(struct store *store, struct err *err)
{
	return run(store, "COMMIT", err);
}

void store_roll_back(struct store *store)
{
	if (!sqlite3_get_autocommit(store->db))
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

int store_prepare(struct store *store, const char *sql, struct store_statement **out,
		  struct err *err)
{
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) !=
	    SQLITE_OK)
		return fail(store, err);
	*out = mem_new(struct store_statement);
	**out = (struct store_statement){store, stmt};
	return 0;
}

void store_statement_free(struct store_statement *statement)
{
	if (!statement)
		return;
	sqlite3_finalize(statement->stmt);
	free(statement);
}

/* An index that is none, or a statement that runs, is our bug. */
static void check_bound(int r)
{
	assert(r == SQLITE_OK || r == SQLITE_NOMEM);
}

void store_bind_int(struct store_statement *statement, int index, int64_t value)
{
	check_bound(sqlite3_bind_int64(statement->stmt, index, value));
}

void store_bind_str(struct store_statement *statement, int index, struct str text)
{
	check_bound(sqlite3_bind_text64(statement->stmt, index, text.data ? text.data : "",
					text.len, SQLITE_STATIC, SQLITE_UTF8));
}

void store_bind_bytes(struct store_statement *statement, int index, const void *data, size_t len)
{
	check_bound(sqlite3_bind_blob64(statement->stmt, index, data, len, SQLITE_STATIC));
}

int store_step(struct store_statement *statement, struct err *err)
{
	switch (sqlite3_step(statement->stmt)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	default:
		return fail(statement->store, err);
	}
}

int64_t store_int(struct store_statement *statement, int column)
{
	return sqlite3_column_int64(statement->stmt, column);
}

struct str store_str(struct store_statement *statement, int column)
{
	const void *data = sqlite3_column_blob(statement->stmt, column);

	return (struct str){data, (size_t)sqlite3_column_bytes(statement->stmt, column)};
}

/* ---- what is at the path ---- */

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static int refuse(const struct store *store, int errnum, struct err *err, const char *why)
{
	err_set(err, store->err_code, "%s: %s", store->path, why);
	return -errnum;
}

int store_check_place(const struct store *store, struct err *err)
{
	struct stat now;

	if (stat(store->path, &now) < 0 || !is_same(&now, &store->place))
		return refuse(store, ESTALE, err,
			      "the file was removed or replaced while it was open");
	if (store->wal_place.st_ino != 0 &&
	    (stat(store->wal, &now) < 0 || !is_same(&now, &store->wal_place)))
		return refuse(store, ESTALE, err,
			      "its -wal file was removed or replaced while it was open");
	return 0;
}

/* ---- opening ---- */

static int read_number(struct store *store, const char *sql, int64_t *out, struct err *err)
{
	struct store_statement *statement = NULL;
	int r = store_prepare(store, sql, &statement, err);

	if (r < 0)
		return r;
	r = store_step(statement, err);
	*out = r == 1 ? store_int(statement, 0) : 0;
	store_statement_free(statement);
	return r < 0 ? r : 0;
}

/* Before anything of the file is looked at: it may be an attacker's. */
static int harden(struct store *store, int busy_ms, struct err *err)
{
	sqlite3_busy_timeout(store->db, busy_ms);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	return run(store,
		   "PRAGMA cell_size_check=ON; PRAGMA foreign_keys=ON; "
		   "PRAGMA mmap_size=0; PRAGMA synchronous=FULL",
		   err);
}

static int connect_file(struct store *store, const char *name, int flags, int busy_ms,
			struct err *err)
{
	if (sqlite3_open_v2(name, &store->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI,
			    NULL) != SQLITE_OK)
		return fail(store, err);
	sqlite3_extended_result_codes(store->db, 1);
	return harden(store, busy_ms, err);
}

static void disconnect(struct store *store)
{
	int r = sqlite3_close(store->db);

	assert(r == SQLITE_OK); /* else a statement is left */
	store->db = NULL;
}

static int migrate_step(struct store *store, const char *sql, int version, struct err *err)
{
	char done[64];
	int r = store_begin(store, err);

	if (r == 0)
		r = run(store, sql, err);
	snprintf(done, sizeof(done), "PRAGMA user_version=%d", version);
	if (r == 0)
		r = run(store, done, err);
	if (r == 0)
		r = store_commit(store, err);
	if (r < 0)
		store_roll_back(store);
	return r;
}

/* From the version that the file has to the newest one. */
static int migrate(struct store *store, const struct store_opts *opts, struct err *err)
{
	int r = 0;

	for (int i = 0; r == 0 && opts->migrations[i]; i++) {
		if (i >= store->version)
			r = migrate_step(store, opts->migrations[i], i + 1, err);
		if (r == 0 && i >= store->version)
			store->version = i + 1;
	}
	return r;
}

static int count_migrations(const struct store_opts *opts)
{
	int count = 0;

	while (opts->migrations[count])
		count++;
	return count;
}

/* Whose file it is, and which schema it has. */
static int check_kind(struct store *store, const struct store_opts *opts, struct err *err)
{
	int64_t id, version;
	int r = read_number(store, "PRAGMA application_id", &id, err);

	if (r == 0)
		r = read_number(store, "PRAGMA user_version", &version, err);
	if (r < 0)
		return r;
	if (id != opts->application_id)
		return refuse(store, EBADMSG, err, "it is a database of something else");
	if (version < 1 || version > count_migrations(opts))
		return refuse(store, EBADMSG, err,
			      "its schema is none that this version knows: it is damaged, or "
			      "of a newer plugd");
	store->version = (int)version;
	return 0;
}

/* ---- making one ---- */

static int sync_directory(const char *path)
{
	char *copy = mem_strdup(path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 || fsync(fd) < 0 ? -errno : 0;

	fd_close(&fd);
	free(copy);
	return r;
}

static int fill_new(struct store *store, const struct store_opts *opts, const char *draft,
		    struct err *err)
{
	char id[64];
	int r = connect_file(store, draft, SQLITE_OPEN_READWRITE, opts->busy_ms, err);

	snprintf(id, sizeof(id), "PRAGMA application_id=%" PRId32, opts->application_id);
	if (r == 0)
		r = run(store, id, err);
	if (r == 0)
		r = migrate(store, opts, err);
	if (r == 0)
		r = run(store, "PRAGMA journal_mode=WAL", err);
	disconnect(store);
	return r;
}

/* Whole at its place, or not at all. */
static int make_file(struct store *store, const struct store_opts *opts, struct err *err)
{
	char *draft = mem_printf("%s.new", store->path);
	int fd;
	int r;

	unlink(draft);
	fd = open(draft, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, NEW_MODE);
	if (fd < 0) {
		r = err_set_errno(err, store->err_code, errno, "%s can't be made", draft);
	} else {
		fd_close(&fd);
		r = fill_new(store, opts, draft, err);
		if (r == 0 && (rename(draft, store->path) < 0 || sync_directory(draft) < 0))
			r = err_set_errno(err, store->err_code, errno, "%s can't be made",
					  store->path);
		if (r < 0)
			unlink(draft);
	}
	free(draft);
	return r;
}

/* ---- opening one ---- */

static int look_at_place(struct store *store, struct err *err)
{
	if (stat(store->path, &store->place) < 0)
		return err_set_errno(err, store->err_code, errno, "%s", store->path);
	if (!S_ISREG(store->place.st_mode))
		return refuse(store, EINVAL, err, "it is not a regular file");
	if (store->place.st_size == 0)
		return refuse(store, EBADMSG, err,
			      "it is empty: what was in it is gone. Find out how, then remove it "
			      "to begin a new one");
	return 0;
}

static bool has_no_log(const struct store *store)
{
	struct stat wal;

	return stat(store->wal, &wal) < 0 && errno == ENOENT;
}

/* A path as a URI of SQLite. Returns owned. */
static char *uri_of(const char *path)
{
	static const char hex[] = "0123456789ABCDEF";
	char *uri = mem_array(3 * strlen(path) + sizeof("file:?immutable=1"), 1);
	char *at = stpcpy(uri, "file:");

	for (; *path; path++) {
		if (strchr("?#%", *path)) {
			*at++ = '%';
			*at++ = hex[(unsigned char)*path >> 4];
			*at++ = hex[(unsigned char)*path & 15];
		} else {
			*at++ = *path;
		}
	}
	strcpy(at, "?immutable=1");
	return uri;
}

/* To read a file with a log, SQLite needs to make files beside it. Where it may not, and there is
 * no log, the file is all there is, and nobody writes to it. */
static int connect_readonly(struct store *store, const struct store_opts *opts, struct err *err)
{
	int64_t pages;
	int r = connect_file(store, store->path, SQLITE_OPEN_READONLY, opts->busy_ms, err);
	char *uri;

	if (r == 0)
		r = read_number(store, "PRAGMA schema_version", &pages, err);
	if ((r != -ENOENT && r != -EROFS) || !has_no_log(store))
		return r;
	disconnect(store);
	uri = uri_of(store->path);
	r = connect_file(store, uri, SQLITE_OPEN_READONLY, opts->busy_ms, err);
	free(uri);
	return r;
}

static int connect_writer(struct store *store, const struct store_opts *opts, struct err *err)
{
	int r = connect_file(store, store->path, SQLITE_OPEN_READWRITE, opts->busy_ms, err);

	return r == 0 ? run(store, "PRAGMA journal_mode=WAL", err) : r;
}

/* A transaction that changes nothing shows whether the file may be written, and makes its log. */
static int begin_writing(struct store *store, const struct store_opts *opts, struct err *err)
{
	int r = migrate(store, opts, err);

	if (r == 0)
		r = store_begin(store, err);
	if (r < 0)
		return r;
	store_roll_back(store);
	if (stat(store->wal, &store->wal_place) < 0)
		store->wal_place = (struct stat){0};
	return 0;
}

static int open_at_place(struct store *store, const struct store_opts *opts, struct err *err)
{
	int r = look_at_place(store, err);

	if (r == 0)
		r = opts->is_readonly ? connect_readonly(store, opts, err)
				      : connect_writer(store, opts, err);
	if (r == 0)
		r = check_kind(store, opts, err);
	if (r == 0 && !opts->is_readonly)
		r = begin_writing(store, opts, err);
	return r;
}

int store_open(const struct store_opts *opts, struct store **out, struct err *err)
{
	struct store *store = mem_new(struct store);
	int r = 0;

	store->path = mem_strdup(opts->path);
	store->wal = mem_printf("%s-wal", opts->path);
	store->err_code = opts->err_code;
	store->is_readonly = opts->is_readonly;
	if (!opts->is_readonly && access(store->path, F_OK) < 0 && errno == ENOENT)
		r = make_file(store, opts, err);
	if (r == 0)
		r = open_at_place(store, opts, err);
	if (r < 0) {
		store_close(store);
		return r;
	}
	*out = store;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	disconnect(store);
	free(store->path);
	free(store->wal);
	free(store);
}

int store_version(const struct store *store)
{
	return store->version;
}
