/* What the host shows of itself: status, plugins, instances, routes. Reads the rooms through their
 * accessors and builds JSON; owns nothing, changes nothing. Called by the commands. */
#include "admin/views.h"

#include <string.h>
#include <unistd.h>

#include "admin/usage.h"
#include "base/fd.h"
#include "base/member.h"
#include "observe/errors.h"
#include "plugin/pool.h"
#include "trust/digest.h"
#include "trust/exec.h"

#define HTTP_SERVICE "plugd.http.v1.Http"
#define HTTP_METHOD  "Handle"

/* ---- how a plugin is doing ---- */

enum plugin_condition plugin_condition_of(const struct target *target)
{
	const struct pool *pool = target->pool;
	const struct err *down;
	unsigned ready;

	if (!target->plugin->enabled)
		return PLUGIN_DISABLED;
	if (!pool)
		return PLUGIN_STOPPED;
	if (pool_is_draining(pool))
		return PLUGIN_DRAINING;
	if (pool_is_asleep(pool))
		return PLUGIN_ASLEEP;
	ready = pool_ready_count(pool);
	if (ready > 0 && pool_healthy_count(pool) == 0)
		return PLUGIN_DEGRADED;
	if (ready > 0)
		return ready < pool_slot_count(pool) ? PLUGIN_SHORT : PLUGIN_SERVING;
	if (pool_forbidden(pool))
		return PLUGIN_REVOKED;
	down = pool_down_reason(pool);
	if (down)
		return down->code == ERR_PLUGIN_CRASH_LOOP ? PLUGIN_FAILED : PLUGIN_ENDED;
	return pool_last_failure(pool)->code ? PLUGIN_FAILING : PLUGIN_STARTING;
}

const char *plugin_condition_name(enum plugin_condition condition)
{
	switch (condition) {
	case PLUGIN_DISABLED:
		return "disabled";
	case PLUGIN_STOPPED:
		return "stopped";
	case PLUGIN_DRAINING:
		return "draining";
	case PLUGIN_ASLEEP:
		return "asleep";
	case PLUGIN_SERVING:
		return "serving";
	case PLUGIN_SHORT:
		return "short of instances";
	case PLUGIN_DEGRADED:
		return "degraded";
	case PLUGIN_FAILED:
		return "failed";
	case PLUGIN_REVOKED:
		return "revoked";
	case PLUGIN_ENDED:
		return "ended";
	case PLUGIN_FAILING:
		return "failing";
	case PLUGIN_STARTING:
		return "starting";
	}
	return "";
}

/* ---- pieces ---- */

static json_t *texts_json(const char *const *texts)
{
	json_t *list = json_array();

	for (size_t i = 0; texts && texts[i]; i++)
		json_array_append_new(list, text_json(str_from(texts[i])));
	return list;
}

/* null for "none". */
static json_t *err_json(const struct err *err)
{
	const struct error_row *row = error_find(err->code);
	json_t *object;

	if (err->code == 0)
		return json_null();
	object = json_object();
	member_int(object, "code", err->code);
	member_text(object, "name", row ? row->name : "");
	member_text(object, "message", err->text);
	return object;
}

static json_t *method_json(const struct manifest_method *method)
{
	json_t *object = json_object();

	member_text(object, "name", method->name);
	member_int(object, "number", method->number);
	member_text(object, "codec", manifest_codec_name(method->codec));
	member_bool(object, "client_streams", method->client_streams);
	member_bool(object, "server_streams", method->server_streams);
	member_bool(object, "idempotent", method->idempotent);
	member_text(object, "input_type", method->input_type);
	member_text(object, "output_type", method->output_type);
	return object;
}

static json_t *service_json(const struct manifest_service *service)
{
	json_t *object = json_object();
	json_t *methods = json_array();

	for (size_t i = 0; i < service->method_count; i++)
		json_array_append_new(methods, method_json(&service->methods[i]));
	member_text(object, "name", service->name);
	member_text(object, "version", service->version);
	member_json(object, "methods", methods);
	return object;
}

static json_t *formats_json(const struct manifest_formats *formats)
{
	json_t *list = json_array();

	for (size_t i = 0; formats && i < formats->count; i++)
		json_array_append_new(list, json_integer(formats->versions[i]));
	return list;
}

void view_manifest(json_t *object, const struct manifest *manifest)
{
	json_t *services = json_array();

	for (size_t i = 0; manifest && i < manifest->service_count; i++)
		json_array_append_new(services, service_json(&manifest->services[i]));
	member_text(object, "calls_itself", manifest ? manifest->plugin_name : NULL);
	member_text(object, "version", manifest ? manifest->plugin_version : NULL);
	member_text(object, "sdk", manifest ? manifest->sdk : NULL);
	member_json(object, "services", services);
	member_json(object, "state_exports",
		    formats_json(manifest ? &manifest->state_exports : NULL));
	member_json(object, "state_imports",
		    formats_json(manifest ? &manifest->state_imports : NULL));
}

static void put_digest(json_t *object, const struct exec_image *image)
{
	char text[DIGEST_TEXT];

	member_text(object, "hash", image ? digest_format(text, &image->file.digest) : NULL);
}

static json_t *outcomes_json(const struct target *target)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < OUTCOME_COUNT; i++) {
		if (target->outcomes[i] > 0)
			member_int(object, outcome_row((enum outcome)i)->name,
				   (int64_t)target->outcomes[i]);
	}
	return object;
}

/* ---- plugins ---- */

static void put_options(json_t *object, const struct plugin_opts *plugin)
{
	member_text(object, "name", plugin->name);
	member_bool(object, "enabled", plugin->enabled);
	member_text(object, "executable", plugin->executable);
	member_bool(object, "expose", plugin->expose);
	member_int(object, "instances_configured", plugin->instances);
}

static void put_pool(json_t *object, const struct pool *pool)
{
	static const struct err none;

	member_int(object, "generation", pool ? pool_generation(pool) : 0);
	member_int(object, "instances_ready", pool ? pool_ready_count(pool) : 0);
	member_int(object, "instances_healthy", pool ? pool_healthy_count(pool) : 0);
	member_int(object, "calls_total", pool ? (int64_t)pool_total_calls(pool) : 0);
	member_int(object, "restarts", pool ? (int64_t)pool_restarts(pool) : 0);
	member_json(object, "last_failure", err_json(pool ? pool_last_failure(pool) : &none));
	put_digest(object, pool ? pool_image(pool) : NULL);
	view_manifest(object, pool ? pool_manifest(pool) : NULL);
}

static void put_breaker(json_t *object, const struct breaker *breaker, int64_t now_ms)
{
	struct breaker_count count = breaker_count(breaker, now_ms);
	json_t *shown = json_object();

	member_text(shown, "state",
		    breaker->opts->enabled ? breaker_state_name(breaker->state) : "off");
	member_int(shown, "left_ms", breaker_left_ms(breaker, now_ms));
	member_int(shown, "failures", count.failures);
	member_int(shown, "calls", count.calls);
	member_int(shown, "openings", (int64_t)breaker->openings);
	member_json(object, "breaker", shown);
}

static json_t *plugin_json(const struct office *office, size_t index)
{
	const struct target *target = office->targets[index];
	const struct target *stand_in = office->stand_ins ? office->stand_ins[index] : NULL;
	json_t *object = json_object();

	put_options(object, target->plugin);
	member_text(object, "state", plugin_condition_name(plugin_condition_of(target)));
	put_pool(object, target->pool);
	member_text(object, "swap_step", office->ops->get_swap_step(office->user, target));
	member_int(object, "calls_running", target->limit.running);
	member_int(object, "concurrency", target->limit.max_running);
	member_int(object, "concurrency_configured", target->plugin->concurrency);
	member_bool(object, "concurrency_is_adaptive", target->plugin->adaptive_concurrency);
	member_int(object, "calls_waiting", target->limit.waiting);
	put_breaker(object, &target->breaker, loop_now_ms(office->loop));
	member_int(object, "retries", (int64_t)target->retries);
	member_int(object, "resends", (int64_t)target->resends);
	member_text(object, "on_unavailable", stand_in ? stand_in->plugin->name : "fail");
	member_int(object, "stood_in", (int64_t)target->stood_in);
	member_json(object, "outcomes", outcomes_json(target));
	return object;
}

json_t *view_plugins(const struct office *office, const struct target *only)
{
	json_t *list = json_array();

	for (size_t i = 0; i < office->target_count; i++) {
		if (!only || office->targets[i] == only)
			json_array_append_new(list, plugin_json(office, i));
	}
	return list;
}

/* ---- instances ---- */

/* null where nothing is known: of a process that isn't ready, or is dead. */
static void put_health(json_t *object, const struct instance *instance)
{
	const struct health_report *report = instance_health_report(instance);
	bool is_known = instance_state(instance) == INSTANCE_READY;

	member_text(object, "health",
		    is_known ? health_condition_name(instance_health(instance)) : NULL);
	member_text(object, "health_message", is_known ? report->message : NULL);
	member_text(object, "unavailable", is_known ? report->unavailable : NULL);
}

static json_t *instance_json(const struct office *office, const struct instance *instance)
{
	json_t *object = json_object();

	member_text(object, "id", instance_id(instance));
	member_int(object, "pid", instance_pid(instance));
	member_text(object, "state", rules_state_name(instance_state(instance)));
	put_health(object, instance);
	member_int(object, "for_ms", loop_now_ms(office->loop) - instance_since_ms(instance));
	member_int(object, "calls_live", instance_live_calls(instance));
	member_int(object, "calls_total", (int64_t)instance_total_calls(instance));
	member_int(object, "start_us", instance_start_us(instance));
	member_int(object, "rss_bytes",
		   instance_pid(instance) ? usage_rss_bytes(instance_pid(instance)) : -1);
	return object;
}

static const char *slot_state_name(enum slot_state state)
{
	switch (state) {
	case SLOT_OCCUPIED:
		return "";
	case SLOT_WAITING:
		return "waiting for its next start";
	case SLOT_ASLEEP:
		return "asleep";
	case SLOT_DOWN:
		return "down";
	}
	return "";
}

static json_t *empty_slot_json(const struct pool *pool, unsigned slot)
{
	const struct err *reason = pool_slot_reason(pool, slot);
	json_t *object = json_object();

	member_text(object, "id", NULL);
	member_text(object, "state", slot_state_name(pool_slot_state(pool, slot)));
	member_json(object, "reason", reason ? err_json(reason) : json_null());
	return object;
}

static void list_instances(json_t *list, const struct office *office, const struct target *target)
{
	unsigned count = target->pool ? pool_slot_count(target->pool) : 0;

	for (unsigned i = 0; i < count; i++) {
		const struct instance *instance = pool_slot(target->pool, i);
		json_t *object = instance ? instance_json(office, instance)
					  : empty_slot_json(target->pool, i);

		member_text(object, "plugin", target->plugin->name);
		json_array_append_new(list, object);
	}
}

json_t *view_instances(const struct office *office, const struct target *only)
{
	json_t *list = json_array();

	for (size_t i = 0; i < office->target_count; i++) {
		if (!only || office->targets[i] == only)
			list_instances(list, office, office->targets[i]);
	}
	return list;
}

/* ---- routes ---- */

static struct str before_slash(const char *rpc)
{
	return (struct str){rpc, strcspn(rpc, "/")};
}

/* 0, or *why says what a request to this route would meet. */
static int resolve_route(const struct office *office, const struct route_opts *route,
			 struct err *why)
{
	struct target *target = office_find_target(office, route->plugin);
	struct str service = STR_LITERAL(HTTP_SERVICE);
	struct str method = STR_LITERAL(HTTP_METHOD);
	struct service_method found;

	if (!target || !target->plugin->enabled)
		return err_set(why, ERR_PLUGIN_UNAVAILABLE, "the plugin %s is not enabled",
			       route->plugin);
	if (route->rpc) {
		service = before_slash(route->rpc);
		method = str_from(route->rpc + service.len + (route->rpc[service.len] == '/'));
	}
	return registry_find_in(office->registry, target, service, method, &found, why);
}

static json_t *route_json(const struct office *office, const struct route_opts *route)
{
	const char *files = route->files.directory;
	json_t *object = json_object();
	struct err why = {0};
	bool is_resolved = files || resolve_route(office, route, &why) == 0;
	const char *method = route->rpc ? route->rpc : HTTP_SERVICE "/" HTTP_METHOD;

	member_json(object, "methods", texts_json((const char *const *)route->methods));
	member_text(object, "path", route->path);
	member_text(object, "plugin", route->plugin);
	member_text(object, "target", files ? files : method);
	member_bool(object, "resolved", is_resolved);
	member_text(object, "why_not", is_resolved ? NULL : why.text);
	return object;
}

json_t *view_routes(const struct office *office)
{
	json_t *list = json_array();

	for (size_t i = 0; i < office->edge->route_count; i++)
		json_array_append_new(list, route_json(office, &office->edge->routes[i]));
	return list;
}

/* ---- status ---- */

static json_t *plugin_counts_json(const struct office *office)
{
	unsigned counts[PLUGIN_STARTING + 1] = {0};
	json_t *object = json_object();

	for (size_t i = 0; i < office->target_count; i++)
		counts[plugin_condition_of(office->targets[i])]++;
	for (unsigned i = 0; i <= PLUGIN_STARTING; i++) {
		if (counts[i] > 0)
			member_int(object, plugin_condition_name((enum plugin_condition)i),
				   counts[i]);
	}
	return object;
}

static json_t *rights_json(const struct office_facts *facts)
{
	json_t *object = json_object();

	member_int(object, "uid", geteuid());
	member_int(object, "gid", getegid());
	member_bool(object, "dropped", facts->has_dropped);
	member_bool(object, "no_new_privs", facts->is_final);
	member_text(object, "spawner", facts->spawner);
	return object;
}

json_t *view_status(const struct office *office)
{
	struct office_facts facts = {0};
	json_t *object = json_object();

	office->get_facts(office->user, &facts);
	member_text(object, "version", office->version);
	member_int(object, "pid", getpid());
	member_bool(object, "ready", facts.is_ready);
	member_int(object, "uptime_ms", loop_now_ms(office->loop) - office->started_ms);
	member_json(object, "listeners", texts_json(facts.listeners));
	member_int(object, "connections", facts.connections);
	member_int(object, "calls_open", dispatch_open_count(office->dispatch));
	member_json(object, "plugins", plugin_counts_json(office));
	member_json(object, "rights", rights_json(&facts));
	member_int(object, "rss_bytes", usage_rss_bytes(0));
	member_int(object, "descriptors", fd_count());
	member_int(object, "log_lines_lost", (int64_t)log_lost(office->log));
	return object;
}
