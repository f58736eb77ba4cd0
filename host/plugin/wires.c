/* The descriptors between the host and one child. process.c opens them for a start, closes the
 * child's ends after it and hands the host's ends on. Never reads or writes. */
#include "plugin/wires.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "base/fd.h"

void wires_close_child_ends(struct wires *wires)
{
	if (wires->output_fd == wires->input_fd)
		wires->output_fd = -1;
	fd_close(&wires->input_fd);
	fd_close(&wires->output_fd);
	fd_close(&wires->error_fd);
}

void wires_close(struct wires *wires)
{
	wires_close_child_ends(wires);
	if (wires->read_fd == wires->write_fd)
		wires->read_fd = -1;
	fd_close(&wires->write_fd);
	fd_close(&wires->read_fd);
	fd_close(&wires->stderr_fd);
}

static int make_pipe(int *read_fd, int *write_fd, uint32_t bytes)
{
	int ends[2];
	int rc = fd_pipe(ends);

	if (rc < 0)
		return rc;
	*read_fd = ends[0];
	*write_fd = ends[1];
	/* EPERM and EBUSY: the user's share of pipe memory is used up; smaller pipes work too. */
	if (bytes > 0 && fcntl(ends[0], F_SETPIPE_SZ, (int)bytes) < 0 && errno != EPERM &&
	    errno != EBUSY)
		return -errno;
	return 0;
}

static int make_socketpair(struct wires *wires, uint32_t bytes)
{
	int size = (int)bytes;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	wires->read_fd = wires->write_fd = ends[0];
	wires->input_fd = wires->output_fd = ends[1];
	for (size_t i = 0; i < 2 && size > 0; i++) {
		if (setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) < 0)
			return -errno;
	}
	return 0;
}

static int make_transport(struct wires *wires, enum plugin_transport transport, uint32_t bytes)
{
	int rc;

	switch (transport) {
	case PLUGIN_SOCKETPAIR:
		return make_socketpair(wires, bytes);
	case PLUGIN_PIPE:
		break;
	}
	rc = make_pipe(&wires->input_fd, &wires->write_fd, bytes);
	if (rc == 0)
		rc = make_pipe(&wires->read_fd, &wires->output_fd, bytes);
	return rc;
}

int wires_open(struct wires *wires, enum plugin_transport transport, uint32_t bytes)
{
	int rc;

	*wires = (struct wires){-1, -1, -1, -1, -1, -1};
	rc = make_transport(wires, transport, bytes);
	if (rc == 0)
		rc = make_pipe(&wires->stderr_fd, &wires->error_fd, 0);
	if (rc == 0)
		rc = fd_set_nonblock(wires->write_fd, true);
	if (rc == 0)
		rc = fd_set_nonblock(wires->read_fd, true);
	if (rc == 0)
		rc = fd_set_nonblock(wires->stderr_fd, true);
	if (rc < 0)
		wires_close(wires);
	return rc;
}
