/* Control groups: what is written where, on a tree laid out as the kernel would lay it out, because
 * few machines hand on all controllers; and killing, freezing and removing with the kernel's own,
 * where we may make groups. The names of files and what they take are those of the kernel's
 * documentation, Documentation/admin-guide/cgroup-v2.rst. */
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "observe/errors.h"
#include "tests/support/unit.h"
#include "trust/control_group.h"

#define HANDED_ON "cgroup.subtree_control"

/* ---- a tree as the kernel lays it out ---- */

struct tree {
	char root[64];
	int handed_on; /* the other end of the root's cgroup.subtree_control */
	struct control_groups *groups;
};

/* What a new group has in it; NULL at the end. */
static const char *const *laid_out;

int __real_mkdirat(int dir, const char *path, mode_t mode);
int __wrap_mkdirat(int dir, const char *path, mode_t mode);

int __wrap_mkdirat(int dir, const char *path, mode_t mode)
{
	int rc = __real_mkdirat(dir, path, mode);

	for (const char *const *file = laid_out; rc == 0 && file && *file; file++) {
		char *name = mem_printf("%s/%s", path, *file);
		int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		assert_true(fd >= 0);
		fd_close(&fd);
		free(name);
	}
	return rc;
}

static const char *const all_files[] = {"cgroup.procs",	    "cgroup.kill", "memory.max",
					"memory.swap.max",  "cpu.max",	   "pids.max",
					"memory.oom.group", NULL};

static void tree_open(struct tree *tree, const char *const *files)
{
	char *fifo;

	*tree = (struct tree){.root = "/tmp/plugd-groups-XXXXXX"};
	laid_out = files;
	assert_non_null(mkdtemp(tree->root));
	fifo = mem_printf("%s/" HANDED_ON, tree->root);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	tree->handed_on = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	free(fifo);
	tree->groups = control_groups_adopt(open(tree->root, O_DIRECTORY | O_CLOEXEC));
}

static void tree_close(struct tree *tree)
{
	char *command = mem_printf("rm -r %s", tree->root);

	control_groups_close(tree->groups);
	fd_close(&tree->handed_on);
	assert_int_equal(system(command), 0);
	free(command);
	laid_out = NULL;
}

/* A file below the root must hold this. */
static void assert_file(const struct tree *tree, const char *name, const char *expected)
{
	char *path = mem_printf("%s/%s", tree->root, name);
	char text[128] = "";
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file) ? text : expected);
	assert_string_equal(text, expected);
	fclose(file);
	free(path);
}

static struct cage cage_with_limits(bool required)
{
	struct cage cage = {.required = required};

	cage.asked = WALL_BIT(WALL_GROUP) | WALL_BIT(WALL_GROUP_MEMORY) | WALL_BIT(WALL_GROUP_CPU) |
		     WALL_BIT(WALL_GROUP_PROCESSES);
	cage.limits[WALL_GROUP_MEMORY] = 268435456;
	cage.limits[WALL_GROUP_CPU] = 150;
	cage.limits[WALL_GROUP_PROCESSES] = 16;
	return cage;
}

static int make(const struct tree *tree, bool required, struct cage_report *report,
		enum wall *failed, struct control_group **out)
{
	const struct cage cage = cage_with_limits(required);

	*report = (struct cage_report){0};
	return control_group_new(tree->groups, "echo", &cage, report, failed, out);
}

static void limits_are_written_where_the_kernel_reads_them(void **state)
{
	struct control_group *group;
	struct cage_report report;
	struct tree tree;
	enum wall failed;

	tree_open(&tree, all_files);
	assert_int_equal(make(&tree, true, &report, &failed, &group), 0);
	assert_file(&tree, "plugin-echo-1/memory.max", "268435456");
	assert_file(&tree, "plugin-echo-1/memory.swap.max", "0");
	assert_file(&tree, "plugin-echo-1/memory.oom.group", "1");
	assert_file(&tree, "plugin-echo-1/cpu.max", "150000 100000");
	assert_file(&tree, "plugin-echo-1/pids.max", "16");
	assert_int_equal(report.enforced, WALL_BIT(WALL_GROUP_MEMORY) | WALL_BIT(WALL_GROUP_CPU) |
						  WALL_BIT(WALL_GROUP_PROCESSES));
	control_group_kill(group);
	assert_file(&tree, "plugin-echo-1/cgroup.kill", "1");
	control_group_free(group);
	tree_close(&tree);
}

static void controllers_are_handed_on_from_the_root(void **state)
{
	struct tree tree;
	char text[64] = "";

	tree_open(&tree, all_files);
	assert_true(read(tree.handed_on, text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "+memory+cpu+pids");
	tree_close(&tree);
}

static void a_limit_without_its_controller_is_missing(void **state)
{
	static const char *const without_memory[] = {"cgroup.procs", "cpu.max", "pids.max", NULL};
	struct control_group *group;
	struct cage_report report;
	struct tree tree;
	enum wall failed;

	tree_open(&tree, without_memory);
	assert_int_equal(make(&tree, false, &report, &failed, &group), 0);
	assert_non_null(group);
	assert_int_equal(report.enforced,
			 WALL_BIT(WALL_GROUP_CPU) | WALL_BIT(WALL_GROUP_PROCESSES));
	assert_int_equal(report.errnums[WALL_GROUP_MEMORY], ENOENT);
	control_group_free(group);
	assert_int_equal(make(&tree, true, &report, &failed, &group), -ENOENT);
	assert_int_equal(failed, WALL_GROUP_MEMORY);
	tree_close(&tree);
}

/* A directory in its place: EISDIR stands for whatever the kernel says. */
static void why_a_controller_was_not_handed_on_is_told(void **state)
{
	static const char *const no_limits[] = {"cgroup.procs", NULL};
	struct control_group *group;
	struct cage_report report;
	struct tree tree;
	enum wall failed;
	char *path;

	tree_open(&tree, no_limits);
	control_groups_close(tree.groups);
	path = mem_printf("%s/" HANDED_ON, tree.root);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	free(path);
	tree.groups = control_groups_adopt(open(tree.root, O_DIRECTORY | O_CLOEXEC));
	assert_int_equal(make(&tree, false, &report, &failed, &group), 0);
	assert_int_equal(report.errnums[WALL_GROUP_CPU], EISDIR);
	control_group_free(group);
	tree_close(&tree);
}

/* Nobody could enter it. */
static void without_a_group_all_its_limits_are_missing(void **state)
{
	static const char *const nothing[] = {NULL};
	struct control_group *group;
	struct cage_report report;
	struct tree tree;
	enum wall failed;

	tree_open(&tree, nothing);
	assert_int_equal(make(&tree, false, &report, &failed, &group), 0);
	assert_null(group);
	assert_int_equal(report.enforced, 0);
	assert_int_equal(report.errnums[WALL_GROUP], ENOENT);
	assert_int_equal(report.errnums[WALL_GROUP_PROCESSES], ENOENT);
	assert_int_equal(make(&tree, true, &report, &failed, &group), -ENOENT);
	assert_int_equal(failed, WALL_GROUP);
	tree_close(&tree);
}

static void kills_for_want_of_memory_are_counted(void **state)
{
	static const char *const files[] = {"cgroup.procs", "memory.events", NULL};
	struct control_group *group;
	struct cage_report report;
	struct tree tree;
	enum wall failed;
	FILE *file;
	char *path;

	tree_open(&tree, files);
	assert_int_equal(make(&tree, false, &report, &failed, &group), 0);
	assert_int_equal(control_group_memory_kills(group), 0);
	path = mem_printf("%s/plugin-echo-1/memory.events", tree.root);
	file = fopen(path, "we");
	fputs("low 0\nhigh 0\nmax 4\noom 3\noom_kill 2\noom_group_kill 1\n", file);
	fclose(file);
	free(path);
	assert_int_equal(control_group_memory_kills(group), 2);
	control_group_free(group);
	tree_close(&tree);
}

/* ---- the kernel's own ---- */

static char *find_mount(void)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	const struct mntent *entry;
	char *path = NULL;

	while (mounts && !path && (entry = getmntent(mounts))) {
		if (strcmp(entry->mnt_type, "cgroup2") == 0)
			path = mem_printf("%s/plugd-test-%d", entry->mnt_dir, getpid());
	}
	if (mounts)
		endmntent(mounts);
	return path;
}

/* A group of the test's own, which nobody is in; the test is skipped where there is none. */
static char *make_root(void)
{
	char *path = find_mount();

	if (!path || mkdir(path, 0755) < 0) {
		free(path);
		print_message("no control groups (v2) to make one in\n");
		skip();
	}
	return path;
}

static void remove_root(char *path)
{
	assert_int_equal(rmdir(path), 0);
	free(path);
}

static struct control_groups *open_groups(const char *path)
{
	struct control_groups *groups = NULL;
	struct err err;

	if (control_groups_open(path, &groups, &err) < 0)
		fail_msg("%s", err.text);
	return groups;
}

static struct control_group *make_plain(struct control_groups *groups)
{
	const struct cage cage = {.asked = WALL_BIT(WALL_GROUP), .required = true};
	struct cage_report report = {0};
	struct control_group *group;
	enum wall failed;

	assert_int_equal(control_group_new(groups, "p", &cage, &report, &failed, &group), 0);
	return group;
}

/* A child and its child in the group, which have nothing of ours but the writing end of `alive`:
 * when both are dead, its other end is at its end. */
static pid_t populate(const struct control_group *group, const int alive[2])
{
	char byte;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		bool is_in = write(control_group_entry_fd(group), "0", 1) == 1;

		setsid();
		dup2(alive[1], STDIN_FILENO);
		close_range(STDERR_FILENO + 1, ~0u, 0);
		if (is_in && fork() == 0)
			is_in = write(STDIN_FILENO, "x", 1) == 1;
		for (;;)
			pause();
	}
	assert_int_equal(read(alive[0], &byte, 1), 1);
	return pid;
}

static void assert_all_dead(int alive[2])
{
	char byte;

	fd_close(&alive[1]);
	assert_int_equal(read(alive[0], &byte, 1), 0);
	fd_close(&alive[0]);
}

static void dies_as_a_whole(void (*kill_group)(struct control_group *group))
{
	char *path = make_root();
	struct control_groups *groups = open_groups(path);
	struct control_group *group = make_plain(groups);
	int alive[2];
	int status;
	pid_t pid;

	assert_int_equal(fd_pipe(alive), 0);
	pid = populate(group, alive);
	kill_group(group);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_all_dead(alive);
	control_group_free(group);
	control_groups_close(groups);
	remove_root(path);
}

static void a_group_is_killed_as_a_whole(void **state)
{
	dies_as_a_whole(control_group_kill);
}

static void a_group_is_frozen_and_killed_where_the_kernel_has_no_file_for_it(void **state)
{
	dies_as_a_whole(control_group_kill_frozen);
}

/* Of a plugd that was killed itself. */
static void what_an_earlier_plugd_left_is_killed_and_removed(void **state)
{
	char *path = make_root();
	struct control_groups *groups;
	int alive[2];
	pid_t earlier;

	assert_int_equal(fd_pipe(alive), 0);
	earlier = fork();
	if (earlier == 0) {
		populate(make_plain(open_groups(path)), alive);
		_exit(0);
	}
	assert_int_equal(waitpid(earlier, NULL, 0), earlier);
	groups = open_groups(path);
	assert_all_dead(alive);
	control_groups_close(groups);
	remove_root(path);
}

static void a_directory_has_one_owner(void **state)
{
	char *path = make_root();
	struct control_groups *groups = open_groups(path);
	struct control_groups *other;
	struct err err;

	assert_true(control_groups_open(path, &other, &err) < 0);
	assert_int_equal(err.code, ERR_CONTROL_GROUPS);
	assert_non_null(strstr(err.text, "another plugd"));
	control_groups_close(groups);
	remove_root(path);
}

static void what_is_no_control_group_is_refused(void **state)
{
	struct control_groups *groups;
	struct err err;

	assert_int_equal(control_groups_open("/tmp", &groups, &err), -EINVAL);
	assert_int_equal(err.code, ERR_CONTROL_GROUPS);
	assert_int_equal(control_groups_open("/nowhere", &groups, &err), -ENOENT);
	assert_int_equal(err.code, ERR_CONTROL_GROUPS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits_are_written_where_the_kernel_reads_them),
		cmocka_unit_test(controllers_are_handed_on_from_the_root),
		cmocka_unit_test(a_limit_without_its_controller_is_missing),
		cmocka_unit_test(why_a_controller_was_not_handed_on_is_told),
		cmocka_unit_test(without_a_group_all_its_limits_are_missing),
		cmocka_unit_test(kills_for_want_of_memory_are_counted),
		cmocka_unit_test(a_group_is_killed_as_a_whole),
		cmocka_unit_test(a_group_is_frozen_and_killed_where_the_kernel_has_no_file_for_it),
		cmocka_unit_test(what_an_earlier_plugd_left_is_killed_and_removed),
		cmocka_unit_test(a_directory_has_one_owner),
		cmocka_unit_test(what_is_no_control_group_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
