/* The child's side of a cage: from an ordinary process to a caged one, between clone and exec. It
 * runs in memory that is borrowed from the parent, so it is system calls and nothing else: it must
 * not allocate, lock, log, or run code of a sanitizer. spawn.c calls it, in the order of its four
 * functions. Each wall that was asked for ends up either in report->enforced or with its errno in
 * report->errnums.
 *
 * Order matters. Mounts need privileges, paths are looked up in the new mounts, limits on processes
 * count from the moment of the new user, capabilities are needed to give up all others, and the
 * filter comes last because it forbids most of what is done here. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "trust/cage.h"

#define CHILD_SIDE __attribute__((no_sanitize("address", "undefined"), noinline))

/* Landlock, as far as the kernel's documentation goes; Debian's header ends earlier. */
#define LANDLOCK_VERSION_FLAG 1u
#define LANDLOCK_RULE_PATH    1
#define LANDLOCK_RULE_PORT    2
#define FS_EXECUTE	      (UINT64_C(1) << 0)
#define FS_WRITE_FILE	      (UINT64_C(1) << 1)
#define FS_READ_FILE	      (UINT64_C(1) << 2)
#define FS_READ_DIR	      (UINT64_C(1) << 3)
#define FS_REFER	      (UINT64_C(1) << 13)
#define FS_TRUNCATE	      (UINT64_C(1) << 14)
#define FS_IOCTL_DEV	      (UINT64_C(1) << 15)
/* Removing and making, without devices: bits 4 and 5, 7 to 10, 12. */
#define FS_CHANGE_DIR (UINT64_C(0x17b0))
#define NET_BIND      (UINT64_C(1) << 0)
#define NET_CONNECT   (UINT64_C(1) << 1)
#define SCOPE_ALL     UINT64_C(3) /* abstract sockets, signals */

enum { ABI_FILES = 1, ABI_REFER, ABI_TRUNCATE, ABI_PORTS, ABI_IOCTL, ABI_SCOPE };

struct landlock_ruleset {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

struct landlock_path {
	uint64_t access;
	int32_t fd;
} __attribute__((packed));

struct landlock_port {
	uint64_t access;
	uint64_t port;
};

/* Where the entering of a cage stands. */
struct entry {
	const struct cage *cage;
	struct cage_report *report;
	enum wall *failed;
};

CHILD_SIDE static bool is_asked(const struct entry *entry, enum wall wall)
{
	return entry->cage->asked & WALL_BIT(wall);
}

/* What came of a wall that was asked for. 0, or -errno when that ends the start. */
CHILD_SIDE static int note(const struct entry *entry, enum wall wall, long rc)
{
	int errnum = rc < 0 ? errno : 0;

	if (rc >= 0) {
		entry->report->enforced |= WALL_BIT(wall);
		return 0;
	}
	entry->report->errnums[wall] = (int16_t)errnum;
	if (!entry->cage->required)
		return 0;
	*entry->failed = wall;
	return -errnum;
}

/* The kernel has no such wall; it stands all the same where others stand for it. */
CHILD_SIDE static int lack(const struct entry *entry, enum wall wall, uint32_t instead)
{
	bool is_covered = instead != 0 && (entry->report->enforced & instead) == instead;

	errno = ENOSYS;
	return note(entry, wall, is_covered ? 0 : -1);
}

CHILD_SIDE int cage_enter_group(const struct cage *cage, int entry_fd, struct cage_report *report,
				enum wall *failed)
{
	const struct entry entry = {cage, report, failed};

	return note(&entry, WALL_GROUP, syscall(SYS_write, entry_fd, "0", 1)); /* 0: who writes */
}

/* ---- namespaces and mounts ---- */

static const struct {
	enum wall wall;
	unsigned long flag;
} unshared[] = {
	{WALL_MOUNTS, CLONE_NEWNS},
	{WALL_IPC, CLONE_NEWIPC},
	{WALL_HOSTNAME, CLONE_NEWUTS},
	{WALL_NETWORK, CLONE_NEWNET},
};

unsigned long cage_clone_flags(const struct cage *cage)
{
	unsigned long flags = 0;

	for (size_t i = 0; i < sizeof(unshared) / sizeof(unshared[0]); i++) {
		if (cage->asked & WALL_BIT(unshared[i].wall))
			flags |= unshared[i].flag;
	}
	return flags;
}

void cage_note_born(const struct cage *cage, struct cage_report *report)
{
	for (size_t i = 0; i < sizeof(unshared) / sizeof(unshared[0]); i++)
		report->enforced |= cage->asked & WALL_BIT(unshared[i].wall);
}

/* One by one, so that each is known to be missing or not. */
CHILD_SIDE static int unshare_all(const struct entry *entry)
{
	for (size_t i = 0; i < sizeof(unshared) / sizeof(unshared[0]); i++) {
		int rc = 0;

		if (is_asked(entry, unshared[i].wall) &&
		    !(entry->report->enforced & WALL_BIT(unshared[i].wall)))
			rc = note(entry, unshared[i].wall, syscall(SYS_unshare, unshared[i].flag));
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* "size=<n>,mode=1777". No library's function may be called here. */
CHILD_SIDE static void put_size(char *out, uint64_t bytes)
{
	char digits[24];
	size_t count = 0;

	for (const char *text = "mode=1777"; *text; text++)
		*out++ = *text;
	if (bytes > 0) {
		for (const char *text = ",size="; *text; text++)
			*out++ = *text;
	}
	for (; bytes > 0; bytes /= 10)
		digits[count++] = (char)('0' + bytes % 10);
	while (count > 0)
		*out++ = digits[--count];
	*out = '\0';
}

CHILD_SIDE static long mount_temporary(const struct cage *cage)
{
	char options[64];

	put_size(options, cage->temporary_bytes);
	return syscall(SYS_mount, "tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, options);
}

/* Mounts that are made or undone outside are not seen inside any more, and the other way round. */
CHILD_SIDE static int mount_all(const struct entry *entry)
{
	const struct cage *cage = entry->cage;
	int rc = 0;

	if (!(entry->report->enforced & WALL_BIT(WALL_MOUNTS)))
		return 0;
	if (syscall(SYS_mount, NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		entry->report->enforced &= ~WALL_BIT(WALL_MOUNTS);
		return note(entry, WALL_MOUNTS, -1);
	}
	if (is_asked(entry, WALL_TEMPORARY))
		rc = note(entry, WALL_TEMPORARY, mount_temporary(cage));
	if (rc == 0 && is_asked(entry, WALL_PROC) &&
	    (entry->report->enforced & WALL_BIT(WALL_PIDS)))
		rc = note(entry, WALL_PROC,
			  syscall(SYS_mount, "proc", "/proc", "proc",
				  MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
	return rc;
}

/* What stands on a wall that isn't there can't stand either. */
CHILD_SIDE static int note_dependent(const struct entry *entry)
{
	static const enum wall dependents[] = {WALL_TEMPORARY, WALL_PROC};

	for (size_t i = 0; i < 2; i++) {
		enum wall wall = dependents[i];
		bool is_open = is_asked(entry, wall) && entry->report->errnums[wall] == 0 &&
			       !(entry->report->enforced & WALL_BIT(wall));

		errno = EPERM;
		if (is_open && note(entry, wall, -1) < 0)
			return -EPERM;
	}
	return 0;
}

CHILD_SIDE int cage_enter_namespaces(const struct cage *cage, struct cage_report *report,
				     enum wall *failed)
{
	const struct entry entry = {cage, report, failed};
	int rc = 0;

	if (is_asked(&entry, WALL_PIDS)) { /* the keeper is its first process, or could not be */
		errno = EPERM;
		rc = note(&entry, WALL_PIDS, syscall(SYS_getppid) == 1 ? 0 : -1);
	}
	if (rc == 0)
		rc = unshare_all(&entry);
	if (rc == 0)
		rc = mount_all(&entry);
	return rc < 0 ? rc : note_dependent(&entry);
}

/* ---- Landlock ---- */

CHILD_SIDE static uint64_t fs_rights_known(long abi)
{
	uint64_t rights = FS_REFER - 1;

	if (abi >= ABI_REFER)
		rights |= FS_REFER;
	if (abi >= ABI_TRUNCATE)
		rights |= FS_TRUNCATE;
	if (abi >= ABI_IOCTL)
		rights |= FS_IOCTL_DEV;
	return rights;
}

CHILD_SIDE static uint64_t fs_rights_of(unsigned access)
{
	uint64_t rights = 0;

	if (access & (CAGE_READ | CAGE_WRITE))
		rights |= FS_READ_FILE | FS_READ_DIR;
	if (access & CAGE_WRITE)
		rights |= FS_WRITE_FILE | FS_TRUNCATE | FS_REFER | FS_CHANGE_DIR;
	if (access & CAGE_EXECUTE)
		rights |= FS_EXECUTE | FS_READ_FILE;
	if (access & CAGE_DEVICE)
		rights |= FS_IOCTL_DEV;
	return rights;
}

/* What is not there needs no rule. */
CHILD_SIDE static int add_path(int ruleset, const struct cage_rule *rule, uint64_t known)
{
	struct landlock_path path = {.access = fs_rights_of(rule->access) & known};
	struct stat status;
	long rc;

	path.fd = (int)syscall(SYS_openat, AT_FDCWD, rule->path, O_PATH | O_CLOEXEC);
	if (path.fd < 0)
		return errno == ENOENT || errno == EACCES ? 0 : -1;
	rc = syscall(SYS_newfstatat, path.fd, "", &status, AT_EMPTY_PATH);
	if (rc == 0 && !S_ISDIR(status.st_mode))
		path.access &= FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE |
			       FS_IOCTL_DEV; /* all others are of directories */
	if (rc == 0)
		rc = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH, &path, 0);
	syscall(SYS_close, path.fd);
	return rc < 0 ? -1 : 0;
}

CHILD_SIDE static int add_rules(int ruleset, const struct cage *cage,
				const struct landlock_ruleset *handled)
{
	for (size_t i = 0; handled->fs != 0 && i < cage->rule_count; i++) {
		if (add_path(ruleset, &cage->rules[i], handled->fs) < 0)
			return -1;
	}
	for (size_t i = 0; handled->net != 0 && i < cage->port_count; i++) {
		struct landlock_port port = {
			.access = cage->ports[i].bind ? NET_BIND : NET_CONNECT,
			.port = cage->ports[i].port,
		};

		if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PORT, &port, 0) < 0)
			return -1;
	}
	return 0;
}

CHILD_SIDE static long restrict_self(const struct cage *cage, long abi,
				     const struct landlock_ruleset *handled)
{
	size_t size = abi >= ABI_SCOPE ? sizeof(*handled) : abi >= ABI_PORTS ? 16 : 8;
	long ruleset = syscall(SYS_landlock_create_ruleset, handled, size, 0);
	long rc;
	int errnum;

	if (ruleset < 0)
		return -1;
	rc = add_rules((int)ruleset, cage, handled);
	if (rc == 0)
		rc = syscall(SYS_landlock_restrict_self, ruleset, 0);
	errnum = errno;
	syscall(SYS_close, ruleset);
	errno = errnum;
	return rc;
}

static const struct {
	enum wall wall;
	int abi;	  /* from which on the kernel has it */
	uint32_t instead; /* walls that together keep off the same; 0: none do */
} landlocked[] = {
	{WALL_PATHS, ABI_FILES, 0},
	{WALL_PORTS, ABI_PORTS, WALL_BIT(WALL_NETWORK)},
	{WALL_SCOPE, ABI_SCOPE, WALL_BIT(WALL_PIDS) | WALL_BIT(WALL_NETWORK)},
};

#define LANDLOCKED_COUNT (sizeof(landlocked) / sizeof(landlocked[0]))

CHILD_SIDE static int enter_landlock(const struct entry *entry)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION_FLAG);
	struct landlock_ruleset handled = {0, 0, 0};
	uint32_t there = 0;
	long done;
	int errnum;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < LANDLOCKED_COUNT; i++) {
		if (!is_asked(entry, landlocked[i].wall))
			continue;
		if (abi >= landlocked[i].abi)
			there |= WALL_BIT(landlocked[i].wall);
		else
			rc = lack(entry, landlocked[i].wall, landlocked[i].instead);
	}
	if (rc < 0 || there == 0)
		return rc;
	handled.fs = there & WALL_BIT(WALL_PATHS) ? fs_rights_known(abi) : 0;
	handled.net = there & WALL_BIT(WALL_PORTS) ? NET_BIND | NET_CONNECT : 0;
	handled.scoped = there & WALL_BIT(WALL_SCOPE) ? SCOPE_ALL : 0;
	done = restrict_self(entry->cage, abi, &handled);
	errnum = errno;
	for (size_t i = 0; rc == 0 && i < LANDLOCKED_COUNT; i++) {
		errno = errnum;
		if (there & WALL_BIT(landlocked[i].wall))
			rc = note(entry, landlocked[i].wall, done);
	}
	return rc;
}

/* ---- limits ---- */

static const struct {
	enum wall wall;
	int resource;
} limited[] = {
	{WALL_CORE, RLIMIT_CORE},	 {WALL_MEMORY, RLIMIT_DATA},
	{WALL_ADDRESS_SPACE, RLIMIT_AS}, {WALL_FILES, RLIMIT_NOFILE},
	{WALL_PROCESSES, RLIMIT_NPROC},	 {WALL_CPU_TIME, RLIMIT_CPU},
	{WALL_FILE_SIZE, RLIMIT_FSIZE},
};

/* Never more than there was: only root may raise a limit. */
CHILD_SIDE static long set_limit(int resource, uint64_t value)
{
	uint64_t grace = resource == RLIMIT_CPU ? 1 : 0; /* SIGXCPU, and SIGKILL a second later */
	struct rlimit now;

	if (syscall(SYS_prlimit64, 0, resource, NULL, &now) < 0)
		return -1;
	if (value + grace < now.rlim_max)
		now.rlim_max = value + grace;
	if (now.rlim_cur > now.rlim_max || resource == RLIMIT_NOFILE)
		now.rlim_cur = now.rlim_max;
	if (value < now.rlim_cur)
		now.rlim_cur = value;
	return syscall(SYS_prlimit64, 0, resource, &now, NULL);
}

/* The kernel counts nobody's processes for root, which then has no limit, whatever it is set to. */
CHILD_SIDE static long set_limit_of(const struct entry *entry, enum wall wall, int resource)
{
	bool is_exempt =
		wall == WALL_PROCESSES && !is_asked(entry, WALL_USER) && syscall(SYS_geteuid) == 0;

	errno = EPERM;
	return is_exempt ? -1 : set_limit(resource, entry->cage->limits[wall]);
}

CHILD_SIDE static int enter_limits(const struct entry *entry)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(limited) / sizeof(limited[0]); i++) {
		enum wall wall = limited[i].wall;

		if (is_asked(entry, wall))
			rc = note(entry, wall, set_limit_of(entry, wall, limited[i].resource));
	}
	return rc;
}

/* ---- who it is ---- */

CHILD_SIDE static long drop_bounding_set(void)
{
	for (int capability = 0;; capability++) {
		if (syscall(SYS_prctl, PR_CAPBSET_DROP, capability, 0, 0, 0) == 0)
			continue;
		return errno == EINVAL && capability > 0 ? 0 : -1; /* behind the last one */
	}
}

CHILD_SIDE static long become_user(const struct cage *cage)
{
	if (syscall(SYS_setgroups, 0, NULL) < 0 ||
	    syscall(SYS_setresgid, cage->gid, cage->gid, cage->gid) < 0)
		return -1;
	return syscall(SYS_setresuid, cage->uid, cage->uid, cage->uid);
}

/* Who isn't root stays who they are, which is a wall less. Root must not: it would be a wall less
 * for root. */
CHILD_SIDE static int enter_user(const struct entry *entry)
{
	bool is_root = syscall(SYS_geteuid) == 0;
	int rc = note(entry, WALL_USER, become_user(entry->cage));

	if (rc == 0 && is_root && entry->report->errnums[WALL_USER] != 0) {
		*entry->failed = WALL_USER;
		return -entry->report->errnums[WALL_USER];
	}
	return rc;
}

CHILD_SIDE static long clear_capabilities(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	const struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};

	if (syscall(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -1;
	return syscall(SYS_capset, &header, none);
}

/* Who has no capability to begin with may not shorten the bounding set, and can't gain from it
 * either: no_new_privs. */
CHILD_SIDE static int enter_capabilities(const struct entry *entry, long bounded)
{
	long rc = clear_capabilities();
	bool was_powerless = bounded < 0 && (entry->report->enforced & WALL_BIT(WALL_NO_NEW_PRIVS));

	if (bounded < 0 && !was_powerless)
		rc = -1;
	return note(entry, WALL_CAPABILITIES, rc);
}

CHILD_SIDE int cage_enter_walls(const struct cage *cage, struct cage_report *report,
				enum wall *failed)
{
	const struct entry entry = {cage, report, failed};
	long bounded = 0;
	int rc = 0;

	if (is_asked(&entry, WALL_NO_NEW_PRIVS))
		rc = note(&entry, WALL_NO_NEW_PRIVS,
			  syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	if (rc == 0)
		rc = enter_landlock(&entry);
	if (rc == 0)
		rc = enter_limits(&entry);
	if (is_asked(&entry, WALL_CAPABILITIES))
		bounded = drop_bounding_set();
	if (rc == 0 && is_asked(&entry, WALL_USER))
		rc = enter_user(&entry);
	if (rc == 0 && is_asked(&entry, WALL_CAPABILITIES))
		rc = enter_capabilities(&entry, bounded);
	return rc;
}

/* ---- the filter ---- */

CHILD_SIDE static long send_descriptor(int socket, int fd)
{
	char byte = 0;
	struct iovec data = {&byte, 1};
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};

	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	control.align.cmsg_len = CMSG_LEN(sizeof(int));
	*(int *)(void *)CMSG_DATA(&control.align) = fd;
	return syscall(SYS_sendmsg, socket, &message, MSG_NOSIGNAL);
}

CHILD_SIDE int cage_enter_filter(const struct cage *cage, int notify_socket,
				 struct cage_report *report, enum wall *failed)
{
	const struct entry entry = {cage, report, failed};
	struct sock_fprog program = {(unsigned short)cage->filter_count, cage->filter};
	long listener;

	if (!is_asked(&entry, WALL_CALLS))
		return 0;
	listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			   &program);
	if (listener >= 0 && send_descriptor(notify_socket, (int)listener) < 0)
		return -errno; /* nobody would answer its violations: it would stand still */
	return note(&entry, WALL_CALLS, listener);
}
