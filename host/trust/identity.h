/* Who the host is to be: the user, the group and the other groups that it becomes when it no longer
 * needs to be root. Only says who; privileges.h does it. */
#ifndef PLUGD_TRUST_IDENTITY_H
#define PLUGD_TRUST_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"
#include "trust/privilege_opts.h"

#define IDENTITY_MAX_GROUPS 256

struct identity {
	uid_t uid;
	gid_t gid;
	gid_t groups[IDENTITY_MAX_GROUPS]; /* of the user, as the machine lists them */
	size_t group_count;
	bool is_other; /* than who we are: root has to become it */
};

/* `uid` and `gid`: who we are. 0, or -EINVAL and *err (ERR_PROCESS_USER): nobody has that name, or
 * we are not root and so can't become them. Looks into the machine's lists of users and groups. */
int identity_choose(const struct privilege_opts *opts, uid_t uid, gid_t gid, struct identity *out,
		    struct err *err);

/* Looks a name or a number of a group up. False: there is none. */
bool group_find(const char *text, gid_t *out);

/* "1000" is 1000; false: it is no number of a user or a group. Pure. */
bool id_parse(const char *text, uint32_t *out);

/* "0027" is 027; false: it is no mask. Pure. */
bool umask_parse(struct str text, mode_t *out);

#endif
