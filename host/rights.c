/* Who the host is, from its start to the moment from which on it is nobody but process.user.
 *
 * Addresses are bound before, because of ports below 1024; everything else is opened and made after
 * it. So all that the host makes belongs to the user, and what the user can't open fails the start,
 * by the words of whoever opens it, and not the first reload. Owned by host.c, which calls it. */
#include "rights.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/listening.h"
#include "observe/errors.h"
#include "trust/privileges.h"

int rights_plan(struct rights *rights, const struct privilege_opts *opts, struct err *err)
{
	mode_t mask = 0;

	*rights = (struct rights){.duty = {.stays_root = opts->spawner == SPAWNER_KEEPS_ROOT,
					   .no_new_privs = opts->no_new_privs}};
	umask_parse(str_from(opts->umask), &mask);
	umask(mask);
	return identity_choose(opts, geteuid(), getegid(), &rights->duty.host, err);
}

/* What is made before we become another is that other's. */
int rights_of_sockets(const struct rights *rights, const struct unix_opts *opts,
		      struct socket_file_opts *out, struct err *err)
{
	const struct identity *host = &rights->duty.host;

	*out = (struct socket_file_opts){
		.owner = host->is_other ? host->uid : SOCKET_FILE_KEEP,
		.group = host->is_other ? host->gid : SOCKET_FILE_KEEP,
		.backlog = LISTENING_BACKLOG,
		.code = ERR_UNIX_SOCKET,
	};
	umask_parse(str_from(opts->mode), &out->mode);
	if (!opts->group || group_find(opts->group, &out->group))
		return 0;
	return err_set(
		err, ERR_UNIX_SOCKET,
		"unix_sockets.group: there is no group '%s'; make it (groupadd --system %s), "
		"or name another",
		opts->group, opts->group);
}

static int check_config_file(const char *path, struct err *err)
{
	if (!path || faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0)
		return 0;
	return err_set_errno(
		err, ERR_PRIVILEGES_FILE, errno,
		"user %u, as which plugd runs, can't read the configuration %s; let it (chown "
		"or chmod the file and its directories), or no reload could",
		geteuid(), path);
}

static void tell(const struct rights *rights, struct log *log)
{
	bool is_root = geteuid() == 0;
	const char *text = "runs as who it was started as";

	if (rights->has_dropped)
		text = "has become another user and given up what root may";
	else if (is_root)
		text = "runs as root; process.user lets it become another when it has its "
		       "addresses";
	log_event(log, LOG_INFO, rights->has_dropped ? "privileges.dropped" : "privileges.kept",
		  text, LOG_INT("uid", geteuid()), LOG_INT("gid", getegid()),
		  LOG_STR("spawner", rights_spawner(rights)),
		  LOG_STR("no_new_privs", rights_are_final() ? "yes" : "no"));
}

int rights_give_up(struct rights *rights, const char *config_file, struct log *log, struct err *err)
{
	int r = 0;

	if (rights->duty.host.is_other) {
		r = privileges_drop(&rights->duty.host, err);
		rights->has_dropped = r == 0;
	}
	if (r == 0 && rights->duty.no_new_privs)
		r = privileges_forbid_new(err);
	if (r == 0)
		r = check_config_file(config_file, err);
	if (r == 0)
		tell(rights, log);
	return r;
}

bool rights_are_final(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

const char *rights_spawner(const struct rights *rights)
{
	bool is_root = rights->has_dropped ? rights->duty.stays_root : geteuid() == 0;

	return is_root ? "root" : "user";
}
