/* One stream of an HTTP/2 connection: a request, its body in, its answer out.
 *
 *	HEAD ─ fields complete ─▶ OPEN ─ answered, or cut ─▶ freed
 *	  └────── refused ────────┴────▶ REFUSED ─ told ───▶ freed
 *
 *	OPEN, REFUSED ─ answered before all of the body is here ─▶ DROPPING ─▶ freed
 *
 * It sleeps in HEAD for the client, in OPEN for whoever answers, for the client's body or for its
 * window, in DROPPING for the end of the body: until that comes, or fills the window, or takes too
 * long. Both directions are bounded: what comes in and isn't wanted by the window that the client
 * was given (which is only opened again when somebody has taken the bytes), what goes out by
 * CONN_OUT_HIGH, so that a client that reads slowly holds back its own stream and no other.
 *
 * Downcalls take notes and hand bytes to nghttp2's queue: nothing is called back from within them.
 * http2.c calls the rest, in its turn. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/http2_private.h"
#include "net/refusal.h"

static struct http2_stream *stream_of(struct http_stream *stream)
{
	return (struct http2_stream *)stream;
}

static struct commons *commons_of(const struct http2_stream *stream)
{
	return conn_commons(stream->session->conn);
}

static const struct http_upcalls *upcalls(const struct http2_stream *stream)
{
	return commons_of(stream)->upcalls;
}

/* ---- the answer ---- */

/* The client takes its answer, so it has its time for the rest anew. */
static void note_progress(struct http2_stream *stream)
{
	stream->stalled_from_ms =
		buf_len(&stream->out) > 0 ? loop_now_ms(commons_of(stream)->loop) : 0;
}

/* nghttp2 asks for bytes when there is room in both windows. */
static ssize_t read_answer(nghttp2_session *engine, int32_t id, uint8_t *to, size_t room,
			   uint32_t *flags, nghttp2_data_source *source, void *user)
{
	struct http2_stream *stream = source->ptr;
	size_t len = buf_len(&stream->out);

	if (len > room)
		len = room;
	if (len > 0) {
		memcpy(to, buf_front(&stream->out), len);
		buf_consume(&stream->out, len);
		note_progress(stream);
	}
	if (buf_len(&stream->out) == 0 && stream->is_ended) {
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	} else if (len == 0) {
		stream->is_deferred = true;
		return NGHTTP2_ERR_DEFERRED;
	}
	return (ssize_t)len;
}

static nghttp2_nv pair(struct str name, struct str value)
{
	return (nghttp2_nv){(uint8_t *)name.data, (uint8_t *)value.data, name.len, value.len,
			    NGHTTP2_NV_FLAG_NONE};
}

/* What never comes again would push out of the table what does, and be searched for among its
 * likes. */
static nghttp2_nv field_pair(struct str name, const struct http_field *field)
{
	nghttp2_nv made = pair(name, field->value);

	if (field->is_unique)
		made.flags |= NGHTTP2_NV_FLAG_NO_INDEX;
	return made;
}

/* Names go over the wire in lower case (RFC 9113, 8.2). */
static struct str lower(struct arena *arena, struct str name)
{
	char *copy = NULL;

	for (size_t i = 0; i < name.len; i++) {
		if (name.data[i] < 'A' || name.data[i] > 'Z')
			continue;
		if (!copy)
			copy = arena_strndup(arena, name);
		copy[i] = (char)(name.data[i] + ('a' - 'A'));
	}
	return copy ? (struct str){copy, name.len} : name;
}

/* Status, fields, length and date. Returns how many; `out` has room for three more than fields. */
static size_t make_head(struct http2_stream *stream, const struct http_response *response,
			size_t body_bytes, bool end, nghttp2_nv *out)
{
	struct arena *arena = &stream->arena;
	uint64_t length;
	bool has_date = false;
	size_t count = 0;

	out[count++] =
		pair(STR_LITERAL(":status"), str_from(arena_printf(arena, "%u", response->status)));
	for (size_t i = 0; i < response->field_count; i++) {
		const struct http_field *field = &response->fields[i];

		if (http_field_is_framing(field->name))
			continue;
		has_date |= str_eq_nocase(field->name, STR_LITERAL("date"));
		out[count++] = field_pair(lower(arena, field->name), field);
	}
	if (http_response_tells_length(response, body_bytes, end, &length))
		out[count++] = pair(STR_LITERAL("content-length"),
				    str_from(arena_printf(arena, "%" PRIu64, length)));
	if (!has_date)
		out[count++] = pair(STR_LITERAL("date"), commons_date(commons_of(stream)));
	return count;
}

/* The bytes of a body that may be sent; what is too much for a promised length is dropped. */
static void put_body(struct http2_stream *stream, const void *data, size_t len)
{
	if (!stream->has_body)
		return;
	if (stream->has_left && len > stream->left)
		len = (size_t)stream->left;
	if (stream->has_left)
		stream->left -= len;
	if (len == 0)
		return;
	buf_append(&stream->out, data, len);
	if (stream->stalled_from_ms == 0)
		note_progress(stream);
}

static bool falls_short(const struct http2_stream *stream)
{
	return stream->is_ended && stream->has_body && stream->has_left && stream->left > 0;
}

/* Whoever answers may have to wait; an answer that falls short is seen to be one. */
static void settle_output(struct http2_stream *stream)
{
	if (falls_short(stream))
		http2_stream_cut(stream, NGHTTP2_INTERNAL_ERROR, HTTP_CLOSED_ABORTED);
	stream->is_full |= buf_len(&stream->out) >= CONN_OUT_HIGH;
	conn_wake(stream->session->conn);
}

static void respond(struct http_stream *base, const struct http_response *response,
		    const void *body, size_t len, bool end)
{
	struct http2_stream *stream = stream_of(base);
	nghttp2_nv *head = arena_alloc(&stream->arena, (response->field_count + 3) * sizeof(*head));
	nghttp2_data_provider provider = {.source.ptr = stream, .read_callback = read_answer};
	size_t count;

	assert(!stream->is_answered);
	if (stream->is_cut)
		return;
	stream->is_answered = true;
	stream->is_ended = end;
	stream->has_body = http_response_has_body(stream->request.method, response->status);
	stream->has_left = response->has_content_length;
	stream->left = response->content_length;
	count = make_head(stream, response, len, end, head);
	put_body(stream, body, len);
	nghttp2_submit_response(stream->session->engine, stream->id, head, count,
				stream->has_body && !(end && buf_len(&stream->out) == 0) ? &provider
											 : NULL);
	settle_output(stream);
}

static void send_more(struct http_stream *base, const void *data, size_t len, bool end)
{
	struct http2_stream *stream = stream_of(base);

	assert((stream->is_answered && !stream->is_ended) || stream->is_cut);
	if (stream->is_cut)
		return;
	stream->is_ended = end;
	put_body(stream, data, len);
	if (stream->is_deferred) {
		stream->is_deferred = false;
		nghttp2_session_resume_data(stream->session->engine, stream->id);
	}
	settle_output(stream);
}

static size_t room(const struct http_stream *base)
{
	const struct http2_stream *stream = (const struct http2_stream *)base;
	size_t waiting = buf_len(&stream->out);

	return waiting < CONN_OUT_HIGH ? CONN_OUT_HIGH - waiting : 0;
}

static void abort_answer(struct http_stream *base)
{
	http2_stream_cut(stream_of(base), NGHTTP2_INTERNAL_ERROR, HTTP_CLOSED_ABORTED);
}

static void want_body(struct http_stream *base, bool want)
{
	struct http2_stream *stream = stream_of(base);
	nghttp2_nv head = pair(STR_LITERAL(":status"), STR_LITERAL("100"));
	bool is_due = stream->request.expect_continue && !stream->was_continued &&
		      !stream->is_answered && !stream->is_body_received &&
		      buf_len(&stream->in) == 0;

	stream->is_body_wanted = want;
	if (want && is_due) {
		stream->was_continued = true;
		nghttp2_submit_headers(stream->session->engine, NGHTTP2_FLAG_NONE, stream->id, NULL,
				       &head, 1, NULL);
	}
	conn_wake(stream->session->conn);
}

static const struct http_stream_ops stream_ops = {
	.respond = respond,
	.send = send_more,
	.room = room,
	.abort = abort_answer,
	.want_body = want_body,
};

/* ---- the request ---- */

struct http2_stream *http2_stream_new(struct http2_session *session, int32_t id)
{
	struct http2_stream *stream = mem_new(struct http2_stream);
	const struct http_tls *tls = conn_tls(session->conn);

	stream->stream.ops = &stream_ops;
	stream->session = session;
	stream->id = id;
	stream->how = HTTP_CLOSED_LEFT;
	stream->arena = commons_take_arena(conn_commons(session->conn));
	stream->request = (struct http_request){
		.scheme = tls ? STR_LITERAL("https") : STR_LITERAL("http"),
		.tls = tls,
		.peer = conn_peer(session->conn),
		.ip = conn_ip(session->conn),
		.arena = &stream->arena,
	};
	TAILQ_INSERT_TAIL(&session->streams, stream, link);
	session->stream_count++;
	return stream;
}

void http2_stream_begin(struct http2_stream *stream, bool has_body)
{
	enum fault fault = http2_head_finish(&stream->head, has_body, &stream->request);

	stream->is_body_received = stream->is_body_done = !has_body;
	if (fault != FAULT_NONE) {
		http2_stream_refuse(stream, fault, HTTP_CLOSED_ERROR);
		return;
	}
	stream->state = STREAM_OPEN;
	upcalls(stream)->on_request(commons_of(stream)->user, &stream->stream, &stream->request);
}

/* The client may send as much again. */
static void open_window(const struct http2_stream *stream, size_t bytes)
{
	nghttp2_session_consume_stream(stream->session->engine, stream->id, bytes);
}

bool http2_stream_awaits_body(const struct http2_stream *stream)
{
	return stream->state == STREAM_OPEN && stream->is_body_wanted && !stream->is_body_done &&
	       !stream->is_ended && !stream->is_cut;
}

/* Whoever answers hears it once. */
static void tell_closed(struct http2_stream *stream, enum http_closed how)
{
	enum http2_stream_state before = stream->state;

	stream->state = STREAM_REFUSED;
	if (before == STREAM_OPEN)
		upcalls(stream)->on_closed(stream->stream.user, how);
}

static bool is_window_used_up(const struct http2_stream *stream)
{
	nghttp2_session *engine = stream->session->engine;

	return nghttp2_session_get_stream_effective_recv_data_length(engine, stream->id) >=
	       nghttp2_session_get_stream_effective_local_window_size(engine, stream->id);
}

/* A request whose answer is complete need not come to its end (RFC 9113, 8.1). A host that goes
 * doesn't wait for it. */
static void stop_if_due(const struct http2_stream *stream)
{
	nghttp2_session *engine = stream->session->engine;

	if (commons_of(stream)->is_stopping || is_window_used_up(stream))
		nghttp2_submit_rst_stream(engine, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR);
}

/* Not all clients read an answer that a reset follows at once (curl before 8.0), and most bodies
 * fit into the window: so it isn't opened any more, and only who has used it up is told to stop. */
void http2_stream_drop_body(struct http2_stream *stream)
{
	tell_closed(stream, HTTP_CLOSED_DONE);
	stream->state = STREAM_DROPPING;
	stream->stalled_from_ms = loop_now_ms(commons_of(stream)->loop);
	buf_deinit(&stream->in);
	buf_deinit(&stream->out);
	stream->request = (struct http_request){.arena = NULL};
	commons_give_arena(commons_of(stream), &stream->arena);
	stop_if_due(stream);
}

void http2_stream_take(struct http2_stream *stream, const uint8_t *data, size_t len)
{
	if (stream->state == STREAM_DROPPING) {
		stop_if_due(stream);
	} else if (stream->state != STREAM_OPEN || stream->is_ended || stream->is_cut) {
		open_window(stream, len); /* nobody reads it; soon it is told to stop */
	} else if (http2_stream_awaits_body(stream) && buf_len(&stream->in) == 0) {
		upcalls(stream)->on_body(stream->stream.user, data, len);
		open_window(stream, len);
	} else {
		buf_append(&stream->in, data, len);
	}
}

void http2_stream_take_end(struct http2_stream *stream)
{
	stream->is_body_received = true;
}

static bool serve_body(struct http2_stream *stream)
{
	size_t len = buf_len(&stream->in);

	if (!http2_stream_awaits_body(stream))
		return false;
	if (len > 0) {
		struct buf bytes = stream->in;

		stream->in = (struct buf){0};
		upcalls(stream)->on_body(stream->stream.user, buf_front(&bytes), len);
		buf_deinit(&bytes);
		open_window(stream, len);
		return true;
	}
	if (!stream->is_body_received)
		return false;
	stream->is_body_done = true;
	upcalls(stream)->on_body_end(stream->stream.user);
	return true;
}

bool http2_stream_serve(struct http2_stream *stream)
{
	bool did_something = serve_body(stream);

	if (stream->state == STREAM_OPEN && stream->is_full && !stream->is_ended &&
	    !stream->is_cut && buf_len(&stream->out) <= CONN_OUT_HIGH / 2) {
		stream->is_full = false;
		upcalls(stream)->on_writable(stream->stream.user);
		did_something = true;
	}
	return did_something;
}

/* ---- the end ---- */

void http2_stream_refuse(struct http2_stream *stream, enum fault fault, enum http_closed how)
{
	struct http_refusal refusal = {
		.status = fault_rows[fault].status,
		.why = fault_rows[fault].why,
		.reason = fault_rows[fault].name,
		.peer = stream->request.peer,
		.version = 20,
		.is_https = stream->request.tls != NULL,
		.method = stream->request.method,
		.target = stream->request.target,
		.ends_stream = stream->state == STREAM_OPEN,
		.stream_user = stream->stream.user,
		.is_sent = !stream->is_answered,
	};
	struct http_response response;
	struct str body = refusal_make(commons_of(stream), &refusal, &stream->arena, &response);
	bool was_answered = stream->is_answered;

	tell_closed(stream, how);
	if (was_answered)
		http2_stream_cut(stream, NGHTTP2_CANCEL, how);
	else
		respond(&stream->stream, &response, body.data, body.len, true);
}

void http2_stream_cut(struct http2_stream *stream, uint32_t error, enum http_closed how)
{
	if (stream->is_cut)
		return;
	stream->is_cut = true;
	stream->how = how;
	nghttp2_submit_rst_stream(stream->session->engine, NGHTTP2_FLAG_NONE, stream->id, error);
	conn_wake(stream->session->conn);
}

static void release(void *object)
{
	free(object);
}

void http2_stream_free(struct http2_stream *stream, enum http_closed how)
{
	struct http2_session *session = stream->session;

	tell_closed(stream, how);
	TAILQ_REMOVE(&session->streams, stream, link);
	session->stream_count--;
	session->is_wait_stale = true;
	commons_give_arena(conn_commons(session->conn), &stream->arena);
	buf_deinit(&stream->in);
	buf_deinit(&stream->out);
	loop_retire(conn_commons(session->conn)->loop, release, stream);
}
