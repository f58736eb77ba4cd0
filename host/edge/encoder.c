/* The body of an answer on its way to the client, when it is compressed.
 *
 * Every piece that a plugin sends is put out whole, up to a flush, before the next is looked at:
 * nothing waits in here for more, so credit stays what the client has taken. A body that is there
 * whole, and small when it is compressed, goes out in one piece with its length. The coder is one
 * of the edge's and goes back when the answer ends, however it ends: an answer that breaks off is
 * cut off, and never gets the end of a whole one. */
#include "edge/encoder.h"

#include "edge/compress.h"
#include "edge/edge_internal.h"

static const struct compress_policy *policy_of(const struct exchange *exchange)
{
	return exchange->route ? &exchange->route->compress : &exchange->routes->compress;
}

bool encoder_is_on(const struct exchange *exchange)
{
	return policy_of(exchange)->is_on;
}

static bool is_head(const struct exchange *exchange)
{
	return str_eq(exchange->request->method, STR_LITERAL("HEAD"));
}

/* What GET would get, as far as it is known. */
static uint64_t whole_bytes(const struct exchange *exchange, const struct http_response *response,
			    size_t len, bool end)
{
	if (response->has_content_length)
		return response->content_length;
	return end && (len > 0 || !is_head(exchange)) ? len : SIZE_UNKNOWN;
}

static void take_coder(struct exchange *exchange, const struct http_response *response,
		       enum coding_id coding, bool end)
{
	struct encoder *encoder = &exchange->encoder;

	encoder->coder = coders_take(exchange->edge->coders, coding, CODING_ENCODES,
				     policy_of(exchange)->level);
	encoder->has_left = response->has_content_length && !end;
	encoder->left = response->content_length;
}

void encoder_plan(struct exchange *exchange, struct http_response *response,
		  struct http_field *fields, size_t len, bool end)
{
	struct arena *arena = exchange->request->arena;
	enum coding_id coding = CODING_COUNT;
	enum compress_verdict verdict;

	if (response->status == 304) {
		compress_vary(arena, fields, &response->field_count);
		compress_not_modified(exchange->request, arena, fields, response->field_count);
		return;
	}
	verdict = compress_decide(policy_of(exchange), exchange->request, response,
				  whole_bytes(exchange, response, len, end), &coding);
	if (verdict == COMPRESS_NEVER)
		return;
	compress_vary(arena, fields, &response->field_count);
	if (verdict != COMPRESS_CODED)
		return;
	compress_head(coding, arena, fields, &response->field_count);
	take_coder(exchange, response, coding, end);
	response->has_content_length = false;
}

/* ---- bytes ---- */

static void give_back(struct exchange *exchange)
{
	coders_give(exchange->edge->coders, exchange->encoder.coder);
	exchange->encoder.coder = NULL;
}

/* Of what came, as much as was promised; false: this is the end, and some of it is missing. */
static bool keep_promise(struct encoder *encoder, struct wire_bytes *body, bool end)
{
	if (!encoder->has_left)
		return true;
	if (body->len > encoder->left)
		body->len = (size_t)encoder->left;
	encoder->left -= body->len;
	return !end || encoder->left == 0;
}

/* A run of the coder into the edge's scratch; the bytes there are. */
static size_t run(struct exchange *exchange, struct coder_io *io, bool last,
		  enum coder_state *state_out)
{
	io->out = exchange->edge->coded;
	io->out_len = sizeof(exchange->edge->coded);
	*state_out = coder_run(exchange->encoder.coder, io, last);
	return (size_t)(io->out - exchange->edge->coded);
}

/* What is left of a piece after its first run. */
static uint64_t send_rest(struct exchange *exchange, struct coder_io *io, bool last,
			  enum coder_state state)
{
	uint64_t sent = 0;

	while (state == CODER_FULL) {
		size_t len = run(exchange, io, last, &state);

		http_stream_send(exchange->stream, exchange->edge->coded, len, state == CODER_DONE);
		sent += len;
	}
	if (state == CODER_BROKEN)
		http_stream_abort(exchange->stream);
	return sent;
}

/* To HEAD: the head that GET would get, with what nobody knows left out. */
static bool respond_head(struct exchange *exchange, const struct http_response *response, bool end)
{
	give_back(exchange);
	if (http_stream_respond(exchange->stream, response, NULL, 0, false) < 0)
		return false;
	if (end)
		http_stream_send(exchange->stream, NULL, 0, true);
	return true;
}

bool encoder_respond(struct exchange *exchange, const struct http_response *response,
		     struct wire_bytes body, bool end, uint64_t *sent_out)
{
	struct coder_io io;
	enum coder_state state = CODER_HUNGRY;
	size_t len = 0;

	*sent_out = 0;
	if (is_head(exchange))
		return respond_head(exchange, response, end);
	keep_promise(&exchange->encoder, &body, false);
	io = (struct coder_io){.in = body.data, .in_len = body.len};
	if (body.len > 0 || end)
		len = run(exchange, &io, end, &state);
	if (http_stream_respond(exchange->stream, response, exchange->edge->coded, len,
				state == CODER_DONE) < 0) {
		give_back(exchange);
		return false;
	}
	*sent_out = len + send_rest(exchange, &io, end, state);
	if (end)
		give_back(exchange);
	return true;
}

uint64_t encoder_send(struct exchange *exchange, struct wire_bytes body, bool end)
{
	bool is_kept = keep_promise(&exchange->encoder, &body, end);
	struct coder_io io = {.in = body.data, .in_len = body.len};
	uint64_t sent = 0;

	if (body.len > 0 || end)
		sent = send_rest(exchange, &io, end && is_kept, CODER_FULL);
	if (!is_kept)
		http_stream_abort(exchange->stream);
	if (end)
		give_back(exchange);
	return sent;
}

void encoder_deinit(struct exchange *exchange)
{
	give_back(exchange);
}
