/* The sockets that plugd was started with.
 *
 * They are owned here for as long as `listen` names them, and each entrance has a duplicate: so
 * what a reload prepares can be given up again. What `listen` does not name any more is closed,
 * since a client that connects to it would wait for ever; only another start brings it back. The
 * kernel is asked what they are when an entrance wants one, not the environment. ground.c takes
 * them, before it makes the spawner; a listener opens them. */
#include "net/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "net/endpoint.h"
#include "net/listen_fds.h"
#include "observe/errors.h"

struct inherited_socket {
	char *name;
	int number; /* that it came with */
	int fd;	    /* the same, or -1: closed */
};

struct inherited {
	struct inherited_socket *items;
	unsigned count;
	bool is_another; /* what the environment told of was for another process */
};

/* ---- taking ---- */

static void forget_variables(void)
{
	/* The last one is systemd's newer way to say for whom they are. */
	static const char *const names[] = {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES",
					    "LISTEN_PIDFDID"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unsetenv(names[i]);
}

static int take(struct inherited *inherited, const struct listen_fds *fds, struct err *err)
{
	inherited->is_another = fds->is_another;
	inherited->items = mem_array(fds->count + 1, sizeof(*inherited->items));
	for (unsigned i = 0; i < fds->count; i++) {
		struct inherited_socket *item = &inherited->items[inherited->count++];
		int r;

		*item = (struct inherited_socket){.name = mem_strndup(listen_fds_name(fds, i)),
						  .number = LISTEN_FDS_FIRST + (int)i,
						  .fd = LISTEN_FDS_FIRST + (int)i};
		r = fd_set_cloexec(item->fd, true);
		if (r < 0) {
			item->fd = -1;
			return err_set_errno(err, ERR_INHERITED_SOCKET, -r,
					     "LISTEN_FDS is %u, but descriptor %d was not handed "
					     "over",
					     fds->count, item->number);
		}
	}
	return 0;
}

int inherited_take(struct inherited **out, struct err *err)
{
	const struct listen_fds_texts texts = {.pid = getenv("LISTEN_PID"),
					       .fds = getenv("LISTEN_FDS"),
					       .names = getenv("LISTEN_FDNAMES")};
	struct inherited *inherited = mem_new(struct inherited);
	struct listen_fds fds;
	const char *wrong = listen_fds_read(&texts, getpid(), &fds);
	int r = wrong ? err_set(err, ERR_INHERITED_SOCKET,
				"%s; whoever starts plugd hands its sockets over wrongly", wrong)
		      : take(inherited, &fds, err);

	forget_variables();
	if (r < 0) {
		inherited_free(inherited);
		return r;
	}
	*out = inherited;
	return 0;
}

void inherited_free(struct inherited *inherited)
{
	if (!inherited)
		return;
	for (unsigned i = 0; i < inherited->count; i++) {
		fd_close(&inherited->items[i].fd);
		free(inherited->items[i].name);
	}
	free(inherited->items);
	free(inherited);
}

/* ---- opening ---- */

/* A name of digits alone is a number: whoever hands sockets over without names needs one. */
static bool is_meant(const struct inherited_socket *item, struct str name)
{
	uint64_t number;

	if (str_to_u64(name, INT32_MAX, &number))
		return item->number == (int)number;
	return str_eq(str_from(item->name), name);
}

static int refuse_name(const struct inherited *inherited, struct str name, unsigned found,
		       struct err *err)
{
	if (found > 1)
		return err_set(err, ERR_INHERITED_SOCKET,
			       "%u inherited sockets have the name \"%.*s\"; give each a "
			       "FileDescriptorName of its own, or write their numbers, such as "
			       "fd:%d",
			       found, STR_ARG(name), LISTEN_FDS_FIRST);
	return err_set(err, ERR_INHERITED_SOCKET,
		       "no socket with the name \"%.*s\" was inherited%s; look at the socket unit, "
		       "and start plugd by it",
		       STR_ARG(name),
		       inherited && inherited->is_another
			       ? ": LISTEN_PID is the number of another process"
			       : "");
}

static int get_option(int fd, int option)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &len) < 0 ? -1 : value;
}

static bool is_listening(int fd)
{
	int domain = get_option(fd, SO_DOMAIN);

	return get_option(fd, SO_TYPE) == SOCK_STREAM && get_option(fd, SO_ACCEPTCONN) == 1 &&
	       (domain == AF_INET || domain == AF_INET6 || domain == AF_UNIX);
}

static int duplicate(const struct inherited_socket *item, int *fd_out, struct err *err)
{
	int fd, r;

	if (item->fd < 0)
		return err_set(
			err, ERR_INHERITED_SOCKET,
			"the inherited socket \"%s\" (descriptor %d) was closed when `listen` "
			"did not name it; restart plugd",
			item->name, item->number);
	if (!is_listening(item->fd))
		return err_set(err, ERR_INHERITED_SOCKET,
			       "the inherited descriptor %d (\"%s\") is no socket that listens for "
			       "streams; in its socket unit write ListenStream=, and Accept=no",
			       item->number, item->name);
	fd = fcntl(item->fd, F_DUPFD_CLOEXEC, LISTEN_FDS_FIRST);
	r = fd < 0 ? -errno : fd_set_nonblock(fd, true);
	if (r < 0) {
		fd_close(&fd);
		return err_set_errno(err, ERR_INHERITED_SOCKET, -r,
				     "the inherited socket \"%s\" (descriptor %d)", item->name,
				     item->number);
	}
	*fd_out = fd;
	return 0;
}

int inherited_open(const struct inherited *inherited, struct str name, int *fd_out, struct err *err)
{
	const struct inherited_socket *meant = NULL;
	unsigned found = 0;

	for (unsigned i = 0; inherited && i < inherited->count; i++) {
		if (!is_meant(&inherited->items[i], name))
			continue;
		meant = &inherited->items[i];
		found++;
	}
	if (found != 1)
		return refuse_name(inherited, name, found, err);
	return duplicate(meant, fd_out, err);
}

/* ---- closing ---- */

static bool is_named(const struct inherited_socket *item, char *const *listen)
{
	struct endpoint endpoint;

	for (; *listen; listen++) {
		if (!endpoint_read(str_from(*listen), &endpoint) &&
		    endpoint.kind == ENDPOINT_INHERITED && is_meant(item, endpoint.name))
			return true;
	}
	return false;
}

void inherited_keep_only(struct inherited *inherited, char *const *listen, struct log *log)
{
	for (unsigned i = 0; inherited && i < inherited->count; i++) {
		struct inherited_socket *item = &inherited->items[i];

		if (item->fd < 0 || is_named(item, listen))
			continue;
		fd_close(&item->fd);
		log_event(log, LOG_WARN, "listener.inherited_closed",
			  "an inherited socket is closed, because listen does not name it; write "
			  "fd: and its name there, or take it out of the socket unit",
			  LOG_STR("name", item->name), LOG_INT("descriptor", item->number));
	}
}
