/* One line for each request, with where its time went: in the form of the log, or as Apache's
 * combined format; in the log, or in a file of its own. */
#include "edge/mw.h"

#include "base/clock.h"
#include "edge/combined.h"
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

static void write_fields(const struct exchange *exchange, struct log *log, int64_t us)
{
	const struct http_request *request = exchange->request;
	struct log_field rest[REST_MAX + 1];

	fill_rest(exchange, rest);
	log_write_bulk(
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

static void write_combined(const struct exchange *exchange, struct log *log, int64_t us)
{
	const struct http_request *request = exchange->request;
	const struct principal *principal = exchange->auth.principal;
	struct combined entry = {
		.peer = request->peer,
		.user = principal ? principal->subject : (struct str){NULL, 0},
		.wall_ms = clock_wall_ms() - us / 1000,
		.method = request->method,
		.target = request->target,
		.version = request->version,
		.status = exchange->status,
		.out_bytes = exchange->sent_bytes,
		.referer = http_request_value(request, "referer"),
		.agent = http_request_value(request, "user-agent"),
		.us = us,
		.queue_us = exchange->queue_us,
		.plugin_us = exchange->plugin_us,
		.edge_us = edge_us(exchange, us),
		.id = exchange->request_id,
	};

	log_write_line(log, combined_line(request->arena, &entry));
}

/* Where lines of this edge go; NULL: nowhere. */
static struct log *log_of(const struct edge *edge, const struct edge_opts *opts)
{
	if (!opts->access_log)
		return NULL;
	if (edge->access)
		return edge->access;
	return log_is_on(edge->log, LOG_INFO) ? edge->log : NULL;
}

static void on_done(struct exchange *exchange, struct log *log)
{
	struct edge *edge = exchange->edge;
	const struct edge_opts *opts = exchange->routes->from.opts;
	struct log *to = log_of(edge, opts);
	int64_t us;

	if (!to)
		return;
	us = loop_now_us(edge->loop) - exchange->started_us;
	if (opts->access.format == ACCESS_COMBINED)
		write_combined(exchange, to, us);
	else
		write_fields(exchange, to, us);
}

void access_log_refused(struct edge *edge, const struct http_refusal *refusal, struct str id,
			struct arena *arena)
{
	const struct edge_opts *opts = edge->routes->from.opts;
	struct log *to = log_of(edge, opts);

	if (!to || opts->access.format != ACCESS_COMBINED)
		return;
	log_write_line(to, combined_line(arena, &(struct combined){
							.peer = refusal->peer,
							.wall_ms = clock_wall_ms(),
							.method = refusal->method,
							.target = refusal->target,
							.version = refusal->version,
							.status = refusal->status,
							.id = id,
						}));
}

void edge_set_access_log(struct edge *edge, struct log *log)
{
	edge->access = log;
}

const struct middleware mw_access_log = {.name = "access_log", .on_done = on_done};
