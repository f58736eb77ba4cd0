/* A trail in a directory of its own, and somebody who has hands in it. */
#include "audit_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/member.h"
#include "trust/audit_file.h"

int audit_world_setup(void **state)
{
	struct fixture *fixture = mem_new(struct fixture);

	strcpy(fixture->directory, "/tmp/audit_test.XXXXXX");
	if (!mkdtemp(fixture->directory))
		return -1;
	snprintf(fixture->file, sizeof(fixture->file), "%s/audit.db", fixture->directory);
	snprintf(fixture->key, sizeof(fixture->key), "%s/audit.key", fixture->directory);
	fixture->opts = (struct audit_opts){.file = fixture->file, .anchor_every = 10};
	*state = fixture;
	return 0;
}

int audit_world_teardown(void **state)
{
	struct fixture *fixture = *state;
	char *command = mem_printf("rm -rf %s", fixture->directory);
	int r = system(command);

	free(command);
	free(fixture);
	return r;
}

void open_trail(struct fixture *fixture)
{
	if (audit_open(&fixture->opts, NULL, &fixture->audit, &fixture->err) < 0)
		fail_msg("%s", fixture->err.text);
}

void close_trail(struct fixture *fixture)
{
	audit_close(fixture->audit);
	fixture->audit = NULL;
}

int record(struct fixture *fixture, enum audit_event event, int number)
{
	struct audit_actor actor = {.uid = 7, .gid = 8, .pid = 9};
	json_t *details = json_object();

	member_int(details, "number", number);
	return audit_record(fixture->audit, &(struct audit_note){event, "plugin", &actor, details},
			    &fixture->err);
}

/* A trail of so many records, closed. */
void make_trail(struct fixture *fixture, int count)
{
	open_trail(fixture);
	for (int i = 1; i <= count; i++)
		assert_int_equal(record(fixture, AUDIT_PLUGIN_START, i), 0);
	close_trail(fixture);
}

int verify_with(struct fixture *fixture, const struct audit_proof *proof,
		struct audit_report *report)
{
	struct store *store;
	int r = audit_file_open(fixture->file, true, &store, &fixture->err);

	if (r < 0)
		return r;
	r = audit_verify(store, proof, report, &fixture->err);
	store_close(store);
	return r;
}

int64_t count_good(struct fixture *fixture)
{
	struct audit_report report;

	if (verify_with(fixture, &(struct audit_proof){0}, &report) < 0)
		fail_msg("%s", fixture->err.text);
	return report.last.seq;
}

/* ---- an attacker with SQLite, who leaves no trace in the schema ---- */

void run_sql(sqlite3 *db, const char *sql)
{
	char *why = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
}

char *text_of(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt;
	char *text;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	text = mem_strdup((const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	return text;
}

void tamper(const struct fixture *fixture, const char *sql)
{
	sqlite3 *db;
	char *triggers;

	assert_int_equal(sqlite3_open(fixture->file, &db), SQLITE_OK);
	triggers = text_of(db, "SELECT group_concat(sql, ';') FROM sqlite_schema "
			       "WHERE type = 'trigger'");
	run_sql(db, "DROP TRIGGER keep_content; DROP TRIGGER keep_rows");
	run_sql(db, sql);
	run_sql(db, triggers);
	free(triggers);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

char *details_of(struct fixture *fixture, int seq)
{
	char sql[80];
	sqlite3 *db;
	char *text;

	snprintf(sql, sizeof(sql), "SELECT event || details FROM record WHERE seq = %d", seq);
	assert_int_equal(sqlite3_open(fixture->file, &db), SQLITE_OK);
	text = text_of(db, sql);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return text;
}
