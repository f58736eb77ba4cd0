/* HTTP/2 on a connection: bytes in, streams begin and end, frames out.
 *
 *	OPEN ─ the host is going ─▶ LEAVING ─ ping answered ─▶ LEFT ─ last stream ended ─▶ OVER
 *	  └── idle, flooded, malformed, the client's GOAWAY, or lost ───────────────────────▲
 *
 * It owns nghttp2's session and the list of streams. Everything happens in a turn of the
 * connection: what came in is given to nghttp2, which calls back with frames; then streams get what
 * they are owed, then what nghttp2 has to say goes to the connection's output, as long as that has
 * room. So downcalls from above only queue, and no upcall comes from within them.
 *
 * The host leaves in two steps (RFC 9113, 6.8): first it says so without naming a last stream, so
 * that requests that are on their way are served; when a ping has come back, all of those are here,
 * and it names the last one.
 *
 * What costs us and serves no request is counted (http2_guard.c); malformed frames are nghttp2's to
 * find, and end the stream or the connection with the code that the RFC asks for. */
#include "net/http2.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/sm.h"
#include "net/http2_private.h"
#include "net/refusal.h"

/* A client may send as much of one body before somebody takes it, and of all bodies together before
 * we have read it. The first bounds memory: streams × window. */
#define STREAM_WINDOW	  65535
#define CONNECTION_WINDOW (1 << 20)

/* Fields that are beyond the limit are dropped; beyond so many times the limit the stream is. */
#define HEAD_PATIENCE 4

#define MAX_SETTINGS 32

static const struct sm_state phases[] = {
	[HTTP2_OPEN] = {"OPEN", SM_BIT(HTTP2_LEAVING) | SM_BIT(HTTP2_OVER)},
	[HTTP2_LEAVING] = {"LEAVING", SM_BIT(HTTP2_LEFT) | SM_BIT(HTTP2_OVER)},
	[HTTP2_LEFT] = {"LEFT", SM_BIT(HTTP2_OVER)},
	[HTTP2_OVER] = {"OVER", 0},
};

static void session_move(struct http2_session *session, enum http2_phase next)
{
	assert(sm_may_move(phases, session->phase, next));
	session->phase = next;
}

static const struct net_opts *opts_of(const struct http2_session *session)
{
	return conn_commons(session->conn)->opts;
}

/* ---- the end ---- */

static void release(void *object)
{
	struct http2_session *session = object;

	nghttp2_session_del(session->engine);
	free(session);
}

/* The streams that are left hear `how`. */
static void session_end(struct http2_session *session, enum http_closed how)
{
	struct http2_stream *stream;

	session_move(session, HTTP2_OVER);
	while ((stream = TAILQ_FIRST(&session->streams)))
		http2_stream_free(stream, how);
	loop_timer_stop(&session->stall);
	loop_retire(conn_commons(session->conn)->loop, release, session);
}

static void session_finish(struct http2_session *session, enum http_closed how)
{
	session_end(session, how);
	conn_finish(session->conn);
}

/* GOAWAY; nghttp2 wants neither to read nor to write when it is out, which ends the session. */
static void session_send_away(struct http2_session *session, uint32_t error)
{
	nghttp2_session_terminate_session(session->engine, error);
	conn_wake(session->conn);
}

/* It is told to whoever keeps the log, as a refusal without a request. */
static void session_tell_flood(struct http2_session *session)
{
	struct commons *commons = conn_commons(session->conn);
	struct http_refusal refusal = {.status = fault_rows[FAULT_FLOOD].status,
				       .why = fault_rows[FAULT_FLOOD].why,
				       .reason = fault_rows[FAULT_FLOOD].name,
				       .peer = conn_peer(session->conn),
				       .version = 20};
	struct arena arena = commons_take_arena(commons);
	struct http_response response;

	refusal_make(commons, &refusal, &arena, &response);
	commons_give_arena(commons, &arena);
}

static void session_charge(struct http2_session *session, enum http2_cost cost)
{
	if (session->is_flooded || http2_guard_allow(&session->guard, cost, clock_mono_us()))
		return;
	session->is_flooded = true;
	session_tell_flood(session);
	session_send_away(session, NGHTTP2_ENHANCE_YOUR_CALM);
}

/* ---- what nghttp2 tells ---- */

static struct http2_stream *find_stream(nghttp2_session *engine, int32_t id)
{
	return nghttp2_session_get_stream_user_data(engine, id);
}

static bool is_request(const nghttp2_frame *frame)
{
	return frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
}

static int on_begin_frame(nghttp2_session *engine, const nghttp2_frame_hd *frame, void *user)
{
	struct http2_session *session = user;
	enum http2_cost cost = http2_guard_cost(frame->type, frame->flags, frame->length);
	const struct http2_stream *stream = find_stream(engine, frame->stream_id);
	/* It was served, and says itself that the rest of its body won't come. */
	bool is_served = cost == HTTP2_COST_RESET && stream && stream->state == STREAM_DROPPING;

	if (cost != HTTP2_COST_COUNT && !is_served)
		session_charge(session, cost);
	return 0;
}

static int on_begin_headers(nghttp2_session *engine, const nghttp2_frame *frame, void *user)
{
	struct http2_session *session = user;
	struct http2_stream *stream;

	session->head_id = frame->hd.stream_id;
	if (!is_request(frame))
		return 0;
	stream = http2_stream_new(session, frame->hd.stream_id);
	nghttp2_session_set_stream_user_data(engine, frame->hd.stream_id, stream);
	return 0;
}

/* Trailers are dropped, as in HTTP/1.1. */
static int on_header(nghttp2_session *engine, const nghttp2_frame *frame, const uint8_t *name,
		     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
		     void *user)
{
	struct http2_session *session = user;
	struct http2_stream *stream = find_stream(engine, frame->hd.stream_id);
	const struct http2_head_limits limits = {opts_of(session)->header_bytes,
						 opts_of(session)->header_count,
						 opts_of(session)->uri_bytes};

	if (!stream || stream->state != STREAM_HEAD)
		return 0;
	http2_head_add(&stream->head, &stream->arena, &limits,
		       (struct str){(const char *)name, name_len},
		       (struct str){(const char *)value, value_len});
	return stream->head.bytes / HEAD_PATIENCE > limits.bytes
		       ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE
		       : 0;
}

static int on_frame_recv(nghttp2_session *engine, const nghttp2_frame *frame, void *user)
{
	struct http2_session *session = user;
	bool is_last = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
	struct http2_stream *stream;

	if (frame->hd.type == NGHTTP2_PING && frame->hd.flags & NGHTTP2_FLAG_ACK &&
	    session->phase == HTTP2_LEAVING) {
		session_move(session, HTTP2_LEFT);
		nghttp2_submit_goaway(engine, NGHTTP2_FLAG_NONE,
				      nghttp2_session_get_last_proc_stream_id(engine),
				      NGHTTP2_NO_ERROR, NULL, 0);
	}
	if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
		return 0;
	stream = find_stream(engine, frame->hd.stream_id);
	if (frame->hd.type == NGHTTP2_HEADERS)
		session->head_id = 0;
	if (stream && is_request(frame))
		http2_stream_begin(stream, !is_last);
	else if (stream && is_last)
		http2_stream_take_end(stream);
	return 0;
}

/* The connection's window is opened at once: who doesn't take his body holds back nobody else. */
static int on_data_chunk(nghttp2_session *engine, uint8_t flags, int32_t id, const uint8_t *data,
			 size_t len, void *user)
{
	struct http2_stream *stream = find_stream(engine, id);

	nghttp2_session_consume_connection(engine, len);
	if (stream)
		http2_stream_take(stream, data, len);
	else
		nghttp2_session_consume_stream(engine, id, len);
	return 0;
}

static int on_frame_send(nghttp2_session *engine, const nghttp2_frame *frame, void *user)
{
	struct http2_session *session = user;
	struct http2_stream *stream = find_stream(engine, frame->hd.stream_id);
	bool may_end = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;

	if (stream && may_end && frame->hd.flags & NGHTTP2_FLAG_END_STREAM) {
		stream->is_sent = true;
		if (!stream->is_body_received)
			http2_stream_drop_body(stream);
	}
	/* A malformed head never comes to its end. */
	if (frame->hd.type == NGHTTP2_RST_STREAM && frame->hd.stream_id == session->head_id)
		session->head_id = 0;
	/* Not one of ours, so one that the client made us send. */
	if (frame->hd.type == NGHTTP2_RST_STREAM &&
	    (!stream || (!stream->is_cut && !stream->is_sent)))
		session_charge(session, HTTP2_COST_RESET);
	return 0;
}

static int on_stream_close(nghttp2_session *engine, int32_t id, uint32_t error, void *user)
{
	struct http2_stream *stream = find_stream(engine, id);

	if (stream)
		http2_stream_free(stream, stream->is_sent ? HTTP_CLOSED_DONE : stream->how);
	return 0;
}

/* ---- a turn ---- */

static void session_fail(struct http2_session *session)
{
	session_finish(session, HTTP_CLOSED_ERROR);
}

/* What came in. True: there was something. */
static bool turn_read(struct http2_session *session)
{
	size_t len;
	const uint8_t *data = conn_bytes(session->conn, &len);
	ssize_t used;

	if (len == 0)
		return false;
	if (session->is_flooded) {
		conn_used(session->conn, len);
		return true;
	}
	used = nghttp2_session_mem_recv(session->engine, data, len);
	conn_used(session->conn, used < 0 ? len : (size_t)used);
	if (used < 0)
		session_fail(session);
	return used != 0;
}

static bool turn_serve(struct http2_session *session)
{
	struct http2_stream *stream;
	bool did_something = false;

	TAILQ_FOREACH (stream, &session->streams, link)
		did_something |= http2_stream_serve(stream);
	return did_something;
}

/* What nghttp2 has to say. True: there was something. */
static bool turn_write(struct http2_session *session)
{
	bool did_something = false;
	const uint8_t *data;

	while (session->phase != HTTP2_OVER && conn_out_bytes(session->conn) < CONN_OUT_HIGH) {
		ssize_t len = nghttp2_session_mem_send(session->engine, &data);

		if (len < 0)
			session_fail(session);
		if (len <= 0)
			break;
		buf_append(conn_out(session->conn), data, (size_t)len);
		did_something = true;
	}
	return did_something;
}

/* The host doesn't wait for what it would drop. */
static void cut_dropping(struct http2_session *session)
{
	struct http2_stream *stream;

	TAILQ_FOREACH (stream, &session->streams, link) {
		if (stream->state == STREAM_DROPPING)
			http2_stream_cut(stream, NGHTTP2_NO_ERROR, HTTP_CLOSED_DONE);
	}
}

static void turn_leave(struct http2_session *session)
{
	if (!conn_commons(session->conn)->is_stopping || session->phase != HTTP2_OPEN)
		return;
	session_move(session, HTTP2_LEAVING);
	nghttp2_submit_shutdown_notice(session->engine);
	nghttp2_submit_ping(session->engine, NGHTTP2_FLAG_NONE, NULL);
	cut_dropping(session);
}

/* Nothing more is to be read or written, or can be. */
static bool is_at_end(const struct http2_session *session)
{
	if (!nghttp2_session_want_read(session->engine) &&
	    !nghttp2_session_want_write(session->engine))
		return true;
	return conn_is_eof(session->conn) && session->stream_count == 0;
}

static uint32_t reset_code(const struct http2_stream *stream)
{
	return stream->is_sent ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL;
}

/* A body of which no more will come. */
static void cut_unfinished(struct http2_session *session)
{
	struct http2_stream *stream;

	TAILQ_FOREACH (stream, &session->streams, link) {
		if (!stream->is_body_received)
			http2_stream_cut(stream, reset_code(stream), HTTP_CLOSED_LEFT);
	}
}

/* ---- time ---- */

static enum conn_wait session_wait(const struct http2_session *session)
{
	const struct http2_stream *stream;

	if (session->head_id != 0)
		return CONN_WAIT_HEAD;
	if (session->stream_count == 0)
		return session->phase == HTTP2_OPEN ? CONN_WAIT_IDLE : CONN_WAIT_HEAD;
	if (conn_is_eof(session->conn))
		return CONN_WAIT_GONE;
	TAILQ_FOREACH (stream, &session->streams, link) {
		if (http2_stream_awaits_body(stream))
			return CONN_WAIT_BODY;
	}
	return CONN_WAIT_NONE;
}

static void update_wait(struct http2_session *session)
{
	enum conn_wait wait = session_wait(session);

	if (wait != conn_waiting(session->conn) ||
	    (wait == CONN_WAIT_IDLE && session->is_wait_stale))
		conn_wait(session->conn, wait);
	session->is_wait_stale = false;
}

/* The earliest time at which an answer has stood still for too long; INT64_MAX: there is none. */
static int64_t stall_due_ms(const struct http2_session *session)
{
	int64_t limit_ms = opts_of(session)->write_timeout_ms;
	int64_t due_ms = INT64_MAX;
	const struct http2_stream *stream;

	TAILQ_FOREACH (stream, &session->streams, link) {
		if (stream->stalled_from_ms != 0 && stream->stalled_from_ms + limit_ms < due_ms)
			due_ms = stream->stalled_from_ms + limit_ms;
	}
	return due_ms;
}

static void update_stall(struct http2_session *session)
{
	int64_t due_ms = loop_timer_is_active(&session->stall) ? INT64_MAX : stall_due_ms(session);

	if (due_ms != INT64_MAX)
		loop_timer_start(&session->stall,
				 due_ms - loop_now_ms(conn_commons(session->conn)->loop));
}

/* The client keeps its window shut, or doesn't come to the end of a body that is dropped. */
static void on_stall_due(void *user)
{
	struct http2_session *session = user;
	int64_t from_ms =
		loop_now_ms(conn_commons(session->conn)->loop) - opts_of(session)->write_timeout_ms;
	struct http2_stream *stream;

	TAILQ_FOREACH (stream, &session->streams, link) {
		if (stream->stalled_from_ms != 0 && stream->stalled_from_ms <= from_ms) {
			stream->stalled_from_ms = 0;
			http2_stream_cut(stream, reset_code(stream), HTTP_CLOSED_TIMEOUT);
		}
	}
	update_stall(session);
	conn_wake(session->conn);
}

static void refuse_slow_bodies(struct http2_session *session)
{
	struct http2_stream *stream;

	TAILQ_FOREACH (stream, &session->streams, link) {
		if (http2_stream_awaits_body(stream))
			http2_stream_refuse(stream, FAULT_SLOW_BODY, HTTP_CLOSED_TIMEOUT);
	}
	conn_wake(session->conn);
}

/* A client that has shut its sending side may be gone; what we send draws a reset then. */
static void probe(struct http2_session *session)
{
	if (conn_is_dead(session->conn)) {
		session_end(session, HTTP_CLOSED_LEFT);
		conn_reset(session->conn);
		return;
	}
	nghttp2_submit_ping(session->engine, NGHTTP2_FLAG_NONE, NULL);
	conn_wait(session->conn, CONN_WAIT_GONE);
	conn_wake(session->conn);
}

/* ---- what the connection calls ---- */

static bool session_on_turn(void *user)
{
	struct http2_session *session = user;
	bool did_something = turn_read(session);

	if (session->phase == HTTP2_OVER)
		return did_something;
	turn_leave(session);
	if (conn_is_eof(session->conn))
		cut_unfinished(session);
	did_something |= turn_serve(session);
	did_something |= turn_write(session);
	if (session->phase == HTTP2_OVER)
		return did_something;
	if (is_at_end(session)) {
		session_finish(session, HTTP_CLOSED_ERROR);
		return true;
	}
	update_wait(session);
	update_stall(session);
	return did_something;
}

/* What can't be used is bounded by windows, not here. */
static bool session_wants_bytes(const void *user)
{
	return true;
}

static void session_on_timeout(void *user, enum conn_wait wait)
{
	struct http2_session *session = user;

	switch (wait) {
	case CONN_WAIT_HEAD:
	case CONN_WAIT_IDLE:
		session_send_away(session, NGHTTP2_NO_ERROR);
		break;
	case CONN_WAIT_BODY:
		refuse_slow_bodies(session);
		break;
	case CONN_WAIT_GONE:
		probe(session);
		break;
	case CONN_WAIT_GREETING: /* before there was a session */
	case CONN_WAIT_NONE:
		break;
	}
}

static void session_on_lost(void *user, enum http_closed how)
{
	session_end(user, how);
}

static const struct conn_ops conn_ops = {
	.on_turn = session_on_turn,
	.wants_bytes = session_wants_bytes,
	.on_timeout = session_on_timeout,
	.on_lost = session_on_lost,
};

/* ---- birth ---- */

static nghttp2_session_callbacks *make_callbacks(void)
{
	nghttp2_session_callbacks *callbacks;

	if (nghttp2_session_callbacks_new(&callbacks) != 0)
		mem_die();
	nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
	return callbacks;
}

static nghttp2_session *make_engine(struct http2_session *session)
{
	nghttp2_session_callbacks *callbacks = make_callbacks();
	nghttp2_session *engine;
	nghttp2_option *option;

	if (nghttp2_option_new(&option) != 0)
		mem_die();
	nghttp2_option_set_no_auto_window_update(option, 1);
	nghttp2_option_set_no_closed_streams(option, 1);
	nghttp2_option_set_max_settings(option, MAX_SETTINGS);
	if (nghttp2_session_server_new2(&engine, callbacks, session, option) != 0)
		mem_die();
	nghttp2_option_del(option);
	nghttp2_session_callbacks_del(callbacks);
	return engine;
}

static void greet(struct http2_session *session)
{
	const struct net_opts *opts = opts_of(session);
	const nghttp2_settings_entry settings[] = {
		{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, opts->max_streams},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW},
		{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)opts->header_bytes},
		{NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
	};

	nghttp2_submit_settings(session->engine, NGHTTP2_FLAG_NONE, settings,
				sizeof(settings) / sizeof(settings[0]));
	nghttp2_session_set_local_window_size(session->engine, NGHTTP2_FLAG_NONE, 0,
					      CONNECTION_WINDOW);
}

void http2_start(struct conn *conn)
{
	struct http2_session *session = mem_new(struct http2_session);

	session->conn = conn;
	TAILQ_INIT(&session->streams);
	loop_timer_init(&session->stall, conn_commons(conn)->loop, on_stall_due, session);
	session->engine = make_engine(session);
	greet(session);
	conn_start(conn, &conn_ops, session);
	conn_wake(conn);
}
