/* SQLite behind one door: a file with tables that somebody else's schema made, statements,
 * and errors as sentences. Durable: what a transaction has committed survives the loss of power
 * (WAL, synchronous=FULL). Nothing that is written in the file is trusted to run:
 * no schema may call functions, and none can be edited from SQL.
 *
 *	store_open() → store_prepare() → bind, step … → store_statement_free()
 */
#ifndef PLUGD_STORE_STORE_H
#define PLUGD_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct store;
struct store_statement;

struct store_opts {
	const char *path; /* borrows until return */
	int err_code;	  /* of every *err that this store fills */
	bool is_readonly; /* the file is looked at, and must exist */
	int busy_ms;	  /* how long another process that has locked it is waited for */

	/* The schema as steps, each SQL that leads from the one before; user_version counts those
	 * that are done. Not looked at when the store is read-only. NULL-terminated, static. */
	const char *const *migrations;
	int32_t application_id; /* says whose file it is; another one's is refused */
};

/* Opens the file, and makes it (mode 0600) with its whole schema when there is none. Refuses one
 * that is empty, damaged, somebody else's, or of a newer schema. 0 and *out (returns owned), or
 * -errno and *err. */
int store_open(const struct store_opts *opts, struct store **out, struct err *err);
void store_close(struct store *store); /* every statement is freed before; NULL is fine */

/* Whether what is open is still what stands at its path: a file that was removed or replaced takes
 * all that is written to it along. 0, or -ESTALE and *err. */
int store_check_place(const struct store *store, struct err *err);

/* How many migrations the file has seen. */
int store_version(const struct store *store);

/* A transaction. begin: nobody else writes from here on. Whoever has failed in between rolls back,
 * which can't fail. 0, or -errno and *err: -ENOSPC the disk or the file is full, -EROFS it may not
 * be written, -EBUSY another has locked it, -EBADMSG it is damaged, -EIO all else. */
int store_begin(struct store *store, struct err *err);
int store_commit(struct store *store, struct err *err);
void store_roll_back(struct store *store);

/* ---- statements ---- */

/* 0 and *out (returns owned), or as store_begin(). */
int store_prepare(struct store *store, const char *sql, struct store_statement **out,
		  struct err *err);
void store_statement_free(struct store_statement *statement); /* NULL is fine */

/* Parameters count from 1. Text and bytes are borrowed until the
 * statement is freed. */
void store_bind_int(struct store_statement *statement, int index, int64_t value);
void store_bind_str(struct store_statement *statement, int index, struct str text);
void store_bind_bytes(struct store_statement *statement, int index, const void *data, size_t len);

/* 1: there is a row; 0: there is none, or no more; or as store_begin(). */
int store_step(struct store_statement *statement, struct err *err);

/* Columns of the row, from 0; valid until the next step. Bytes also of a column that holds
 * something else than was asked for: whoever asks compares lengths. */
int64_t store_int(struct store_statement *statement, int column);
struct str store_str(struct store_statement *statement, int column);

#endif
