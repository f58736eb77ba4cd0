/* One line for each request, with where its time went. */
#include "edge/mw.h"

#include "base/clock.h"
#include "edge/edge_internal.h"

#define REST_MAX 7 /* and the end of the list */

/* The plugin that it came for. */
static const char *plugin_of(const struct exchange *exchange)
{
	const struct target *target = exchange->stood_for ? exchange->stood_for : exchange->target;

	return target ? target->plugin->name : "-";
}

/* What only some requests have; the list ends with the first that there isn't. */
static void fill_rest(const struct exchange *exchange, struct log_field rest[REST_MAX + 1])
{
	const struct http_tls *tls = exchange->request->tls;

	size_t count = 0;

	if (exchange->attempts > 1)
		rest[count++] = LOG_INT("attempts", exchange->attempts);
	if (exchange->stood_for)
		rest[count++] = LOG_STR("stand_in", exchange->target->plugin->name);
	if (tls)
		rest[count++] = LOG_STR("tls", tls->version);
	if (tls && tls->client)
		rest[count++] = LOG_STR("client", tls->client->subject);
	if (exchange->auth.principal) {
		rest[count++] = LOG_STRN("principal", exchange->auth.principal->subject);
		rest[count++] = LOG_STR("auth", exchange->auth.principal->method);
	}
	if (exchange->proxy.len > 0)
		rest[count++] = LOG_STRN("via", exchange->proxy);
	while (count <= REST_MAX)
		rest[count++] = (struct log_field){LOG_FIELD_END};
}

/* What is left of the whole when queue and plugin have had theirs: reading the request's body,
 * waiting for the client to take the answer, and the host's own work. */
static int64_t edge_us(const struct exchange *exchange, int64_t us)
{
	int64_t rest_us = us - exchange->queue_us - exchange->plugin_us;

	return rest_us > 0 ? rest_us : 0;
}

static void on_done(struct exchange *exchange, struct log *log)
{
	const struct http_request *request = exchange->request;
	int64_t us = loop_now_us(exchange->edge->loop) - exchange->started_us;
	struct log_field rest[REST_MAX + 1];

	if (!exchange->routes->from.opts->access_log || !log_is_on(log, LOG_INFO))
		return;
	fill_rest(exchange, rest);
	log_write(
		log, LOG_INFO, "http.request", (struct str){NULL, 0},
		(const struct log_field[]){LOG_STRN("id", exchange->request_id),
					   LOG_STRN("peer", request->peer),
					   LOG_STRN("method", request->method),
					   LOG_STRN("target", request->target),
					   LOG_INT("status", exchange->status),
					   LOG_STR("plugin", plugin_of(exchange)),
					   LOG_STR("outcome", outcome_row(exchange->outcome)->name),
					   LOG_INT("in_bytes", (int64_t)exchange->body_bytes),
					   LOG_INT("out_bytes", (int64_t)exchange->sent_bytes),
					   LOG_INT("us", us),
					   LOG_INT("queue_us", exchange->queue_us),
					   LOG_INT("plugin_us", exchange->plugin_us),
					   LOG_INT("edge_us", edge_us(exchange, us)),
					   rest[0],
					   rest[1],
					   rest[2],
					   rest[3],
					   rest[4],
					   rest[5],
					   rest[6],
					   rest[7]});
}

const struct middleware mw_access_log = {.name = "access_log", .on_done = on_done};
