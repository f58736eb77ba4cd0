/* The listening sockets of a listener. listener.c has one for each address, and decides which stay
 * and which go; what comes in by them is its business. A door that can't be opened is an error of
 * whoever wrote the address. */
#include "net/door.h"

#include <errno.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/mem.h"
#include "net/listening.h"
#include "observe/errors.h"

#define FIRST_FREE_PORT 1024u /* those below are root's */

static int door_refused(const struct door *door, const struct addr *addr, int errnum,
			struct err *err)
{
	if (errnum == EACCES && addr_port(addr) < FIRST_FREE_PORT)
		return err_set(
			err, ERR_LISTEN,
			"can't listen on %s: only root may, because its port is below %u; a "
			"plugd that is started as root opens such addresses before it becomes "
			"process.user, so restart it",
			door->where, FIRST_FREE_PORT);
	return err_set_errno(err, ERR_LISTEN, errnum, "can't listen on %s", door->where);
}

static int open_address(struct door *door, const struct door_setup *setup,
			const struct endpoint *endpoint, struct err *err)
{
	int rc = listening_open(&endpoint->addr, &door->fd);

	if (rc < 0)
		return door_refused(door, &endpoint->addr, -rc, err);
	door->port = listening_port(door->fd);
	return 0;
}

static int open_file(struct door *door, const struct door_setup *setup,
		     const struct endpoint *endpoint, struct err *err)
{
	char *path = mem_strndup(endpoint->name);
	int r = socket_file_open(&door->file, path, setup->files, err);

	door->fd = door->file.fd;
	free(path);
	return r;
}

static int open_inherited(struct door *door, const struct door_setup *setup,
			  const struct endpoint *endpoint, struct err *err)
{
	return inherited_open(setup->inherited, endpoint->name, &door->fd, err);
}

typedef int open_fn(struct door *door, const struct door_setup *setup,
		    const struct endpoint *endpoint, struct err *err);

static open_fn *const open_kind[] = {
	[ENDPOINT_ADDRESS] = open_address,
	[ENDPOINT_UNIX] = open_file,
	[ENDPOINT_INHERITED] = open_inherited,
};

struct door *door_open(const struct door_setup *setup, const struct endpoint *endpoint,
		       struct err *err)
{
	struct door *door = mem_new(struct door);

	door->listener = setup->listener;
	door->log = setup->log;
	door->where = mem_strndup(endpoint->where);
	door->fd = -1;
	if (open_kind[endpoint->kind](door, setup, endpoint, err) < 0) {
		door_free(door);
		return NULL;
	}
	loop_io_init(&door->io, setup->loop, door->fd, setup->on_ready, door);
	return door;
}

/* A file that stays does no harm to the next host, but a client may wonder. */
static void close_file(struct door *door)
{
	struct err err;
	int r = socket_file_close(&door->file);

	if (r == 0)
		return;
	err_set_errno(&err, ERR_UNIX_SOCKET, -r, "can't remove %s", door->where);
	log_event(door->log, LOG_WARN, "listener.file_left", err.text, LOG_INT("code", err.code));
}

static void door_close(struct door *door)
{
	if (door->fd < 0)
		return;
	loop_io_want(&door->io, false, false);
	if (door->file.path)
		close_file(door);
	else
		fd_close(&door->fd);
	door->fd = -1;
}

void door_free(struct door *door)
{
	door_close(door);
	free(door->where);
	free(door);
}

struct door *doors_find(const struct doors *doors, struct str where)
{
	for (size_t i = 0; i < doors->count; i++) {
		if (str_eq(str_from(doors->items[i]->where), where))
			return doors->items[i];
	}
	return NULL;
}

void doors_forget(struct doors *doors)
{
	free(doors->items);
	*doors = (struct doors){0};
}
