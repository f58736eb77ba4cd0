/* The verbs of a transport, and the one that is none. conn.c and output.c call it. */
#include "net/transport.h"

#include <errno.h>
#include <sys/socket.h>

static struct received receive_plain(struct commons *commons, int fd, size_t room)
{
	ssize_t got = recv(fd, commons->scratch, room, MSG_DONTWAIT);

	if (got > 0)
		return (struct received){RECEIVED_BYTES, commons->scratch, (size_t)got};
	if (got == 0)
		return (struct received){.what = RECEIVED_END};
	return (struct received){.what = errno == EAGAIN || errno == EINTR ? RECEIVED_BYTES
									   : RECEIVED_LOST};
}

struct received transport_receive(struct transport *transport, struct commons *commons, int fd,
				  size_t room, struct buf *sealed)
{
	return transport ? transport->ops->receive(transport, commons, fd, room, sealed)
			 : receive_plain(commons, fd, room);
}

void transport_free(struct transport *transport)
{
	if (transport)
		transport->ops->free(transport);
}
