/* What a connection has to say.
 *
 * It owns the bytes, not the socket. Small pieces are joined, because one write of 200 bytes costs
 * what one of 2 costs; large ones bypass the buffer, because copying them costs more than a system
 * call. conn.c calls it, watches the socket and keeps the time. It doesn't bound itself: the
 * session asks for room before it sends. */
#include "net/output.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* From here on a system call is cheaper than a copy. */
#define DIRECT_BYTES (16u << 10)
#define PIECES_MAX   4u

void output_deinit(struct output *output, struct commons *commons)
{
	commons_give_buf(commons, &output->buf);
}

struct buf *output_buf(struct output *output, struct commons *commons)
{
	if (output->buf.cap == 0)
		output->buf = commons_take_buf(commons);
	return &output->buf;
}

/* The kernel took `sent` of `tried` bytes, or failed with errno. */
static void output_note(struct output *output, ssize_t sent, size_t tried)
{
	output->is_broken = sent < 0 && errno != EAGAIN && errno != EINTR;
	output->is_blocked = !output->is_broken && (sent < 0 || (size_t)sent < tried);
}

bool output_send(struct output *output, struct commons *commons, int fd)
{
	size_t len = output_len(output);
	ssize_t sent = 0;

	if (len > 0 && !output->is_broken && !output->is_blocked) {
		sent = send(fd, buf_front(&output->buf), len, MSG_NOSIGNAL);
		output_note(output, sent, len);
		if (sent > 0)
			buf_consume(&output->buf, (size_t)sent);
	}
	if (output_len(output) == 0 && output->buf.cap > 0)
		commons_give_buf(commons, &output->buf);
	return sent > 0;
}

/* Drops the first `sent` bytes of the pieces, keeps the rest. */
static void output_keep_rest(struct output *output, struct commons *commons,
			     const struct str *pieces, size_t count, size_t sent)
{
	for (size_t i = 0; i < count; i++) {
		size_t skip = sent < pieces[i].len ? sent : pieces[i].len;
		sent -= skip;
		if (skip < pieces[i].len)
			buf_append(output_buf(output, commons), pieces[i].data + skip,
				   pieces[i].len - skip);
	}
}

/* Writes buffer and pieces together. Returns how many bytes of the pieces were taken. */
static size_t output_send_pieces(struct output *output, int fd, const struct str *pieces,
				 size_t count, size_t total)
{
	struct iovec vec[PIECES_MAX + 1];
	size_t buffered = output_len(output);
	size_t used = 0;

	if (buffered > 0)
		vec[used++] = (struct iovec){buf_front(&output->buf), buffered};
	for (size_t i = 0; i < count; i++)
		vec[used++] = (struct iovec){(void *)pieces[i].data, pieces[i].len};

	struct msghdr message = {.msg_iov = vec, .msg_iovlen = used};
	ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
	output_note(output, sent, buffered + total);
	if (sent <= 0)
		return 0;

	size_t of_buffer = (size_t)sent < buffered ? (size_t)sent : buffered;
	if (of_buffer > 0)
		buf_consume(&output->buf, of_buffer);
	return (size_t)sent - of_buffer;
}

void output_write(struct output *output, struct commons *commons, int fd, const struct str *pieces,
		  size_t count)
{
	size_t total = 0;
	size_t sent = 0;

	assert(count <= PIECES_MAX);
	if (output->is_broken)
		return;
	for (size_t i = 0; i < count; i++)
		total += pieces[i].len;
	if (total >= DIRECT_BYTES && !output->is_blocked)
		sent = output_send_pieces(output, fd, pieces, count, total);
	output_keep_rest(output, commons, pieces, count, sent);
}
