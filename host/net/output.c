/* What a connection has to say.
 *
 * It owns the bytes, not the socket. Small pieces are joined, because one write of 200 bytes costs
 * what one of 2 costs; large ones bypass the buffer, because copying them costs more than a system
 * call. conn.c calls it, watches the socket and keeps the time. It doesn't bound itself: the
 * session asks for room before it sends.
 *
 * A file's run goes from the page cache to the socket; the bytes before it are held back by the
 * kernel until it comes, so that a head and a small file share a segment. How much of it is sent at
 * once is for whoever hands it over to bound: what isn't cached is read from the disk meanwhile.
 *
 * With a transport there are two runs: what was said, and what of it is sealed. It is sealed as
 * late as possible and in few large portions, so that all that was said in a turn shares
 * records. */
#include "net/output.h"

#include <assert.h>
#include <errno.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* From here on a system call is cheaper than a copy. */
#define DIRECT_BYTES (16u << 10)
#define PIECES_MAX   4u

/* Sealed and sent at once: three full records of TLS, whose buffer is still one that is kept. */
#define PORTION_BYTES (48u << 10)

void output_deinit(struct output *output, struct commons *commons)
{
	commons_give_buf(commons, &output->buf);
	commons_give_buf(commons, &output->sealed);
}

static struct buf *lend(struct buf *buf, struct commons *commons)
{
	if (buf->cap == 0)
		*buf = commons_take_buf(commons);
	return buf;
}

static void give_if_empty(struct buf *buf, struct commons *commons)
{
	if (buf_len(buf) == 0 && buf->cap > 0)
		commons_give_buf(commons, buf);
}

struct buf *output_buf(struct output *output, struct commons *commons)
{
	return lend(&output->buf, commons);
}

struct buf *output_sealed(struct output *output, struct commons *commons)
{
	return lend(&output->sealed, commons);
}

bool output_is_choked(const struct output *output)
{
	return output->is_blocked && buf_len(&output->sealed) > 2 * PORTION_BYTES;
}

/* The kernel took `sent` of `tried` bytes, or failed with errno. */
static void output_note(struct output *output, ssize_t sent, size_t tried)
{
	output->is_broken = sent < 0 && errno != EAGAIN && errno != EINTR;
	output->is_blocked = !output->is_broken && (sent < 0 || (size_t)sent < tried);
}

/* The next portion, unless there is enough to send. */
static void output_seal(struct output *output, struct commons *commons)
{
	size_t len = buf_len(&output->buf);
	size_t portion = len < PORTION_BYTES ? len : PORTION_BYTES;

	if (portion == 0 || buf_len(&output->sealed) >= PORTION_BYTES)
		return;
	if (output->transport->ops->seal(output->transport, buf_front(&output->buf), portion,
					 output_sealed(output, commons)))
		buf_consume(&output->buf, portion);
	else
		output->is_broken = true;
}

static bool output_send_buf(struct output *output, struct buf *buf, int fd)
{
	size_t len = buf_len(buf);
	int more = output->file.left > 0 ? MSG_MORE : 0;
	ssize_t sent;

	if (len == 0 || output->is_broken)
		return false;
	sent = send(fd, buf_front(buf), len, MSG_NOSIGNAL | more);
	output_note(output, sent, len);
	if (sent > 0)
		buf_consume(buf, (size_t)sent);
	return sent > 0;
}

void output_send_file(struct output *output, int fd, uint64_t offset, uint64_t len)
{
	assert(output_takes_files(output) && output->file.left == 0);
	output->file = (struct output_file){.fd = fd, .offset = (int64_t)offset, .left = len};
}

void output_drop_file(struct output *output)
{
	output->file = (struct output_file){.fd = -1};
}

/* The next of the file, when all before it is out. */
static bool output_send_run(struct output *output, int fd)
{
	struct output_file *file = &output->file;
	off_t offset = file->offset;
	ssize_t sent;

	if (file->left == 0 || buf_len(&output->buf) > 0 || output->is_broken || output->is_blocked)
		return false;
	sent = sendfile(fd, file->fd, &offset, (size_t)file->left);
	if (sent == 0) {
		*file = (struct output_file){.fd = -1, .is_short = true};
		return true;
	}
	output_note(output, sent, (size_t)file->left);
	if (sent < 0)
		return false;
	file->offset = offset;
	file->left -= (uint64_t)sent;
	return true;
}

bool output_send(struct output *output, struct commons *commons, int fd)
{
	bool took_some = false;

	if (!output->is_broken && !output->is_blocked) {
		if (output->transport)
			output_seal(output, commons);
		took_some = output_send_buf(output,
					    output->transport ? &output->sealed : &output->buf, fd);
		took_some |= output_send_run(output, fd);
	}
	give_if_empty(&output->buf, commons);
	give_if_empty(&output->sealed, commons);
	return took_some;
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
	size_t buffered = buf_len(&output->buf);
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

/* Portion by portion, so that no more than one is copied before it is sealed. */
static void output_write_sealed(struct output *output, struct commons *commons, int fd,
				struct str piece)
{
	while (piece.len > 0 && !output->is_broken) {
		size_t waiting = buf_len(&output->buf);
		size_t room = waiting < PORTION_BYTES ? PORTION_BYTES - waiting : piece.len;
		size_t part = piece.len < room || output->is_blocked ? piece.len : room;

		buf_append(output_buf(output, commons), piece.data, part);
		piece = (struct str){piece.data + part, piece.len - part};
		if (buf_len(&output->buf) >= PORTION_BYTES)
			output_send(output, commons, fd);
	}
}

void output_write(struct output *output, struct commons *commons, int fd, const struct str *pieces,
		  size_t count)
{
	size_t total = 0;
	size_t sent = 0;

	assert(count <= PIECES_MAX && output->file.left == 0);
	for (size_t i = 0; output->transport && i < count && !output->is_broken; i++)
		output_write_sealed(output, commons, fd, pieces[i]);
	if (output->transport || output->is_broken)
		return;
	for (size_t i = 0; i < count; i++)
		total += pieces[i].len;
	if (total >= DIRECT_BYTES && !output->is_blocked)
		sent = output_send_pieces(output, fd, pieces, count, total);
	output_keep_rest(output, commons, pieces, count, sent);
}
