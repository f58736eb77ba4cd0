/* One configured plugin as the host runs it.
 *
 *	previous ◀──── serving ────▶ target.pool        draining ─▶ gone
 *	(its image)       ▲                                ▲
 *	                 next ──swap.c says: switch────────┘ (what served before)
 *
 * Owns the generations with their pools, and the swap. A generation has options of its own, because
 * a swap may change them, and lives until its last process has ended. Decides nothing: plugin/swap
 * says when, the registry and the edge say whether, this file does it. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "dispatch/dispatch.h"
#include "observe/errors.h"
#include "plugin/drift.h"
#include "records.h"
#include "unit_private.h"

/* ---- generations ---- */

static const struct pool_ops pool_ops;

static struct generation *generation_new(struct unit *unit, const struct generation_setup *setup)
{
	struct generation *generation = mem_new(struct generation);
	struct unit_house *house = unit->house;

	generation->unit = unit;
	generation->born = plan_hold(setup->born);
	generation->live = plan_hold(setup->live);
	generation->config = plan_hold(setup->config);
	generation->opts = *setup->opts;
	generation->executable = mem_strdup(setup->executable);
	if (setup->executable)
		generation->opts.executable = generation->executable;
	generation->pool = pool_new(&(struct pool_opts){
		.loop = house->loop,
		.log = house->log,
		.spawner = house->spawner,
		.groups = house->groups,
		.plugin = &generation->opts,
		.guard = setup->guard ? setup->guard : pins_guard(house->pins),
		.image = setup->image,
		.host_version = house->service->version,
		.generation = ledger_next(&house->ledger, setup->opts->name),
		.may_sleep = setup->may_sleep,
		.waits = setup->waits,
		.ops = &pool_ops,
		.user = generation,
	});
	return generation;
}

void generation_free(void *object)
{
	struct generation *generation = object;

	if (!generation)
		return;
	pool_free(generation->pool);
	plan_release(generation->born);
	plan_release(generation->live);
	plan_release(generation->config);
	free(generation->executable);
	free(generation);
}

/* It gets no new calls from here on. */
void generation_drain(struct generation *generation, int64_t grace_ms)
{
	LIST_INSERT_HEAD(&generation->unit->draining, generation, link);
	pool_drain(generation->pool, grace_ms);
}

void unit_forget_previous(struct unit *unit)
{
	exec_image_release(unit->previous.image);
	plan_release(unit->previous.born);
	plan_release(unit->previous.live);
	plan_release(unit->previous.config);
	free(unit->previous.executable);
	unit->previous = (struct previous){0};
}

static void keep_previous(struct unit *unit, const struct generation *generation)
{
	const struct exec_image *image = pool_image(generation->pool);

	if (!image)
		return;
	unit_forget_previous(unit);
	unit->previous = (struct previous){
		.born = plan_hold(generation->born),
		.live = plan_hold(generation->live),
		.config = plan_hold(generation->config),
		.opts = generation->opts,
		.executable = mem_strdup(generation->executable),
		.image = exec_image_hold((struct exec_image *)image),
	};
}

/* ---- who serves ---- */

static int serve(struct unit *unit, struct generation *generation, struct err *err)
{
	unit->serving = generation;
	target_serve(&unit->target, &generation->opts, generation->pool);
	dispatch_wake(unit->house->dispatch, &unit->target);
	if (!pool_manifest(generation->pool))
		return 0;
	return registry_provide(unit->house->registry, &unit->target,
				pool_manifest(generation->pool), err);
}

/* The methods that somebody relies on: those of routes, and all of a plugin whose methods clients
 * can call by name. */
static int check_drift(const struct unit *unit, const struct manifest *manifest, struct err *err)
{
	const struct manifest *old = unit->serving ? pool_manifest(unit->serving->pool) : NULL;
	const struct unit_change *change = &unit->change;
	struct drift drift;

	if (!old)
		return 0;
	drift_init(&drift, old, manifest);
	if (change->plan ? change->plugin->expose : unit->plugin->expose)
		drift_check_all(&drift);
	else
		edge_routes_check_drift(change->plan ? change->routes
						     : edge_routes(unit->house->edge),
					&unit->target, &drift);
	return drift_result(&drift, err);
}

/* ---- news from the pools ---- */

static int may_start(void *user, struct pool *pool, unsigned number, struct err *err)
{
	const struct generation *generation = user;
	const struct unit *unit = generation->unit;

	return records_start(unit->house->audit, unit->plugin->name, pool, number, err);
}

static void tell_refused(const struct unit *unit, const struct err *why)
{
	records_refused(unit->house->audit, unit->plugin, why);
	log_event(unit->house->log, LOG_ERROR, "plugin.refused", why->text,
		  LOG_STR("plugin", unit->plugin->name), LOG_INT("code", why->code));
}

static void on_refused(void *user, struct pool *pool, const struct err *why)
{
	const struct generation *generation = user;

	tell_refused(generation->unit, why);
}

static void on_shortfall(void *user, struct pool *pool, const char *missing)
{
	const struct generation *generation = user;
	const struct unit *unit = generation->unit;

	records_shortfall(unit->house->audit, unit->plugin->name, pool_generation(pool), missing);
}

static bool on_manifest(void *user, struct pool *pool, const struct manifest *manifest,
			struct err *err)
{
	struct generation *generation = user;
	struct unit *unit = generation->unit;
	struct registry *registry = unit->house->registry;

	if (host_service_check(manifest, err) < 0)
		return false;
	if (generation == unit->serving)
		return registry_provide(registry, &unit->target, manifest, err) == 0;
	if (unit->change.plan) /* who provides what is judged when all of a reload is ready */
		return check_drift(unit, manifest, err) == 0;
	return registry_check(registry, &unit->target, manifest, err) == 0 &&
	       check_drift(unit, manifest, err) == 0;
}

static void on_change(void *user, struct pool *pool)
{
	const struct generation *generation = user;
	struct unit *unit = generation->unit;

	if (unit->house->edge)
		edge_on_plugin_change(unit->house->edge);
	log_event(unit->house->log, LOG_INFO, "plugin.ready_count", "",
		  LOG_STR("plugin", unit->plugin->name),
		  LOG_INT("generation", pool_generation(pool)),
		  LOG_INT("ready", pool_ready_count(pool)),
		  LOG_INT("instances", pool_slot_count(pool)));
	if (pool == unit->target.pool)
		dispatch_wake(unit->house->dispatch, &unit->target);
	if (unit->swap)
		swap_on_change(unit->swap, pool);
}

static void on_call(void *user, struct pool *pool, struct instance *instance,
		    const struct manifest_requirement *requirement,
		    const struct wire_request *request)
{
	const struct generation *generation = user;
	const struct unit_house *house = generation->unit->house;

	host_service_call(house->service, generation->unit->plugin->name, instance, requirement,
			  request, loop_now_ms(house->loop));
}

static void on_death(void *user, struct pool *pool, const struct instance *instance,
		     const struct err *why, bool failed)
{
	const struct generation *generation = user;

	unit_on_death(generation->unit, instance, why, failed);
}

static void on_failure(void *user, struct pool *pool, const struct err *why)
{
	const struct generation *generation = user;

	if (generation->unit->swap)
		swap_on_failure(generation->unit->swap, pool, why);
}

static void on_config(void *user, struct pool *pool, const struct err *why)
{
	const struct generation *generation = user;

	unit_change_progress(generation->unit, why);
}

static void on_drained(void *user, struct pool *pool)
{
	struct generation *generation = user;
	struct unit *unit = generation->unit;

	LIST_REMOVE(generation, link);
	unit_keep_restarts(unit, generation);
	if (unit->swap)
		swap_on_drained(unit->swap, pool);
	if (generation == unit->serving) {
		registry_withdraw(unit->house->registry, &unit->target);
		target_serve(&unit->target, unit->plugin, NULL);
		unit->serving = NULL;
	}
	loop_retire(unit->house->loop, generation_free, generation);
	if (unit_is_drained(unit))
		unit->house->on_drained(unit->house->user);
	unit_end_if_over(unit);
}

static const struct pool_ops pool_ops = {
	.may_start = may_start,
	.on_refused = on_refused,
	.on_shortfall = on_shortfall,
	.on_manifest = on_manifest,
	.on_change = on_change,
	.on_call = on_call,
	.on_death = on_death,
	.on_failure = on_failure,
	.on_config = on_config,
	.on_drained = on_drained,
};

/* ---- a swap ---- */

static void on_swap_progress(void *user, const struct swap_news *news)
{
	const struct unit *unit = user;

	if (unit->viewer.on_progress)
		unit->viewer.on_progress(unit->viewer.user, news);
}

static int may_switch(void *user, struct err *err)
{
	const struct unit *unit = user;

	return records_swap_switch(unit->house->audit, unit->plugin->name, unit->next->pool, err);
}

static void on_switch(void *user)
{
	struct unit *unit = user;
	struct generation *old = unit->serving;
	struct generation *next = unit->next;
	struct err err;

	unit->next = NULL;
	poison_clear(&unit->target.poison); /* the next one may be of bytes that have mended it */
	if (old)
		keep_previous(unit, old);
	/* It was checked when the manifest came, and nobody else has entered anything since that
	 * this one could collide with: else its own check has failed. */
	if (serve(unit, next, &err) < 0)
		log_event(unit->house->log, LOG_ERROR, "swap.collision", err.text,
			  LOG_STR("plugin", unit->plugin->name), LOG_INT("code", err.code));
	if (old)
		generation_drain(old, unit->swap_drain_ms);
}

static void release_swap(void *swap)
{
	swap_free(swap);
}

static void count_swap(const struct unit *unit, const struct err *why)
{
	const struct str labels[] = {str_from(unit->plugin->name),
				     why ? STR_LITERAL("failed") : STR_LITERAL("done")};

	metric_add(metrics_counter(unit->house->metrics, METRIC_PLUGIN_SWAPS, labels), 1);
}

static void on_swap_end(void *user, const struct err *why)
{
	struct unit *unit = user;
	struct generation *next = unit->next;
	struct swap_viewer viewer = unit->viewer;
	struct swap_report report = {
		.generation = unit->swap_generation,
		.took_us = loop_now_us(unit->house->loop) - unit->swap_began_us,
	};

	count_swap(unit, why);
	records_swap_end(unit->house->audit, unit->plugin->name, report.generation, why);
	loop_retire(unit->house->loop, release_swap, unit->swap);
	unit->swap = NULL;
	unit->next = NULL;
	unit->viewer = (struct swap_viewer){0};
	if (next) /* calls of a canary may be in flight */
		generation_drain(next, unit->swap_drain_ms);
	if (viewer.on_end)
		viewer.on_end(viewer.user, why, &report);
	if (why)
		unit_change_progress(unit, why);
	unit_judge_again(unit);
}

static void on_prepared(void *user)
{
	unit_change_progress(user, NULL);
}

static void on_hold(void *user, bool held)
{
	struct unit *unit = user;

	dispatch_hold(unit->house->dispatch, &unit->target, held);
}

static void on_canary(void *user, bool on)
{
	struct unit *unit = user;

	target_set_canary(&unit->target, on ? unit->next->pool : NULL, on ? &unit->canary : NULL);
}

static enum swap_verdict judge(void *user, int64_t elapsed_ms, struct err *err)
{
	const struct unit *unit = user;

	switch (canary_judge(&unit->canary, elapsed_ms, err)) {
	case CANARY_PASSES:
		return SWAP_PASSES;
	case CANARY_FAILS:
		return SWAP_FAILS;
	case CANARY_GOES_ON:
		break;
	}
	return SWAP_GOES_ON;
}

static const struct swap_ops swap_ops = {
	.on_progress = on_swap_progress,
	.on_hold = on_hold,
	.on_canary = on_canary,
	.judge = judge,
	.on_prepared = on_prepared,
	.may_switch = may_switch,
	.on_switch = on_switch,
	.on_end = on_swap_end,
};

static int refuse_swap(struct err *err, int code, const char *why)
{
	return err_set(err, code, "%s", why);
}

static int check_order(const struct unit *unit, const struct swap_order *order, struct err *err)
{
	if (unit->is_draining)
		return refuse_swap(err, ERR_SWAP_REFUSED, "the host is stopping");
	if (!unit->plugin->enabled)
		return refuse_swap(err, ERR_SWAP_REFUSED, "the plugin is disabled");
	if (unit->swap)
		return refuse_swap(err, ERR_SWAP_BUSY, "another swap of it is under way");
	if (unit->change.plan)
		return refuse_swap(err, ERR_SWAP_BUSY, "a reload that changes it is under way");
	if (order->is_rollback && !unit->previous.image)
		return refuse_swap(err, ERR_SWAP_REFUSED,
				   "there is no generation before this one to go back to");
	if (order->with_state && order->canary.permille > 0)
		return refuse_swap(err, ERR_SWAP_REFUSED,
				   "a state can't be in two generations at once: swap with a "
				   "canary or with the state, not both");
	if (order->with_state && !unit->serving)
		return refuse_swap(err, ERR_SWAP_REFUSED,
				   "no generation serves that could hand a state over");
	if (order->canary.permille > 1000)
		return refuse_swap(err, ERR_SWAP_REFUSED, "a canary gets 1000 permille at most");
	if (order->executable && order->executable[0] != '/')
		return refuse_swap(err, ERR_SWAP_REFUSED,
				   "the path of the executable is not absolute");
	return 0;
}

void unit_begin_swap(struct unit *unit, const struct generation_setup *setup,
		     const struct swap_order *order, bool waits_for_commit)
{
	unit->next = generation_new(unit, setup);
	canary_init(&unit->canary, &order->canary, random_u32());
	unit->swap_generation = pool_generation(unit->next->pool);
	unit->swap_began_us = loop_now_us(unit->house->loop);
	unit->swap_drain_ms = order->drain_timeout_ms >= 0 ? order->drain_timeout_ms
							   : unit->plugin->drain_timeout_ms;
	unit->swap = swap_new(&(struct swap_opts){
		.loop = unit->house->loop,
		.log = unit->house->log,
		.plugin = unit->next->opts.name,
		.old = unit->serving ? unit->serving->pool : NULL,
		.next = unit->next->pool,
		.with_state = order->with_state,
		.waits_for_commit = waits_for_commit,
		.is_asked = unit->next->opts.health_check.enabled,
		.canary_ms = order->canary.permille > 0 ? order->canary.for_ms : 0,
		.ops = &swap_ops,
		.user = unit,
	});
	swap_start(unit->swap);
}

int unit_swap(struct unit *unit, const struct swap_order *order, const struct swap_viewer *viewer,
	      struct err *err)
{
	struct generation_setup setup = {
		.born = unit->plan,
		.live = unit->plan,
		.config = unit->plan,
		.opts = unit->plugin,
		.executable = order->executable,
		.waits = order->with_state,
	};
	int r = check_order(unit, order, err);

	if (r == 0)
		r = records_swap_begin(unit->house->audit, unit->plugin->name, order, err);
	if (r < 0)
		return r;
	if (order->is_rollback) {
		r = unit_check_image(unit, unit->previous.image, err);
		if (r < 0)
			return r;
		setup.born = unit->previous.born;
		setup.live = unit->previous.live;
		setup.config = unit->previous.config;
		setup.opts = &unit->previous.opts;
		setup.executable = unit->previous.executable;
		setup.image = unit->previous.image;
	}
	unit->viewer = *viewer;
	unit_begin_swap(unit, &setup, order, false);
	return 0;
}

void unit_leave_swap(struct unit *unit)
{
	unit->viewer = (struct swap_viewer){0};
}

int unit_abort_swap(struct unit *unit, struct err *err)
{
	struct err why;

	if (!unit->swap)
		return refuse_swap(err, ERR_SWAP_REFUSED, "no swap of it is under way");
	if (!unit->next)
		return refuse_swap(
			err, ERR_SWAP_REFUSED,
			"it has switched already; plugctl rollback brings back what was");
	err_set(&why, ERR_SWAP_ABORTED, "the operator gave it up");
	swap_abort(unit->swap, &why);
	return 0;
}

const char *unit_swap_step(const struct unit *unit)
{
	return unit->swap ? swap_step_name(swap_step(unit->swap)) : NULL;
}

/* ---- life ---- */

struct unit *unit_new(struct unit_house *house, struct plan *plan, const struct plugin_opts *plugin)
{
	struct unit *unit = mem_new(struct unit);

	unit->house = house;
	unit->plan = plan_hold(plan);
	unit->plugin = plugin;
	LIST_INIT(&unit->draining);
	LIST_INSERT_HEAD(&house->units, unit, link);
	unit_leave_init(unit);
	dispatch_init_target(&unit->target, plugin);
	return unit;
}

struct target *unit_target(struct unit *unit)
{
	return &unit->target;
}

const char *unit_name(const struct unit *unit)
{
	return unit->plugin->name;
}

void unit_start(struct unit *unit)
{
	struct err err;

	if (!unit->plugin->enabled)
		return;
	serve(unit,
	      generation_new(unit, &(struct generation_setup){.born = unit->plan,
							      .live = unit->plan,
							      .config = unit->plan,
							      .opts = unit->plugin,
							      .may_sleep = true}),
	      &err);
	if (pool_start(unit->serving->pool, &err) < 0)
		tell_refused(unit, &err);
}

void unit_start_again(struct unit *unit)
{
	const struct unit_house *house = unit->house;
	struct err err;

	if (!unit->serving || pool_image(unit->serving->pool) || unit->swap || unit->is_draining)
		return;
	if (pool_start_again(unit->serving->pool, pins_guard(house->pins), &err) < 0)
		tell_refused(unit, &err);
	else
		on_change(unit->serving, unit->serving->pool);
}
