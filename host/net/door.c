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

static int door_listen(struct door *door, const struct addr *addr, struct err *err)
{
	int rc = listening_open(addr, &door->fd);

	if (rc < 0)
		return door_refused(door, addr, -rc, err);
	door->port = listening_port(door->fd);
	return 0;
}

struct door *door_open(const struct door_setup *setup, const struct endpoint *endpoint,
		       struct err *err)
{
	struct door *door = mem_new(struct door);

	door->listener = setup->listener;
	door->where = mem_strndup(endpoint->where);
	door->is_tls = endpoint->is_tls;
	door->fd = -1;
	if (door_listen(door, &endpoint->addr, err) < 0) {
		door_free(door);
		return NULL;
	}
	loop_io_init(&door->io, setup->loop, door->fd, setup->on_ready, door);
	return door;
}

static void door_close(struct door *door)
{
	if (door->fd < 0)
		return;
	loop_io_want(&door->io, false, false);
	fd_close(&door->fd);
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
