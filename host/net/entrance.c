/* The listening sockets of a listener. listener.c has one for each address, and decides which stay
 * and which go; what comes in by them is its business. An entrance that can't be opened is an error
 * of whoever wrote the address. */
#include "net/entrance.h"

#include <errno.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/mem.h"
#include "net/listening.h"
#include "observe/errors.h"

#define FIRST_FREE_PORT 1024u /* those below are root's */

static int entrance_refused(const struct entrance *entrance, const struct addr *addr, int errnum,
			    struct err *err)
{
	if (errnum == EACCES && addr_port(addr) < FIRST_FREE_PORT)
		return err_set(
			err, ERR_LISTEN,
			"can't listen on %s: only root may, because its port is below %u; a "
			"plugd that is started as root opens such addresses before it becomes "
			"process.user, so restart it",
			entrance->where, FIRST_FREE_PORT);
	return err_set_errno(err, ERR_LISTEN, errnum, "can't listen on %s", entrance->where);
}

static int open_address(struct entrance *entrance, const struct entrance_setup *setup,
			const struct endpoint *endpoint, struct err *err)
{
	int rc = listening_open(&endpoint->addr, &entrance->fd);

	if (rc < 0)
		return entrance_refused(entrance, &endpoint->addr, -rc, err);
	entrance->port = listening_port(entrance->fd);
	return 0;
}

static int open_file(struct entrance *entrance, const struct entrance_setup *setup,
		     const struct endpoint *endpoint, struct err *err)
{
	char *path = mem_strndup(endpoint->name);
	int r = socket_file_open(&entrance->file, path, setup->files, err);

	entrance->fd = entrance->file.fd;
	free(path);
	return r;
}

static int open_inherited(struct entrance *entrance, const struct entrance_setup *setup,
			  const struct endpoint *endpoint, struct err *err)
{
	return inherited_open(setup->inherited, endpoint->name, &entrance->fd, err);
}

typedef int open_fn(struct entrance *entrance, const struct entrance_setup *setup,
		    const struct endpoint *endpoint, struct err *err);

static open_fn *const open_kind[] = {
	[ENDPOINT_ADDRESS] = open_address,
	[ENDPOINT_UNIX] = open_file,
	[ENDPOINT_INHERITED] = open_inherited,
};

struct entrance *entrance_open(const struct entrance_setup *setup, const struct endpoint *endpoint,
			       struct err *err)
{
	struct entrance *entrance = mem_new(struct entrance);

	entrance->listener = setup->listener;
	entrance->log = setup->log;
	entrance->where = mem_strndup(endpoint->where);
	entrance->fd = -1;
	if (open_kind[endpoint->kind](entrance, setup, endpoint, err) < 0) {
		entrance_free(entrance);
		return NULL;
	}
	loop_io_init(&entrance->io, setup->loop, entrance->fd, setup->on_ready, entrance);
	return entrance;
}

/* A file that stays does no harm to the next host, but a client may wonder. */
static void close_file(struct entrance *entrance)
{
	struct err err;
	int r = socket_file_close(&entrance->file);

	if (r == 0)
		return;
	err_set_errno(&err, ERR_UNIX_SOCKET, -r, "can't remove %s", entrance->where);
	log_event(entrance->log, LOG_WARN, "listener.file_left", err.text,
		  LOG_INT("code", err.code));
}

static void entrance_close(struct entrance *entrance)
{
	if (entrance->fd < 0)
		return;
	loop_io_want(&entrance->io, false, false);
	if (entrance->file.path)
		close_file(entrance);
	else
		fd_close(&entrance->fd);
	entrance->fd = -1;
}

void entrance_free(struct entrance *entrance)
{
	entrance_close(entrance);
	free(entrance->where);
	free(entrance);
}

struct entrance *entrances_find(const struct entrances *entrances, struct str where)
{
	for (size_t i = 0; i < entrances->count; i++) {
		if (str_eq(str_from(entrances->items[i]->where), where))
			return entrances->items[i];
	}
	return NULL;
}

void entrances_forget(struct entrances *entrances)
{
	free(entrances->items);
	*entrances = (struct entrances){0};
}
