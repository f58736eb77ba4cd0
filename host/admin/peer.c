/* One client of the admin socket.
 *
 * Owns the descriptor, what was read and not yet answered, and what was answered and not yet taken.
 * One request is answered at a time, so replies come in the order of requests and memory is
 * bounded: while one is being answered or written, little is read ahead, and the client is held
 * back by its own socket. A turn of the loop does little of a long pipeline. It never judges a
 * command, and fails for its own client alone. */
#include "admin/peer.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "observe/errors.h"

#define READ_BYTES	 ((size_t)64 << 10)
#define READS_PER_TURN	 8
#define LINES_PER_TURN	 8
#define READ_AHEAD_BYTES ((size_t)64 << 10)
#define KEEP_BYTES	 ((size_t)64 << 10)

enum line_verdict { LINE_NONE, LINE_READY, LINE_TOO_LONG };

bool peer_is_idle(const struct peer *peer)
{
	return !peer->is_waiting && buf_len(&peer->out) == 0;
}

static size_t read_limit(const struct peer *peer)
{
	return peer_is_idle(peer) ? LINE_MAX_BYTES + 1 : READ_AHEAD_BYTES;
}

/* The one place that states what the loop should watch. Lines that are left over for the next turn
 * are asked for as "writable", which an idle socket always is. */
static void update_interest(struct peer *peer)
{
	bool is_idle = peer_is_idle(peer);
	bool has_line = buf_len(&peer->in) > peer->scanned;

	loop_io_want(&peer->io, !peer->input_ended && buf_len(&peer->in) < read_limit(peer),
		     buf_len(&peer->out) > 0 || (is_idle && has_line));
	if (buf_len(&peer->out) == 0)
		loop_timer_stop(&peer->timer);
	else if (!loop_timer_is_active(&peer->timer))
		loop_timer_start(&peer->timer, PEER_WRITE_TIMEOUT_MS);
}

/* ---- replies ---- */

static void on_answer(struct reply *reply, json_t *result, const struct err *err)
{
	struct peer *peer = (struct peer *)((char *)reply - offsetof(struct peer, reply));

	assert(peer->is_waiting);
	if (err)
		line_put_error(&peer->out, err);
	else
		line_put_result(&peer->out, result);
	peer->is_waiting = false;
	update_interest(peer);
}

static void on_progress(struct reply *reply, json_t *news)
{
	struct peer *peer = (struct peer *)((char *)reply - offsetof(struct peer, reply));

	line_put_progress(&peer->out, news);
	update_interest(peer);
}

/* False: the client is gone. */
static bool write_some(struct peer *peer)
{
	ssize_t sent;

	if (buf_len(&peer->out) == 0)
		return true;
	sent = send(peer->fd, buf_front(&peer->out), buf_len(&peer->out), MSG_NOSIGNAL);
	if (sent < 0)
		return errno == EAGAIN || errno == EINTR;
	buf_consume(&peer->out, (size_t)sent);
	buf_shrink(&peer->out, KEEP_BYTES);
	loop_timer_stop(&peer->timer);
	return true;
}

/* ---- requests ---- */

static void answer(struct peer *peer, struct str line)
{
	struct line_request request;
	struct err err;

	if (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	if (str_trim(line).len == 0)
		return;
	if (line_parse(line, &request, &err) < 0) {
		line_put_error(&peer->out, &err);
		return;
	}
	peer->is_waiting = true;
	reply_init(&peer->reply, on_answer);
	peer->reply.on_progress = on_progress;
	peer->reply.caller = &peer->caller;
	struct answered proof = peer->ops->on_request(peer->user, peer, &request, &peer->reply);
	assert(proof.reply == &peer->reply);
	line_request_deinit(&request);
}

static void drop_input(struct peer *peer, size_t bytes)
{
	buf_consume(&peer->in, bytes);
	buf_shrink(&peer->in, KEEP_BYTES);
	peer->scanned = 0;
}

/* Eats what is left of a line that was too long. False: its end has not come. */
static bool skip(struct peer *peer)
{
	size_t len = buf_len(&peer->in);
	const uint8_t *end = len ? memchr(buf_front(&peer->in), '\n', len) : NULL;

	if (peer->is_skipping) {
		drop_input(peer, end ? (size_t)(end - buf_front(&peer->in)) + 1 : len);
		peer->is_skipping = !end;
	}
	return !peer->is_skipping;
}

/* A line in front of `in`, without its newline. The end of the input ends the last line too. */
static enum line_verdict next_line(struct peer *peer, struct str *out)
{
	size_t len = buf_len(&peer->in);
	const char *front = (const char *)buf_front(&peer->in);
	const char *end = NULL;

	if (len > peer->scanned)
		end = memchr(front + peer->scanned, '\n', len - peer->scanned);
	peer->scanned = end ? 0 : len;
	if (!end && len <= LINE_MAX_BYTES && (!peer->input_ended || len == 0))
		return LINE_NONE;
	*out = (struct str){front, end ? (size_t)(end - front) : len};
	peer->is_skipping = !end && len > LINE_MAX_BYTES;
	return out->len > LINE_MAX_BYTES ? LINE_TOO_LONG : LINE_READY;
}

static void refuse_length(struct peer *peer)
{
	struct err err;

	err_set(&err, ERR_ADMIN_REQUEST, "a request has more than %zu bytes", LINE_MAX_BYTES);
	line_put_error(&peer->out, &err);
}

/* One line, if there is one. False: nothing to do. */
static bool work_line(struct peer *peer)
{
	enum line_verdict verdict;
	struct str line;

	if (!peer_is_idle(peer) || !skip(peer))
		return false;
	verdict = next_line(peer, &line);
	if (verdict == LINE_NONE)
		return false;
	if (verdict == LINE_TOO_LONG)
		refuse_length(peer);
	else
		answer(peer, line);
	drop_input(peer, line.len < buf_len(&peer->in) ? line.len + 1 : line.len);
	return true;
}

/* ---- the socket ---- */

/* The end of input: half of the socket is closed, or all of it, which POLLHUP tells. */
static bool is_hung_up(const struct peer *peer)
{
	struct pollfd look = {.fd = peer->fd};

	return poll(&look, 1, 0) == 1 && (look.revents & (POLLHUP | POLLERR));
}

/* False: the client is gone. */
static bool read_some(struct peer *peer)
{
	for (int i = 0; i < READS_PER_TURN && buf_len(&peer->in) < read_limit(peer); i++) {
		uint8_t *room = buf_reserve(&peer->in, READ_BYTES);
		ssize_t got = recv(peer->fd, room, READ_BYTES, 0);

		if (got < 0)
			return errno == EAGAIN || errno == EINTR;
		if (got == 0) {
			peer->input_ended = true;
			return !is_hung_up(peer);
		}
		buf_commit(&peer->in, (size_t)got);
	}
	return true;
}

static bool work(struct peer *peer)
{
	bool is_alive = write_some(peer);

	for (int i = 0; i < LINES_PER_TURN && is_alive && work_line(peer); i++)
		is_alive = write_some(peer);
	return is_alive && !(peer->input_ended && peer_is_idle(peer) && buf_len(&peer->in) == 0);
}

static void on_ready(void *user, bool readable, bool writable)
{
	struct peer *peer = user;

	if ((readable && !read_some(peer)) || !work(peer)) {
		peer->ops->on_gone(peer->user, peer);
		return;
	}
	update_interest(peer);
}

static void on_write_timeout(void *user)
{
	struct peer *peer = user;

	peer->ops->on_gone(peer->user, peer);
}

/* ---- life ---- */

struct peer *peer_new(struct loop *loop, int fd, const struct peer_ops *ops, void *user)
{
	struct peer *peer = mem_new(struct peer);

	peer->loop = loop;
	peer->ops = ops;
	peer->user = user;
	peer->fd = fd;
	loop_io_init(&peer->io, loop, fd, on_ready, peer);
	loop_timer_init(&peer->timer, loop, on_write_timeout, peer);
	update_interest(peer);
	return peer;
}

void peer_refuse(struct peer *peer, const struct err *err)
{
	line_put_error(&peer->out, err);
	write_some(peer);
}

static void peer_release(void *object)
{
	struct peer *peer = object;

	buf_deinit(&peer->in);
	buf_deinit(&peer->out);
	free(peer);
}

void peer_close(struct peer *peer)
{
	loop_io_want(&peer->io, false, false);
	loop_timer_stop(&peer->timer);
	fd_close(&peer->fd);
	if (peer->is_waiting)
		reply_abandon(&peer->reply);
	peer->is_waiting = false;
	loop_retire(peer->loop, peer_release, peer);
}
