/* Places for requests.
 *
 *	door_pass ─▶ has a place ◀─ its turn ─ waits ─ queue_timeout ─▶ 503
 *	             │  ▲                      │
 *	  door_pause ▼  │ door_return          └ gone for one that is more important ─▶ 503
 *	             has none ── its answer begins, or it is over ─▶ done with it
 *
 * Who counts is dispatch/limit. A place that becomes free is given on at the end of the turn, so
 * that no call begins in the middle of another's answer. One that comes back to its place after a
 * pause gets it in any case, as its call is under way already. Owned by the edge and by routes; who
 * waits lives in the arena of its exchange, which leaves before it dies. */
#include "edge/door.h"

#include <limits.h>
#include <string.h>

#include "edge/bridge.h"
#include "edge/edge_internal.h"
#include "edge/mw.h"
#include "observe/errors.h"

/* ---- who stands where ---- */

struct door *door_of(struct exchange *exchange)
{
	const struct edge_route *route = exchange->route;
	struct door *door = route && route->door ? route->door : &exchange->edge->door;

	if (route && !route->target)
		return NULL;
	return door->opts.limit > 0 ? door : NULL;
}

static enum priority priority_of(const struct exchange *exchange)
{
	return exchange->route ? exchange->route->priority : PRIORITY_NORMAL;
}

static struct door_wait *first_of(const struct door *door)
{
	struct door_wait *wait = NULL;

	for (int i = 0; !wait && i < PRIORITY_COUNT; i++)
		wait = TAILQ_FIRST(&door->queues[i]);
	return wait;
}

/* The last of those that are less important; NULL: there is none. */
static struct door_wait *last_below(const struct door *door, enum priority priority)
{
	struct door_wait *wait = NULL;

	for (int i = PRIORITY_COUNT - 1; !wait && i > (int)priority; i--)
		wait = TAILQ_LAST(&door->queues[i], door_queue);
	return wait;
}

/* How long it has stood, for the log, the metrics and whoever asks whether the queue is late. */
static void note_wait(struct door *door, struct exchange *exchange, int64_t waited_us)
{
	struct edge *edge = exchange->edge;

	exchange->queue_us += waited_us;
	lateness_note(&door->delay, &edge->queue_limit, waited_us, loop_now_us(edge->loop));
}

static void count_wait(struct door *door, struct exchange *exchange, int64_t waited_us)
{
	if (!door->waits)
		door->waits = counts_place_waits(&exchange->edge->counts, exchange->route);
	if (door->waits)
		metric_observe(door->waits, waited_us);
}

static void wait_end(struct door *door, struct door_wait *wait)
{
	struct exchange *exchange = wait->exchange;
	int64_t waited_us = loop_now_us(exchange->edge->loop) - wait->since_us;

	loop_timer_stop(&wait->timer);
	TAILQ_REMOVE(&door->queues[priority_of(exchange)], wait, link);
	exchange->wait = NULL;
	note_wait(door, exchange, waited_us);
	count_wait(door, exchange, waited_us);
}

/* ---- refusals ---- */

static void refuse(struct exchange *exchange, int code, const char *why)
{
	exchange->refused_by = &mw_concurrency;
	exchange_fail(exchange, &(struct exchange_error){.status = 503,
							 .code = error_find(code)->name,
							 .message = str_from(why)});
}

static void refuse_full(struct exchange *exchange)
{
	refuse(exchange, ERR_DOOR_FULL, "Too many requests at once; come back later");
}

static void on_timer(void *user)
{
	struct door_wait *wait = user;
	struct exchange *exchange = wait->exchange;
	bool is_late = wait->is_late;

	limit_abandon(&exchange->door->limit);
	wait_end(exchange->door, wait);
	if (is_late)
		exchange_fail_outcome(exchange, OUTCOME_DEADLINE_EXCEEDED,
				      STR_LITERAL("The time was over before the plugin was asked"),
				      0);
	else
		refuse(exchange, ERR_DOOR_TIMEOUT,
		       "Too many requests at once, and none ended in time; come back later");
}

/* The queue is full, but not with those that are as important: the last of the others goes. */
static bool displace(struct door *door, enum priority priority)
{
	struct door_wait *wait = last_below(door, priority);
	struct exchange *exchange;

	if (!wait)
		return false;
	exchange = wait->exchange;
	limit_abandon(&door->limit);
	wait_end(door, wait);
	refuse_full(exchange);
	return true;
}

/* ---- in ---- */

static struct wire_bytes keep(const struct exchange *exchange, struct wire_bytes body)
{
	uint8_t *kept;

	if (body.len == 0 || body.data == exchange->collected)
		return body;
	kept = arena_alloc(exchange->request->arena, body.len);
	memcpy(kept, body.data, body.len);
	return (struct wire_bytes){kept, body.len};
}

static void wait_begin(struct door *door, struct exchange *exchange, struct wire_bytes body,
		       bool last)
{
	struct loop *loop = exchange->edge->loop;
	struct door_wait *wait = arena_alloc(exchange->request->arena, sizeof(*wait));
	int64_t left_ms = exchange_time_left_ms(exchange);

	*wait = (struct door_wait){
		.exchange = exchange,
		.body = keep(exchange, body),
		.last = last,
		.is_late = left_ms <= door->opts.queue_timeout_ms,
		.since_us = loop_now_us(loop),
	};
	exchange->wait = wait;
	TAILQ_INSERT_TAIL(&door->queues[priority_of(exchange)], wait, link);
	loop_timer_init(&wait->timer, loop, on_timer, wait);
	loop_timer_start(&wait->timer, wait->is_late ? left_ms : door->opts.queue_timeout_ms);
}

static enum limit_verdict enter(struct door *door, enum priority priority)
{
	enum limit_verdict verdict = limit_enter(&door->limit);

	if (verdict == LIMIT_REFUSE && displace(door, priority))
		verdict = limit_enter(&door->limit);
	return verdict;
}

bool door_pass(struct exchange *exchange, struct wire_bytes body, bool last)
{
	struct door *door = door_of(exchange);

	exchange->door = door;
	if (!door)
		return true;
	switch (enter(door, priority_of(exchange))) {
	case LIMIT_RUN:
		exchange->has_place = true;
		note_wait(door, exchange, 0);
		return true;
	case LIMIT_WAIT:
		wait_begin(door, exchange, body, last);
		return false;
	case LIMIT_REFUSE:
		refuse_full(exchange);
		return false;
	}
	return false;
}

/* Asked before anything of the body is read. */
static bool on_route(struct exchange *exchange, struct exchange_error *error)
{
	const struct door *door = door_of(exchange);

	if (!door || door->limit.running < door->limit.max_running ||
	    door->limit.waiting < door->limit.max_waiting ||
	    last_below(door, priority_of(exchange)))
		return true;
	return exchange_refuse(error, 503, ERR_DOOR_FULL,
			       STR_LITERAL("Too many requests at once; come back later"));
}

/* ---- out ---- */

static void on_turn(void *user)
{
	struct door *door = user;

	while (limit_next(&door->limit)) {
		struct door_wait *wait = first_of(door);
		struct exchange *exchange = wait->exchange;

		exchange->has_place = true;
		wait_end(door, wait);
		bridge_go_on(exchange, wait->body, wait->last);
	}
}

static void give_on(struct door *door, struct loop *loop)
{
	if (door->limit.waiting == 0)
		return;
	door->loop = loop;
	loop_flush_queue(loop, &door->turn);
}

void door_pause(struct exchange *exchange)
{
	if (!exchange->has_place)
		return;
	exchange->has_place = false;
	limit_leave(&exchange->door->limit);
	give_on(exchange->door, exchange->edge->loop);
}

void door_return(struct exchange *exchange)
{
	if (!exchange->door || exchange->has_place || exchange->wait || exchange->answered)
		return;
	exchange->has_place = true;
	exchange->door->limit.running++;
}

void door_leave(struct exchange *exchange)
{
	struct door *door = exchange->door;

	if (exchange->wait) {
		limit_abandon(&door->limit);
		wait_end(door, exchange->wait);
	}
	door_pause(exchange);
	exchange->door = NULL;
}

static void on_done(struct exchange *exchange, struct log *log)
{
	if (exchange->door)
		door_leave(exchange);
}

const struct middleware mw_concurrency = {
	.name = "concurrency", .on_route = on_route, .on_done = on_done};

/* ---- life ---- */

static void set_limits(struct door *door, const struct door_opts *opts)
{
	door->opts = *opts;
	door->limit.max_running = opts->limit ? opts->limit : UINT_MAX;
	door->limit.max_waiting = opts->queue;
}

void door_init(struct door *door, const struct door_opts *opts)
{
	*door = (struct door){0};
	for (int i = 0; i < PRIORITY_COUNT; i++)
		TAILQ_INIT(&door->queues[i]);
	loop_flush_init(&door->turn, on_turn, door);
	set_limits(door, opts);
}

void door_deinit(struct door *door)
{
	if (door->loop)
		loop_flush_cancel(door->loop, &door->turn);
}

void door_apply(struct door *door, struct loop *loop, const struct door_opts *opts)
{
	set_limits(door, opts);
	give_on(door, loop);
}
