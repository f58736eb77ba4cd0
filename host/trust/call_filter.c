/* The filter of system calls: calls.def through libseccomp to instructions. The host builds one for
 * each generation; it never installs one. What is not allowed is handed to the keeper, which
 * reports and refuses it; another architecture's calls kill. */
#include "trust/call_filter.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "observe/errors.h"

/* Of x86-64 and of what the others have in common with it: fchmodat2, the newest row. */
#define NEWEST_NUMBER 452
#define MAX_NAME      64

enum call_from { FROM_STRICT, FROM_EXECUTE, FROM_NETWORK, FROM_STANDARD };

static const struct {
	const char *name;
	enum call_from from;
} calls[] = {
#define CALL(from, name) {#name, FROM_##from},
#include "trust/calls.def"
#undef CALL
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define NAMESPACE_FLAGS                                                                            \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	 CLONE_NEWPID | CLONE_NEWNET)

static bool is_wanted(const struct call_filter_wish *wish, enum call_from from)
{
	switch (from) {
	case FROM_STRICT:
		return true;
	case FROM_EXECUTE:
		return wish->profile == SANDBOX_STANDARD || wish->with_execute;
	case FROM_NETWORK:
		return wish->profile == SANDBOX_STANDARD || wish->with_network;
	case FROM_STANDARD:
		return wish->profile == SANDBOX_STANDARD;
	}
	return false;
}

/* ---- rules ---- */

static int allow_clone(scmp_filter_ctx filter)
{
	int rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				  SCMP_A0(SCMP_CMP_MASKED_EQ, NAMESPACE_FLAGS, 0));

	if (rc == 0)
		rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return rc;
}

static int allow(scmp_filter_ctx filter, const char *name)
{
	int number = seccomp_syscall_resolve_name(name);

	if (number == SCMP_SYS(clone))
		return allow_clone(filter);
	if (number == __NR_SCMP_ERROR || number < 0) /* not on this machine */
		return 0;
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
}

static int add_rules(scmp_filter_ctx filter, const struct call_filter_wish *wish)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < COUNT(calls); i++) {
		if (is_wanted(wish, calls[i].from))
			rc = allow(filter, calls[i].name);
	}
	for (char *const *name = wish->allow; rc == 0 && name && *name; name++) {
		rc = allow(filter, *name);
		if (rc == -EEXIST)
			rc = 0;
	}
	return rc;
}

/* ---- instructions ---- */

static int read_program(int fd, struct sock_filter **out, size_t *count)
{
	off_t bytes = lseek(fd, 0, SEEK_END);
	int rc;

	if (bytes <= 0 || lseek(fd, 0, SEEK_SET) < 0)
		return -EIO;
	*out = mem_alloc((size_t)bytes);
	*count = (size_t)bytes / sizeof(**out);
	rc = fd_read_all(fd, *out, (size_t)bytes);
	if (rc < 0) {
		free(*out);
		*out = NULL;
	}
	return rc;
}

static int export(scmp_filter_ctx filter, struct sock_filter **out, size_t *count)
{
	int fd = memfd_create("plugd-filter", MFD_CLOEXEC);
	int rc = fd < 0 ? -errno : seccomp_export_bpf(filter, fd);

	if (rc == 0)
		rc = read_program(fd, out, count);
	fd_close(&fd);
	return rc;
}

int call_filter_build(const struct call_filter_wish *wish, struct sock_filter **program_out,
		      size_t *count_out, struct err *err)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_NOTIFY);
	int rc = filter ? 0 : -ENOMEM;

	if (rc == 0)
		rc = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (rc == 0)
		rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree */
	if (rc == 0)
		rc = add_rules(filter, wish);
	if (rc == 0)
		rc = export(filter, program_out, count_out);
	if (filter)
		seccomp_release(filter);
	if (rc < 0)
		return err_set_errno(err, ERR_SANDBOX, -rc,
				     "the filter of system calls can't be made");
	return 0;
}

/* ---- names ---- */

const char *call_filter_name(int number, char *out, size_t size)
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);

	if (name)
		snprintf(out, size, "%s", name);
	else
		snprintf(out, size, "call %d", number);
	free(name);
	return out;
}

const char *call_filter_check(struct str name)
{
	char copy[MAX_NAME];

	if (name.len >= sizeof(copy))
		return "is no system call";
	memcpy(copy, name.data, name.len);
	copy[name.len] = '\0';
	return seccomp_syscall_resolve_name(copy) == __NR_SCMP_ERROR
		       ? "is no system call that this machine knows"
		       : NULL;
}

bool call_filter_is_new(int number)
{
	return number > NEWEST_NUMBER;
}
