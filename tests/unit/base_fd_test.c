/* Descriptors: flags, ownership, and whole lengths over short counts. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "tests/support/unit.h"

static void closing_leaves_minus_one_and_keeps_errno(void **state)
{
	int pipe_fds[2];

	assert_int_equal(fd_pipe(pipe_fds), 0);
	int kept = pipe_fds[0];
	errno = ENOTTY;
	fd_close(&pipe_fds[0]);
	assert_int_equal(pipe_fds[0], -1);
	fd_close(&pipe_fds[0]);
	assert_int_equal(errno, ENOTTY);
	assert_int_equal(fcntl(kept, F_GETFD), -1);
	fd_close(&pipe_fds[1]);
}

static void a_pipe_is_close_on_exec_and_blocking(void **state)
{
	int pipe_fds[2];

	assert_int_equal(fd_pipe(pipe_fds), 0);
	for (int i = 0; i < 2; i++) {
		assert_true(fcntl(pipe_fds[i], F_GETFD) & FD_CLOEXEC);
		assert_false(fcntl(pipe_fds[i], F_GETFL) & O_NONBLOCK);
		fd_close(&pipe_fds[i]);
	}
}

static void flags_go_on_and_off(void **state)
{
	int pipe_fds[2];

	assert_int_equal(fd_pipe(pipe_fds), 0);
	assert_int_equal(fd_set_nonblock(pipe_fds[0], true), 0);
	assert_true(fcntl(pipe_fds[0], F_GETFL) & O_NONBLOCK);
	assert_int_equal(fd_set_nonblock(pipe_fds[0], false), 0);
	assert_false(fcntl(pipe_fds[0], F_GETFL) & O_NONBLOCK);
	assert_int_equal(fd_set_cloexec(pipe_fds[0], false), 0);
	assert_false(fcntl(pipe_fds[0], F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fd_set_cloexec(-1, true), -EBADF);
	fd_close(&pipe_fds[0]);
	fd_close(&pipe_fds[1]);
}

#define LARGE (1 << 20) /* sixteen times what a pipe holds */

static void *write_large(void *fd)
{
	uint8_t *data = mem_alloc(LARGE);

	for (size_t i = 0; i < LARGE; i++)
		data[i] = (uint8_t)(i * 31 >> 3);
	int result = fd_write_all(*(int *)fd, data, LARGE);
	free(data);
	fd_close(fd);
	return (void *)(intptr_t)result;
}

static void whole_lengths_pass_a_small_pipe(void **state)
{
	uint8_t *data = mem_zalloc(LARGE);
	int pipe_fds[2];
	pthread_t writer;
	void *result;

	assert_int_equal(fd_pipe(pipe_fds), 0);
	assert_int_equal(pthread_create(&writer, NULL, write_large, &pipe_fds[1]), 0);
	assert_int_equal(fd_read_all(pipe_fds[0], data, LARGE), 0);
	assert_int_equal(pthread_join(writer, &result), 0);
	assert_int_equal((intptr_t)result, 0);
	for (size_t i = 0; i < LARGE; i++)
		assert_int_equal(data[i], (uint8_t)(i * 31 >> 3));
	assert_int_equal(fd_read_all(pipe_fds[0], data, 1), -ENODATA);
	fd_close(&pipe_fds[0]);
	free(data);
}

static void a_file_is_read_to_its_end_or_to_the_limit(void **state)
{
	struct buf out = {0};
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_int_equal(ftruncate(fd, 200000), 0);
	assert_int_equal(fd_read_to_end(fd, 200000, &out), 0);
	assert_int_equal(buf_len(&out), 200000);
	assert_int_equal(ftruncate(fd, 200001), 0);
	assert_int_equal(fd_read_to_end(fd, 200000, &out), -EFBIG);
	assert_int_equal(buf_len(&out), 200001);
	fd_close(&fd);
	assert_int_equal(fd_read_to_end(fd, 300000, &out), -EBADF);
	buf_deinit(&out);
	(void)state;
}

static void a_reader_that_left_is_an_error(void **state)
{
	int pipe_fds[2];

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(fd_pipe(pipe_fds), 0);
	fd_close(&pipe_fds[0]);
	assert_int_equal(fd_write_all(pipe_fds[1], "x", 1), -EPIPE);
	fd_close(&pipe_fds[1]);
}

static void counts_what_is_open(void **state)
{
	int pipe_fds[2];
	int before = fd_count();

	assert_true(before > 0);
	assert_int_equal(fd_pipe(pipe_fds), 0);
	assert_int_equal(fd_count(), before + 2);
	fd_close(&pipe_fds[0]);
	fd_close(&pipe_fds[1]);
	assert_int_equal(fd_count(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closing_leaves_minus_one_and_keeps_errno),
		cmocka_unit_test(a_pipe_is_close_on_exec_and_blocking),
		cmocka_unit_test(flags_go_on_and_off),
		cmocka_unit_test(whole_lengths_pass_a_small_pipe),
		cmocka_unit_test(a_file_is_read_to_its_end_or_to_the_limit),
		cmocka_unit_test(a_reader_that_left_is_an_error),
		cmocka_unit_test(counts_what_is_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
