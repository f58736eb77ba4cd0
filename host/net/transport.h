/* What lies between the bytes of a connection and its socket: nothing, or TLS. A connection owns
 * its transport and the socket; protocols see bytes and never know. */
#ifndef PLUGD_NET_TRANSPORT_H
#define PLUGD_NET_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "net/commons.h"

enum received_what {
	RECEIVED_BYTES, /* perhaps none: look again when there is more */
	RECEIVED_END,	/* the client said that it sends nothing more; perhaps after some bytes */
	RECEIVED_LOST,	/* the socket failed, or the end is not one that the client meant */
	/* not what it must be: what is sealed says so, and nothing else may follow */
	RECEIVED_REFUSED,
	RECEIVED_PLAIN, /* the first bytes, as they came: the client knows of no transport */
	/* the proxy has said for whom it connects; what follows is another transport's */
	RECEIVED_INTRODUCED,
};

struct received {
	enum received_what what;
	const uint8_t *data; /* valid until the next receive of any connection */
	size_t len;
};

struct transport {
	const struct transport_ops *ops;
	bool is_open;		    /* bytes may be sealed */
	const struct http_tls *tls; /* while open */
	const char *protocol;	    /* that was agreed on; NULL: none was spoken of */
};

struct transport_ops {
	/* One read of at most `room` bytes from the socket, and what it comes to. Appends to
	 * `sealed` what has to be said in reply. */
	struct received (*receive)(struct transport *transport, struct commons *commons, int fd,
				   size_t room, struct buf *sealed);

	/* Appends the bytes to `sealed`, as they go over the wire. False: it can't. */
	bool (*seal)(struct transport *transport, const void *data, size_t len, struct buf *sealed);

	/* The same for: nothing more follows. */
	void (*seal_end)(struct transport *transport, struct buf *sealed);

	void (*free)(struct transport *transport);
};

/* Without a transport (NULL): what the socket says. */
struct received transport_receive(struct transport *transport, struct commons *commons, int fd,
				  size_t room, struct buf *sealed);

void transport_free(struct transport *transport); /* NULL is fine */

#endif
