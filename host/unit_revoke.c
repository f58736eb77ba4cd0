/* What becomes of what runs when another whitelist is in force.
 *
 *	may run ──not any more──▶ its pool is forbidden: drains, is killed, or runs on; stays down
 *	   ▲                          │
 *	   └──────── may again ───────┘ (the same bytes are started again)
 *
 * A pin that has changed is mostly an upgrade: the file that lies there now is the pinned one. Then
 * it takes over by a swap, without a gap, and who served before goes with it. Only when there is no
 * such file, or the swap fails, is the plugin down. A swap that is under way already is such a
 * chance too, if what it starts may run. Every generation is judged: the one that serves, the next,
 * those that drain; the one before is judged when somebody wants to go back to it. */
#include <stdlib.h>

#include "base/mem.h"
#include "observe/errors.h"
#include "records.h"
#include "unit_private.h"

static const char *const action_names[] = {
	[REVOKE_DRAIN] = "drain", [REVOKE_KILL] = "kill", [REVOKE_KEEP] = "keep"};

static enum trust_revoke action_of(const struct unit *unit)
{
	return pins_guard(unit->house->pins)->opts->on_revoke;
}

/* Without a whitelist no plugin is enabled, and who still runs is leaving. */
static int judge_image(const struct unit *unit, const struct exec_image *image, struct err *err)
{
	const struct guard *guard = pins_guard(unit->house->pins);
	const char *name = unit->plugin->name;
	struct guard_remarks *remarks;
	int r;

	if (!guard->whitelist)
		return 0;
	remarks = mem_new(struct guard_remarks);
	r = exec_image_judge(guard, image, name, remarks, err);
	pool_log_remarks(unit->house->log, name, remarks);
	free(remarks);
	return r;
}

int unit_check_image(const struct unit *unit, const struct exec_image *image, struct err *err)
{
	int r = judge_image(unit, image, err);

	if (r < 0)
		err_prefix(err, "it may not run any more");
	return r;
}

/* 0, or -errno with *why: as a whole sentence, and *code_out what the whitelist said. */
static int judge_pool(const struct unit *unit, const struct pool *pool, int *code_out,
		      struct err *why)
{
	const struct exec_image *image = pool_image(pool);
	int r = image ? judge_image(unit, image, why) : 0;

	*code_out = 0;
	if (r == 0)
		return 0;
	*code_out = why->code;
	why->code = ERR_WHITELIST_REVOKED;
	err_prefix(why, "revoked");
	return r;
}

static void tell_revoked(const struct unit *unit, const struct pool *pool, const struct err *why,
			 const char *action)
{
	log_event(unit->house->log, LOG_WARN, "whitelist.revoked", why->text,
		  LOG_STR("plugin", unit->plugin->name),
		  LOG_INT("generation", pool_generation(pool)), LOG_STR("action", action),
		  LOG_INT("code", why->code));
	records_revoked(unit->house->audit, unit->plugin->name, pool_generation(pool), action, why);
}

/* ---- who may take its place ---- */

/* Begins to swap to what lies at its path now, if that may run. */
static bool begin_successor(struct unit *unit)
{
	struct generation *serving = unit->serving;
	struct swap_order order = {.drain_timeout_ms = -1};
	struct generation_setup setup = {
		.born = unit->plan,
		.live = unit->plan,
		.config = unit->plan,
		.opts = unit->plugin,
		.executable = serving->executable,
	};
	struct err err;

	if (exec_image_load(pins_guard(unit->house->pins), serving->opts.executable,
			    unit->plugin->name, &setup.image, &err) < 0)
		return false;
	log_event(unit->house->log, LOG_INFO, "whitelist.successor",
		  "the file that is pinned now takes over", LOG_STR("plugin", unit->plugin->name),
		  LOG_STR("executable", setup.image->file.real));
	pool_log_remarks(unit->house->log, unit->plugin->name, &setup.image->remarks);
	unit_begin_swap(unit, &setup, &order, false);
	exec_image_release(setup.image);
	return true;
}

static bool may_have_successor(const struct unit *unit, int code)
{
	bool is_upgrade = code == ERR_WHITELIST_MISMATCH || code == ERR_LIBRARY_CHANGED;

	return is_upgrade && !unit->swap && !unit->change.plan && !unit->is_draining &&
	       !unit->is_leaving && unit->plugin->enabled;
}

/* ---- who serves ---- */

static void forbid(struct unit *unit, const struct err *why, int code, bool is_last_word)
{
	struct pool *pool = unit->serving->pool;
	enum trust_revoke action = action_of(unit);

	unit->awaits_successor = false;
	if (action != REVOKE_DRAIN)
		pool_forbid(pool, why, action);
	if (action != REVOKE_KEEP && !is_last_word) {
		unit->awaits_successor = unit->swap != NULL;
		if (may_have_successor(unit, code)) {
			unit->awaits_successor = true;
			if (!begin_successor(unit))
				unit->awaits_successor = false;
		}
	}
	if (action == REVOKE_DRAIN && !unit->awaits_successor && unit->serving &&
	    unit->serving->pool == pool)
		pool_forbid(pool, why, action);
}

static void restore(struct unit *unit, struct pins_report *report)
{
	struct pool *pool = unit->serving->pool;

	unit->awaits_successor = false;
	pool_start_refused(pool);
	if (!pool_forbidden(pool))
		return;
	log_event(unit->house->log, LOG_INFO, "whitelist.restored", "it may run again",
		  LOG_STR("plugin", unit->plugin->name),
		  LOG_INT("generation", pool_generation(pool)));
	report->restored++;
	pool_permit(pool);
}

static void judge_serving(struct unit *unit, bool is_last_word, struct pins_report *report)
{
	struct pool *pool = unit->serving->pool;
	struct err why;
	int code;

	if (judge_pool(unit, pool, &code, &why) == 0) {
		restore(unit, report);
		return;
	}
	if (!pool_forbidden(pool) && !unit->awaits_successor) {
		tell_revoked(unit, pool, &why, action_names[action_of(unit)]);
		report->revoked++;
	}
	forbid(unit, &why, code, is_last_word);
}

void unit_judge_again(struct unit *unit)
{
	struct pins_report report = {0};

	if (!unit->awaits_successor)
		return;
	if (unit->serving)
		judge_serving(unit, true, &report);
	unit->awaits_successor = false;
}

/* ---- the others ---- */

/* One of a reload is judged when that is committed: it comes with a whitelist of its own. */
static void judge_next(struct unit *unit)
{
	struct err why;
	int code;

	if (!unit->next || unit->change.plan ||
	    judge_pool(unit, unit->next->pool, &code, &why) == 0)
		return;
	tell_revoked(unit, unit->next->pool, &why, "abort");
	swap_abort(unit->swap, &why);
}

static void judge_draining(struct unit *unit)
{
	struct generation *generation, *after;
	struct err why;
	int code;

	if (action_of(unit) != REVOKE_KILL)
		return;
	for (generation = LIST_FIRST(&unit->draining); generation; generation = after) {
		after = LIST_NEXT(generation, link);
		if (judge_pool(unit, generation->pool, &code, &why) < 0)
			pool_forbid(generation->pool, &why, REVOKE_KILL);
	}
}

void units_judge(struct unit_house *house, struct pins_report *report)
{
	struct unit *unit, *after;

	for (unit = LIST_FIRST(&house->units); unit; unit = after) {
		after = LIST_NEXT(unit, link);
		judge_next(unit);
		judge_draining(unit);
		if (unit->serving && !pool_image(unit->serving->pool))
			unit_start_again(unit);
		else if (unit->serving)
			judge_serving(unit, false, report);
	}
}
