/* From the words of the configuration to numbers. Called once, at the start, while we still are who
 * we were started as; the host keeps the result. Changes nothing.
 *
 * The other groups are those that the machine lists for the user, as after a login: whoever was
 * made a member of a group, so that plugd may read a key, expects just that. None of the groups of
 * who we were stays. A number without a name is a member of no other group. */
#include "trust/identity.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>

#include "observe/errors.h"

#define UMASK_DIGITS 4
#define UMASK_MAX    0777u

bool id_parse(const char *text, uint32_t *out)
{
	unsigned long long number;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	number = strtoull(text, &end, 10);
	*out = (uint32_t)number;
	return *end == '\0' && number < UINT32_MAX;
}

static int list_groups(const char *name, struct identity *out, struct err *err)
{
	int count = IDENTITY_MAX_GROUPS;

	if (getgrouplist(name, out->gid, out->groups, &count) < 0)
		return err_set(err, ERR_PROCESS_USER,
			       "process.user: '%s' is in more than %d groups", name,
			       IDENTITY_MAX_GROUPS);
	out->group_count = (size_t)count;
	return 0;
}

bool group_find(const char *text, gid_t *out)
{
	const struct group *entry = NULL;

	if (id_parse(text, out))
		return true;
	entry = getgrnam(text);
	if (entry)
		*out = entry->gr_gid;
	return entry != NULL;
}

static int find_group(const char *text, struct identity *out, struct err *err)
{
	if (group_find(text, &out->gid))
		return 0;
	return err_set(err, ERR_PROCESS_USER,
		       "process.group: there is no group '%s'; make it (groupadd --system %s), "
		       "or name another",
		       text, text);
}

static int find_user(const struct privilege_opts *opts, struct identity *out, struct err *err)
{
	const struct passwd *entry;
	uint32_t number = 0;
	bool is_number = id_parse(opts->user, &number);
	int r = 0;

	entry = is_number ? getpwuid(number) : getpwnam(opts->user);
	if (!entry && !is_number)
		return err_set(
			err, ERR_PROCESS_USER,
			"process.user: there is no user '%s'; make one (useradd --system %s), or "
			"name another",
			opts->user, opts->user);
	if (!entry && !opts->group)
		return err_set(err, ERR_PROCESS_USER,
			       "process.user: %u has no name and so no group of its own; set "
			       "process.group too",
			       number);
	out->uid = entry ? entry->pw_uid : number;
	out->gid = entry ? entry->pw_gid : 0;
	if (opts->group)
		r = find_group(opts->group, out, err);
	return r == 0 && entry ? list_groups(entry->pw_name, out, err) : r;
}

int identity_choose(const struct privilege_opts *opts, uid_t uid, gid_t gid, struct identity *out,
		    struct err *err)
{
	int r;

	*out = (struct identity){.uid = uid, .gid = gid};
	if (!opts->user)
		return 0;
	r = find_user(opts, out, err);
	if (r < 0)
		return r;
	out->is_other = out->uid != uid || out->gid != gid;
	if (out->is_other && uid != 0)
		return err_set(
			err, ERR_PROCESS_USER,
			"process.user: only root can become user %u and group %u, and plugd was "
			"started as user %u and group %u; start it as root, or leave process.user "
			"out",
			out->uid, out->gid, uid, gid);
	if (out->is_other && (out->uid == 0 || out->gid == 0))
		return err_set(
			err, ERR_PROCESS_USER,
			"process.user: user %u with group %u would keep rights of root; name "
			"others, or leave process.user and process.group out",
			out->uid, out->gid);
	return 0;
}

bool umask_parse(struct str text, mode_t *out)
{
	unsigned mask = 0;

	if (text.len == 0 || text.len > UMASK_DIGITS)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '7')
			return false;
		mask = 8 * mask + (unsigned)(text.data[i] - '0');
	}
	*out = mask;
	return mask <= UMASK_MAX;
}
