/* How a unit ends: with the host, or because a reload has left its plugin out.
 *
 *	configured ──unit_leave()──▶ serves who came before ──the last of them──▶ drains ─▶ freed
 *	                                └────────── drain_timeout ───────────────▶ (cut off)
 *
 * A target may only go when nobody has it: rosters hold their units, and requests hold rosters. */
#include <stdlib.h>

#include "dispatch/dispatch.h"
#include "observe/errors.h"
#include "unit_private.h"

static void give_up_swap(struct unit *unit, const char *reason)
{
	struct err why;

	err_set(&why, ERR_SWAP_ABORTED, "%s", reason);
	if (unit->swap)
		swap_abort(unit->swap, &why);
}

/* All of it. */
static void drain(struct unit *unit, int64_t longest_ms)
{
	int64_t grace_ms = unit->plugin->drain_timeout_ms;

	unit->is_draining = true;
	if (unit->serving)
		generation_drain(unit->serving, grace_ms < longest_ms ? grace_ms : longest_ms);
}

static void drain_for_stop(struct unit *unit, int64_t longest_ms)
{
	give_up_swap(unit, "the host is stopping");
	if (!unit->is_draining)
		drain(unit, longest_ms);
	if (unit_is_drained(unit))
		unit->house->on_drained(unit->house->user);
}

bool unit_is_drained(const struct unit *unit)
{
	return unit->is_draining && !unit->serving && LIST_EMPTY(&unit->draining);
}

/* ---- the last who use it ---- */

/* Ends all its processes at once, whoever holds it. */
static void free_unit(struct unit *unit)
{
	struct generation *generation;

	if (!unit->is_retired)
		LIST_REMOVE(unit, link);
	loop_timer_stop(&unit->leave);
	loop_flush_cancel(unit->house->loop, &unit->target.turn);
	registry_withdraw(unit->house->registry, &unit->target);
	target_deinit(&unit->target);
	unit_drop_change(unit);
	swap_free(unit->swap);
	while ((generation = LIST_FIRST(&unit->draining))) {
		LIST_REMOVE(generation, link);
		if (generation == unit->serving)
			unit->serving = NULL;
		generation_free(generation);
	}
	generation_free(unit->next);
	generation_free(unit->serving);
	unit_forget_previous(unit);
	plan_release(unit->plan);
	free(unit);
}

static void release_unit(void *unit)
{
	free_unit(unit);
}

/* Calls that still wait for their turn are told, before it goes. */
void unit_end_if_over(struct unit *unit)
{
	if (unit->holders > 0 || !unit_is_drained(unit) || !unit->is_leaving)
		return;
	unit->is_leaving = false;
	LIST_REMOVE(unit, link);
	unit->is_retired = true;
	dispatch_wake(unit->house->dispatch, &unit->target);
	loop_retire(unit->house->loop, release_unit, unit);
}

/* What it still has to answer was begun that long ago. */
static void on_leave_due(void *user)
{
	struct unit *unit = user;

	if (!unit->is_draining)
		drain(unit, 0);
	unit_end_if_over(unit);
}

void unit_leave(struct unit *unit)
{
	unit->is_leaving = true;
	registry_free_names(unit->house->registry, &unit->target);
	loop_timer_start(&unit->leave, unit->plugin->drain_timeout_ms);
}

void unit_leave_init(struct unit *unit)
{
	loop_timer_init(&unit->leave, unit->house->loop, on_leave_due, unit);
}

struct unit *unit_hold(struct unit *unit)
{
	unit->holders++;
	return unit;
}

void unit_release(struct unit *unit)
{
	if (--unit->holders > 0)
		return;
	unit->is_leaving = true;
	give_up_swap(unit, "the plugin is not configured any more");
	if (!unit->is_draining)
		drain(unit, loop_timer_is_active(&unit->leave) ? loop_timer_left_ms(&unit->leave)
							       : INT64_MAX);
	unit_end_if_over(unit);
}

/* ---- all of the house ---- */

void units_drain(struct unit_house *house, int64_t longest_ms)
{
	struct unit *unit, *next;

	for (unit = LIST_FIRST(&house->units); unit; unit = next) {
		next = LIST_NEXT(unit, link);
		drain_for_stop(unit, longest_ms);
	}
}

bool units_are_drained(const struct unit_house *house)
{
	const struct unit *unit;

	LIST_FOREACH (unit, &house->units, link) {
		if (!unit_is_drained(unit))
			return false;
	}
	return true;
}

void units_free(struct unit_house *house)
{
	while (!LIST_EMPTY(&house->units))
		free_unit(LIST_FIRST(&house->units));
}
