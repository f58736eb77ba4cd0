/* Real children for tests: one that does what it is told, in a loop of its own, with a directory
 * for files. */
#ifndef PLUGD_TESTS_SUPPORT_PROCESS_WORLD_H
#define PLUGD_TESTS_SUPPORT_PROCESS_WORLD_H

#include "base/loop.h"
#include "plugin/process.h"

#define HOUR_MS	   INT64_C(3600000)
#define TEXTS(...) ((char *const *)(const char *const[]){__VA_ARGS__, NULL})

struct fixture {
	struct spawner *spawner;
	struct spawner *old_spawner; /* NULL: none */
	struct loop *loop;
	struct process *process;
	struct process_fds fds;
	struct process_end end;
	unsigned ended;
	char directory[64];
	char path[96]; /* of a file in it */
};

/* For cmocka; *state is a struct fixture. */
int process_world_setup(void **state);
int process_world_teardown(void **state);
/* For a test whose spawner shall inherit what the test has become, and for a process that a test
 * has forked, which can't use that of its parent. The old one ends with the test. */
void renew_spawner(struct fixture *f);
/* The host's ends. */
void close_fds(struct fixture *f);
/* The image of a program, or the test fails. Returns owned. */
struct exec_image *load(const char *path);
/* Starts what opts say; fills in name, on_exit and user. */
int try_start(struct fixture *f, struct process_opts opts, struct err *err);
/* The same, or the test fails; without an image the test's own child program. */
void start(struct fixture *f, struct process_opts opts);
/* The test's own child program, with what it shall do. */
void start_child(struct fixture *f, const char *what, const char *argument);
/* Until its end has been told, once. */
void wait_end(struct fixture *f);
/* All that the child writes until nobody can write any more. */
char *read_all(struct fixture *f);
/* The child says "ready". */
void read_ready(struct fixture *f);
void write_file(const char *path, const void *data, size_t len);
size_t read_file(const char *path, char *out, size_t size);
void assert_has(const char *text, const char *part);
/* The number in the line that the child writes. */
pid_t read_pid(struct fixture *f);
/* The spawner of this test; its children are the keepers. */
pid_t spawner_pid(void);
pid_t parent_of(pid_t pid);
size_t children_of(pid_t pid, pid_t *out, size_t room); /* how many */
/* Until no such process is there. */
void wait_pid_gone(pid_t pid);

#endif
