/* What an instance makes of its health: it hears PONG, logs what changes, and tells its owner, who
 * decides what becomes of it. Owns nothing; health_check.c asks and judges. */
#include "observe/errors.h"
#include "plugin/instance_private.h"

static void explain(const struct instance *instance, struct err *out)
{
	const struct health_report *report = &instance->health_check.report;
	bool is_offline = instance->health_check.health.condition == HEALTH_OFFLINE;

	err_set(out, is_offline ? ERR_PLUGIN_OFFLINE : ERR_PLUGIN_UNHEALTHY, "it is %s: %s%s%s",
		is_offline ? "offline" : "unhealthy",
		report->message[0] ? report->message : "it doesn't say why",
		report->unavailable[0] ? "; it can't reach " : "", report->unavailable);
}

static void log_change(const struct instance *instance, enum health_condition before, int code)
{
	const struct health_check *check = &instance->health_check;
	enum health_condition condition = check->health.condition;

	log_event(instance->log, condition == HEALTH_HEALTHY ? LOG_INFO : LOG_WARN,
		  "instance.health", check->report.message,
		  LOG_STR("plugin", instance->plugin->name), LOG_STR("instance", instance->id),
		  LOG_STR("health", health_condition_name(condition)),
		  LOG_STR("before", health_condition_name(before)),
		  LOG_STR("unavailable", check->report.unavailable), LOG_INT("code", code));
}

static void on_change(void *user, enum health_condition before)
{
	struct instance *instance = user;
	struct err why = {0};

	if (instance->health_check.health.condition >= HEALTH_UNHEALTHY)
		explain(instance, &why);
	log_change(instance, before, why.code);
	instance->ops->on_health(instance->user, instance, &why);
}

static void on_answered(void *user)
{
	struct instance *instance = user;

	instance->ops->on_answered(instance->user, instance);
}

void instance_ask(struct instance *instance)
{
	health_check_ask(&instance->health_check);
}

bool instance_has_answered(const struct instance *instance)
{
	return instance->health_check.has_answered;
}

void instance_health_init(struct instance *instance)
{
	health_check_init(&instance->health_check, instance->loop, &instance->channel,
			  &instance->plugin->health_check);
	instance->health_check.on_change = on_change;
	instance->health_check.on_answered = on_answered;
	instance->health_check.user = instance;
	instance->health_check.redactor = secrets_redactor(instance->secrets);
}

void instance_apply(struct instance *instance)
{
	if (instance->state != INSTANCE_READY)
		return;
	health_check_stop(&instance->health_check);
	health_check_start(&instance->health_check);
}

void instance_take_pong(struct instance *instance, struct wire_bytes body)
{
	struct err err;

	if (health_check_take(&instance->health_check, body, &err) < 0)
		instance_fail(instance, &err);
}

enum health_condition instance_health(const struct instance *instance)
{
	return instance->health_check.health.condition;
}

const struct health_report *instance_health_report(const struct instance *instance)
{
	return &instance->health_check.report;
}
