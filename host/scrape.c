/* What is looked up when somebody asks for the metrics: the rooms know it anyway, so it isn't
 * counted a second time when it changes. Owns nothing, and changes nothing but the metrics. The
 * operator's pages call it; it can't fail. */
#include "scrape.h"

#include "admin/usage.h"
#include "admin/views.h"
#include "base/fd.h"
#include "observe/expose.h"
#include "plugin/pool.h"

/* The label of a plugin, with room for another. */
#define OF(plugin, ...) ((const struct str[]){str_from((plugin)->name), __VA_ARGS__})

/* ---- edge ---- */

static void set_held(struct metrics *metrics, const char *reason, uint64_t count)
{
	metrics_set(metrics, METRIC_ACCEPT_HELD, (const struct str[]){str_from(reason)}, count);
}

static void show_shed_level(struct metrics *metrics, struct str late, unsigned level)
{
	metrics_set(metrics, METRIC_SHED_LEVEL, (const struct str[]){late}, level);
}

static void look_at_door(void *user, const struct edge_door_view *view)
{
	struct metrics *metrics = user;
	const struct str door[] = {view->name};

	metrics_set(metrics, METRIC_PLACES_TAKEN, door, view->taken);
	metrics_set(metrics, METRIC_PLACES_WAITING, door, view->waiting);
	show_shed_level(metrics, view->name, view->shed_level);
}

static void look_at_edge(const struct scrape *scrape)
{
	struct metrics *metrics = scrape->metrics;
	struct listener_counts counts = {0};

	if (scrape->listener)
		counts = listener_counts(scrape->listener);
	edge_each_door(scrape->edge, look_at_door, metrics);
	show_shed_level(metrics, STR_LITERAL("loop"), edge_loop_shed_level(scrape->edge));
	metrics_set(metrics, METRIC_HTTP_IN_FLIGHT, NULL, edge_open_count(scrape->edge));
	metrics_set(metrics, METRIC_CONNECTIONS, NULL,
		    scrape->listener ? listener_connections(scrape->listener) : 0);
	metrics_set(metrics, METRIC_ACCEPTED, NULL, counts.accepted);
	metrics_set(metrics, METRIC_CROWDED, NULL, counts.crowded);
	set_held(metrics, "max_connections", counts.full);
	set_held(metrics, "resources", counts.paused);
}

/* ---- calls ---- */

static void look_at_breaker(struct metrics *metrics, const struct target *target)
{
	const struct breaker *breaker = &target->breaker;

	for (int state = BREAKER_CLOSED; state <= BREAKER_HALF_OPEN; state++)
		metrics_set(
			metrics, METRIC_BREAKER_STATE,
			OF(target->plugin, str_from(breaker_state_name((enum breaker_state)state))),
			(int)breaker->state == state);
	metrics_set(metrics, METRIC_BREAKER_OPENINGS, OF(target->plugin), breaker->openings);
}

static void look_at_calls(struct metrics *metrics, const struct target *target)
{
	const struct plugin_opts *plugin = target->plugin;

	metrics_set(metrics, METRIC_CALLS_RUNNING, OF(plugin), target->limit.running);
	metrics_set(metrics, METRIC_CALLS_WAITING, OF(plugin), target->limit.waiting);
	metrics_set(metrics, METRIC_CALLS_LIMIT, OF(plugin), target->limit.max_running);
	metrics_set(metrics, METRIC_RETRIES, OF(plugin), target->retries);
	metrics_set(metrics, METRIC_RESENDS, OF(plugin), target->resends);
	metrics_set(metrics, METRIC_STOOD_IN, OF(plugin), target->stood_in);
	look_at_breaker(metrics, target);
}

/* ---- plugins ---- */

static uint64_t resident_bytes(const struct pool *pool)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; pool && i < pool_slot_count(pool); i++) {
		const struct instance *instance = pool_slot(pool, i);
		int64_t one = instance && instance_pid(instance)
				      ? usage_rss_bytes(instance_pid(instance))
				      : 0;

		bytes += one > 0 ? (uint64_t)one : 0;
	}
	return bytes;
}

static unsigned quarantined_count(const struct poison *poison, int64_t now_ms)
{
	unsigned count = 0;

	for (unsigned i = 0; i < poison->count; i++)
		count += poison->rows[i].is_quarantined && poison->rows[i].until_ms > now_ms;
	return count;
}

static void look_at_state(struct metrics *metrics, const struct target *target)
{
	enum plugin_condition condition = plugin_condition_of(target);

	for (int i = 0; i <= PLUGIN_STARTING; i++)
		metrics_set(metrics, METRIC_PLUGIN_STATE,
			    OF(target->plugin,
			       str_from(plugin_condition_name((enum plugin_condition)i))),
			    (int)condition == i);
}

static void look_at_plugin(const struct scrape *scrape, const struct unit *unit,
			   const struct target *target)
{
	struct metrics *metrics = scrape->metrics;
	const struct plugin_opts *plugin = target->plugin;
	const struct pool *pool = target->pool;

	look_at_state(metrics, target);
	metrics_set(metrics, METRIC_PLUGIN_CONFIGURED, OF(plugin), plugin->instances);
	metrics_set(metrics, METRIC_PLUGIN_READY, OF(plugin), pool ? pool_ready_count(pool) : 0);
	metrics_set(metrics, METRIC_PLUGIN_HEALTHY, OF(plugin),
		    pool ? pool_healthy_count(pool) : 0);
	metrics_set(metrics, METRIC_PLUGIN_RESIDENT, OF(plugin), resident_bytes(pool));
	metrics_set(metrics, METRIC_PLUGIN_RESTARTS, OF(plugin), unit_restarts(unit));
	metrics_set(metrics, METRIC_PLUGIN_GENERATION, OF(plugin),
		    pool ? pool_generation(pool) : 0);
	metrics_set(metrics, METRIC_QUARANTINED, OF(plugin),
		    quarantined_count(&target->poison, scrape->now_ms));
}

/* ---- the process ---- */

static void look_at_process(const struct scrape *scrape)
{
	struct metrics *metrics = scrape->metrics;
	int64_t resident = usage_rss_bytes(0);

	metrics_set(metrics, METRIC_BUILD_INFO, (const struct str[]){str_from(scrape->version)}, 1);
	metrics_set(metrics, METRIC_READY, NULL, edge_is_ready(scrape->edge));
	metrics_set(metrics, METRIC_START_TIME, NULL, (uint64_t)scrape->started_wall_ms * 1000);
	metrics_set(metrics, METRIC_RESIDENT, NULL, resident > 0 ? (uint64_t)resident : 0);
	metrics_set(metrics, METRIC_DESCRIPTORS, NULL, (uint64_t)fd_count());
	metrics_set(metrics, METRIC_LOG_LOST, NULL, log_lost(scrape->log));
	metrics_set(metrics, METRIC_ACCESS_LOST, NULL, access_log_lost(scrape->access_log));
}

void scrape_write(const struct scrape *scrape, struct buf *out)
{
	const struct roster *roster = scrape->roster;

	metrics_reset(scrape->metrics);
	look_at_edge(scrape);
	for (size_t i = 0; i < roster->count; i++) {
		look_at_calls(scrape->metrics, roster->targets[i]);
		look_at_plugin(scrape, roster->units[i], roster->targets[i]);
	}
	look_at_process(scrape);
	metrics_set(scrape->metrics, METRIC_SERIES_DROPPED, NULL, metrics_dropped(scrape->metrics));
	expose_write(scrape->metrics, out);
}
