/* One line for each request, with where its time went. */
#include "edge/mw.h"

#include "base/clock.h"
#include "edge/edge_internal.h"

static void on_done(struct exchange *exchange, struct log *log)
{
	const struct http_request *request = exchange->request;
	int64_t now_us = loop_now_us(exchange->edge->loop);

	if (!exchange->routes->from.opts->access_log || !log_is_on(log, LOG_INFO))
		return;
	log_write(
		log, LOG_INFO, "http.request", (struct str){NULL, 0},
		(const struct log_field[]){
			LOG_STRN("id", exchange->request_id),
			LOG_STRN("peer", request->peer),
			LOG_STRN("method", request->method),
			LOG_STRN("target", request->target),
			LOG_INT("status", exchange->status),
			LOG_STR("plugin", exchange->target ? exchange->target->plugin->name : "-"),
			LOG_STR("outcome", outcome_row(exchange->outcome)->name),
			LOG_INT("in_bytes", (int64_t)exchange->body_bytes),
			LOG_INT("out_bytes", (int64_t)exchange->sent_bytes),
			LOG_INT("us", now_us - exchange->started_us),
			LOG_INT("queue_us", exchange->queue_us),
			LOG_INT("plugin_us", exchange->plugin_us),
			exchange->attempts > 1 ? LOG_INT("attempts", exchange->attempts)
					       : (struct log_field){LOG_FIELD_END},
			{LOG_FIELD_END}});
}

const struct middleware mw_access_log = {.name = "access_log", .on_done = on_done};
