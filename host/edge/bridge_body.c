/* The body of a request on its way from the client to the call: counted, collected where it is
 * short, decompressed where the route asks for it.
 *
 * It is wanted only while the call takes more. What has come and is not taken yet is one read of
 * the connection at most, and it waits compressed: a piece is decompressed when there is somebody
 * to take it. Owns nothing; the state is in the exchange. */
#include "edge/bridge_body.h"

#include "edge/bridge.h"
#include "edge/door.h"
#include "edge/edge_internal.h"
#include "observe/errors.h"

static const struct wire_bytes nothing = {NULL, 0};

/* Before the call there is nothing that could be full, unless it waits for its place. */
static bool takes_more(const struct exchange *exchange)
{
	if (exchange->wait)
		return false;
	if (!exchange->started)
		return !exchange->ended;
	return exchange->call && dispatch_is_writable(exchange->call);
}

/* After some of the body has gone: go on, or wait until the plugin takes more. */
static void update_wanted(struct exchange *exchange)
{
	http_stream_want_body(exchange->stream, !exchange->body_ended && takes_more(exchange));
}

/* More of the request. While only the client can go on, the place at the door is another's. */
static void send_on(struct exchange *exchange, struct wire_bytes body, bool last)
{
	exchange->body_ended = last;
	if (last)
		door_return(exchange);
	exchange->bridge->send(exchange, body, last);
}

static void pass_body(struct exchange *exchange, struct wire_bytes body, bool last)
{
	if (!exchange->started)
		bridge_ask(exchange, body, last);
	else if (exchange->call)
		send_on(exchange, body, last);
}

static void refuse_body(struct exchange *exchange, const struct exchange_error *error)
{
	if (exchange->call)
		bridge_cancel_call(exchange, OUTCOME_CANCELLED,
				   STR_LITERAL("the request's body is refused"));
	exchange_fail(exchange, error);
}

/* True: the body has come whole, and *body is all of it. */
static bool collect(struct exchange *exchange, struct wire_bytes *body)
{
	size_t whole = (size_t)exchange->request->content_length;

	if (body->len == whole)
		return true;
	if (!exchange->collected)
		exchange->collected = arena_alloc(exchange->request->arena, whole);
	memcpy(exchange->collected + exchange->body_bytes - body->len, body->data, body->len);
	*body = (struct wire_bytes){exchange->collected, whole};
	return exchange->body_bytes == whole;
}

/* ---- compressed ---- */

static void refuse_broken(struct exchange *exchange)
{
	refuse_body(exchange, &(struct exchange_error){
				      .status = 400,
				      .code = error_find(ERR_ENCODING_BROKEN)->name,
				      .message = STR_LITERAL(
					      "The body is not in the coding that Content-Encoding "
					      "names, ends early or goes on after its end")});
}

static void refuse_dense(struct exchange *exchange)
{
	refuse_body(
		exchange,
		&(struct exchange_error){
			.status = 413,
			.code = error_find(ERR_ENCODING_DENSE)->name,
			.message = str_from(arena_printf(
				exchange->request->arena,
				"The body gets more than %u times larger when it is decompressed",
				exchange->decoder.max_ratio))});
}

/* Nobody reads the rest of the body any more. */
static bool is_over(const struct exchange *exchange)
{
	return exchange->ended || (exchange->started && !exchange->call);
}

/* One piece. False: not now. */
static bool pass_piece(struct exchange *exchange, struct wire_bytes *in)
{
	uint8_t out[DECODER_PIECE_BYTES];
	struct wire_bytes piece;

	if (is_over(exchange) || !takes_more(exchange))
		return false;
	switch (decoder_next(&exchange->decoder, in, out, &piece)) {
	case DECODER_PIECE:
		pass_body(exchange, piece, false);
		return true;
	case DECODER_HUNGRY:
		return false;
	case DECODER_BROKEN:
		refuse_broken(exchange);
		return false;
	case DECODER_DENSE:
		refuse_dense(exchange);
		return false;
	case DECODER_LARGE:
		refuse_body(exchange, &edge_error_too_large);
		return false;
	}
	return false;
}

/* As much as the call takes; the rest waits. */
static void pass_decoded(struct exchange *exchange, struct wire_bytes in)
{
	while (pass_piece(exchange, &in))
		;
	if (!is_over(exchange) && in.len > 0)
		buf_append(&exchange->decoder.waiting, in.data, in.len);
}

static void pass_waiting(struct exchange *exchange)
{
	struct buf waiting = exchange->decoder.waiting;

	exchange->decoder.waiting = (struct buf){0};
	pass_decoded(exchange, (struct wire_bytes){buf_front(&waiting), buf_len(&waiting)});
	buf_deinit(&waiting);
}

/* ---- news ---- */

static void end_body(struct exchange *exchange)
{
	if (exchange->decoder.coder && !exchange->decoder.is_whole)
		refuse_broken(exchange);
	else
		pass_body(exchange, nothing, true);
}

void bridge_body_resume(struct exchange *exchange)
{
	if (exchange->body_ended || !takes_more(exchange))
		return;
	if (decoder_is_behind(&exchange->decoder))
		pass_waiting(exchange);
	if (!takes_more(exchange)) /* then this comes again */
		return;
	if (!exchange->end_waits) {
		http_stream_want_body(exchange->stream, true);
		return;
	}
	exchange->end_waits = false;
	end_body(exchange);
}

void bridge_on_body(struct exchange *exchange, const uint8_t *data, size_t len)
{
	const struct http_request *request = exchange->request;
	struct wire_bytes body = {data, len};

	exchange->body_bytes += len;
	if (exchange->body_bytes > exchange->body_limit) {
		refuse_body(exchange, &edge_error_too_large);
		return;
	}
	if (exchange->ended)
		return;
	if (exchange->is_repeatable && !collect(exchange, &body))
		return;
	if (exchange->decoder.coder)
		pass_decoded(exchange, body);
	else
		pass_body(exchange, body,
			  request->has_content_length &&
				  exchange->body_bytes == request->content_length);
	update_wanted(exchange);
}

void bridge_on_body_end(struct exchange *exchange)
{
	if (exchange->body_ended || exchange->ended)
		return;
	if (exchange->wait || (exchange->call && !dispatch_is_writable(exchange->call))) {
		exchange->end_waits = true;
		return;
	}
	end_body(exchange);
}
