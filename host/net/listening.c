/* Sockets that listen. listener.c has one for each of its entrances. */
#include "net/listening.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/fd.h"

static int addr_listen(const struct addr *addr, int *fd_out)
{
	int on = 1;
	int only_v6 = !addr->is_any;
	int fd = socket(addr->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (addr->storage.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof(only_v6));
	if (bind(fd, (const struct sockaddr *)&addr->storage, addr->len) < 0 ||
	    listen(fd, LISTENING_BACKLOG) < 0) {
		int errnum = errno;
		fd_close(&fd);
		return -errnum;
	}
	*fd_out = fd;
	return 0;
}

int listening_open(const struct addr *addr, int *fd_out)
{
	int rc = addr_listen(addr, fd_out);
	struct addr v4 = {.len = sizeof(struct sockaddr_in)};
	struct sockaddr_in *in = (struct sockaddr_in *)&v4.storage;

	/* ":8080" on a kernel without IPv6 */
	if (!addr->is_any || (rc != -EAFNOSUPPORT && rc != -EADDRNOTAVAIL))
		return rc;
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)addr_port(addr));
	return addr_listen(&v4, fd_out);
}

unsigned listening_port(int fd)
{
	struct addr addr = {.len = sizeof(addr.storage)};

	if (getsockname(fd, (struct sockaddr *)&addr.storage, &addr.len) < 0)
		return 0;
	return addr_port(&addr);
}
