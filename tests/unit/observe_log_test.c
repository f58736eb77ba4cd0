/* The log on real descriptors: when it writes, what it does when nobody reads, and what it owes
 * afterwards. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/mem.h"
#include "observe/log.h"
#include "tests/support/unit.h"

/* More lines than the pipe and the buffer hold together. */
#define FLOOD 5000

struct world {
	struct loop *loop;
	int fds[2]; /* a pipe; fds[1] is the log's, blocking as stderr is */
	struct log *log;
};

static int set_up_with(void **state, struct loop *loop)
{
	struct world *world = calloc(1, sizeof(*world));

	world->loop = loop;
	assert_int_equal(fd_pipe(world->fds), 0);
	assert_int_equal(fd_set_nonblock(world->fds[0], true), 0);
	world->log =
		log_new(&(struct log_opts){.fd = world->fds[1], .level = LOG_INFO, .loop = loop});
	*state = world;
	return 0;
}

static int set_up(void **state)
{
	return set_up_with(state, loop_new());
}

static int set_up_without_loop(void **state)
{
	return set_up_with(state, NULL);
}

static int tear_down(void **state)
{
	struct world *world = *state;

	log_free(world->log);
	loop_free(world->loop);
	fd_close(&world->fds[0]);
	fd_close(&world->fds[1]);
	free(world);
	return 0;
}

/* All that is in the pipe now, terminated; to be freed. */
static char *read_all(int fd)
{
	size_t cap = 1 << 20, used = 0;
	char *text = mem_alloc(cap);

	for (;;) {
		ssize_t got = read(fd, text + used, cap - 1 - used);
		if (got <= 0)
			break;
		used += (size_t)got;
	}
	text[used] = '\0';
	return text;
}

static size_t count_of(const char *text, const char *what)
{
	size_t count = 0;

	for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
		count++;
	return count;
}

static void lines_wait_for_the_end_of_the_turn(void **state)
{
	struct world *world = *state;

	log_event(world->log, LOG_INFO, "a.one", "first");
	log_event(world->log, LOG_INFO, "a.two", "second", LOG_INT("n", 2));
	char *before = read_all(world->fds[0]);
	assert_string_equal(before, "");
	loop_turn(world->loop, false);
	char *after = read_all(world->fds[0]);
	assert_non_null(strstr(after, "event=a.one msg=first\n"));
	assert_non_null(strstr(after, "event=a.two msg=second n=2\n"));
	free(before);
	free(after);
}

static void without_a_loop_lines_go_out_at_once(void **state)
{
	struct world *world = *state;

	log_event(world->log, LOG_ERROR, "a.one", "first");
	char *text = read_all(world->fds[0]);
	assert_non_null(strstr(text, "level=error event=a.one msg=first\n"));
	free(text);
}

static void levels_below_are_silent_until_applied(void **state)
{
	struct world *world = *state;
	struct log_opts opts = {.fd = world->fds[1], .level = LOG_DEBUG, .loop = world->loop};

	log_event(world->log, LOG_DEBUG, "not.seen", "");
	assert_false(log_is_on(world->log, LOG_DEBUG));
	log_apply(world->log, &opts);
	log_event(world->log, LOG_DEBUG, "now.seen", "");
	opts.level = LOG_ERROR;
	opts.format = LOG_FORMAT_JSON;
	log_apply(world->log, &opts);
	log_event(world->log, LOG_WARN, "not.seen", "");
	log_event(world->log, LOG_ERROR, "as.json", "");
	loop_turn(world->loop, false);

	char *text = read_all(world->fds[0]);
	assert_null(strstr(text, "not.seen"));
	assert_non_null(strstr(text, "event=now.seen"));
	assert_non_null(strstr(text, "\"event\":\"as.json\"}\n"));
	free(text);
}

static void no_log_is_silent(void **state)
{
	log_event(NULL, LOG_ERROR, "a.b", "x", LOG_INT("n", 1));
	assert_false(log_is_on(NULL, LOG_ERROR));
	log_free(NULL);
}

static void flood(struct world *world, int count)
{
	for (int i = 0; i < count; i++)
		log_event(world->log, LOG_INFO, "flood.line",
			  "sixty bytes of text, so that it is soon full", LOG_INT("n", i));
}

/* Whole lines only, their numbers rising; returns how many of flood()'s there were. */
static size_t check_lines(const char *text)
{
	size_t count = 0;
	int last = -1;

	while (*text) {
		const char *newline = strchr(text, '\n');
		assert_non_null(newline);
		assert_memory_equal(text, "ts=", 3);
		const char *number = strstr(text, " n=");
		if (number && number < newline) {
			int n = atoi(number + 3);
			assert_true(n > last);
			last = n;
			count++;
		}
		text = newline + 1;
	}
	return count;
}

/* The descriptor blocks, so a log that just wrote would hang here for ever. */
static void a_reader_that_sleeps_costs_lines_but_never_time(void **state)
{
	struct world *world = *state;

	flood(world, FLOOD);
	loop_turn(world->loop, false);
	uint64_t lost = log_lost(world->log);
	assert_true(lost > 0);
	assert_int_equal(fcntl(world->fds[1], F_GETFL) & O_NONBLOCK, 0);

	/* The reader wakes: what waited comes by itself, then the next line tells the loss,
	 * once. */
	char *waited = read_all(world->fds[0]);
	while (count_of(waited, "flood.line") + lost < FLOOD) {
		loop_turn(world->loop, true);
		char *more = read_all(world->fds[0]);
		char *both = mem_printf("%s%s", waited, more);
		free(waited);
		free(more);
		waited = both;
	}
	assert_int_equal(check_lines(waited) + lost, FLOOD);

	log_event(world->log, LOG_INFO, "after.flood", "");
	log_event(world->log, LOG_INFO, "after.flood", "");
	loop_turn(world->loop, false);
	char *after = read_all(world->fds[0]);
	char *expected = mem_printf(" lines=%d\n", (int)lost);
	assert_non_null(strstr(after, "event=log.lost"));
	assert_non_null(strstr(after, expected));
	assert_int_equal(count_of(after, "log.lost"), 1);
	assert_int_equal(count_of(after, "after.flood"), 2);
	assert_true(strstr(after, "log.lost") < strstr(after, "after.flood"));
	free(expected);
	free(after);
	free(waited);
}

static void what_the_host_says_is_not_lost_in_a_flood_of_others(void **state)
{
	struct world *world = *state;
	size_t seen = 0, told = 0;
	uint64_t lost;
	char *text;

	for (int i = 0; i < FLOOD; i++)
		log_event_bulk(world->log, LOG_INFO, "of.others", "as many as strangers like");
	lost = log_lost(world->log);
	assert_true(lost > 0);
	for (int i = 0; i < 100; i++)
		log_event(world->log, LOG_INFO, "of.host", "");
	assert_int_equal(log_lost(world->log), lost);
	do {
		text = read_all(world->fds[0]);
		seen += count_of(text, "of.host");
		told += count_of(text, "log.lost");
		free(text);
		loop_turn(world->loop, seen < 100);
	} while (seen < 100);
	assert_int_equal(told, 1);
}

static void a_line_longer_than_a_piece_is_whole_after_a_pause(void **state)
{
	struct world *world = *state;
	static char text[8000];

	memset(text, 'x', sizeof(text));
	for (int i = 0; i < 15; i++)
		log_event(world->log, LOG_INFO, "long", "",
			  LOG_STRN("t", ((struct str){text, sizeof(text)})), LOG_INT("n", i));
	loop_turn(world->loop, false);
	char *all = read_all(world->fds[0]);
	while (count_of(all, " n=14\n") == 0) {
		loop_turn(world->loop, true);
		char *more = read_all(world->fds[0]);
		char *both = mem_printf("%s%s", all, more);
		free(all);
		free(more);
		all = both;
	}
	assert_int_equal(check_lines(all), 15);
	assert_int_equal(log_lost(world->log), 0);
	free(all);
}

static void a_reader_that_left_is_counted_and_harmless(void **state)
{
	struct world *world = *state;

	signal(SIGPIPE, SIG_IGN);
	fd_close(&world->fds[0]);
	flood(world, 3);
	loop_turn(world->loop, false);
	assert_int_equal(log_lost(world->log), 3);
	loop_turn(world->loop, false);
}

static void a_file_takes_everything(void **state)
{
	char path[] = "/tmp/observe_log_test.XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC | O_APPEND);
	struct log *log;

	assert_true(fd >= 0);
	unlink(path);
	log = log_new(&(struct log_opts){.fd = fd, .level = LOG_INFO});
	struct world world = {.log = log};
	flood(&world, FLOOD);
	assert_int_equal(log_lost(log), 0);
	log_free(log);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	char *text = read_all(fd);
	assert_int_equal(check_lines(text), FLOOD);
	free(text);
	close(fd);
}

static void freeing_writes_what_waits(void **state)
{
	struct world *world = *state;

	log_event(world->log, LOG_INFO, "last.words", "");
	log_free(world->log);
	world->log = NULL;
	char *text = read_all(world->fds[0]);
	assert_non_null(strstr(text, "last.words"));
	free(text);
}

static void level_names_go_both_ways(void **state)
{
	for (enum log_level level = LOG_DEBUG; level <= LOG_ERROR; level++) {
		enum log_level back;
		assert_true(log_level_parse(str_from(log_level_name(level)), &back));
		assert_int_equal(back, level);
	}
	enum log_level untouched = LOG_WARN;
	assert_false(log_level_parse(STR_LITERAL("Info"), &untouched));
	assert_false(log_level_parse((struct str){0}, &untouched));
	assert_int_equal(untouched, LOG_WARN);
}

/* ---- a log of lines that somebody else reads ---- */

static void lines_as_they_are_lose_none_and_tell_nothing_of_others(void **state)
{
	struct world *world = *state;
	struct log_opts opts = {
		.fd = world->fds[1], .level = LOG_ERROR, .loop = world->loop, .is_quiet = true};
	static char line[1000];
	char *text;
	size_t taken = 0;

	log_apply(world->log, &opts);
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (int i = 0; i < FLOOD; i++)
		log_write_line(world->log, (struct str){line, sizeof(line)});
	assert_true(log_lost(world->log) > 0);
	do {
		loop_turn(world->loop, false);
		text = read_all(world->fds[0]);
		taken += count_of(text, "\n");
		assert_null(strstr(text, "log.lost"));
		free(text);
	} while (taken + log_lost(world->log) < FLOOD);
	assert_int_equal(taken + log_lost(world->log), FLOOD);
	log_event(world->log, LOG_ERROR, "a.line", "");
	loop_turn(world->loop, false);
	text = read_all(world->fds[0]);
	assert_int_equal(count_of(text, "\n"), 1);
	assert_non_null(strstr(text, "event=a.line\n"));
	free(text);
}

static void on_fail_count(void *user, int errnum)
{
	assert_int_equal(errnum, ENOSPC);
	++*(int *)user;
}

static void a_disk_that_is_full_is_told_once(void **state)
{
	int fails = 0, fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct log *log = log_new(&(struct log_opts){
		.fd = fd, .is_quiet = true, .on_fail = on_fail_count, .user = &fails});

	for (int i = 0; i < 5; i++)
		log_write_line(log, STR_LITERAL("line\n"));
	assert_int_equal(fails, 1);
	assert_int_equal(log_lost(log), 5);
	log_free(log);
	fd_close(&fd);
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(lines_wait_for_the_end_of_the_turn),
		cmocka_unit_test_setup_teardown(without_a_loop_lines_go_out_at_once,
						set_up_without_loop, tear_down),
		LOG_TEST(levels_below_are_silent_until_applied),
		cmocka_unit_test(no_log_is_silent),
		LOG_TEST(a_reader_that_sleeps_costs_lines_but_never_time),
		LOG_TEST(what_the_host_says_is_not_lost_in_a_flood_of_others),
		LOG_TEST(a_line_longer_than_a_piece_is_whole_after_a_pause),
		LOG_TEST(a_reader_that_left_is_counted_and_harmless),
		cmocka_unit_test(a_file_takes_everything),
		LOG_TEST(freeing_writes_what_waits),
		cmocka_unit_test(level_names_go_both_ways),
		LOG_TEST(lines_as_they_are_lose_none_and_tell_nothing_of_others),
		cmocka_unit_test(a_disk_that_is_full_is_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
