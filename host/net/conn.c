/* One accepted socket.
 *
 *	GREETING ─ open ─▶ OPEN ─ conn_finish ─▶ FINISHING ─ written ─▶ LINGERING ─▶ CLOSED
 *	   └── refused ─────────────────────────────▲                 enough of it    ▲
 *	GREETING, OPEN ── broken, timeout, conn_kill, conn_reset ─────────────────────┘
 *
 * It sleeps in GREETING for the proxy's introduction and the client's handshake (not at all without
 * a transport; conn_opening.c), in OPEN for the client or for its session, in FINISHING for the
 * client to read, in LINGERING for it to close (for 2 s and 1 MiB at most). Lingering is what lets
 * a client that is still sending see our last answer: closing a socket with unread bytes resets it,
 * and the reset may destroy the answer on its way (RFC 9112, 9.6). It is the raw socket that
 * lingers: what comes then is not read.
 *
 * Output goes into one buffer and out once per turn; the bytes read go to the session straight from
 * the listener's scratch buffer, and only what it doesn't use is kept. Both buffers are bounded:
 * reading stops, and the session asks before it sends. The listener owns connections; a session
 * never outlives its connection. An error of the socket is normal: on_lost. */
#include "net/conn.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/sm.h"
#include "net/conn_private.h"

/* Read while the session doesn't want bytes: enough to notice that the client left, and for a
 * pipelined request or two. */
#define READ_AHEAD_BYTES (16u << 10)

#define LINGER_MS    2000
#define LINGER_BYTES (1u << 20)
#define GONE_MS	     250

static const struct sm_state states[] = {
	[CONN_GREETING] = {"GREETING",
			   SM_BIT(CONN_OPEN) | SM_BIT(CONN_FINISHING) | SM_BIT(CONN_CLOSED)},
	[CONN_OPEN] = {"OPEN", SM_BIT(CONN_FINISHING) | SM_BIT(CONN_CLOSED)},
	[CONN_FINISHING] = {"FINISHING", SM_BIT(CONN_LINGERING) | SM_BIT(CONN_CLOSED)},
	[CONN_LINGERING] = {"LINGERING", SM_BIT(CONN_CLOSED)},
	[CONN_CLOSED] = {"CLOSED", 0},
};

void conn_move(struct conn *conn, enum conn_state next)
{
	assert(sm_may_move(states, conn->state, next));
	conn->state = next;
}

/* ---- the end ---- */

static void conn_release(void *object)
{
	struct conn *conn = object;

	transport_free(conn->transport);
	free(conn);
}

/* Everything but the session, which has been told or is done. */
static void conn_close(struct conn *conn)
{
	conn_move(conn, CONN_CLOSED);
	loop_io_want(&conn->io, false, false);
	loop_timer_stop(&conn->timer);
	loop_flush_cancel(conn->commons->loop, &conn->flush);
	fd_close(&conn->fd);
	buf_deinit(&conn->in);
	output_deinit(&conn->output, conn->commons);
	conn->view_len = 0;
	conn->owner->on_gone(conn->owner_user, conn);
	loop_retire(conn->commons->loop, conn_release, conn);
}

static void conn_lose(struct conn *conn, enum http_closed how)
{
	if (conn->state == CONN_OPEN)
		conn->ops->on_lost(conn->session, how);
	conn_close(conn);
}

void conn_kill(struct conn *conn)
{
	conn_lose(conn, HTTP_CLOSED_ERROR);
}

/* What the client sends is not what it must be. Our last word about it goes out. */
static void conn_refuse(struct conn *conn)
{
	if (conn->state == CONN_OPEN)
		conn->ops->on_lost(conn->session, HTTP_CLOSED_ERROR);
	conn_move(conn, CONN_FINISHING);
	conn_wake(conn);
}

void conn_finish(struct conn *conn)
{
	conn_move(conn, CONN_FINISHING);
	conn_wake(conn);
}

void conn_reset(struct conn *conn)
{
	struct linger hard = {.l_onoff = 1, .l_linger = 0};

	setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	conn_move(conn, CONN_FINISHING);
	conn->output.is_broken = true;
	conn_wake(conn);
}

/* ---- interest and time ---- */

static bool conn_wants_read(const struct conn *conn)
{
	switch (conn->state) {
	case CONN_GREETING:
		return !output_is_choked(&conn->output);
	case CONN_OPEN:
		return !conn->is_eof && !output_is_choked(&conn->output) &&
		       (buf_len(&conn->in) < READ_AHEAD_BYTES ||
			conn->ops->wants_bytes(conn->session));
	case CONN_LINGERING:
		return true;
	case CONN_FINISHING:
	case CONN_CLOSED:
		break;
	}
	return false;
}

static int64_t conn_wait_ms(const struct conn *conn, enum conn_wait wait)
{
	const struct net_opts *opts = conn->commons->opts;

	switch (wait) {
	case CONN_WAIT_GREETING:
		return opts->tls.handshake_timeout_ms;
	case CONN_WAIT_IDLE:
		return opts->idle_timeout_ms;
	case CONN_WAIT_HEAD:
		return opts->read_header_timeout_ms;
	case CONN_WAIT_BODY:
		return opts->read_timeout_ms;
	case CONN_WAIT_GONE:
		return GONE_MS;
	case CONN_WAIT_NONE:
		break;
	}
	return INT64_MAX;
}

static int64_t after_ms(int64_t now_ms, int64_t delay_ms)
{
	return delay_ms > INT64_MAX - now_ms ? INT64_MAX : now_ms + delay_ms;
}

void conn_wait(struct conn *conn, enum conn_wait wait)
{
	conn->wait = wait;
	conn->wait_until_ms = after_ms(loop_now_ms(conn->commons->loop), conn_wait_ms(conn, wait));
}

enum conn_wait conn_waiting(const struct conn *conn)
{
	return conn->wait;
}

/* The next time at which something has to be done; INT64_MAX: none. */
static int64_t conn_due_ms(const struct conn *conn)
{
	int64_t due_ms = conn->state == CONN_FINISHING ? INT64_MAX : conn->wait_until_ms;

	return conn->output.is_blocked && conn->write_until_ms < due_ms ? conn->write_until_ms
									: due_ms;
}

/* Lazily: a timer that is set too early finds out when it fires, so that a request costs no change
 * of it. */
static void conn_update_timer(struct conn *conn)
{
	int64_t due_ms = conn_due_ms(conn);

	if (due_ms == INT64_MAX)
		return;
	if (loop_timer_is_active(&conn->timer) && conn->timer_ms <= due_ms)
		return;
	conn->timer_ms = due_ms;
	loop_timer_start(&conn->timer, due_ms - loop_now_ms(conn->commons->loop));
}

/* The one place that derives watchers from state. */
void conn_update(struct conn *conn)
{
	loop_io_want(&conn->io, conn_wants_read(conn), conn->output.is_blocked);
	conn_update_timer(conn);
	if (buf_len(&conn->in) == 0 && conn->in.cap > 0)
		buf_deinit(&conn->in);
}

/* ---- writing ---- */

/* After a write: a client that took nothing has until then to take something. */
static void conn_note_blocked(struct conn *conn)
{
	if (conn->output.is_blocked)
		conn->write_until_ms = after_ms(loop_now_ms(conn->commons->loop),
						conn->commons->opts->write_timeout_ms);
}

/* True: the client took some. */
static bool conn_send(struct conn *conn)
{
	bool was_blocked = conn->output.is_blocked;
	bool took_some = output_send(&conn->output, conn->commons, conn->fd);

	if (!was_blocked)
		conn_note_blocked(conn);
	return took_some;
}

struct output *conn_output(struct conn *conn)
{
	return &conn->output;
}

void conn_write(struct conn *conn, const struct str *pieces, size_t count)
{
	bool was_blocked = conn->output.is_blocked;

	output_write(&conn->output, conn->commons, conn->fd, pieces, count);
	if (!was_blocked)
		conn_note_blocked(conn);
	conn_wake(conn);
}

size_t conn_out_bytes(const struct conn *conn)
{
	return output_len(&conn->output);
}

/* ---- the end of a turn ---- */

void conn_wake(struct conn *conn)
{
	loop_flush_queue(conn->commons->loop, &conn->flush);
}

static void conn_begin_linger(struct conn *conn)
{
	conn_move(conn, CONN_LINGERING);
	shutdown(conn->fd, SHUT_WR);
	conn->wait_until_ms = after_ms(loop_now_ms(conn->commons->loop), LINGER_MS);
}

static struct received conn_receive(struct conn *conn, size_t room)
{
	struct buf *sealed = conn->transport ? output_sealed(&conn->output, conn->commons) : NULL;

	return transport_receive(conn->transport, conn->commons, conn->fd, room, sealed);
}

/* What came in before the host began to stop was taken, and gets its answer. What has failed is
 * found out again. */
static void conn_look_again(struct conn *conn)
{
	struct received received;

	conn->is_last_look_due = false;
	if (conn->is_eof || buf_len(&conn->in) >= READ_AHEAD_BYTES)
		return;
	received = conn_receive(conn, READ_AHEAD_BYTES);
	buf_append(&conn->in, received.data, received.len);
	conn->is_eof = received.what == RECEIVED_END;
}

/* When all the rest is out, that it is all; once. */
static void conn_say_end(struct conn *conn)
{
	if (!conn->transport || conn->is_end_said || conn_out_bytes(conn) > 0)
		return;
	conn->is_end_said = true;
	conn->transport->ops->seal_end(conn->transport,
				       output_sealed(&conn->output, conn->commons));
	conn_send(conn);
}

static void conn_on_flush(void *user)
{
	struct conn *conn = user;
	bool is_more;

	if (conn->is_last_look_due && conn->state == CONN_OPEN)
		conn_look_again(conn);
	do {
		is_more = conn->state == CONN_OPEN && conn->ops->on_turn(conn->session);
		is_more |= conn_send(conn); /* room may be what the session waits for */
	} while (is_more && !conn->output.is_blocked && !conn->output.is_broken);
	if (conn->state == CONN_FINISHING && !conn->output.is_broken)
		conn_say_end(conn);

	if (conn->output.is_broken) {
		conn_lose(conn, HTTP_CLOSED_LEFT);
		return;
	}
	if (conn->state == CONN_FINISHING && conn_out_bytes(conn) == 0) {
		if (conn->is_eof) {
			conn_close(conn);
			return;
		}
		conn_begin_linger(conn);
	}
	conn_update(conn);
}

/* ---- events ---- */

/* Gives the session what was read, and keeps what it leaves. */
static void conn_take(struct conn *conn, const uint8_t *data, size_t len)
{
	if (buf_len(&conn->in) > 0) {
		buf_append(&conn->in, data, len);
	} else {
		conn->view = data;
		conn->view_len = len;
	}
	if (conn->wait == CONN_WAIT_BODY)
		conn_wait(conn, CONN_WAIT_BODY);
	conn->ops->on_turn(conn->session);
	if (conn->view_len > 0 && conn->state == CONN_OPEN)
		buf_append(&conn->in, conn->view, conn->view_len);
	conn->view_len = 0;
	conn_wake(conn);
}

static void conn_take_received(struct conn *conn, const struct received *received)
{
	if (conn->state == CONN_GREETING && conn->transport->is_open)
		conn_open(conn);
	if (received->what == RECEIVED_END)
		conn->is_eof = true;
	if (received->len > 0)
		conn_take(conn, received->data, received->len);
	conn_wake(conn);
}

static void conn_read(struct conn *conn)
{
	bool wants = conn->state == CONN_GREETING || conn->ops->wants_bytes(conn->session);
	struct received received =
		conn_receive(conn, wants ? COMMONS_SCRATCH_BYTES : READ_AHEAD_BYTES);

	switch (received.what) {
	case RECEIVED_PLAIN:
		conn_drop_transport(conn);
		conn_take_received(conn, &received);
		break;
	case RECEIVED_BYTES:
	case RECEIVED_END:
		conn_take_received(conn, &received);
		break;
	case RECEIVED_INTRODUCED:
		conn_introduced(conn);
		break;
	case RECEIVED_REFUSED:
		conn_refuse(conn);
		break;
	case RECEIVED_LOST:
		conn_lose(conn, HTTP_CLOSED_LEFT);
		break;
	}
}

/* Drops what still comes, and ends when the client has closed or sends without end. */
static void conn_linger(struct conn *conn)
{
	ssize_t got = recv(conn->fd, conn->commons->scratch, COMMONS_SCRATCH_BYTES, 0);

	if (got > 0)
		conn->lingered += (size_t)got;
	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR) ||
	    conn->lingered > LINGER_BYTES)
		conn_close(conn);
}

static void conn_on_ready(void *user, bool readable, bool writable)
{
	struct conn *conn = user;

	if (conn->state == CONN_LINGERING) {
		conn_linger(conn);
		return;
	}
	if (writable) {
		conn->output.is_blocked = false;
		conn_wake(conn);
	}
	if (readable && (conn->state == CONN_OPEN || conn->state == CONN_GREETING))
		conn_read(conn);
}

static void conn_on_timer(void *user)
{
	struct conn *conn = user;
	int64_t now_ms = loop_now_ms(conn->commons->loop);

	if (conn->output.is_blocked && now_ms >= conn->write_until_ms) {
		conn_lose(conn, HTTP_CLOSED_TIMEOUT);
		return;
	}
	if ((conn->state == CONN_LINGERING || conn->state == CONN_GREETING) &&
	    now_ms >= conn->wait_until_ms) {
		conn_close(conn);
		return;
	}
	if (conn->state == CONN_OPEN && now_ms >= conn->wait_until_ms) {
		enum conn_wait wait = conn->wait;
		conn_wait(conn, CONN_WAIT_NONE);
		conn->ops->on_timeout(conn->session, wait);
	}
	conn_wake(conn);
}

/* ---- for the session ---- */

const uint8_t *conn_bytes(const struct conn *conn, size_t *len_out)
{
	*len_out = conn->view_len ? conn->view_len : buf_len(&conn->in);
	return conn->view_len ? conn->view : buf_front(&conn->in);
}

void conn_used(struct conn *conn, size_t bytes)
{
	if (bytes == 0)
		return;
	if (conn->view_len == 0) {
		buf_consume(&conn->in, bytes);
		return;
	}
	conn->view += bytes;
	conn->view_len -= bytes;
}

bool conn_is_eof(const struct conn *conn)
{
	return conn->is_eof;
}

/* After a reset both directions are shut, which poll reports without being asked. */
bool conn_is_dead(const struct conn *conn)
{
	struct pollfd pfd = {.fd = conn->fd};

	return poll(&pfd, 1, 0) == 1 && (pfd.revents & (POLLERR | POLLHUP)) != 0;
}

/* ---- birth ---- */

struct conn *conn_new(struct commons *commons, int fd, const struct addr *peer,
		      const struct conn_owner *owner, void *user)
{
	struct conn *conn = mem_new(struct conn);
	struct ip ip = addr_ip(peer);

	conn->commons = commons;
	conn->fd = fd;
	conn->owner = owner;
	conn->owner_user = user;
	conn_set_peer(conn, &ip, addr_port(peer));
	loop_io_init(&conn->io, commons->loop, fd, conn_on_ready, conn);
	loop_timer_init(&conn->timer, commons->loop, conn_on_timer, conn);
	loop_flush_init(&conn->flush, conn_on_flush, conn);
	return conn;
}

void conn_start(struct conn *conn, const struct conn_ops *ops, void *session)
{
	conn->ops = ops;
	conn->session = session;
	conn_wait(conn, CONN_WAIT_IDLE);
	conn_update(conn);
}

void conn_stop(struct conn *conn)
{
	conn->is_last_look_due = true;
	conn_wake(conn);
}

struct commons *conn_commons(const struct conn *conn)
{
	return conn->commons;
}

void conn_list_insert(struct conn_list *list, struct conn *conn)
{
	TAILQ_INSERT_TAIL(list, conn, link);
}

void conn_list_remove(struct conn_list *list, struct conn *conn)
{
	TAILQ_REMOVE(list, conn, link);
}

struct conn *conn_list_first(const struct conn_list *list)
{
	return TAILQ_FIRST(list);
}

struct conn *conn_list_next(const struct conn *conn)
{
	return TAILQ_NEXT(conn, link);
}
