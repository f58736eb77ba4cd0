/* The operator's pages over HTTP.
 *
 * Owns a listener with narrow limits, since who comes here is a collector of metrics or a load
 * balancer: few connections, small heads, no bodies. Every page is answered at once and whole.
 * There is no page that changes anything, because who may connect is all that is known of who
 * asks. host.c starts and stops it. It fails only when its address can't be had. */
#include "admin/site.h"

#include <stdlib.h>

#include "base/mem.h"
#include "net/listener.h"
#include "observe/expose.h"

#define METHODS "GET, HEAD"

struct site {
	struct site_opts opts;
	char *listen[2]; /* the address, and the end of the list */
	struct net_opts net;
	struct listener *listener;
};

/* ---- pages ---- */

static void answer(struct http_stream *stream, unsigned status, const char *media_type,
		   struct str body)
{
	struct http_field fields[] = {
		{STR_LITERAL("content-type"), str_from(media_type)},
		{STR_LITERAL("cache-control"), STR_LITERAL("no-store")},
		{STR_LITERAL("x-content-type-options"), STR_LITERAL("nosniff")},
		{STR_LITERAL("allow"), STR_LITERAL(METHODS)},
	};
	struct http_response response = {
		.status = status, .fields = fields, .field_count = status == 405 ? 4 : 3};

	http_stream_respond(stream, &response, body.data, body.len, true);
}

static void answer_metrics(const struct site *site, struct http_stream *stream)
{
	struct buf out = {0};

	site->opts.write_metrics(site->opts.user, &out);
	answer(stream, 200, EXPOSE_MEDIA_TYPE,
	       (struct str){(const char *)buf_front(&out), buf_len(&out)});
	buf_deinit(&out);
}

/* False: there is no such page. */
static bool answer_health(const struct site *site, struct http_stream *stream, struct str path)
{
	unsigned status;
	char *text = edge_health(site->opts.edge, path, &status);

	if (text)
		answer(stream, status, "application/json", str_from(text));
	free(text);
	return text != NULL;
}

static bool takes_method(struct str method)
{
	return str_eq(method, STR_LITERAL("GET")) || str_eq(method, STR_LITERAL("HEAD"));
}

static void on_request(void *user, struct http_stream *stream, const struct http_request *request)
{
	const struct site *site = user;

	if (!takes_method(request->method))
		answer(stream, 405, "text/plain", STR_LITERAL("only GET and HEAD are taken\n"));
	else if (str_eq(request->path, STR_LITERAL("/metrics")))
		answer_metrics(site, stream);
	else if (!answer_health(site, stream, request->path))
		answer(stream, 404, "text/plain",
		       STR_LITERAL("there are /metrics, /health/live, /health/ready and "
				   "/health/build\n"));
}

/* No body is ever wanted, and nothing outlives on_request. */
static void on_body(void *stream_user, const uint8_t *data, size_t len)
{
}

static void on_nothing(void *stream_user)
{
}

static void on_closed(void *stream_user, enum http_closed how)
{
}

static const struct http_upcalls upcalls = {
	.on_request = on_request,
	.on_body = on_body,
	.on_body_end = on_nothing,
	.on_writable = on_nothing,
	.on_closed = on_closed,
};

/* ---- life ---- */

struct site *site_start(const struct site_opts *opts, struct err *err)
{
	struct site *site = mem_new(struct site);

	site->opts = *opts;
	site->listen[0] = (char *)opts->address;
	site->net = (struct net_opts){
		.listen = site->listen,
		.header_bytes = 16u << 10,
		.uri_bytes = 8u << 10,
		.header_count = 50,
		.read_header_timeout_ms = 5000,
		.read_timeout_ms = 5000,
		.write_timeout_ms = 10000,
		.idle_timeout_ms =
			120000, /* longer than collectors usually wait between two looks */
		.max_connections = 64,
	};
	site->listener = listener_new(&(struct listener_opts){.loop = opts->loop,
							      .net = &site->net,
							      .upcalls = &upcalls,
							      .user = site,
							      .log = opts->log});
	if (listener_start(site->listener, err) == 0)
		return site;
	site_stop(site);
	return NULL;
}

void site_stop(struct site *site)
{
	if (!site)
		return;
	listener_free(site->listener);
	free(site);
}

unsigned site_port(const struct site *site)
{
	return listener_port(site->listener, 0);
}
