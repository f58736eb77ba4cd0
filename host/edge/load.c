/* How much is going on at the edge: what counts as late, and what the doors show. Called by edge.c,
 * by the loop after each turn, and by whoever shows the metrics. */
#include "edge/edge_internal.h"

static void on_turn(void *user, int64_t took_us)
{
	struct edge *edge = user;

	lateness_note(&edge->lag, &edge->lag_limit, took_us, loop_now_us(edge->loop) + took_us);
}

void shed_apply(struct edge *edge, const struct shed_opts *opts)
{
	int64_t interval_us = opts->interval_ms * 1000;

	edge->lag_limit = (struct lateness_limit){opts->loop_lag_ms * 1000, interval_us};
	edge->queue_limit = (struct lateness_limit){opts->queue_delay_ms * 1000, interval_us};
	loop_measure_stop(edge->loop, &edge->measure);
	if (opts->loop_lag_ms > 0)
		loop_measure(edge->loop, &edge->measure, on_turn, edge);
}

/* Without changing what is noted. */
static unsigned level_of(const struct edge *edge, const struct lateness *lateness,
			 const struct lateness_limit *limit)
{
	struct lateness copy = *lateness;

	return lateness_level(&copy, limit, loop_now_us(edge->loop));
}

static void show_door(const struct edge *edge, const struct edge_route *route,
		      const struct door *door, edge_door_fn *each, void *user)
{
	struct edge_door_view view = {
		.name = counts_door_label(route),
		.taken = door->limit.running,
		.waiting = door->limit.waiting,
		.shed_level = level_of(edge, &door->delay, &edge->queue_limit),
	};

	each(user, &view);
}

void edge_each_door(const struct edge *edge, edge_door_fn *each, void *user)
{
	show_door(edge, NULL, &edge->door, each, user);
	for (size_t i = 0; i < edge->routes->route_count; i++) {
		const struct edge_route *route = &edge->routes->routes[i];

		if (route->door)
			show_door(edge, route, route->door, each, user);
	}
}

unsigned edge_loop_shed_level(const struct edge *edge)
{
	return level_of(edge, &edge->lag, &edge->lag_limit);
}
