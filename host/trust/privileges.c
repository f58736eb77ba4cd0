/* System calls, in the order in which each still has the rights it needs: the other groups and the
 * bounding set, then the group, then the user, then what capabilities a change of user may have
 * left. glibc's wrappers change all threads; there is one. The host calls it after it has bound its
 * addresses, the spawner at its beginning. It owns nothing, and after a failure the caller ends. */
#include "trust/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/secret.h"
#include "observe/errors.h"

#define CAPABILITY_WORDS 2

static int fail(struct err *err, const char *what)
{
	return err_set_errno(err, ERR_PRIVILEGES, errno, "privileges can't be given up: %s", what);
}

/* ---- capabilities ---- */

/* To those that the kernel knows; behind the last one it says EINVAL. */
static int bound_to(uint64_t capabilities)
{
	for (int number = 0; number < 64; number++) {
		if (capabilities & CAPABILITY_BIT(number))
			continue;
		if (prctl(PR_CAPBSET_DROP, number, 0, 0, 0) < 0)
			return errno == EINVAL && number > 0 ? 0 : -1;
	}
	return 0;
}

static int hold_only(uint64_t capabilities)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[CAPABILITY_WORDS] = {{0, 0, 0}};

	for (size_t i = 0; i < CAPABILITY_WORDS; i++) {
		data[i].effective = (uint32_t)(capabilities >> 32 * i);
		data[i].permitted = data[i].effective;
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -1;
	return (int)syscall(SYS_capset, &header, data);
}

/* -1 when it can't be told. */
static int count_held(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[CAPABILITY_WORDS];
	int held = 0;

	if (syscall(SYS_capget, &header, data) < 0)
		return -1;
	for (size_t i = 0; i < CAPABILITY_WORDS; i++)
		held += __builtin_popcount(data[i].permitted | data[i].inheritable);
	return held;
}

int privileges_keep(uint64_t capabilities)
{
	if (bound_to(capabilities) < 0 || hold_only(capabilities) < 0)
		return -errno;
	return 0;
}

/* ---- users ---- */

static int become(const struct identity *identity, struct err *err)
{
	if (setgroups(identity->group_count, identity->groups) < 0)
		return fail(err, "the groups of who we were");
	if (bound_to(0) < 0)
		return fail(err, "the bounding set of capabilities");
	if (setresgid(identity->gid, identity->gid, identity->gid) < 0)
		return fail(err, "the group");
	if (setresuid(identity->uid, identity->uid, identity->uid) < 0)
		return fail(err, "the user");
	return hold_only(0) < 0 ? fail(err, "capabilities") : 0;
}

/* A way back would be worse than no change at all: everybody would rely on it. */
static int prove(const struct identity *identity, struct err *err)
{
	uid_t real, effective, saved;

	if (getresuid(&real, &effective, &saved) < 0)
		return fail(err, "who we are now can't be told");
	if (real != identity->uid || effective != identity->uid || saved != identity->uid ||
	    setresuid(0, 0, 0) == 0 || setresgid(0, 0, 0) == 0 || count_held() != 0)
		return err_set(err, ERR_PRIVILEGES,
			       "privileges can't be given up: the kernel would give them back");
	return 0;
}

int privileges_drop(const struct identity *identity, struct err *err)
{
	int r = become(identity, err);

	if (r == 0)
		r = prove(identity, err);
	secret_forbid_dumps();
	return r;
}

int privileges_forbid_new(struct err *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		return 0;
	return err_set_errno(err, ERR_PRIVILEGES, errno,
			     "no_new_privs can't be had; process.no_new_privs: false does without");
}
