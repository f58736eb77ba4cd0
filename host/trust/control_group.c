/* Control groups as directories and files of the kernel's. Owns the descriptor of the root, which
 * is locked as long as it is open, and two of each group. process.c makes a group for each process;
 * nobody else knows of them. It decides no limit: those come with the cage.
 *
 * A controller that the root lacks, or that can't be handed on to the groups below, shows when the
 * file of a limit is not there: that wall is missing then, with ENOENT or what handing it on
 * said. */
#include "trust/control_group.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <mntent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "observe/errors.h"

#define PREFIX	    "plugin-"
#define HOST_LEAF   "host"
#define TEXT_BYTES  (64u << 10)
#define FREEZE_MS   100
#define KILL_MS	    1000
#define CPU_PERIOD  100000u /* microseconds, the kernel's default */
#define US_PERCENT  (CPU_PERIOD / 100)
#define FIRST_LIMIT WALL_GROUP_MEMORY

struct control_groups {
	int dir;
	int refused[WALL_COUNT]; /* errno of handing on the controller of a limit; 0: none */
	unsigned made;		 /* numbers the next one */
	unsigned leftovers;	 /* that could not be removed yet */
};

struct control_group {
	struct control_groups *groups;
	char *name;
	int dir;
	int entry; /* its cgroup.procs */
};

/* ---- files ---- */

static int write_text(int dir, const char *file, const char *text)
{
	int fd = openat(dir, file, O_WRONLY | O_CLOEXEC);
	int rc = fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));

	fd_close(&fd);
	return rc;
}

/* From its beginning, as a text; "" when it can't be read. Returns owned. */
static char *read_open(int fd)
{
	char *text = mem_alloc(TEXT_BYTES);
	ssize_t len = fd < 0 ? 0 : pread(fd, text, TEXT_BYTES - 1, 0);

	text[len > 0 ? len : 0] = '\0';
	return text;
}

static char *read_text(int dir, const char *file)
{
	int fd = openat(dir, file, O_RDONLY | O_CLOEXEC);
	char *text = read_open(fd);

	fd_close(&fd);
	return text;
}

/* Takes a text of lines "<key> <number>"; 0 when the key is not there. */
static unsigned long take_keyed(char *text, const char *key)
{
	unsigned long value = 0;
	size_t len = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) == 0 && line[len] == ' ')
			value = strtoul(line + len + 1, NULL, 10);
	}
	free(text);
	return value;
}

/* ---- limits ---- */

static int limit_memory(int dir, uint64_t bytes)
{
	char text[32];
	int rc;

	snprintf(text, sizeof(text), "%" PRIu64, bytes);
	rc = write_text(dir, "memory.max", text);
	if (rc < 0)
		return rc;
	/* Not by swapping, where there is any; and what is left after a kill is of no use. */
	write_text(dir, "memory.swap.max", "0");
	write_text(dir, "memory.oom.group", "1");
	return 0;
}

static int limit_cpu(int dir, uint64_t percent)
{
	char text[48];

	snprintf(text, sizeof(text), "%" PRIu64 " %u", percent * US_PERCENT, CPU_PERIOD);
	return write_text(dir, "cpu.max", text);
}

static int limit_pids(int dir, uint64_t count)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, count);
	return write_text(dir, "pids.max", text);
}

static const struct {
	enum wall wall;
	const char *controller; /* as handed on to the groups below */
	int (*set)(int dir, uint64_t value);
} limits[] = {
	{WALL_GROUP_MEMORY, "+memory", limit_memory},
	{WALL_GROUP_CPU, "+cpu", limit_cpu},
	{WALL_GROUP_PROCESSES, "+pids", limit_pids},
};

#define LIMIT_COUNT (sizeof(limits) / sizeof(limits[0]))

/* ---- killing ---- */

/* Until the group's news say so; the kernel tells of each change. */
static void await_event(int dir, const char *key, unsigned long value, int patience_ms)
{
	struct pollfd news = {.fd = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC),
			      .events = POLLPRI};

	/* What was read by this descriptor is what it is woken for being old. */
	while (news.fd >= 0 && take_keyed(read_open(news.fd), key) != value) {
		if (poll(&news, 1, patience_ms) <= 0)
			break;
	}
	fd_close(&news.fd);
}

void control_group_kill_frozen(struct control_group *group)
{
	char *text;
	char *rest;
	char *line;

	write_text(group->dir, "cgroup.freeze", "1");
	await_event(group->dir, "frozen", 1, FREEZE_MS);
	text = rest = read_text(group->dir, "cgroup.procs");
	while ((line = strsep(&rest, "\n"))) {
		long pid = strtol(line, NULL, 10);

		if (pid > 1) /* which stands still: the number is its own */
			kill((pid_t)pid, SIGKILL);
	}
	write_text(group->dir, "cgroup.freeze", "0");
	free(text);
}

static int kill_at_once(int dir)
{
	return write_text(dir, "cgroup.kill", "1");
}

void control_group_kill(struct control_group *group)
{
	if (group && kill_at_once(group->dir) == -ENOENT)
		control_group_kill_frozen(group);
}

unsigned long control_group_memory_kills(const struct control_group *group)
{
	return take_keyed(read_text(group->dir, "memory.events"), "oom_kill");
}

/* ---- leftovers ---- */

/* The kernel doesn't remove one in which something lives. By force: kills it and waits for that, a
 * second at most each time that something dies. */
static void remove_leftovers(struct control_groups *groups, bool by_force)
{
	int fd = openat(groups->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int dir;

	groups->leftovers = 0;
	while (entries && (entry = readdir(entries))) {
		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0)
			continue;
		dir = by_force ? openat(groups->dir, entry->d_name, O_DIRECTORY | O_CLOEXEC) : -1;
		if (dir >= 0 && kill_at_once(dir) == 0)
			await_event(dir, "populated", 0, KILL_MS);
		fd_close(&dir);
		if (unlinkat(groups->dir, entry->d_name, AT_REMOVEDIR) < 0)
			groups->leftovers++;
	}
	if (entries)
		closedir(entries);
	else
		fd_close(&fd);
}

/* ---- the root ---- */

/* Below `mount`, from "0::/path" of /proc/self/cgroup. NULL: there is none. Returns owned. */
static char *own_path(const char *mount)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char *line = NULL;
	size_t room = 0;
	char *path = NULL;
	ssize_t len;

	while (file && !path && (len = getline(&line, &room, file)) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::/", 4) == 0)
			path = mem_printf("%s%s", mount, line + 3);
	}
	free(line);
	if (file)
		fclose(file);
	return path;
}

static char *find_own(void)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	const struct mntent *entry;
	char *path = NULL;

	while (mounts && !path && (entry = getmntent(mounts))) {
		if (strcmp(entry->mnt_type, "cgroup2") == 0)
			path = own_path(entry->mnt_dir);
	}
	if (mounts)
		endmntent(mounts);
	return path;
}

/* A group with processes of its own can't hand on controllers, except the first of all. */
static int make_room(const char *path, int dir, struct err *err)
{
	char *own = find_own();
	struct stat ours;
	struct stat given;
	bool is_in_it = own && stat(own, &ours) == 0 && fstat(dir, &given) == 0 &&
			ours.st_dev == given.st_dev && ours.st_ino == given.st_ino;
	int rc = 0;

	free(own);
	if (!is_in_it)
		return 0;
	if (mkdirat(dir, HOST_LEAF, 0755) < 0 && errno != EEXIST)
		rc = -errno;
	if (rc == 0)
		rc = write_text(dir, HOST_LEAF "/cgroup.procs", "0");
	return rc < 0 ? err_set_errno(err, ERR_CONTROL_GROUPS, -rc,
				      "cgroup: plugd can't move to '%s/" HOST_LEAF "'", path)
		      : 0;
}

static int open_root(const char *path, int *out, struct err *err)
{
	struct statfs kind;
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return err_set_errno(err, ERR_CONTROL_GROUPS, errno, "cgroup: '%s'", path);
	*out = dir;
	if (fstatfs(dir, &kind) < 0 || kind.f_type != CGROUP2_SUPER_MAGIC)
		return err_set(err, ERR_CONTROL_GROUPS, "cgroup: '%s' is no control group (v2)",
			       path);
	if (flock(dir, LOCK_EX | LOCK_NB) < 0)
		return err_set_errno(err, ERR_CONTROL_GROUPS, errno,
				     "cgroup: '%s' belongs to another plugd", path);
	if (faccessat(dir, ".", W_OK, AT_EACCESS) < 0)
		return err_set_errno(err, ERR_CONTROL_GROUPS, errno,
				     "cgroup: '%s' was not given to the user that plugd runs as",
				     path);
	return make_room(path, dir, err);
}

struct control_groups *control_groups_adopt(int dir)
{
	struct control_groups *groups = mem_new(struct control_groups);

	groups->dir = dir;
	for (size_t i = 0; i < LIMIT_COUNT; i++)
		groups->refused[limits[i].wall] =
			-write_text(dir, "cgroup.subtree_control", limits[i].controller);
	remove_leftovers(groups, true);
	return groups;
}

int control_groups_open(const char *where, struct control_groups **out, struct err *err)
{
	char *path = strcmp(where, CONTROL_GROUPS_OWN) == 0 ? find_own() : mem_strdup(where);
	int dir = -1;
	int rc;

	if (!path)
		return err_set(err, ERR_CONTROL_GROUPS,
			       "cgroup: no file system of control groups (v2) is mounted");
	rc = open_root(path, &dir, err);
	free(path);
	if (rc == 0)
		*out = control_groups_adopt(dir);
	else
		fd_close(&dir);
	return rc;
}

/* The files that the kernel's documentation names for a delegation. */
void control_groups_give(const struct control_groups *groups, uid_t uid, gid_t gid)
{
	static const char *const files[] = {".", "cgroup.procs", "cgroup.threads",
					    "cgroup.subtree_control"};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (fchownat(groups->dir, files[i], uid, gid, 0) < 0)
			break;
	}
}

void control_groups_close(struct control_groups *groups)
{
	if (!groups)
		return;
	remove_leftovers(groups, true);
	fd_close(&groups->dir);
	free(groups);
}

/* ---- a group ---- */

static int lack(const struct cage *cage, struct cage_report *report, enum wall wall, int errnum,
		enum wall *failed)
{
	report->errnums[wall] = (int16_t)errnum;
	*failed = wall;
	return cage->required ? -errnum : 0;
}

/* A number that an earlier plugd took, whose group the kernel is not done with, is passed over. */
static int make_directory(struct control_groups *groups, const char *plugin, char **name_out)
{
	for (;;) {
		char *name = mem_printf(PREFIX "%s-%u", plugin, ++groups->made);

		if (mkdirat(groups->dir, name, 0755) == 0) {
			*name_out = name;
			return 0;
		}
		free(name);
		if (errno != EEXIST)
			return -errno;
	}
}

static int open_group(struct control_groups *groups, const char *plugin,
		      struct control_group *group)
{
	int rc = make_directory(groups, plugin, &group->name);

	if (rc < 0)
		return rc;
	group->dir = openat(groups->dir, group->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (group->dir >= 0)
		group->entry = openat(group->dir, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	return group->entry < 0 ? -errno : 0;
}

static int set_limits(const struct control_group *group, const struct cage *cage,
		      struct cage_report *report, enum wall *failed)
{
	for (size_t i = 0; i < LIMIT_COUNT; i++) {
		enum wall wall = limits[i].wall;
		int refused = group->groups->refused[wall];
		int rc;

		if (!(cage->asked & WALL_BIT(wall)))
			continue;
		rc = limits[i].set(group->dir, cage->limits[wall]);
		if (rc == 0)
			report->enforced |= WALL_BIT(wall);
		else if (lack(cage, report, wall, refused ? refused : -rc, failed) < 0)
			return refused ? -refused : rc;
	}
	return 0;
}

/* Nothing stands that stands on the group. */
static int lack_all(const struct cage *cage, struct cage_report *report, int errnum,
		    enum wall *failed)
{
	for (size_t i = 0; i < LIMIT_COUNT; i++) {
		if (cage->asked & WALL_BIT(limits[i].wall))
			report->errnums[limits[i].wall] = (int16_t)errnum;
	}
	return lack(cage, report, WALL_GROUP, errnum, failed);
}

int control_group_new(struct control_groups *groups, const char *plugin, const struct cage *cage,
		      struct cage_report *report, enum wall *failed, struct control_group **out)
{
	struct control_group *group = mem_new(struct control_group);
	int rc;

	*out = NULL;
	*group = (struct control_group){.groups = groups, .dir = -1, .entry = -1};
	if (groups->leftovers > 0)
		remove_leftovers(groups, false);
	rc = open_group(groups, plugin, group);
	if (rc < 0) {
		control_group_free(group);
		return lack_all(cage, report, -rc, failed);
	}
	rc = set_limits(group, cage, report, failed);
	if (rc < 0)
		control_group_free(group);
	else
		*out = group;
	return rc;
}

int control_group_entry_fd(const struct control_group *group)
{
	return group->entry;
}

void control_group_free(struct control_group *group)
{
	if (!group)
		return;
	if (group->dir >= 0)
		control_group_kill(group);
	if (group->name && unlinkat(group->groups->dir, group->name, AT_REMOVEDIR) < 0)
		group->groups->leftovers++;
	fd_close(&group->entry);
	fd_close(&group->dir);
	free(group->name);
	free(group);
}
