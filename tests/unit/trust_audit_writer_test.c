/* The writer of the audit trail: what can't be written is refused or counted, and the trail goes
 * on; what was written is there whatever happens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "observe/errors.h"
#include "tests/support/audit_world.h"

/* ---- what is found when it is opened ---- */

static void assert_not_opened(struct fixture *fixture, int code, const char *says)
{
	assert_true(audit_open(&fixture->opts, NULL, &fixture->audit, &fixture->err) < 0);
	assert_null(fixture->audit);
	assert_int_equal(fixture->err.code, code);
	if (!strstr(fixture->err.text, says))
		fail_msg("%s", fixture->err.text);
}

static void a_damaged_file_is_not_opened(void **state)
{
	struct fixture *fixture = *state;
	int fd;

	make_trail(fixture, 100);
	assert_int_equal(truncate(fixture->file, 4096 * 3), 0);
	assert_not_opened(fixture, ERR_AUDIT_FILE, "malformed");
	assert_int_equal(truncate(fixture->file, 100), 0);
	assert_not_opened(fixture, ERR_AUDIT_FILE, fixture->file);
	assert_int_equal(truncate(fixture->file, 0), 0);
	assert_not_opened(fixture, ERR_AUDIT_FILE, "empty");
	fd = open(fixture->file, O_WRONLY);
	assert_int_equal(fd_write_all(fd, "something else, and quite long", 30), 0);
	close(fd);
	assert_not_opened(fixture, ERR_AUDIT_FILE, "not a database");
}

static void a_changed_end_is_not_written_on(void **state)
{
	struct fixture *fixture = *state;

	make_trail(fixture, 20);
	tamper(fixture, "UPDATE record SET details = '{}' WHERE seq = 15");
	assert_not_opened(fixture, ERR_AUDIT_CHAIN, "record 15 was changed");
}

/* A trigger could remove what is written; whoever put it in has not touched the chain. */
static void a_changed_schema_is_not_used(void **state)
{
	static const char *const rows[] = {
		"CREATE TRIGGER forget AFTER INSERT ON record "
		"BEGIN DELETE FROM record WHERE seq = NEW.seq; END",
		"CREATE VIEW extra AS SELECT 1",
		"ALTER TABLE record RENAME TO kept; "
		"CREATE VIEW record AS SELECT * FROM kept WHERE seq <> 2",
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		sqlite3 *db;
		struct audit_report report;

		make_trail(fixture, 3);
		assert_int_equal(sqlite3_open(fixture->file, &db), SQLITE_OK);
		run_sql(db, rows[i]);
		assert_int_equal(sqlite3_close(db), SQLITE_OK);
		assert_not_opened(fixture, ERR_AUDIT_FILE, "schema");
		assert_int_equal(verify_with(fixture, &(struct audit_proof){0}, &report), -EBADMSG);
		assert_int_equal(unlink(fixture->file), 0);
	}
}

static void a_second_writer_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct audit *second;

	open_trail(fixture);
	assert_true(audit_open(&fixture->opts, NULL, &second, &fixture->err) < 0);
	assert_non_null(strstr(fixture->err.text, "another plugd"));
	close_trail(fixture);
}

/* ---- what happens while it is open ---- */

static void a_hand_in_the_file_is_found_by_the_next_record(void **state)
{
	struct fixture *fixture = *state;

	open_trail(fixture);
	assert_int_equal(record(fixture, AUDIT_PLUGIN_START, 1), 0);
	assert_int_equal(record(fixture, AUDIT_PLUGIN_START, 2), 0);
	tamper(fixture, "DELETE FROM record WHERE seq = 2");
	assert_true(record(fixture, AUDIT_PLUGIN_START, 3) < 0);
	assert_int_equal(fixture->err.code, ERR_AUDIT_CHAIN);
	close_trail(fixture);
}

static void a_file_that_is_gone_is_missed(void **state)
{
	static const char *const suffixes[] = {"", "-wal"};
	struct fixture *fixture = *state;
	char path[128], away[160];

	open_trail(fixture);
	for (size_t i = 0; i < COUNT(suffixes); i++) {
		snprintf(path, sizeof(path), "%s%s", fixture->file, suffixes[i]);
		snprintf(away, sizeof(away), "%s.away", path);
		assert_int_equal(record(fixture, AUDIT_PLUGIN_START, 1), 0);
		assert_int_equal(rename(path, away), 0);
		assert_true(record(fixture, AUDIT_PLUGIN_START, 2) < 0);
		assert_non_null(strstr(fixture->err.text, "removed"));
		assert_int_equal(rename(away, path), 0);
		assert_int_equal(record(fixture, AUDIT_PLUGIN_START, 3), 0);
	}
	close_trail(fixture);
	assert_int_equal(count_good(fixture), 4);
}

static void a_locked_file_is_not_waited_for(void **state)
{
	struct fixture *fixture = *state;
	sqlite3 *db;

	open_trail(fixture);
	assert_int_equal(sqlite3_open(fixture->file, &db), SQLITE_OK);
	run_sql(db, "BEGIN IMMEDIATE");
	assert_true(record(fixture, AUDIT_PLUGIN_START, 1) < 0);
	assert_non_null(strstr(fixture->err.text, "locked"));
	run_sql(db, "ROLLBACK");
	assert_int_equal(record(fixture, AUDIT_PLUGIN_START, 2), 0);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	close_trail(fixture);
	assert_int_equal(count_good(fixture), 1);
}

/* No file of this process may grow: as if the disk were full. */
static void fill_disk(bool is_full)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = is_full ? 8192 : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void what_can_not_be_recorded_is_refused_until_it_can(void **state)
{
	struct fixture *fixture = *state;

	open_trail(fixture);
	assert_int_equal(record(fixture, AUDIT_PLUGIN_START, 1), 0);
	fill_disk(true);
	assert_int_equal(record(fixture, AUDIT_PLUGIN_START, 2), -EACCES);
	assert_int_equal(fixture->err.code, ERR_AUDIT_FILE);
	assert_non_null(strstr(fixture->err.text, "on_failure is refuse"));
	assert_int_equal(record(fixture, AUDIT_PLUGIN_END, 3), 0); /* it has happened */
	assert_int_equal(record(fixture, AUDIT_PLUGIN_END, 4), 0);
	fill_disk(false);
	assert_int_equal(record(fixture, AUDIT_PLUGIN_START, 5), 0);
	close_trail(fixture);
	assert_int_equal(count_good(fixture), 3); /* 1, "lost", 5 */
}

static void assert_details(struct fixture *fixture, int seq, const char *want)
{
	char *text = details_of(fixture, seq);

	assert_string_equal(text, want);
	free(text);
}

static void what_is_lost_is_counted_where_that_is_allowed(void **state)
{
	struct fixture *fixture = *state;

	fixture->opts.on_failure = AUDIT_CONTINUES;
	open_trail(fixture);
	assert_int_equal(record(fixture, AUDIT_PLUGIN_START, 1), 0);
	fill_disk(true);
	assert_int_equal(record(fixture, AUDIT_PLUGIN_START, 2), 0);
	assert_int_equal(record(fixture, AUDIT_PLUGIN_END, 3), 0);
	fill_disk(false);
	assert_int_equal(record(fixture, AUDIT_PLUGIN_START, 4), 0);
	close_trail(fixture);
	assert_int_equal(count_good(fixture), 3);
	assert_details(fixture, 2, "audit.lost{\"count\":2}");
	assert_details(fixture, 3, "plugin.start{\"number\":4}");
}

static void a_flood_is_counted(void **state)
{
	struct fixture *fixture = *state;
	char *text;

	open_trail(fixture);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(record(fixture, AUDIT_ADMIN_REFUSED, i), 0);
	close_trail(fixture);
	assert_in_range(count_good(fixture), 21, 1000);
	text = details_of(fixture, (int)count_good(fixture));
	assert_non_null(strstr(text, "audit.repeated{\"event\":\"admin.refused\",\"count\":"));
	free(text);
}

/* A writer that is killed in the middle, again and again: what it was told is written, is there. */
static void a_kill_loses_nothing_that_was_acknowledged(void **state)
{
	struct fixture *fixture = *state;
	int64_t least = 0;

	for (int round = 0; round < 8; round++) {
		int ends[2];
		int number = 0;
		pid_t pid;

		assert_int_equal(pipe(ends), 0);
		pid = fork();
		if (pid == 0) {
			open_trail(fixture);
			for (int i = 1;; i++) {
				if (record(fixture, AUDIT_PLUGIN_START, i) < 0 ||
				    write(ends[1], &i, sizeof(i)) < 0)
					_exit(1);
			}
		}
		close(ends[1]);
		for (int i = 0; i < 5 + 3 * round; i++)
			assert_int_equal(fd_read_all(ends[0], &number, sizeof(number)), 0);
		kill(pid, SIGKILL);
		while (fd_read_all(ends[0], &number, sizeof(number)) == 0)
			; /* those that it was told until the end */
		waitpid(pid, NULL, 0);
		close(ends[0]);
		assert_true(count_good(fixture) >= least + number);
		least = count_good(fixture);
	}
	make_trail(fixture, 1);
	assert_int_equal(count_good(fixture), least + 1);
}

static void nothing_is_recorded_without_a_file(void **state)
{
	struct fixture *fixture = *state;

	fixture->opts.file = NULL;
	open_trail(fixture);
	assert_null(fixture->audit);
	assert_int_equal(record(fixture, AUDIT_PLUGIN_START, 1), 0);
}

static void a_file_that_can_not_be_made_is_refused_or_tried_again(void **state)
{
	struct fixture *fixture = *state;
	char missing[128];

	snprintf(missing, sizeof(missing), "%s/later/audit.db", fixture->directory);
	fixture->opts.file = missing;
	assert_not_opened(fixture, ERR_AUDIT_FILE, "can't be made");
	fixture->opts.on_failure = AUDIT_CONTINUES;
	open_trail(fixture);
	assert_non_null(fixture->audit);
	assert_int_equal(record(fixture, AUDIT_PLUGIN_START, 1), 0);
	close_trail(fixture);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, audit_world_setup, audit_world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_damaged_file_is_not_opened),
		CASE(a_changed_end_is_not_written_on),
		CASE(a_changed_schema_is_not_used),
		CASE(a_second_writer_is_refused),
		CASE(a_hand_in_the_file_is_found_by_the_next_record),
		CASE(a_file_that_is_gone_is_missed),
		CASE(a_locked_file_is_not_waited_for),
		CASE(what_can_not_be_recorded_is_refused_until_it_can),
		CASE(what_is_lost_is_counted_where_that_is_allowed),
		CASE(a_flood_is_counted),
		CASE(a_kill_loses_nothing_that_was_acknowledged),
		CASE(nothing_is_recorded_without_a_file),
		CASE(a_file_that_can_not_be_made_is_refused_or_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
