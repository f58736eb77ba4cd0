/* From an HTTP request to a call and back: what both kinds share.
 *
 * Back-pressure in both directions. Towards the plugin: while the call isn't writable, the body
 * isn't wanted, and TCP holds the client back. Towards the client: while the connection's buffer is
 * full, payload is not reported as consumed, and the plugin runs out of credit. So a slow side
 * slows its own call, and memory stays within the windows.
 *
 * Owns nothing; the state is in the exchange. Called by edge.c with news from the client, by
 * dispatch with news from the plugin. */
#include "edge/bridge.h"

#include <string.h>

#include "edge/bridge_body.h"
#include "edge/door.h"
#include "edge/edge_internal.h"
#include "edge/stand_in.h"
#include "net/chars.h"
#include "trust/digest.h"

/* ---- news from the plugin ---- */

/* Payload that the client's buffer has no room for is held: the plugin gets no credit for it
 * yet. */
static bool is_consumed(struct exchange *exchange, size_t len)
{
	if (exchange->ended || http_stream_room(exchange->stream) > 0)
		return true;
	exchange->held += (uint32_t)len;
	return false;
}

void bridge_cancel_call(struct exchange *exchange, enum outcome outcome, struct str reason)
{
	int64_t queue_us, plugin_us;

	dispatch_spent(exchange->call, &queue_us, &plugin_us);
	exchange->queue_us += queue_us;
	exchange->plugin_us += plugin_us;
	dispatch_cancel(exchange->call, outcome, reason);
	exchange->call = NULL;
}

/* The plugin's answer can't be used: dispatch counts that. With `end` the call is over by itself,
 * and on_done tells the client. */
static void refuse_answer(struct exchange *exchange, struct str why, bool end)
{
	if (end) {
		dispatch_refuse_answer(exchange->call, why);
		return;
	}
	exchange->failing = true;
	bridge_cancel_call(exchange, OUTCOME_BAD_ANSWER, why);
	exchange_fail_outcome(exchange, OUTCOME_BAD_ANSWER, why, 0);
}

static bool take(struct exchange *exchange, struct wire_bytes payload, bool more, bool end)
{
	const char *why;

	if (exchange->failing || exchange->ended)
		return true;
	if (exchange->bridge->take(exchange, payload, more, end, &why))
		return end || is_consumed(exchange, payload.len);
	refuse_answer(exchange, str_from(why), end);
	return true;
}

static bool on_response(void *user, const struct wire_response *response)
{
	return take(user, response->payload, response->more, response->end);
}

static bool on_data(void *user, const struct wire_data *data)
{
	return take(user, data->payload, data->more, data->end);
}

/* The plugin takes more of the request. */
static void on_call_writable(void *user)
{
	struct exchange *exchange = user;

	if (exchange->bridge->resume)
		exchange->bridge->resume(exchange);
	bridge_body_resume(exchange);
}

static void on_done(void *user, const struct dispatch_result *result)
{
	struct exchange *exchange = user;
	enum outcome outcome = result->outcome;

	exchange->call = NULL;
	exchange->queue_us += result->queue_us;
	exchange->plugin_us += result->plugin_us;
	exchange->attempts += result->attempts;
	if (exchange->ended || exchange->failing)
		return;
	if (stand_in_takes(exchange, result)) {
		/* Whoever begins a call looks himself whether it takes more. */
		if (!exchange->is_asking && exchange->call && dispatch_is_writable(exchange->call))
			on_call_writable(exchange);
		return;
	}
	if (outcome == OUTCOME_OK)
		exchange_fail_outcome(exchange, OUTCOME_BAD_ANSWER,
				      STR_LITERAL("its answer is not complete"), 0);
	else
		exchange_fail_outcome(exchange, outcome, result->message, result->retry_after_ms);
}

static void identify(void *user, struct wire_bytes payload, struct digest_stream *to)
{
	const struct exchange *exchange = user;

	if (exchange->bridge->identify)
		exchange->bridge->identify(payload, to);
	else
		digest_stream_add(to, payload.data, payload.len);
}

static const struct dispatch_ops call_ops = {on_response, on_data, on_call_writable, on_done,
					     identify};

/* A field's value for a string of the protocol, which is UTF-8 where a header need not be: a plugin
 * whose parser checks could not read the whole frame. What is no text is no trace, and left out. */
static struct wire_bytes trace_text(const struct http_field *field)
{
	if (!field || !chars_is_clean_utf8(field->value))
		return (struct wire_bytes){0};
	return (struct wire_bytes){(const uint8_t *)field->value.data, field->value.len};
}

/* Trace context goes into fields of its own. */
static void fill_trace(const struct exchange *exchange, struct wire_request *request)
{
	const struct http_request *http = exchange->request;

	request->trace_parent =
		trace_text(http_field_find(http->fields, http->field_count, "traceparent"));
	if (request->trace_parent.len > 0)
		request->trace_state =
			trace_text(http_field_find(http->fields, http->field_count, "tracestate"));
}

/* Only what plugd has established; what the client says about itself is in its headers. */
static void fill_principal(const struct exchange *exchange, struct wire_request *request)
{
	const struct principal *principal = exchange->auth.principal;

	if (!principal)
		return;
	request->principal = (struct wire_bytes){(const uint8_t *)principal->subject.data,
						 principal->subject.len};
	request->tenant =
		(struct wire_bytes){(const uint8_t *)principal->tenant.data, principal->tenant.len};
	request->caller = principal->caller;
}

static const struct wire_request *keep_request(const struct exchange *exchange,
					       const struct wire_request *request)
{
	struct wire_request *kept = arena_alloc(exchange->request->arena, sizeof(*kept));

	*kept = *request;
	return kept;
}

/* During a canary that keeps callers with one generation: what tells this caller from others. */
static uint64_t canary_key(const struct exchange *exchange)
{
	const struct canary *canary = exchange->target->canary;
	const struct http_request *http = exchange->came;
	const struct http_field *field;

	if (!canary || !canary->opts.key_header[0])
		return 0;
	field = http_field_find(http->fields, http->field_count, canary->opts.key_header);
	return field ? canary_key_of(field->value) : 0;
}

/* The time that the plugin has is shorter than its operator gives it: that it passes says nothing
 * about it. A stand-in has what the other has left. */
static bool is_impatient(const struct exchange *exchange, int64_t timeout_ms)
{
	if (exchange->stood_for)
		return timeout_ms < exchange->target->plugin->timeout_ms;
	return exchange_is_impatient(exchange);
}

static void start_call(struct exchange *exchange, const struct dispatch_opts *opts)
{
	bool was_asking = exchange->is_asking;
	struct dispatch_call *call;

	exchange->started = true;
	exchange->is_asking = true;
	call = dispatch_start(exchange->edge->dispatch, opts, &call_ops, exchange);
	exchange->is_asking = was_asking;
	/* Else it has ended, and a stand-in's call may be there. */
	if (call)
		exchange->call = call;
}

void bridge_call(struct exchange *exchange, struct wire_request *request)
{
	int64_t timeout_ms = exchange_time_left_ms(exchange);
	struct dispatch_opts opts = {
		.target = exchange->target,
		.timeout_ms = timeout_ms,
		.request = request,
		.request_stays = exchange->is_repeatable,
		.is_idempotent = exchange->bridge->is_idempotent(exchange),
		.is_impatient = is_impatient(exchange, timeout_ms),
		.manifest = exchange->manifest,
		.meter = exchange->meter,
		.key = canary_key(exchange),
	};

	if (opts.timeout_ms <= 0) {
		exchange->started = true;
		exchange_fail_outcome(exchange, OUTCOME_DEADLINE_EXCEEDED,
				      STR_LITERAL("The time was over before the plugin was asked"),
				      0);
		return;
	}
	request->method = exchange->method->number;
	fill_trace(exchange, request);
	fill_principal(exchange, request);
	if (exchange->is_repeatable)
		opts.request = keep_request(exchange, request);
	start_call(exchange, &opts);
}

/* ---- news from the client ---- */

/* A short body is awaited whole: then the request is one frame, and can be sent again. */
static bool is_repeatable(const struct exchange *exchange)
{
	const struct http_request *request = exchange->request;

	if (exchange->bridge->is_whole && !exchange->bridge->is_whole(exchange))
		return false;
	return !request->has_body ||
	       (request->has_content_length &&
		request->content_length <= exchange->target->plugin->retry.buffer_bytes);
}

bool bridge_fits(struct exchange *exchange)
{
	const struct bridge_ops *bridge = exchange->bridge;
	uint64_t limit = bridge->body_limit ? bridge->body_limit(exchange) : UINT64_MAX;

	if (limit < exchange->body_limit)
		exchange->body_limit = limit;
	if (limit < exchange->decoder.limit)
		exchange->decoder.limit = limit;
	if (exchange->request->content_length <= exchange->body_limit &&
	    exchange->body_bytes <= exchange->body_limit)
		return true;
	exchange_fail(exchange, &edge_error_too_large);
	return false;
}

static void ask_plugin(struct exchange *exchange, struct wire_bytes body, bool last)
{
	exchange->bridge->start(exchange, body, last);
	if (!last)
		door_pause(exchange);
}

void bridge_ask(struct exchange *exchange, struct wire_bytes body, bool last)
{
	exchange->body_ended = last;
	if (door_pass(exchange, body, last))
		ask_plugin(exchange, body, last);
}

void bridge_go_on(struct exchange *exchange, struct wire_bytes body, bool last)
{
	ask_plugin(exchange, body, last);
	if (exchange->call && dispatch_is_writable(exchange->call))
		on_call_writable(exchange);
}

void bridge_begin(struct exchange *exchange)
{
	if (!bridge_fits(exchange))
		return;
	exchange->is_repeatable = is_repeatable(exchange);
	if (exchange->request->has_body) {
		http_stream_want_body(exchange->stream, true);
		return;
	}
	bridge_ask(exchange, (struct wire_bytes){NULL, 0}, true);
}

/* The client has taken what was in its buffer. */
void bridge_on_writable(struct exchange *exchange)
{
	uint32_t held = exchange->held;

	exchange->held = 0;
	if (exchange->call && held > 0)
		dispatch_consumed(exchange->call, held);
}

void bridge_end(struct exchange *exchange)
{
	if (exchange->call)
		bridge_cancel_call(exchange, OUTCOME_CANCELLED, STR_LITERAL("the client has left"));
}
