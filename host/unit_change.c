/* A unit's part of a reload.
 *
 *	none ──unit_prepare()──▶ under way ──on_prepared──▶ prepared ──unit_commit()──▶ none
 *	                             └────────────┴──────── unit_drop_change() ────────▶ none
 *
 * Until the commit nothing that serves has changed, but for a plugin's own configuration, which its
 * instances have taken and which a drop takes back. The reload decides; this file does it to one
 * plugin. */
#include "config/diff.h"
#include "dispatch/dispatch.h"
#include "observe/errors.h"
#include "records.h"
#include "unit_private.h"

#define LIVE_BITS   (1u << APPLY_LIVE)
#define CONFIG_BITS (1u << APPLY_CONFIG)

const char *unit_busy_with(const struct unit *unit)
{
	if (unit->swap)
		return "a swap of it is under way";
	return unit->change.plan ? "another reload changes it" : NULL;
}

bool unit_can_be_asked(const struct unit *unit)
{
	return unit->serving && pool_takes_config(unit->serving->pool);
}

void unit_change_progress(struct unit *unit, const struct err *why)
{
	const struct unit_change *change = &unit->change;

	if (change->plan)
		change->on_prepared(change->user, unit, why);
}

static void begin_swap(struct unit *unit, const struct generation_setup *setup)
{
	struct swap_order order = {.drain_timeout_ms = setup->opts->drain_timeout_ms};
	struct err err;

	if (records_swap_begin(unit->house->audit, setup->opts->name, NULL, &err) < 0)
		unit_change_progress(unit, &err);
	else
		unit_begin_swap(unit, setup, &order, true);
}

void unit_prepare(struct unit *unit, const struct unit_change *change)
{
	struct generation_setup setup = {
		.born = change->plan,
		.live = change->plan,
		.config = change->plan,
		.opts = change->plugin,
		.guard = change->guard,
	};

	unit->change = *change;
	plan_hold(change->plan);
	switch (change->kind) {
	case UNIT_TAKES:
		unit_change_progress(unit, NULL);
		break;
	case UNIT_ASKS:
		pool_offer_config(unit->serving->pool, change->plugin->config,
				  change->plugin->config_len);
		break;
	case UNIT_SWAPS:
		begin_swap(unit, &setup);
		break;
	}
}

/* ---- commit ---- */

static void take_config(struct generation *generation, const struct unit_change *change)
{
	plugin_opts_take(&generation->opts, change->plugin, CONFIG_BITS);
	plan_release(generation->config);
	generation->config = plan_hold(change->plan);
	pool_keep_config(generation->pool);
}

static void take_live(struct unit *unit, const struct unit_change *change)
{
	struct generation *serving = unit->serving;

	if (!serving) {
		target_serve(&unit->target, change->plugin, NULL);
		return;
	}
	plugin_opts_take(&serving->opts, change->plugin, LIVE_BITS);
	plan_release(serving->live);
	serving->live = plan_hold(change->plan);
	if (change->kind == UNIT_ASKS)
		take_config(serving, change);
	target_serve(&unit->target, &serving->opts, serving->pool);
	pool_apply(serving->pool);
	dispatch_wake(unit->house->dispatch, &unit->target); /* there may be more places */
}

void unit_commit(struct unit *unit)
{
	struct unit_change change = unit->change;

	/* The swap's end is no news for the reload. */
	unit->change = (struct unit_change){0};
	if (change.kind == UNIT_SWAPS)
		swap_commit(unit->swap);
	else
		take_live(unit, &change);
	unit->plugin = change.plugin;
	plan_release(unit->plan);
	unit->plan = change.plan;
}

void unit_drop_change(struct unit *unit)
{
	struct unit_change change = unit->change;
	struct err why;

	if (!change.plan)
		return;
	unit->change = (struct unit_change){0};
	err_set(&why, ERR_RELOAD_REFUSED, "the reload was refused");
	if (change.kind == UNIT_SWAPS && unit->swap)
		swap_abort(unit->swap, &why);
	else if (change.kind == UNIT_ASKS && unit->serving)
		pool_drop_config(unit->serving->pool);
	plan_release(change.plan);
}

const struct manifest *unit_next_manifest(const struct unit *unit)
{
	const struct generation *generation = unit->next ? unit->next : unit->serving;

	return generation ? pool_manifest(generation->pool) : NULL;
}
