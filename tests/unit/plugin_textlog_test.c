/* The standard error of a plugin, which the test writes, and the records that it becomes. The log
 * is a file, which takes everything. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "plugin/textlog.h"
#include "tests/support/unit.h"

#define FLOOD_LINES 20000 /* more than a pipe holds */

struct world {
	struct loop *loop;
	struct log *log;
	int log_fd; /* a file in memory */
	off_t seen; /* of it */
	int plugin; /* the plugin's end */
	struct textlog textlog;
};

static int set_up(void **state)
{
	struct world *world = mem_new(struct world);
	int fds[2];

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(fd_pipe(fds), 0);
	assert_int_equal(fd_set_nonblock(fds[0], true), 0);
	assert_int_equal(fd_set_nonblock(fds[1], true), 0);
	world->plugin = fds[1];
	world->loop = loop_new();
	world->log_fd = memfd_create("log", MFD_CLOEXEC);
	world->log = log_new(&(struct log_opts){.fd = world->log_fd, .level = LOG_INFO});
	world->textlog = (struct textlog){.log = world->log, .plugin = "kv", .instance = "kv/1/2"};
	textlog_open(&world->textlog, world->loop, fds[0]);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	textlog_close(&world->textlog);
	textlog_deinit(&world->textlog);
	fd_close(&world->plugin);
	log_free(world->log);
	fd_close(&world->log_fd);
	loop_free(world->loop);
	free(world);
	return 0;
}

static void plugin_writes(struct world *world, const char *text, size_t len)
{
	assert_int_equal(write(world->plugin, text, len), (ssize_t)len);
}

/* What it says, and the host hears before it goes on. */
static void plugin_says(struct world *world, const char *text)
{
	plugin_writes(world, text, strlen(text));
	loop_turn(world->loop, true);
}

/* The new lines of the log, each without its time stamp. Valid until the next call. */
static const char *logged(struct world *world)
{
	static char text[1 << 20];
	static char out[1 << 20];
	ssize_t len = pread(world->log_fd, text, sizeof(text) - 1, world->seen);
	size_t used = 0;

	assert_true(len >= 0);
	world->seen += len;
	text[len] = '\0';
	for (char *line = text, *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		assert_non_null(end);
		line = strstr(line, " level=");
		assert_true(line && line < end);
		memcpy(out + used, line + 1, (size_t)(end - line));
		used += (size_t)(end - line);
	}
	out[used] = '\0';
	return out;
}

#define RECORD(message) "level=info event=plugin.stderr msg=" message " plugin=kv instance=kv/1/2\n"

/* ---- lines ---- */

static void each_line_is_a_record_that_names_who_wrote_it(void **state)
{
	struct world *world = *state;

	plugin_says(world, "one\ntwo words\n");
	assert_string_equal(logged(world), RECORD("one") RECORD("\"two words\""));
}

static void a_line_may_come_in_pieces(void **state)
{
	struct world *world = *state;

	plugin_says(world, "on");
	plugin_says(world, "e\ntw");
	assert_string_equal(logged(world), RECORD("one"));
	plugin_says(world, "o");
	assert_string_equal(logged(world), "");
	plugin_says(world, "\n");
	assert_string_equal(logged(world), RECORD("two"));
}

static void empty_lines_and_carriage_returns_are_left_out(void **state)
{
	struct world *world = *state;

	plugin_says(world, "\n\r\none\r\n\n\ntwo\n");
	assert_string_equal(logged(world), RECORD("one") RECORD("two"));
}

static void control_bytes_cannot_forge_a_record(void **state)
{
	struct world *world = *state;

	plugin_says(world, "\x1b[31mred\rlevel=error\t\"quoted\"\n");
	assert_string_equal(logged(world),
			    RECORD("\"\\u001b[31mred\\rlevel=error\\t\\\"quoted\\\"\""));
	plugin_writes(world, "a\0b\xff\n", 5);
	loop_turn(world->loop, true);
	assert_string_equal(logged(world), RECORD("\"a\\u0000b\\ufffd\""));
}

static void assert_long_line(struct world *world, size_t len, const size_t *pieces)
{
	char line[3 * TEXTLOG_LINE_BYTES];
	const char *text;

	memset(line, 'x', len);
	line[len] = '\n';
	plugin_writes(world, line, len + 1);
	loop_turn(world->loop, true);
	text = logged(world);
	for (; *pieces; pieces++) {
		text = strstr(text, "msg=");
		assert_non_null(text);
		assert_int_equal(strspn(text += 4, "x"), *pieces);
	}
	assert_null(strstr(text, "msg="));
}

static void a_line_that_is_too_long_goes_on_in_the_next_record(void **state)
{
	struct world *world = *state;
	const size_t max = TEXTLOG_LINE_BYTES;

	assert_long_line(world, max, (const size_t[]){max, 0});
	assert_long_line(world, max + 1, (const size_t[]){max, 1, 0});
	assert_long_line(world, 2 * max + 100, (const size_t[]){max, max, 100, 0});
}

static void a_line_without_end_is_not_kept_in_memory(void **state)
{
	struct world *world = *state;
	char piece[1000];

	memset(piece, 'x', sizeof(piece));
	for (int i = 0; i < 1000; i++) {
		plugin_writes(world, piece, sizeof(piece));
		loop_turn(world->loop, true);
		assert_true(buf_len(&world->textlog.in) < TEXTLOG_LINE_BYTES);
	}
}

static void without_info_nothing_is_logged_but_all_is_read(void **state)
{
	struct world *world = *state;
	char lines[1000];
	struct log_opts opts = {.fd = world->log_fd, .level = LOG_WARN};

	log_apply(world->log, &opts);
	memset(lines, '\n', sizeof(lines));
	memset(lines, 'x', sizeof(lines) / 2);
	for (int i = 0; i < 200; i++) { /* more than a pipe holds */
		plugin_writes(world, lines, sizeof(lines));
		loop_turn(world->loop, true);
	}
	assert_string_equal(logged(world), "");
}

/* ---- the last lines ---- */

static void expect_tail(const struct world *world, const char *text)
{
	struct str tail = textlog_tail(&world->textlog);

	assert_int_equal(tail.len, strlen(text));
	if (tail.len > 0)
		assert_memory_equal(tail.data, text, tail.len);
}

static void the_last_lines_are_remembered(void **state)
{
	struct world *world = *state;

	expect_tail(world, "");
	plugin_says(world, "one\n\ntwo\nthr");
	expect_tail(world, "one\ntwo\n");
	textlog_close(&world->textlog);
	expect_tail(world, "one\ntwo\nthr\n");
}

static void so_many_of_them_as_fit_and_whole_ones(void **state)
{
	struct world *world = *state;
	char line[101] = {0};
	struct str tail;

	for (int i = 0; i < 1000; i++) {
		snprintf(line, sizeof(line), "%099d", i);
		line[99] = '\n';
		plugin_writes(world, line, 100);
		loop_turn(world->loop, true);
		assert_true(textlog_tail(&world->textlog).len <= TEXTLOG_TAIL_BYTES);
	}
	tail = textlog_tail(&world->textlog);
	assert_true(tail.len > TEXTLOG_TAIL_BYTES - 100);
	assert_int_equal(tail.len % 100, 0);
	assert_memory_equal(tail.data + tail.len - 100, line, 100);
}

/* ---- the end ---- */

static void what_has_no_newline_at_the_end_is_a_line_too(void **state)
{
	struct world *world = *state;

	plugin_says(world, "one\nlast words");
	assert_string_equal(logged(world), RECORD("one"));
	fd_close(&world->plugin);
	loop_turn(world->loop, true);
	assert_string_equal(logged(world), RECORD("\"last words\""));
	assert_int_equal(world->textlog.fd, -1);
	loop_turn(world->loop, false); /* nobody watches the descriptor any more */
}

static void closing_reads_what_is_still_in_the_pipe(void **state)
{
	struct world *world = *state;
	char line[20];
	unsigned count = 0;
	const char *text;

	for (;; count++) {
		int len = snprintf(line, sizeof(line), "line %05u\n", count);

		if (write(world->plugin, line, (size_t)len) < 0)
			break;
	}
	textlog_close(&world->textlog);
	textlog_close(&world->textlog);
	text = logged(world);
	for (unsigned i = 0; i < count; i++) {
		snprintf(line, sizeof(line), "\"line %05u\"", i);
		text = strstr(text, "msg=") + 4;
		assert_memory_equal(text, line, strlen(line));
	}
	assert_null(strstr(text, "msg="));
	assert_int_equal(write(world->plugin, "x", 1), -1); /* it is closed */
	assert_int_equal(errno, EPIPE);
}

/* A grandchild that left the group may hold the other end. */
static void closing_ends_although_somebody_never_stops_writing(void **state)
{
	struct world *world = *state;
	int endless = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	assert_int_equal(dup3(endless, world->textlog.fd, O_CLOEXEC), world->textlog.fd);
	close(endless);
	textlog_close(&world->textlog);
	assert_int_equal(world->textlog.fd, -1);
	assert_true(lseek(world->log_fd, 0, SEEK_END) > 0);
}

static void a_flood_is_logged_line_by_line_and_nothing_is_lost(void **state)
{
	struct world *world = *state;
	char line[40];
	unsigned read_back = 0;

	for (unsigned i = 0; i < FLOOD_LINES; i++) {
		int len = snprintf(line, sizeof(line), "%u\n", i);

		while (write(world->plugin, line, (size_t)len) < 0) {
			assert_int_equal(errno, EAGAIN);
			loop_turn(world->loop, true);
		}
		if (i % 1000 != 999 && i + 1 < FLOOD_LINES)
			continue;
		loop_turn(world->loop, true);
		for (const char *text = logged(world); (text = strstr(text, "msg=")); read_back++)
			assert_int_equal(strtoul(text += 4, NULL, 10), read_back);
	}
	fd_close(&world->plugin);
	while (world->textlog.fd >= 0)
		loop_turn(world->loop, true);
	for (const char *text = logged(world); (text = strstr(text, "msg=")); read_back++)
		assert_int_equal(strtoul(text += 4, NULL, 10), read_back);
	assert_int_equal(read_back, FLOOD_LINES);
	assert_int_equal(log_lost(world->log), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_line_is_a_record_that_names_who_wrote_it),
		TEST(a_line_may_come_in_pieces),
		TEST(empty_lines_and_carriage_returns_are_left_out),
		TEST(control_bytes_cannot_forge_a_record),
		TEST(a_line_that_is_too_long_goes_on_in_the_next_record),
		TEST(a_line_without_end_is_not_kept_in_memory),
		TEST(without_info_nothing_is_logged_but_all_is_read),
		TEST(the_last_lines_are_remembered),
		TEST(so_many_of_them_as_fit_and_whole_ones),
		TEST(what_has_no_newline_at_the_end_is_a_line_too),
		TEST(closing_reads_what_is_still_in_the_pipe),
		TEST(closing_ends_although_somebody_never_stops_writing),
		TEST(a_flood_is_logged_line_by_line_and_nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
