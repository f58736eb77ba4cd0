/* From the configuration in force to the one on disk.
 *
 *	IDLE ──file, diff──▶ START ──new generations ready──▶ CONFIG ──taken──▶ committed: IDLE
 *	  ▲                    └──────────────┬──────────────────┘
 *	  └────── all is dropped ─────────────┘ (refused, died, too late, the host stops)
 *
 * Owns what is prepared: the next roster with its plan, the routes, the whitelist, and which unit
 * has which part in it. What can't be tried without being done (CONFIG to a plugin that runs) comes
 * last and is taken back if need be. Steps are taken at the end of a turn, never from the middle of
 * the news that allows them. */
#include "reload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/watch.h"
#include "config/diff.h"
#include "edge/edge.h"
#include "observe/errors.h"
#include "pins.h"
#include "records.h"

enum reload_step { RELOAD_IDLE, RELOAD_START, RELOAD_CONFIG };

static const char *const step_names[] = {
	[RELOAD_IDLE] = "commit", [RELOAD_START] = "start", [RELOAD_CONFIG] = "config"};

/* What one unit does for it. */
struct part {
	struct unit *unit;
	const struct plugin_opts *plugin;
	enum unit_change_kind kind;
	bool is_prepared;
};

struct reload {
	struct reload_site site;
	enum reload_step step;
	struct reload_viewer viewer;
	int64_t began_us;
	bool is_asked; /* once more, when this one has ended */
	bool is_over;  /* for good: the host stops */

	struct plan *plan;
	struct diff diff;
	struct roster *next;
	struct edge_routes *routes;
	struct pins_next pins;
	struct part *parts;
	size_t part_count;
	struct err why; /* code 0: nothing has failed */
	struct loop_flush advance;
	struct watch *watch; /* NULL: the file is not watched */
};

static int begin(struct reload *reload, bool is_dry, struct err *err);

/* ---- the end ---- */

static void drop(struct reload *reload)
{
	for (size_t i = 0; i < reload->part_count; i++)
		unit_drop_change(reload->parts[i].unit);
	if (reload->step != RELOAD_IDLE)
		listener_drop(reload->site.listener);
	access_log_drop(reload->site.access_log);
	edge_routes_free(reload->routes);
	roster_release(reload->next);
	pins_drop(&reload->pins);
	reload->next = NULL;
	reload->routes = NULL;
}

/* After this the reload may begin again. */
static void forget(struct reload *reload)
{
	loop_flush_cancel(reload->site.loop, &reload->advance);
	plan_release(reload->plan);
	diff_deinit(&reload->diff);
	free(reload->parts);
	reload->plan = NULL;
	reload->parts = NULL;
	reload->part_count = 0;
	reload->why = (struct err){0};
	reload->step = RELOAD_IDLE;
}

static struct reload_change *report_changes(const struct diff *diff)
{
	struct reload_change *changes = mem_array(diff->count + 1, sizeof(*changes));

	for (size_t i = 0; i < diff->count; i++) {
		const struct change *change = &diff->changes[i];

		changes[i] = (struct reload_change){
			.apply = setting_apply_name(change->apply),
			.plugin = change->plugin,
			.setting = change->setting,
			.before = change->before,
			.after = change->after,
		};
	}
	return changes;
}

/* The viewer may begin the next one from its on_end: everything is forgotten before. */
static void end(struct reload *reload, const struct err *why, const struct err *obstacle)
{
	struct reload_viewer viewer = reload->viewer;
	struct diff diff = reload->diff;
	struct reload_change *changes = report_changes(&diff);
	struct reload_report report = {
		.changes = changes,
		.change_count = diff.count,
		.obstacle = obstacle,
		.took_us = loop_now_us(reload->site.loop) - reload->began_us,
	};

	reload->diff = (struct diff){0};
	reload->viewer = (struct reload_viewer){0};
	forget(reload);
	if (viewer.on_end)
		viewer.on_end(viewer.user, why, &report);
	free(changes);
	diff_deinit(&diff);
	if (reload->is_asked)
		loop_flush_queue(reload->site.loop, &reload->advance);
}

static void refuse(struct reload *reload, const struct err *why)
{
	struct err kept = *why;

	if (reload->plan)
		config_place_err(&reload->plan->config, &kept);
	log_event(reload->site.log, LOG_ERROR, "reload.refused", kept.text,
		  LOG_INT("code", kept.code));
	records_reload_refused(reload->site.house->audit, &kept);
	drop(reload);
	end(reload, &kept, NULL);
}

/* ---- news ---- */

static void tell(const struct reload *reload, enum reload_step step, unsigned done, unsigned of)
{
	struct reload_news news = {step_names[step], done, of};

	if (reload->viewer.on_progress)
		reload->viewer.on_progress(reload->viewer.user, &news);
}

static bool is_of_step(const struct part *part, enum reload_step step)
{
	return (part->kind == UNIT_ASKS) == (step == RELOAD_CONFIG);
}

static unsigned count_parts(const struct reload *reload, bool only_prepared)
{
	unsigned count = 0;

	for (size_t i = 0; i < reload->part_count; i++) {
		const struct part *part = &reload->parts[i];

		count += is_of_step(part, reload->step) && (part->is_prepared || !only_prepared);
	}
	return count;
}

static void on_prepared(void *user, struct unit *unit, const struct err *why)
{
	struct reload *reload = user;

	for (size_t i = 0; i < reload->part_count; i++) {
		if (reload->parts[i].unit == unit)
			reload->parts[i].is_prepared = true;
	}
	if (why && reload->why.code == 0) {
		reload->why = *why;
		err_prefix(&reload->why, "plugin %s", unit_name(unit));
	}
	loop_flush_queue(reload->site.loop, &reload->advance);
}

/* ---- the file ---- */

static int load_plan(struct reload *reload, struct err *err)
{
	const struct plan_source *source = reload->site.source;
	struct config_errors errors = {0};
	size_t more;

	reload->plan = plan_load(source, &errors);
	for (size_t i = 0; i < errors.count; i++)
		log_event(reload->site.log, LOG_ERROR, "config.problem", errors.items[i].text,
			  LOG_INT("code", errors.items[i].code));
	if (!reload->plan) {
		more = errors.count - 1 + errors.more;
		err_set(err, errors.items[0].code, "%s", errors.items[0].text);
		if (more > 0)
			err_set(err, errors.items[0].code,
				"%.300s (and %zu more: plugctl config check)", errors.items[0].text,
				more);
	}
	config_errors_free(&errors);
	return reload->plan ? 0 : -EINVAL;
}

static void log_changes(const struct reload *reload)
{
	for (size_t i = 0; i < reload->diff.count; i++) {
		const struct change *change = &reload->diff.changes[i];

		log_event(reload->site.log, LOG_INFO, "reload.change", "",
			  LOG_STR("apply", setting_apply_name(change->apply)),
			  LOG_STR("setting", change->setting),
			  LOG_STR("before", change->before ? change->before : "-"),
			  LOG_STR("after", change->after ? change->after : "-"));
	}
}

static int check_fixed(const struct reload *reload, struct err *err)
{
	struct buf names = {0};
	int r = 0;

	for (size_t i = 0; i < reload->diff.count; i++) {
		const struct change *change = &reload->diff.changes[i];

		if (change->apply == APPLY_FIXED)
			buf_printf(&names, "%s%s", buf_len(&names) > 0 ? ", " : "",
				   change->setting);
	}
	if (buf_len(&names) > 0)
		r = err_set(err, ERR_RELOAD_FIXED, "%.*s: needs a restart", (int)buf_len(&names),
			    (const char *)buf_front(&names));
	buf_deinit(&names);
	return r;
}

/* A plugin that changes, or goes, must have nothing else under way. */
static int check_busy(const struct reload *reload, struct err *err)
{
	const struct roster *now = reload->site.get_roster(reload->site.user);

	for (size_t i = 0; i < now->count; i++) {
		const char *name = unit_name(now->units[i]);
		const char *what = unit_busy_with(now->units[i]);

		if (what && diff_of_plugin(&reload->diff, name) != 0)
			return err_set(err, ERR_RELOAD_BUSY, "plugin %s: %s", name, what);
	}
	return 0;
}

/* ---- preparing ---- */

static enum unit_change_kind kind_of(const struct unit *unit, const struct plugin_opts *plugin,
				     unsigned bits)
{
	if (!plugin->enabled)
		return UNIT_TAKES;
	if (bits & 1u << APPLY_SWAP)
		return UNIT_SWAPS;
	if (bits & 1u << APPLY_CONFIG)
		return unit_can_be_asked(unit) ? UNIT_ASKS : UNIT_SWAPS;
	return UNIT_TAKES;
}

static void add_part(struct reload *reload, struct unit *unit, const struct plugin_opts *plugin,
		     enum unit_change_kind kind)
{
	reload->parts[reload->part_count++] = (struct part){unit, plugin, kind, false};
}

/* The unit that stands for the plugin from now on. One that is enabled or disabled gets a new one,
 * so that requests that came before keep the old. */
static void place_plugin(struct reload *reload, const struct plugin_opts *plugin)
{
	const struct roster *now = reload->site.get_roster(reload->site.user);
	unsigned bits = diff_of_plugin(&reload->diff, plugin->name);
	struct unit *unit = roster_find(now, plugin->name);

	if (unit && !(bits & 1u << APPLY_PLUGIN)) {
		roster_add(reload->next, unit);
		if (bits)
			add_part(reload, unit, plugin, kind_of(unit, plugin, bits));
		return;
	}
	unit = unit_new(reload->site.house, reload->plan, plugin);
	roster_add(reload->next, unit);
	if (plugin->enabled)
		add_part(reload, unit, plugin, UNIT_SWAPS);
}

static void prepare_parts(struct reload *reload)
{
	for (size_t i = 0; i < reload->part_count && reload->why.code == 0; i++) {
		const struct part *part = &reload->parts[i];

		if (is_of_step(part, reload->step))
			unit_prepare(part->unit, &(struct unit_change){
							 .kind = part->kind,
							 .plan = reload->plan,
							 .plugin = part->plugin,
							 .routes = reload->routes,
							 .guard = &reload->pins.guard,
							 .on_prepared = on_prepared,
							 .user = reload,
						 });
	}
}

static void enter_step(struct reload *reload, enum reload_step step)
{
	reload->step = step;
	tell(reload, step, 0, count_parts(reload, false));
	prepare_parts(reload);
	loop_flush_queue(reload->site.loop, &reload->advance);
}

static int prepare(struct reload *reload, struct err *err)
{
	const struct config *config = &reload->plan->config;
	int r = pins_prepare(reload->site.house->pins, reload->plan, &reload->pins, err);

	if (r < 0)
		return r;
	reload->next = roster_new(reload->plan);
	reload->parts = mem_array(config->plugin_count + 1, sizeof(*reload->parts));
	for (size_t i = 0; i < config->plugin_count; i++)
		place_plugin(reload, &config->plugins[i]);
	roster_complete(reload->next);
	reload->routes = roster_routes(reload->next, reload->site.identity, err);
	if (!reload->routes)
		return -EINVAL;
	r = access_log_prepare(reload->site.access_log, config, err);
	if (r < 0)
		return r;
	return listener_prepare(reload->site.listener, &config->net, err);
}

/* ---- commit ---- */

static bool is_in(const struct roster *roster, const struct unit *unit)
{
	for (size_t i = 0; i < roster->count; i++) {
		if (roster->units[i] == unit)
			return true;
	}
	return false;
}

static void set_stand_ins(struct registry *registry, const struct roster *roster)
{
	registry_set_stand_ins(registry, roster->targets, roster->stand_ins, roster->count);
}

/* Everybody's services beside each other, as they will be. */
static int check_services(const struct reload *reload, struct err *err)
{
	struct registry *registry = registry_new();
	int r = 0;

	set_stand_ins(registry, reload->next);
	for (size_t i = 0; r == 0 && i < reload->next->count; i++) {
		struct unit *unit = reload->next->units[i];
		const struct manifest *manifest = unit_next_manifest(unit);

		if (manifest)
			r = registry_provide(registry, unit_target(unit), manifest, err);
		if (r < 0)
			err_prefix(err, "plugin %s", unit_name(unit));
	}
	registry_free(registry);
	return r;
}

/* Names go over from one to another in one step, whoever is committed first. */
static void commit_units(struct reload *reload)
{
	struct registry *registry = reload->site.house->registry;

	set_stand_ins(registry, reload->next);
	for (size_t i = 0; i < reload->part_count; i++) {
		if (reload->parts[i].kind == UNIT_SWAPS)
			registry_free_names(registry, unit_target(reload->parts[i].unit));
	}
	for (size_t i = 0; i < reload->part_count; i++)
		unit_commit(reload->parts[i].unit);
}

static void let_leave(const struct reload *reload, const struct roster *before)
{
	for (size_t i = 0; i < before->count; i++) {
		if (!is_in(reload->next, before->units[i]))
			unit_leave(before->units[i]);
	}
}

/* All lines of a reload are judged by the level that it began with: so it comes before the new one
 * is applied. */
static void log_done(const struct reload *reload)
{
	log_event(reload->site.log, LOG_INFO, "reload.done", "the configuration is in force",
		  LOG_INT("changes", (int64_t)reload->diff.count),
		  LOG_INT("took_us", loop_now_us(reload->site.loop) - reload->began_us));
}

static void commit(struct reload *reload)
{
	struct unit_house *house = reload->site.house;
	struct roster *next = reload->next;

	pins_commit(house->pins, &reload->pins);
	let_leave(reload, reload->site.get_roster(reload->site.user));
	commit_units(reload);
	edge_apply(house->edge, reload->routes);
	listener_commit(reload->site.listener);
	reload->routes = NULL;
	reload->next = NULL;
	log_done(reload);
	reload->site.on_applied(reload->site.user, next);
	pins_judge(house->pins);
	end(reload, NULL, NULL);
}

/* Both are recorded before they are in force. */
static int record_commit(const struct reload *reload, struct err *err)
{
	const struct unit_house *house = reload->site.house;
	int r = pins_record(house->pins, &reload->pins, err);

	return r < 0 ? r : records_reload(house->audit, &reload->diff, err);
}

static void try_commit(struct reload *reload)
{
	struct err err;

	if (check_services(reload, &err) < 0 || record_commit(reload, &err) < 0)
		refuse(reload, &err);
	else
		commit(reload);
}

static void begin_asked(struct reload *reload)
{
	struct err err;

	reload->is_asked = false;
	begin(reload, false, &err);
}

static void on_advance(void *user)
{
	struct reload *reload = user;
	unsigned done;

	if (reload->step == RELOAD_IDLE) {
		if (reload->is_asked)
			begin_asked(reload);
		return;
	}
	if (reload->why.code != 0) {
		refuse(reload, &reload->why);
		return;
	}
	done = count_parts(reload, true);
	tell(reload, reload->step, done, count_parts(reload, false));
	if (done < count_parts(reload, false))
		return;
	if (reload->step == RELOAD_START)
		enter_step(reload, RELOAD_CONFIG);
	else
		try_commit(reload);
}

/* ---- begin ---- */

/* What comes before the first thing is touched. */
static int look(struct reload *reload, bool is_dry, struct err *err)
{
	const struct roster *now = reload->site.get_roster(reload->site.user);
	int r = load_plan(reload, err);

	if (r < 0)
		return r;
	diff_init(&reload->diff, &now->plan->config, &reload->plan->config);
	if (!is_dry)
		log_changes(reload);
	r = check_fixed(reload, err);
	return r < 0 ? r : check_busy(reload, err);
}

static int begin(struct reload *reload, bool is_dry, struct err *err)
{
	int r;

	reload->began_us = loop_now_us(reload->site.loop);
	r = look(reload, is_dry, err);
	if (is_dry && reload->plan) {
		end(reload, NULL, r < 0 ? err : NULL);
		return 0;
	}
	if (r == 0)
		r = prepare(reload, err);
	if (r < 0)
		refuse(reload, err);
	else
		enter_step(reload, RELOAD_START);
	return 0;
}

int reload_begin(struct reload *reload, bool is_dry, const struct reload_viewer *viewer,
		 struct err *err)
{
	if (reload->is_over)
		return err_set(err, ERR_RELOAD_REFUSED, "the host is stopping");
	if (reload->step != RELOAD_IDLE)
		return err_set(err, ERR_RELOAD_BUSY, "another reload is under way");
	reload->viewer = *viewer;
	return begin(reload, is_dry, err);
}

void reload_leave(struct reload *reload)
{
	reload->viewer = (struct reload_viewer){0};
}

void reload_ask(struct reload *reload)
{
	reload->is_asked = !reload->is_over;
	if (reload->step == RELOAD_IDLE)
		loop_flush_queue(reload->site.loop, &reload->advance);
}

static void on_file_change(void *user)
{
	struct reload *reload = user;

	log_event(reload->site.log, LOG_INFO, "reload.file_changed", "the file is read again",
		  LOG_STR("file", reload->site.source->file));
	reload_ask(reload);
}

void reload_watch(struct reload *reload, bool watch)
{
	const char *file = reload->site.source->file;
	struct err err;

	if (watch == (reload->watch != NULL))
		return;
	watch_stop(reload->watch);
	reload->watch = NULL;
	if (!watch)
		return;
	reload->watch = watch_start(reload->site.loop, file, on_file_change, reload);
	if (reload->watch)
		return;
	err_set_errno(&err, ERR_CONFIG_FILE, errno, "%s can't be watched", file);
	log_event(reload->site.log, LOG_WARN, "reload.watch_failed", err.text,
		  LOG_INT("code", err.code));
}

void reload_stop(struct reload *reload)
{
	struct err err;

	reload->is_over = true;
	reload->is_asked = false;
	if (reload->step == RELOAD_IDLE)
		return;
	err_set(&err, ERR_RELOAD_REFUSED, "the host is stopping");
	refuse(reload, &err);
}

/* ---- life ---- */

struct reload *reload_new(const struct reload_site *site)
{
	struct reload *reload = mem_new(struct reload);

	reload->site = *site;
	loop_flush_init(&reload->advance, on_advance, reload);
	return reload;
}

void reload_free(struct reload *reload)
{
	if (!reload)
		return;
	watch_stop(reload->watch);
	drop(reload);
	forget(reload);
	free(reload);
}
