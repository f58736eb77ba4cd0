/* Datagrams with descriptors: they arrive whole, or leave nothing behind. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fdpass.h"
#include "tests/support/unit.h"

static void make_pair(int ends[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
}

static void descriptors_arrive_in_order_and_close_on_exec(void **state)
{
	int ends[2], passed[2], got[FDPASS_MAX];
	size_t count = FDPASS_MAX;
	char text[5];

	make_pair(ends);
	assert_int_equal(fd_pipe(passed), 0);
	assert_int_equal(fdpass_send(ends[0], "hello", 5, passed, 2), 0);
	fd_close(&passed[0]);
	fd_close(&passed[1]);
	assert_int_equal(fdpass_recv(ends[1], text, 5, got, &count), 1);
	assert_memory_equal(text, "hello", 5);
	assert_int_equal(count, 2);
	assert_true(fcntl(got[0], F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fd_write_all(got[1], "x", 1), 0);
	assert_int_equal(fd_read_all(got[0], text, 1), 0);
	for (size_t i = 0; i < 2; i++) {
		close(got[i]);
		close(ends[i]);
	}
}

static void another_size_or_too_many_leave_nothing_behind(void **state)
{
	static const struct {
		size_t sent_bytes;
		size_t sent_fds;
		size_t room;
	} rows[] = {{4, 1, 1}, {6, 1, 1}, {5, 2, 1}, {5, 1, 0}};
	const int passed[2] = {STDERR_FILENO, STDERR_FILENO};
	int ends[2], got[FDPASS_MAX];
	char text[5];
	int before;

	make_pair(ends);
	before = fd_count();
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		size_t count = rows[i].room;

		fdpass_send(ends[0], "longer", rows[i].sent_bytes, passed, rows[i].sent_fds);
		assert_int_equal(fdpass_recv(ends[1], text, 5, got, &count), -EBADMSG);
		assert_int_equal(count, 0);
		assert_int_equal(fd_count(), before);
	}
	close(ends[0]);
	close(ends[1]);
}

static void the_end_is_told_to_both_sides(void **state)
{
	int ends[2];
	size_t count = 0;
	char byte;

	make_pair(ends);
	close(ends[0]);
	assert_int_equal(fdpass_recv(ends[1], &byte, 1, NULL, &count), 0);
	assert_int_equal(fdpass_send(ends[1], "x", 1, NULL, 0), -EPIPE);
	close(ends[1]);
}

/* Linux tells the reader of a reset first, and would forget what is queued for him. */
static void last_words_are_heard_though_the_speaker_did_not_listen(void **state)
{
	int ends[2];
	size_t count = 0;
	char byte;

	make_pair(ends);
	assert_int_equal(fdpass_send(ends[1], "?", 1, NULL, 0), 0);
	assert_int_equal(fdpass_send(ends[0], "!", 1, NULL, 0), 0);
	close(ends[0]);
	assert_int_equal(fdpass_recv(ends[1], &byte, 1, NULL, &count), 1);
	assert_int_equal(byte, '!');
	assert_int_equal(fdpass_recv(ends[1], &byte, 1, NULL, &count), 0);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors_arrive_in_order_and_close_on_exec),
		cmocka_unit_test(another_size_or_too_many_leave_nothing_behind),
		cmocka_unit_test(the_end_is_told_to_both_sides),
		cmocka_unit_test(last_words_are_heard_though_the_speaker_did_not_listen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
