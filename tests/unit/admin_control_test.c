/* Conversations on a real admin socket: a client and the host's side in one loop, with commands
 * that echo, fail, or wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "admin/control.h"
#include "admin/line.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/member.h"
#include "observe/errors.h"

struct office {
	char dir[64];
	char path[96];
	struct loop *loop;
	struct control *control;
	struct reply *held; /* of the command "hold" */
	unsigned left;	    /* clients that left while theirs was held */
	struct buf heard;
	struct buf line; /* the last one heard */
};

static void on_left(void *user)
{
	struct office *office = user;

	office->left++;
	office->held = NULL;
}

static struct answered on_request(void *user, const char *command, json_t *args,
				  struct reply *reply)
{
	struct office *office = user;
	struct err err;

	if (strcmp(command, "echo") == 0)
		return reply_ok(reply, json_incref(args));
	if (strcmp(command, "big") == 0) {
		char *text = mem_zalloc(4 << 20);
		memset(text, 'x', (4 << 20) - 1);
		json_t *value = json_string(text);
		free(text);
		return reply_ok(reply, value);
	}
	if (strcmp(command, "hold") == 0) {
		office->held = reply;
		return reply_later(reply, on_left, office);
	}
	err_set(&err, ERR_ADMIN_REQUEST, "no such command");
	return reply_fail(reply, &err);
}

static int start(struct office *office, struct control **out, struct err *err)
{
	return control_start(&(struct control_opts){.loop = office->loop,
						    .path = office->path,
						    .on_request = on_request,
						    .user = office},
			     out, err);
}

static int open_office(void **state)
{
	struct office *office = mem_new(struct office);
	struct err err;

	strcpy(office->dir, "/tmp/plugd-admin-XXXXXX");
	assert_non_null(mkdtemp(office->dir));
	snprintf(office->path, sizeof(office->path), "%s/admin.sock", office->dir);
	office->loop = loop_new();
	assert_int_equal(start(office, &office->control, &err), 0);
	*state = office;
	return 0;
}

static int close_office(void **state)
{
	struct office *office = *state;

	control_stop(office->control);
	loop_free(office->loop);
	buf_deinit(&office->heard);
	buf_deinit(&office->line);
	unlink(office->path);
	assert_int_equal(rmdir(office->dir), 0);
	free(office);
	return 0;
}

static int join(struct office *office)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(address.sun_path, office->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void say_bytes(struct office *office, int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);

		assert_true(sent > 0 || errno == EAGAIN);
		data += sent > 0 ? sent : 0;
		len -= sent > 0 ? (size_t)sent : 0;
		loop_turn(office->loop, false);
	}
}

static void say(struct office *office, int fd, const char *text)
{
	say_bytes(office, fd, text, strlen(text));
}

/* The next line, until the next call; NULL when the host hung up. */
static const char *hear(struct office *office, int fd)
{
	uint8_t *end = NULL;

	for (;;) {
		size_t len = buf_len(&office->heard);

		end = len ? memchr(buf_front(&office->heard), '\n', len) : NULL;
		if (end)
			break;
		ssize_t got = recv(fd, buf_reserve(&office->heard, 65536), 65536, 0);
		if (got == 0 || (got < 0 && errno == ECONNRESET))
			return NULL;
		assert_true(got > 0 || errno == EAGAIN);
		if (got > 0)
			buf_commit(&office->heard, (size_t)got);
		else
			loop_turn(office->loop, true);
	}
	*end = '\0';
	size_t bytes = (size_t)(end - buf_front(&office->heard)) + 1;
	buf_deinit(&office->line);
	buf_append(&office->line, buf_front(&office->heard), bytes);
	buf_consume(&office->heard, bytes);
	return (const char *)buf_front(&office->line);
}

static void leave(struct office *office, int fd)
{
	close(fd);
	assert_int_equal(buf_len(&office->heard), 0);
	while (control_peers(office->control) > 0)
		loop_turn(office->loop, true);
}

static void settle(struct office *office)
{
	for (int i = 0; i < 20; i++)
		loop_turn(office->loop, false);
}

#define ECHO(n)	    "{\"command\":\"echo\",\"args\":{\"n\":" #n "}}\n"
#define RESULT(n)   "{\"ok\":true,\"result\":{\"n\":" #n "}}"
#define IS_ERROR(s) assert_memory_equal((s), "{\"ok\":false,", 12)

/* ---- tests ---- */

static void answers_each_line_with_one_line(void **state)
{
	struct office *office = *state;
	int fd = join(office);

	say(office, fd, ECHO(1));
	assert_string_equal(hear(office, fd), RESULT(1));
	say(office, fd, "{\"command\":\"nonsense\"}\n");
	IS_ERROR(hear(office, fd));
	leave(office, fd);
}

static void pipelined_requests_are_answered_in_their_order(void **state)
{
	struct office *office = *state;
	int fd = join(office);
	char expected[64];

	for (int i = 0; i < 100; i++) {
		char line[64];
		snprintf(line, sizeof(line), "{\"command\":\"echo\",\"args\":{\"n\":%d}}\n", i);
		assert_int_equal(send(fd, line, strlen(line), 0), strlen(line));
	}
	for (int i = 0; i < 100; i++) {
		snprintf(expected, sizeof(expected), "{\"ok\":true,\"result\":{\"n\":%d}}", i);
		assert_string_equal(hear(office, fd), expected);
	}
	leave(office, fd);
}

static void a_request_may_come_byte_by_byte(void **state)
{
	struct office *office = *state;
	int fd = join(office);
	const char *line = ECHO(7);

	for (size_t i = 0; i < strlen(line); i++) {
		say_bytes(office, fd, line + i, 1);
		settle(office);
	}
	assert_string_equal(hear(office, fd), RESULT(7));
	leave(office, fd);
}

static void garbage_is_answered_and_the_conversation_goes_on(void **state)
{
	struct office *office = *state;
	int fd = join(office);

	static const char lines[] = "\0\xff\x80 garbage\n\n \r\n" ECHO(2);

	say_bytes(office, fd, lines, sizeof(lines) - 1);
	IS_ERROR(hear(office, fd));
	assert_string_equal(hear(office, fd), RESULT(2));
	leave(office, fd);
}

static void a_line_above_the_limit_is_swallowed_and_answered_once(void **state)
{
	struct office *office = *state;
	int fd = join(office);
	size_t len = LINE_MAX_BYTES + (3 << 20);
	char *line = mem_alloc(len);

	memset(line, 'x', len);
	line[len - 1] = '\n';
	say_bytes(office, fd, line, len);
	IS_ERROR(hear(office, fd));
	say(office, fd, ECHO(3));
	assert_string_equal(hear(office, fd), RESULT(3));
	free(line);
	leave(office, fd);
}

static void a_line_of_the_limit_is_read(void **state)
{
	static const char head[] = "{\"command\":\"nonsense\",\"args\":{\"x\":\"";
	static const char tail[] = "\"}}\n";
	struct office *office = *state;
	int fd = join(office);
	char *line = mem_alloc(LINE_MAX_BYTES + 1);

	memset(line, 'x', LINE_MAX_BYTES + 1);
	memcpy(line, head, sizeof(head) - 1);
	memcpy(line + LINE_MAX_BYTES + 1 - (sizeof(tail) - 1), tail, sizeof(tail) - 1);
	say_bytes(office, fd, line, LINE_MAX_BYTES + 1);
	assert_non_null(strstr(hear(office, fd), "no such command"));
	free(line);
	leave(office, fd);
}

static void a_later_answer_holds_back_the_next_request_of_its_client_alone(void **state)
{
	struct office *office = *state;
	int first = join(office);
	int second = join(office);

	say(office, first, "{\"command\":\"hold\"}\n" ECHO(1));
	settle(office);
	assert_non_null(office->held);
	say(office, second, ECHO(2));
	assert_string_equal(hear(office, second), RESULT(2));
	assert_int_equal(recv(first, &(char){0}, 1, 0), -1);
	reply_ok(office->held, json_true());
	assert_string_equal(hear(office, first), "{\"ok\":true,\"result\":true}");
	assert_string_equal(hear(office, first), RESULT(1));
	close(second);
	leave(office, first);
}

static void a_command_learns_that_its_client_left(void **state)
{
	struct office *office = *state;
	int fd = join(office);

	say(office, fd, "{\"command\":\"hold\"}\n");
	settle(office);
	assert_non_null(office->held);
	leave(office, fd);
	assert_int_equal(office->left, 1);
}

static void a_client_that_says_no_more_still_gets_its_answers(void **state)
{
	struct office *office = *state;
	int fd = join(office);

	say(office, fd, "{\"command\":\"hold\"}\n{\"command\":\"echo\"}");
	shutdown(fd, SHUT_WR);
	settle(office);
	assert_int_equal(office->left, 0);
	reply_ok(office->held, json_true());
	assert_string_equal(hear(office, fd), "{\"ok\":true,\"result\":true}");
	assert_string_equal(hear(office, fd), "{\"ok\":true,\"result\":{}}");
	assert_null(hear(office, fd));
	leave(office, fd);
}

static void a_client_that_does_not_read_is_not_read_from(void **state)
{
	struct office *office = *state;
	int fd = join(office);
	static const char line[] = "{\"command\":\"big\"}\n";
	ssize_t sent = 0;
	size_t said = 0;

	for (int i = 0; i < 100000 && sent >= 0; i++) {
		sent = send(fd, line, sizeof(line) - 1, MSG_NOSIGNAL);
		said += sent > 0 ? (size_t)sent : 0;
		loop_turn(office->loop, false);
	}
	assert_true(sent < 0);
	assert_true(said < (4 << 20));
	close(fd);
	settle(office);
	assert_int_equal(control_peers(office->control), 0);
}

static void a_newcomer_takes_the_place_of_the_one_that_was_silent_longest(void **state)
{
	struct office *office = *state;
	int fds[CONTROL_MAX_PEERS + 1];

	for (int i = 0; i < CONTROL_MAX_PEERS; i++) {
		fds[i] = join(office);
		settle(office);
	}
	say(office, fds[0], ECHO(1));
	assert_string_equal(hear(office, fds[0]), RESULT(1));
	fds[CONTROL_MAX_PEERS] = join(office);
	say(office, fds[CONTROL_MAX_PEERS], ECHO(2));
	assert_string_equal(hear(office, fds[CONTROL_MAX_PEERS]), RESULT(2));
	assert_null(hear(office, fds[1]));
	assert_int_equal(control_peers(office->control), CONTROL_MAX_PEERS);
	for (int i = 0; i <= CONTROL_MAX_PEERS; i++)
		close(fds[i]);
}

static void a_newcomer_is_refused_with_a_sentence_when_all_are_busy(void **state)
{
	struct office *office = *state;
	int fds[CONTROL_MAX_PEERS + 1];

	for (int i = 0; i < CONTROL_MAX_PEERS; i++) {
		fds[i] = join(office);
		say(office, fds[i], "{\"command\":\"hold\"}\n");
		settle(office);
	}
	fds[CONTROL_MAX_PEERS] = join(office);
	const char *line = hear(office, fds[CONTROL_MAX_PEERS]);
	assert_non_null(line);
	assert_non_null(strstr(line, "ADMIN_SOCKET"));
	assert_null(hear(office, fds[CONTROL_MAX_PEERS]));
	assert_int_equal(office->left, 0);
	for (int i = 0; i <= CONTROL_MAX_PEERS; i++)
		close(fds[i]);
}

/* ---- the file ---- */

static void only_its_owner_may_open_the_socket(void **state)
{
	struct office *office = *state;
	struct stat st;

	assert_int_equal(stat(office->path, &st), 0);
	assert_int_equal(st.st_mode, S_IFSOCK | 0600);
}

static void the_umask_is_what_it_was(void **state)
{
	mode_t mask = umask(022);
	struct office *office = *state;
	struct err err;

	control_stop(office->control);
	assert_int_equal(start(office, &office->control, &err), 0);
	assert_int_equal(umask(mask), 022);
}

static void a_living_hosts_socket_is_left_alone(void **state)
{
	struct office *office = *state;
	struct control *second = NULL;
	struct err err;

	assert_int_equal(start(office, &second, &err), -EADDRINUSE);
	assert_int_equal(err.code, ERR_ADMIN_SOCKET);
	int fd = join(office);
	say(office, fd, ECHO(1));
	assert_string_equal(hear(office, fd), RESULT(1));
	leave(office, fd);
}

static void a_dead_hosts_socket_is_replaced(void **state)
{
	struct office *office = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct err err;

	control_stop(office->control);
	strcpy(address.sun_path, office->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	close(fd); /* as SIGKILL does: the file stays */
	assert_int_equal(start(office, &office->control, &err), 0);
	fd = join(office);
	say(office, fd, ECHO(1));
	assert_string_equal(hear(office, fd), RESULT(1));
	leave(office, fd);
}

static void a_file_that_is_no_socket_is_never_removed(void **state)
{
	struct office *office = *state;
	struct control *none = NULL;
	struct err err;
	FILE *file;

	control_stop(office->control);
	office->control = NULL;
	file = fopen(office->path, "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(start(office, &none, &err), -EEXIST);
	assert_int_equal(access(office->path, F_OK), 0);
}

static void a_stop_removes_its_own_socket_and_no_other(void **state)
{
	struct office *office = *state;
	struct control *second = NULL;
	struct err err;

	unlink(office->path);
	assert_int_equal(start(office, &second, &err), 0);
	control_stop(office->control);
	office->control = second;
	assert_int_equal(access(office->path, F_OK), 0);
	control_stop(office->control);
	office->control = NULL;
	assert_int_equal(access(office->path, F_OK), -1);
}

static void a_path_that_no_socket_can_have_is_refused(void **state)
{
	struct office *office = *state;
	struct control *none = NULL;
	struct err err;
	char path[200];
	struct control_opts opts = {.loop = office->loop, .on_request = on_request, .path = path};

	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_true(control_start(&opts, &none, &err) < 0);
	assert_int_equal(err.code, ERR_ADMIN_SOCKET);
	strcpy(path, "/nonexistent/admin.sock");
	assert_int_equal(control_start(&opts, &none, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent"));
}

#define OFFICE_TEST(f) cmocka_unit_test_setup_teardown(f, open_office, close_office)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OFFICE_TEST(answers_each_line_with_one_line),
		OFFICE_TEST(pipelined_requests_are_answered_in_their_order),
		OFFICE_TEST(a_request_may_come_byte_by_byte),
		OFFICE_TEST(garbage_is_answered_and_the_conversation_goes_on),
		OFFICE_TEST(a_line_above_the_limit_is_swallowed_and_answered_once),
		OFFICE_TEST(a_line_of_the_limit_is_read),
		OFFICE_TEST(a_later_answer_holds_back_the_next_request_of_its_client_alone),
		OFFICE_TEST(a_command_learns_that_its_client_left),
		OFFICE_TEST(a_client_that_says_no_more_still_gets_its_answers),
		OFFICE_TEST(a_client_that_does_not_read_is_not_read_from),
		OFFICE_TEST(a_newcomer_takes_the_place_of_the_one_that_was_silent_longest),
		OFFICE_TEST(a_newcomer_is_refused_with_a_sentence_when_all_are_busy),
		OFFICE_TEST(only_its_owner_may_open_the_socket),
		OFFICE_TEST(the_umask_is_what_it_was),
		OFFICE_TEST(a_living_hosts_socket_is_left_alone),
		OFFICE_TEST(a_dead_hosts_socket_is_replaced),
		OFFICE_TEST(a_file_that_is_no_socket_is_never_removed),
		OFFICE_TEST(a_stop_removes_its_own_socket_and_no_other),
		OFFICE_TEST(a_path_that_no_socket_can_have_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
