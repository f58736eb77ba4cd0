/* Reads what a proxy says of its client, from the socket of a connection, before TLS or HTTP begin.
 *
 * It must leave in the socket what follows the header, because that belongs to whoever comes next.
 * So it looks first (MSG_PEEK) and then takes what is the header's: two system calls, and no bytes
 * to hand on. What is not yet a whole header is taken too, so that the kernel doesn't wake us for
 * it again. A listener puts it on connections of trusted proxies; a header that is none ends the
 * connection, with a line in the log, because somebody has set one of the two sides up wrongly. */
#include "net/introduction.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "observe/errors.h"

struct introduction {
	struct transport transport; /* the first member */
	struct str peer;
	struct log *log;
	struct buf said;
	struct proxy_header header;
};

static struct received fail(struct introduction *introduction, const char *why)
{
	struct err err;

	err_set(&err, ERR_PROXY_HEADER, "the connection %s, so it is closed", why);
	log_event_bulk(introduction->log, LOG_WARN, "proxy.refused", err.text,
		       LOG_STRN("peer", introduction->peer), LOG_INT("code", err.code));
	return (struct received){.what = RECEIVED_LOST};
}

/* Proxies that only try whether somebody listens end without a word. */
static struct received end(struct introduction *introduction)
{
	if (buf_len(&introduction->said) > 0)
		return fail(introduction, "ends within a PROXY header");
	return (struct received){.what = RECEIVED_LOST};
}

/* They are there: we have just seen them. */
static bool take(struct commons *commons, int fd, size_t bytes)
{
	return recv(fd, commons->scratch, bytes, MSG_DONTWAIT) == (ssize_t)bytes;
}

static struct received introduction_receive(struct transport *transport, struct commons *commons,
					    int fd, size_t room, struct buf *sealed)
{
	struct introduction *introduction = (struct introduction *)transport;
	struct proxy_header *header = &introduction->header;
	size_t before = buf_len(&introduction->said);
	ssize_t got = recv(fd, commons->scratch, PROXY_HEADER_MAX, MSG_DONTWAIT | MSG_PEEK);

	if (got == 0)
		return end(introduction);
	if (got < 0)
		return (struct received){.what = errno == EAGAIN || errno == EINTR ? RECEIVED_BYTES
										   : RECEIVED_LOST};
	buf_append(&introduction->said, commons->scratch, (size_t)got);
	switch (proxy_header_read(buf_front(&introduction->said), buf_len(&introduction->said),
				  header)) {
	case PROXY_HEADER_MORE:
		return (struct received){.what = take(commons, fd, (size_t)got) ? RECEIVED_BYTES
										: RECEIVED_LOST};
	case PROXY_HEADER_DONE:
		return (struct received){.what = take(commons, fd, header->bytes - before)
							 ? RECEIVED_INTRODUCED
							 : RECEIVED_LOST};
	case PROXY_HEADER_BAD:
		break;
	}
	return fail(introduction, header->wrong);
}

static void introduction_free(struct transport *transport)
{
	struct introduction *introduction = (struct introduction *)transport;

	buf_deinit(&introduction->said);
	free(introduction);
}

/* Nothing is said before it is known to whom. */
static const struct transport_ops introduction_ops = {
	.receive = introduction_receive,
	.free = introduction_free,
};

struct transport *introduction_new(struct str peer, struct log *log)
{
	struct introduction *introduction = mem_new(struct introduction);

	introduction->transport.ops = &introduction_ops;
	introduction->peer = peer;
	introduction->log = log;
	return &introduction->transport;
}

const struct proxy_header *introduction_header(const struct transport *introduction)
{
	return &((const struct introduction *)introduction)->header;
}
