/* A trail in a directory of its own, and somebody who has hands in it; for the tests of the audit
 * trail. */
#ifndef TESTS_AUDIT_WORLD_H
#define TESTS_AUDIT_WORLD_H

#include <sqlite3.h>
#include <stdint.h>

#include "base/err.h"
#include "trust/audit.h"
#include "trust/audit_verify.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct fixture {
	char directory[64];
	char file[96];
	char key[96];
	struct audit_opts opts;
	struct audit *audit;
	struct err err;
};

int audit_world_setup(void **state);
int audit_world_teardown(void **state);

/* With fixture->opts; the test fails where it can't be. */
void open_trail(struct fixture *fixture);
void close_trail(struct fixture *fixture);

/* With the number as its details. As audit_record(). */
int record(struct fixture *fixture, enum audit_event event, int number);

/* A trail of so many records, or so many more, closed. */
void make_trail(struct fixture *fixture, int count);

/* As audit_verify(), of the file that is closed or open. */
int verify_with(struct fixture *fixture, const struct audit_proof *proof,
		struct audit_report *report);

/* The number of its records, all good. */
int64_t count_good(struct fixture *fixture);

/* ---- with SQLite ---- */

void run_sql(sqlite3 *db, const char *sql);
char *text_of(sqlite3 *db, const char *sql); /* the one that it selects; returns owned */

/* Runs SQL against which the triggers would be, and leaves no trace in the schema. */
void tamper(const struct fixture *fixture, const char *sql);

/* Event and details of a record. Returns owned. */
char *details_of(struct fixture *fixture, int seq);

#endif
