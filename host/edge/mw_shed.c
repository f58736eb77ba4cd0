/* While the host is late the less important routes are refused: 503, before anything of the body is
 * read or a plugin hears of it. Late is the loop, for all, or the queue at the door that the
 * request would stand in. Pages below /health and questions of browsers about other origins never
 * come this far. */
#include "edge/edge_internal.h"
#include "edge/mw.h"
#include "observe/errors.h"

static const char *door_name(const struct exchange *exchange)
{
	const struct edge_route *route = exchange->route;

	return route && route->door ? route->pattern.data : "http";
}

/* Tells when somebody is refused from now on, or nobody any more. */
static void tell(struct edge *edge, const char *late, unsigned level, unsigned *told)
{
	static const char *const refused[] = {"nobody", "low", "low, normal", "low, normal, high"};

	if (level == *told)
		return;
	log_event(edge->log, level > *told ? LOG_WARN : LOG_INFO,
		  level > 0 ? "shed.level" : "shed.ended",
		  level > 0 ? "is late, and refuses requests of these priorities"
			    : "is in time again, and refuses nobody",
		  LOG_STR("late", late), LOG_INT("level", level),
		  LOG_STR("refused", refused[level]), LOG_INT("code", ERR_SHED));
	*told = level;
}

static unsigned loop_level(struct edge *edge, int64_t now_us)
{
	unsigned level = lateness_level(&edge->lag, &edge->lag_limit, now_us);

	tell(edge, "loop", level, &edge->told_lag);
	return level;
}

static unsigned queue_level(struct exchange *exchange, int64_t now_us)
{
	struct edge *edge = exchange->edge;
	struct door *door = door_of(exchange);
	unsigned level = door ? lateness_level(&door->delay, &edge->queue_limit, now_us) : 0;

	if (door && level != door->told_level)
		tell(edge, door_name(exchange), level, &door->told_level);
	return level;
}

static bool on_route(struct exchange *exchange, struct exchange_error *error)
{
	struct edge *edge = exchange->edge;
	enum priority priority = exchange->route ? exchange->route->priority : PRIORITY_NORMAL;
	int64_t now_us = loop_now_us(edge->loop);
	unsigned by_loop = loop_level(edge, now_us);
	unsigned by_queue = queue_level(exchange, now_us);

	if (!shedding_refuses(by_loop > by_queue ? by_loop : by_queue, priority))
		return true;
	counts_add_shed(&edge->counts, priority);
	exchange_refuse(error, 503, ERR_SHED,
			STR_LITERAL("Too busy for requests of this kind; come back later"));
	error->retry_after_ms = (uint32_t)(edge->lag_limit.interval_us / 1000);
	return false;
}

const struct middleware mw_shed = {.name = "shed", .on_route = on_route};
