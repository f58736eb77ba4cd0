/* Real children for tests. */
#include "tests/support/process_world.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "observe/errors.h"
#include "tests/support/unit.h"

int process_world_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	renew_spawner(f);
	f->loop = loop_new();
	f->fds = (struct process_fds){-1, -1, -1};
	strcpy(f->directory, "/tmp/plugd-process-XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	snprintf(f->path, sizeof(f->path), "%s/program", f->directory);
	*state = f;
	return 0;
}

void renew_spawner(struct fixture *f)
{
	struct err err;

	f->old_spawner = f->spawner;
	f->spawner = spawner_new(&(struct spawner_duty){0}, &err);
	if (!f->spawner)
		fail_msg("%s", err.text);
}

void close_fds(struct fixture *f)
{
	if (f->fds.read_fd == f->fds.write_fd)
		f->fds.read_fd = -1;
	fd_close(&f->fds.write_fd);
	fd_close(&f->fds.read_fd);
	fd_close(&f->fds.stderr_fd);
}

int process_world_teardown(void **state)
{
	struct fixture *f = *state;

	process_free(f->process);
	spawner_free(f->spawner);
	spawner_free(f->old_spawner);
	close_fds(f);
	unlink(f->path);
	rmdir(f->directory);
	loop_free(f->loop);
	free(f);
	return 0;
}

static void on_exit_told(void *user, const struct process_end *end)
{
	struct fixture *f = user;

	f->end = *end;
	f->ended++;
}

struct exec_image *load(const char *path)
{
	struct exec_image *image = NULL;
	struct err err = {0};

	if (exec_image_load_unpinned(path, &image, &err) < 0)
		fail_msg("%s", err.text);
	return image;
}

int try_start(struct fixture *f, struct process_opts opts, struct err *err)
{
	opts.spawner = f->spawner;
	opts.name = "test";
	opts.on_exit = on_exit_told;
	opts.user = f;
	return process_start(f->loop, &opts, &f->process, &f->fds, err);
}

void start(struct fixture *f, struct process_opts opts)
{
	struct exec_image *image = opts.image ? NULL : load(PROCESS_CHILD);
	struct err err = {0};

	if (image)
		opts.image = image;
	if (try_start(f, opts, &err) < 0)
		fail_msg("%s", err.text);
	exec_image_release(image);
	fd_set_nonblock(f->fds.read_fd, false);
}

void start_child(struct fixture *f, const char *what, const char *argument)
{
	start(f, (struct process_opts){.args = TEXTS(what, argument)});
}

void wait_end(struct fixture *f)
{
	while (f->ended == 0)
		loop_turn(f->loop, true);
	assert_int_equal(f->ended, 1);
	assert_false(process_is_running(f->process));
}

char *read_all(struct fixture *f)
{
	static char text[8192];
	size_t len = 0;
	ssize_t more;

	while ((more = read(f->fds.read_fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)more;
	text[len] = '\0';
	return text;
}

void read_ready(struct fixture *f)
{
	char text[6];

	assert_int_equal(fd_read_all(f->fds.read_fd, text, sizeof(text)), 0);
	assert_memory_equal(text, "ready\n", 6);
}

void write_file(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, data, len), 0);
	close(fd);
}

size_t read_file(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = read(fd, out, size);

	close(fd);
	assert_true(len > 0 && (size_t)len < size);
	return (size_t)len;
}

void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in: %s", part, text);
}

pid_t read_pid(struct fixture *f)
{
	char text[32] = "";

	for (size_t i = 0; !strchr(text, '\n'); i++)
		assert_int_equal(fd_read_all(f->fds.read_fd, text + i, 1), 0);
	return atoi(text);
}

size_t children_of(pid_t pid, pid_t *out, size_t room)
{
	char path[64];
	size_t count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	file = fopen(path, "re");
	while (file && count < room && fscanf(file, "%d", &out[count]) == 1)
		count++;
	if (file)
		fclose(file);
	return count;
}

pid_t spawner_pid(void)
{
	pid_t pid;

	assert_int_equal(children_of(getpid(), &pid, 1), 1);
	return pid;
}

pid_t parent_of(pid_t pid)
{
	char path[64];
	pid_t parent;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%*d (%*[^)]) %*c %d", &parent), 1);
	fclose(file);
	return parent;
}

void wait_pid_gone(pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd watched = {.fd = pidfd, .events = POLLIN};

	if (pidfd < 0)
		return; /* gone and reaped */
	assert_int_equal(poll(&watched, 1, -1), 1);
	close(pidfd);
}
