/* HTTP/1.1 on a connection: requests in, one stream at a time, answers out.
 *
 *	IDLE ─▶ HEAD ─▶ BUSY ─ answered, body read ─▶ IDLE
 *	  └─────────────▲  ├── answered, body not read ─▶ DROPPING ─▶ IDLE
 *	                   └── any of them, when the connection must end ─▶ OVER
 *
 * It sleeps in IDLE, HEAD and DROPPING for the client, in BUSY for whoever answers (or for the
 * client, while the body is wanted or the output is full). Requests that are pipelined behind wait
 * in the connection, unread.
 *
 * It owns one struct per connection; the arena of the request is lent by the commons while there is
 * one. Downcalls only take notes and bytes: upcalls come from on_turn() and on_timeout(), so nobody
 * is called back from within their own call. The client's mistakes are answered with a refusal and
 * end the connection. */
#include "net/http1_stream.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/sm.h"
#include "net/http1.h"
#include "net/http1_answer.h"
#include "net/refusal.h"

/* A body that nobody wanted is read to its end when no more than this is left, to keep the
 * connection. */
#define DROP_BYTES (64u << 10)

enum state { IDLE, HEAD, BUSY, DROPPING, OVER };

static const struct sm_state states[] = {
	[IDLE] = {"IDLE", SM_BIT(HEAD) | SM_BIT(BUSY) | SM_BIT(OVER)},
	[HEAD] = {"HEAD", SM_BIT(IDLE) | SM_BIT(BUSY) | SM_BIT(OVER)},
	[BUSY] = {"BUSY", SM_BIT(IDLE) | SM_BIT(DROPPING) | SM_BIT(OVER)},
	[DROPPING] = {"DROPPING", SM_BIT(IDLE) | SM_BIT(OVER)},
	[OVER] = {"OVER", 0},
};

struct session {
	struct http_stream stream; /* the first member: a stream is its session */
	struct conn *conn;
	enum state state;
	struct http1 parser;
	struct arena arena;
	struct http_request request;
	struct http1_answer answer;

	/* of the stream */
	bool is_answered; /* the head of the answer was sent */
	bool is_ended;	  /* and all of its body */
	bool is_aborted;
	bool is_full; /* on_writable is owed */
	bool is_body_wanted;
	bool was_body_wanted;
	bool is_body_done;
	bool was_continued; /* 100 (Continue) was sent */
	size_t dropped;
};

static const struct http_upcalls *upcalls(const struct session *session)
{
	return conn_commons(session->conn)->upcalls;
}

/* ---- states ---- */

static enum conn_wait session_wait(const struct session *session)
{
	switch (session->state) {
	case IDLE:
		return CONN_WAIT_IDLE;
	case HEAD:
		return CONN_WAIT_HEAD;
	case DROPPING:
		return CONN_WAIT_BODY;
	case BUSY:
		if (conn_is_eof(session->conn))
			return CONN_WAIT_GONE;
		if (session->is_body_wanted && !session->is_body_done && !session->is_ended)
			return CONN_WAIT_BODY;
		break;
	case OVER:
		break;
	}
	return CONN_WAIT_NONE;
}

static void session_move(struct session *session, enum state next)
{
	assert(sm_may_move(states, session->state, next));
	session->state = next;
	conn_wait(session->conn, session_wait(session));
}

/* Begins another wait if it has become another one. */
static void session_update_wait(struct session *session)
{
	enum conn_wait wait = session_wait(session);

	if (session->state != OVER && conn_waiting(session->conn) != wait)
		conn_wait(session->conn, wait);
}

static void session_release(void *object)
{
	free(object);
}

static void session_end(struct session *session)
{
	struct commons *commons = conn_commons(session->conn);

	session_move(session, OVER);
	commons_give_arena(commons, &session->arena);
	loop_retire(commons->loop, session_release, session);
}

static void session_finish(struct session *session)
{
	session_end(session);
	conn_finish(session->conn);
}

/* ---- a stream begins and ends ---- */

static void stream_begin(struct session *session)
{
	struct commons *commons = conn_commons(session->conn);

	session->stream.user = NULL;
	session->is_answered = session->is_ended = session->is_aborted = session->is_full = false;
	session->is_body_wanted = session->was_body_wanted = session->was_continued = false;
	session->is_body_done = !session->request.has_body;
	session->dropped = 0;
	session_move(session, BUSY);
	commons->upcalls->on_request(commons->user, &session->stream, &session->request);
}

static void stream_close(struct session *session, enum http_closed how)
{
	output_drop_file(conn_output(session->conn)); /* whoever answers may close it now */
	upcalls(session)->on_closed(session->stream.user, how);
	commons_give_arena(conn_commons(session->conn), &session->arena);
	session->request = (struct http_request){0};
}

/* The answer is complete and nearly out. */
static void stream_done(struct session *session)
{
	bool keeps = session->answer.keep_alive;

	stream_close(session, HTTP_CLOSED_DONE);
	if (!keeps)
		session_finish(session);
	else
		session_move(session, session->is_body_done ? IDLE : DROPPING);
}

/* The answer stays incomplete, and the client has to see it. */
static void stream_cut(struct session *session, enum http_closed how)
{
	bool looks_complete = session->is_answered && !session->is_ended &&
			      session->answer.framing == HTTP1_UNTIL_CLOSE;

	stream_close(session, how);
	session_end(session);
	if (looks_complete)
		conn_reset(session->conn);
	else
		conn_finish(session->conn);
}

/* ---- refusals ---- */

static void session_send_refusal(struct session *session, enum fault fault)
{
	struct commons *commons = conn_commons(session->conn);
	struct http_refusal refusal = {
		.status = fault_rows[fault].status,
		.why = fault_rows[fault].why,
		.reason = fault_rows[fault].name,
		.peer = conn_peer(session->conn),
		.version = session->request.version,
		.is_https = conn_tls(session->conn) != NULL,
		.method = session->request.method,
		.target = session->request.target,
		.ends_stream = session->state == BUSY,
		.stream_user = session->stream.user,
		.is_sent = !session->is_answered,
	};
	struct http_response response;
	struct str body = refusal_make(commons, &refusal, &session->arena, &response);

	if (session->is_answered)
		return;
	session->answer = http1_answer_plan(&session->request, &response, body.len, true, false);
	struct buf *out = conn_out(session->conn);
	http1_answer_head(out, &session->answer, &session->request, &response,
			  commons_date(commons));
	if (session->answer.framing == HTTP1_LENGTH)
		buf_append_str(out, body);
}

static void session_refuse(struct session *session, enum fault fault, enum http_closed how)
{
	session_send_refusal(session, fault);
	if (session->state == BUSY)
		stream_cut(session, how);
	else
		session_finish(session);
}

/* ---- one step ---- */

static struct http1_event session_parse(struct session *session)
{
	size_t len;
	const uint8_t *data = conn_bytes(session->conn, &len);
	struct http1_event event = http1_next(&session->parser, data, len, &session->request);

	conn_used(session->conn, event.used);
	return event;
}

static bool session_has_bytes(const struct session *session)
{
	size_t len;

	conn_bytes(session->conn, &len);
	return len > 0;
}

/* Nothing is there, and nothing will come or is wanted. */
static bool session_is_at_end(const struct session *session)
{
	if (session_has_bytes(session))
		return false;
	return conn_is_eof(session->conn) ||
	       (conn_commons(session->conn)->is_stopping && session->state == IDLE);
}

static void session_prepare_request(struct session *session)
{
	const struct http_tls *tls = conn_tls(session->conn);
	const struct net_opts *opts = conn_commons(session->conn)->opts;

	if (session->request.arena)
		return;
	session->parser.limits =
		(struct http1_limits){opts->header_bytes, opts->header_count, opts->uri_bytes};
	session->arena = commons_take_arena(conn_commons(session->conn));
	session->is_answered = false;
	session->request = (struct http_request){
		.scheme = tls ? STR_LITERAL("https") : STR_LITERAL("http"),
		.tls = tls,
		.peer = conn_peer(session->conn),
		.ip = conn_ip(session->conn),
		.arena = &session->arena,
	};
}

static bool step_head(struct session *session)
{
	if (session_is_at_end(session)) {
		session_finish(session);
		return true;
	}
	if (!session_has_bytes(session))
		return false;
	session_prepare_request(session);
	struct http1_event event = session_parse(session);
	if (event.what == HTTP1_REQUEST && conn_is_misdirected(session->conn)) {
		session_refuse(session, FAULT_NEEDS_TLS, HTTP_CLOSED_ERROR);
		return true;
	}
	if (event.what == HTTP1_REQUEST) {
		stream_begin(session);
		return true;
	}
	if (event.what == HTTP1_REFUSED) {
		session_refuse(session, event.fault, HTTP_CLOSED_ERROR);
		return true;
	}
	if (conn_is_eof(session->conn)) {
		session_finish(session);
		return true;
	}
	enum state next = http1_is_between(&session->parser) ? IDLE : HEAD;
	if (next != session->state)
		session_move(session, next);
	return false;
}

static bool step_body(struct session *session)
{
	struct http1_event event = session_parse(session);

	switch (event.what) {
	case HTTP1_BODY:
		upcalls(session)->on_body(session->stream.user, event.data, event.len);
		return true;
	case HTTP1_BODY_END:
		session->is_body_done = true;
		upcalls(session)->on_body_end(session->stream.user);
		return true;
	case HTTP1_REFUSED:
		session_refuse(session, event.fault, HTTP_CLOSED_ERROR);
		return true;
	case HTTP1_MORE:
	case HTTP1_REQUEST:
		break;
	}
	if (!conn_is_eof(session->conn))
		return false;
	stream_cut(session, HTTP_CLOSED_LEFT);
	return true;
}

static bool step_busy(struct session *session)
{
	const struct output_file *file = &conn_output(session->conn)->file;
	size_t waiting = conn_out_bytes(session->conn);

	if (session->is_aborted || file->is_short) {
		stream_cut(session, HTTP_CLOSED_ABORTED);
		return true;
	}
	if (session->is_ended) {
		if (waiting > CONN_OUT_LOW || file->left > 0)
			return false;
		stream_done(session);
		return true;
	}
	if (session->is_full && waiting <= CONN_OUT_HIGH / 2 && file->left == 0) {
		session->is_full = false;
		upcalls(session)->on_writable(session->stream.user);
		return true;
	}
	return session->is_body_wanted && !session->is_body_done && step_body(session);
}

/* A body that goes nowhere; a fault in it ends the connection without another answer. */
static bool step_drop(struct session *session)
{
	struct http1_event event = session_parse(session);

	session->dropped += event.used;
	if (event.what == HTTP1_BODY_END) {
		session_move(session, IDLE);
		return true;
	}
	if (event.what == HTTP1_REFUSED || session->dropped > DROP_BYTES ||
	    (event.what == HTTP1_MORE && conn_is_eof(session->conn))) {
		session_finish(session);
		return true;
	}
	return event.what == HTTP1_BODY;
}

static bool session_step(struct session *session)
{
	switch (session->state) {
	case IDLE:
	case HEAD:
		return step_head(session);
	case BUSY:
		return step_busy(session);
	case DROPPING:
		return step_drop(session);
	case OVER:
		break;
	}
	return false;
}

/* ---- what the connection calls ---- */

static bool session_on_turn(void *user)
{
	struct session *session = user;
	bool did_something = false;

	while (session_step(session))
		did_something = true;
	session_update_wait(session);
	return did_something;
}

static bool session_wants_bytes(const void *user)
{
	const struct session *session = user;

	if (session->state != BUSY)
		return true;
	return session->is_body_wanted && !session->is_body_done && !session->is_ended;
}

/* A client that has shut its sending side may have closed altogether: both look the same until we
 * send something. A 100 (Continue) may be sent at any time before the answer (RFC 9110, 15.2: a
 * client must be able to parse an unexpected one), and draws a reset from a client that is gone. */
static void session_probe(struct session *session)
{
	if (conn_is_dead(session->conn)) {
		stream_close(session, HTTP_CLOSED_LEFT);
		session_end(session);
		conn_reset(session->conn);
		return;
	}
	if (!session->was_continued && !session->is_answered && session->request.version >= 11)
		buf_append_str(conn_out(session->conn),
			       STR_LITERAL("HTTP/1.1 100 Continue\r\n\r\n"));
	session->was_continued = true;
	conn_wait(session->conn, CONN_WAIT_GONE);
}

static void session_on_timeout(void *user, enum conn_wait wait)
{
	struct session *session = user;

	switch (wait) {
	case CONN_WAIT_HEAD:
		session_refuse(session, FAULT_SLOW_HEAD, HTTP_CLOSED_TIMEOUT);
		break;
	case CONN_WAIT_BODY:
		if (session->state == BUSY)
			session_refuse(session, FAULT_SLOW_BODY, HTTP_CLOSED_TIMEOUT);
		else
			session_finish(session);
		break;
	case CONN_WAIT_GONE:
		session_probe(session);
		break;
	case CONN_WAIT_IDLE:
		session_finish(session);
		break;
	case CONN_WAIT_GREETING: /* before there was a session */
	case CONN_WAIT_NONE:
		break;
	}
}

static void session_on_lost(void *user, enum http_closed how)
{
	struct session *session = user;

	if (session->state == BUSY)
		stream_close(session, how);
	session_end(session);
}

static const struct conn_ops conn_ops = {
	.on_turn = session_on_turn,
	.wants_bytes = session_wants_bytes,
	.on_timeout = session_on_timeout,
	.on_lost = session_on_lost,
};

/* ---- what the answerer calls ---- */

static struct session *session_of(struct http_stream *stream)
{
	return (struct session *)stream;
}

/* The next request can be found: the body is read, or will be, or can be dropped. A client that
 * waits for 100 (Continue) may or may not send its body after the answer, so there nobody can
 * tell. */
static bool is_body_no_hindrance(const struct session *session)
{
	if (session->is_body_done || session->was_body_wanted)
		return true;
	return !session->request.expect_continue && http1_body_left(&session->parser) <= DROP_BYTES;
}

static void stream_send(struct http_stream *stream, const void *data, size_t len, bool end)
{
	struct session *session = session_of(stream);

	assert(session->state == BUSY && session->is_answered && !session->is_ended);
	struct http1_pieces body;
	if (!http1_answer_body(&session->answer, (struct str){data, len}, end, &body))
		session->is_aborted = true;
	conn_write(session->conn, body.pieces, body.count);
	session->is_ended = end;
	/* Once full, on_writable is owed, even if this write was the one that made room. */
	session->is_full |= conn_out_bytes(session->conn) >= CONN_OUT_HIGH;
	conn_wake(session->conn);
}

static bool stream_takes_files(const struct http_stream *stream)
{
	const struct session *session = (const struct session *)stream;

	return output_takes_files(conn_output(session->conn));
}

static void stream_send_file(struct http_stream *stream, int fd, uint64_t offset, size_t len,
			     bool end)
{
	struct session *session = session_of(stream);

	assert(session->state == BUSY && session->is_answered && !session->is_ended);
	assert(session->answer.framing == HTTP1_LENGTH);
	output_send_file(conn_output(session->conn), fd, offset,
			 http1_answer_count(&session->answer, len));
	session->is_aborted |= end && session->answer.left > 0;
	session->is_ended = end;
	session->is_full = true;
	conn_wake(session->conn);
}

static void stream_respond(struct http_stream *stream, const struct http_response *response,
			   const void *body, size_t len, bool end)
{
	struct session *session = session_of(stream);
	struct commons *commons = conn_commons(session->conn);
	bool may_keep = session->request.keep_alive && !response->close && !commons->is_stopping &&
			is_body_no_hindrance(session);

	assert(session->state == BUSY && !session->is_answered);
	session->is_answered = true;
	session->answer = http1_answer_plan(&session->request, response, len, end, may_keep);
	http1_answer_head(conn_out(session->conn), &session->answer, &session->request, response,
			  commons_date(commons));
	stream_send(stream, body, len, end);
}

static size_t stream_room(const struct http_stream *stream)
{
	const struct session *session = (const struct session *)stream;
	size_t waiting = conn_out_bytes(session->conn);

	return waiting < CONN_OUT_HIGH ? CONN_OUT_HIGH - waiting : 0;
}

static void stream_abort(struct http_stream *stream)
{
	struct session *session = session_of(stream);

	session->is_aborted = true;
	conn_wake(session->conn);
}

/* 100 (Continue) is sent unless some of the body has come without it (RFC 9110, 10.1.1). */
static void session_continue(struct session *session)
{
	if (!session_has_bytes(session))
		buf_append_str(conn_out(session->conn),
			       STR_LITERAL("HTTP/1.1 100 Continue\r\n\r\n"));
	session->was_continued = true;
}

static void stream_want_body(struct http_stream *stream, bool want)
{
	struct session *session = session_of(stream);

	session->is_body_wanted = want;
	session->was_body_wanted |= want;
	session_update_wait(session);
	if (!want)
		return;
	if (session->request.expect_continue && !session->was_continued && !session->is_answered &&
	    !session->is_body_done)
		session_continue(session);
	conn_wake(session->conn);
}

static const struct http_stream_ops stream_ops = {
	.respond = stream_respond,
	.send = stream_send,
	.room = stream_room,
	.abort = stream_abort,
	.want_body = stream_want_body,
	.takes_files = stream_takes_files,
	.send_file = stream_send_file,
};

/* ---- birth ---- */

void http1_stream_start(struct conn *conn)
{
	struct session *session = mem_new(struct session);

	session->stream.ops = &stream_ops;
	session->conn = conn;
	conn_start(conn, &conn_ops, session);
}
