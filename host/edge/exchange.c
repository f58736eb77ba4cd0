/* One HTTP request with its answer: how it begins, how it is answered, how it fails. Every answer
 * goes out through exchange_respond(), so every answer passes the chain. */
#include "edge/exchange.h"

#include <string.h>

#include "edge/chain.h"
#include "edge/deadline_header.h"
#include "edge/door.h"
#include "edge/edge_internal.h"
#include "edge/error_body.h"
#include "observe/errors.h"

#define DEFAULT_RETRY_AFTER_MS 1000

const struct exchange_error edge_error_too_large = {
	.status = 413,
	.code = "PAYLOAD_TOO_LARGE",
	.message = {"The body is larger than this path takes", 39}};

void exchange_init(struct exchange *exchange, struct edge *edge, struct http_stream *stream,
		   const struct http_request *request)
{
	/* `params` is large, and read only as far as param_count says. */
	memset(exchange, 0, offsetof(struct exchange, params));
	exchange->edge = edge;
	exchange->stream = stream;
	exchange->request = exchange->came = request;
	exchange->started_us = loop_now_us(edge->loop);
	exchange->routes = routes_hold(edge->routes);
	exchange->body_limit = exchange->routes->from.opts->body_bytes;
}

void exchange_set_method(struct exchange *exchange, const struct service_method *found)
{
	exchange->method = found->method;
	exchange->meter = found->meter;
	manifest_release(exchange->manifest);
	exchange->manifest = manifest_hold(found->manifest);
}

/* The plugin that the request came for sets it, whoever answers. */
static int64_t own_timeout_ms(const struct exchange *exchange)
{
	const struct edge_route *route = exchange->route;
	const struct target *target = exchange->stood_for ? exchange->stood_for : exchange->target;
	int64_t plugin_ms = target->plugin->timeout_ms;

	if (route && route->timeout_ms)
		return route->timeout_ms;
	return plugin_ms ? plugin_ms : DEADLINE_HEADER_NONE;
}

int64_t exchange_time_left_ms(const struct exchange *exchange)
{
	int64_t passed_us = loop_now_us(exchange->edge->loop) - exchange->started_us;
	int64_t timeout_ms = own_timeout_ms(exchange);

	if (exchange_is_impatient(exchange))
		timeout_ms = exchange->client_timeout_ms;
	return timeout_ms - passed_us / 1000;
}

bool exchange_is_impatient(const struct exchange *exchange)
{
	return exchange->client_timeout_ms < own_timeout_ms(exchange);
}

void exchange_deinit(struct exchange *exchange)
{
	manifest_release(exchange->manifest);
	encoder_deinit(exchange);
	coders_give(exchange->edge->coders, exchange->decoder.coder);
	buf_deinit(&exchange->decoder.waiting);
	answer_reader_deinit(&exchange->reader);
	buf_deinit(&exchange->rpc.kept);
	buf_deinit(&exchange->rpc.answer);
	routes_release(exchange->routes);
}

static bool send_head(struct exchange *exchange, const struct http_response *response,
		      struct wire_bytes body, bool end)
{
	if (exchange->encoder.coder)
		return encoder_respond(exchange, response, body, end, &exchange->sent_bytes);
	exchange->sent_bytes = body.len;
	return http_stream_respond(exchange->stream, response, body.data, body.len, end) == 0;
}

bool exchange_respond(struct exchange *exchange, const struct http_response *response,
		      struct wire_bytes body, bool end)
{
	struct http_response out = *response;
	struct http_field *fields =
		arena_alloc(exchange->request->arena,
			    (response->field_count + EXCHANGE_EXTRA_FIELDS) * sizeof(*fields));

	memcpy(fields, response->fields, response->field_count * sizeof(*fields));
	chain_response(exchange, fields, &out.field_count);
	out.fields = fields;
	if (encoder_is_on(exchange))
		encoder_plan(exchange, &out, fields, body.len, end);
	if (!send_head(exchange, &out, body, end))
		return false;
	exchange->answered = true;
	exchange->ended = end;
	exchange->status = response->status;
	exchange->answer_bytes = body.len;
	if (exchange->door)
		door_leave(exchange);
	return true;
}

void exchange_send(struct exchange *exchange, struct wire_bytes body, bool end)
{
	if (exchange->ended)
		return;
	exchange->answer_bytes += body.len;
	exchange->ended = end;
	if (exchange->encoder.coder) {
		exchange->sent_bytes += encoder_send(exchange, body, end);
		return;
	}
	http_stream_send(exchange->stream, body.data, body.len, end);
	exchange->sent_bytes += body.len;
}

bool exchange_takes_files(const struct exchange *exchange)
{
	return !exchange->encoder.coder && http_stream_takes_files(exchange->stream);
}

void exchange_send_file(struct exchange *exchange, int fd, uint64_t offset, size_t len, bool end)
{
	if (exchange->ended)
		return;
	http_stream_send_file(exchange->stream, fd, offset, len, end);
	exchange->answer_bytes += len;
	exchange->sent_bytes += len;
	exchange->ended = end;
}

void exchange_cut(struct exchange *exchange)
{
	exchange->ended = true;
	http_stream_abort(exchange->stream);
}

bool exchange_refuse(struct exchange_error *error, unsigned status, int code, struct str message)
{
	*error = (struct exchange_error){
		.status = status, .code = error_find(code)->name, .message = message};
	return false;
}

static bool asks_to_come_back(unsigned status)
{
	return status == 503 || status == 429;
}

static struct http_field retry_after(struct exchange *exchange, uint32_t ms)
{
	uint32_t seconds = ((ms ? ms : DEFAULT_RETRY_AFTER_MS) + 999) / 1000;

	return (struct http_field){STR_LITERAL("retry-after"),
				   str_from(arena_printf(exchange->request->arena, "%u", seconds))};
}

void exchange_fail(struct exchange *exchange, const struct exchange_error *error)
{
	struct http_field fields[3 + EXCHANGE_CHALLENGES] = {
		{STR_LITERAL("content-type"), STR_LITERAL("application/json")}};
	struct http_response response = {
		.status = error->status, .fields = fields, .field_count = 1};
	struct str body;

	if (exchange->ended)
		return;
	if (exchange->answered) {
		exchange_cut(exchange);
		return;
	}
	if (asks_to_come_back(error->status))
		fields[response.field_count++] = retry_after(exchange, error->retry_after_ms);
	if (error->allow.len > 0)
		fields[response.field_count++] =
			(struct http_field){STR_LITERAL("allow"), error->allow};
	for (size_t i = 0; i < error->challenge_count; i++)
		fields[response.field_count++] =
			(struct http_field){STR_LITERAL("www-authenticate"), error->challenges[i]};
	body = error_body(exchange->request->arena, error, exchange->request_id);
	exchange_respond(exchange, &response,
			 (struct wire_bytes){(const uint8_t *)body.data, body.len}, true);
}

void exchange_fail_outcome(struct exchange *exchange, enum outcome outcome, struct str message,
			   uint32_t retry_after_ms)
{
	const struct outcome_row *row = outcome_row(outcome);

	exchange->outcome = outcome;
	exchange_fail(exchange, &(struct exchange_error){
					.status = row->http_status,
					.code = row->name,
					.message = message.len > 0 ? message : str_from(row->text),
					.retry_after_ms = retry_after_ms,
				});
}
