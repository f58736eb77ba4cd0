/* What the edge counts of requests.
 *
 * Series are found when a route, or a status, is counted for the first time; from then on a request
 * costs a few increments. Routes are told apart by their pattern, never by a request's path. Owns
 * the lists of pointers, not the series. Called by the middleware of that name, and by edge.c for
 * what net has refused. It can't fail. */
#include "edge/counts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "edge/chain.h"
#include "edge/edge_internal.h"

static const char *const page_names[PAGE_COUNT] = {
	[PAGE_NONE] = "(none)",		[PAGE_LIVE] = "/health/live",
	[PAGE_READY] = "/health/ready", [PAGE_BUILD] = "/health/build",
	[PAGE_RPC] = "/rpc/*",
};

void counts_init(struct edge_counts *counts, struct metrics *metrics)
{
	*counts = (struct edge_counts){.metrics = metrics};
	if (metrics)
		counts->refused = mem_array(chain_length, sizeof(*counts->refused));
	for (int i = 0; i < PRIORITY_COUNT; i++)
		counts->shed[i] = metrics_counter(
			metrics, METRIC_SHED,
			(const struct str[]){str_from(priority_name((enum priority)i))});
}

void counts_deinit(struct edge_counts *counts)
{
	free(counts->refused);
}

/* ---- where a request is counted ---- */

static struct str label_of(const struct exchange *exchange)
{
	return exchange->route ? exchange->route->pattern : str_from(page_names[exchange->page]);
}

static struct route_counts *route_counts_of(struct edge_counts *counts,
					    const struct exchange *exchange)
{
	struct route_counts *of =
		exchange->route ? exchange->route->counts : &counts->pages[exchange->page];
	const struct str label[] = {label_of(exchange)};

	if (of->duration)
		return of;
	of->in_bytes = metrics_counter(counts->metrics, METRIC_HTTP_REQUEST_BYTES, label);
	of->out_bytes = metrics_counter(counts->metrics, METRIC_HTTP_RESPONSE_BYTES, label);
	of->duration = metrics_histogram(counts->metrics, METRIC_HTTP_DURATION, label);
	return of;
}

static uint64_t *class_counter(struct edge_counts *counts, struct route_counts *of,
			       const struct exchange *exchange)
{
	unsigned digit = exchange->status / 100;
	char text[] = "0xx";

	if (!of->by_class[digit]) {
		text[0] = (char)('0' + digit);
		of->by_class[digit] =
			metrics_counter(counts->metrics, METRIC_HTTP_REQUESTS,
					(const struct str[]){label_of(exchange), str_from(text)});
	}
	return of->by_class[digit];
}

static uint64_t *status_counter(struct edge_counts *counts, unsigned status)
{
	char text[16];

	if (!counts->by_status[status]) {
		snprintf(text, sizeof(text), "%u", status);
		counts->by_status[status] = metrics_counter(counts->metrics, METRIC_HTTP_RESPONSES,
							    (const struct str[]){str_from(text)});
	}
	return counts->by_status[status];
}

/* ---- refusals ---- */

void counts_add_refused(struct edge_counts *counts, struct str reason)
{
	metric_add(
		metrics_counter(counts->metrics, METRIC_HTTP_REFUSED, (const struct str[]){reason}),
		1);
}

static void add_refused_by(struct edge_counts *counts, const struct middleware *who)
{
	size_t i = 0;

	while (chain[i] != who)
		i++;
	if (!counts->refused[i])
		counts->refused[i] = metrics_counter(counts->metrics, METRIC_HTTP_REFUSED,
						     (const struct str[]){str_from(who->name)});
	metric_add(counts->refused[i], 1);
}

void counts_add_shed(struct edge_counts *counts, enum priority priority)
{
	metric_add(counts->shed[priority], 1);
}

/* ---- places ---- */

struct str counts_door_label(const struct edge_route *route)
{
	return route && route->door ? route->pattern : STR_LITERAL("(http)");
}

struct metric_histogram *counts_place_waits(struct edge_counts *counts,
					    const struct edge_route *route)
{
	return metrics_histogram(counts->metrics, METRIC_PLACE_WAIT,
				 (const struct str[]){counts_door_label(route)});
}

/* ---- a request ---- */

void counts_add(struct edge_counts *counts, const struct exchange *exchange, int64_t now_us)
{
	struct route_counts *of;

	if (!counts->metrics)
		return;
	of = route_counts_of(counts, exchange);
	metric_add(class_counter(counts, of, exchange), 1);
	metric_add(status_counter(counts, exchange->status), 1);
	metric_add(of->in_bytes, exchange->body_bytes);
	metric_add(of->out_bytes, exchange->sent_bytes);
	metric_observe(of->duration, now_us - exchange->started_us);
	if (exchange->refused_by)
		add_refused_by(counts, exchange->refused_by);
}
