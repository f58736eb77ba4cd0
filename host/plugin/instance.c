/* One child process with its channel, from start to end.
 *
 *   NEW ──start──▶ GREETING ──WELCOME──▶ PREPARING ──READY──▶ READY ──drain──▶ DRAINING
 *    │            (waits for              (waits for          (serves)         (waits for the last
 *    │             WELCOME)                READY)                │              answers and BYE)
 *    │                └──────────┬────────────┘                  │                  │
 *    │                           ▼                               ▼                  │
 *    └─cannot start─▶ DEAD ◀──process ended── STOPPING ◀──rule broken, time out, BYE┘
 *                                            (waits for the end of the process)
 *
 * Owns the process, the channel, the calls of both directions and what it reads from standard
 * error. Its owner is the pool. What the plugin says is taken in instance_frames.c; whatever it
 * does wrong ends in instance_fail(), which harms this instance alone. Every wait has a timer: the
 * handshake's, the drain's, or the kill ladder of the process. */
#include "plugin/instance.h"

#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "observe/errors.h"
#include "plugin/instance_private.h"

#define KILL_AFTER_TERM_MS 2000

/* What a plugin has to end what it was told to, when its time to drain is over. */
#define CANCELLED_GRACE_MS 1000

void instance_move(struct instance *instance, enum instance_state next)
{
	assert(rules_may_move(instance->state, next));
	log_event(instance->log, LOG_DEBUG, "instance.state", rules_state_name(next),
		  LOG_STR("plugin", instance->plugin->name), LOG_STR("instance", instance->id),
		  LOG_STR("from", rules_state_name(instance->state)));
	instance->state = next;
	instance->since_ms = loop_now_ms(instance->loop);
	loop_timer_stop(&instance->timer);
	if (next > INSTANCE_DRAINING)
		loop_timer_stop(&instance->patience);
	if (next > INSTANCE_READY)
		health_check_stop(&instance->health_check);
}

/* It may quote what the plugin said. */
static void keep_reason(struct instance *instance, const struct err *err)
{
	if (instance->why.code != 0)
		return;
	instance->why = *err;
	redact_err(secrets_redactor(instance->secrets), &instance->why);
}

static void break_calls(struct instance *instance)
{
	struct call_break why = {.kind = CALL_GONE, .reason = str_from(instance->why.text)};

	instance->ops->on_fenced(instance->user, instance);
	if (!instance->greeted)
		return;
	outgoing_list_lost(&instance->calls.outgoing, &instance->lost);
	outgoing_break_all(&instance->calls.outgoing, &why);
	state_port_break(&instance->state_port, &instance->why);
}

void instance_stop(struct instance *instance, const struct err *err, int64_t term_after_ms)
{
	if (instance->state >= INSTANCE_STOPPING)
		return;
	keep_reason(instance, err);
	instance_move(instance, INSTANCE_STOPPING);
	channel_close(&instance->channel);
	process_stop(instance->process, term_after_ms, KILL_AFTER_TERM_MS);
	break_calls(instance);
}

void instance_fail(struct instance *instance, const struct err *err)
{
	struct err told = *err;

	if (instance->state >= INSTANCE_STOPPING)
		return;
	redact_err(secrets_redactor(instance->secrets), &told);
	log_event(instance->log, LOG_WARN, "instance.failed", told.text,
		  LOG_STR("plugin", instance->plugin->name), LOG_STR("instance", instance->id),
		  LOG_INT("code", told.code), LOG_STR("state", rules_state_name(instance->state)));
	instance_stop(instance, &told, 0);
}

/* ---- the channel ---- */

static void on_frame(void *user, const struct frame *frame)
{
	instance_take_frame(user, frame);
}

/* The end of its output is a rule broken, or the first we hear of its death: then the exit that
 * follows at once has the better reason. The ladder begins either way. */
static void on_broken(void *user, const struct err *err)
{
	struct instance *instance = user;

	if (err->code != ERR_PLUGIN_GONE) {
		instance_fail(instance, err);
		return;
	}
	instance_stop(instance, err, INSTANCE_TERM_AFTER_BYE_MS);
}

static void on_room(void *user)
{
	struct instance *instance = user;

	if (instance->greeted)
		outgoing_on_room(&instance->calls.outgoing);
}

static const struct channel_ops channel_ops = {on_frame, on_broken, on_room};

/* ---- life ---- */

/* Its time to drain is over. Clients hear of it now; the plugin is told to stop working for them,
 * and may still end well. */
static void cancel_the_rest(struct instance *instance, const struct err *err)
{
	struct call_break why = {.kind = CALL_GONE, .reason = str_from(err->text)};

	instance->is_out_of_time = true;
	log_event(instance->log, LOG_WARN, "instance.drain_timeout", err->text,
		  LOG_STR("plugin", instance->plugin->name), LOG_STR("instance", instance->id),
		  LOG_INT("calls", instance_live_calls(instance)));
	keep_reason(instance, err);
	outgoing_cancel_all(&instance->calls.outgoing, &why, loop_now_ms(instance->loop));
	loop_timer_start(&instance->timer, CANCELLED_GRACE_MS);
}

static void on_drain_over(struct instance *instance)
{
	struct err err;

	err_set(&err, ERR_PLUGIN_TIMEOUT, "was still busy at the end of its drain timeout");
	if (instance->is_out_of_time)
		instance_stop(instance, &err, 0);
	else
		cancel_the_rest(instance, &err);
}

static void on_timer(void *user)
{
	struct instance *instance = user;
	struct err err;

	if (instance->state == INSTANCE_DRAINING) {
		on_drain_over(instance);
		return;
	}
	err_set(&err, ERR_PLUGIN_HANDSHAKE, "no %s within %" PRId64 " ms",
		instance->state == INSTANCE_GREETING ? "WELCOME" : "READY",
		instance->plugin->handshake_timeout_ms);
	instance_fail(instance, &err);
}

/* Why it is dead. The first rule that it broke, if it broke one; else how its process ended. */
static void settle_reason(struct instance *instance, const struct process_end *end)
{
	bool lived_on = instance->why.code == ERR_PLUGIN_GONE && end->by_host && end->by_signal;

	if (instance->why.code != 0 && instance->why.code != ERR_PLUGIN_GONE)
		return;
	if (lived_on)
		err_prefix(&instance->why, "%s, because", end->text);
	else
		err_set(&instance->why, ERR_PLUGIN_GONE, "%s", end->text);
}

/* What it said before it ended still counts: its last answers may be in the pipe. */
static void on_process_end(void *user, const struct process_end *end)
{
	struct instance *instance = user;
	bool unfenced;

	channel_read_rest(&instance->channel);
	settle_reason(instance, end);
	unfenced = instance->state < INSTANCE_STOPPING;
	channel_close(&instance->channel);
	instance->end = *end;
	instance->has_ended = true;
	instance_move(instance, INSTANCE_DEAD);
	if (unfenced)
		break_calls(instance);
	textlog_close(&instance->textlog);
	process_free(instance->process);
	instance->process = NULL;
	instance->ops->on_dead(instance->user, instance, &instance->why);
}

static void on_violation(void *user, const char *call)
{
	const struct instance *instance = user;

	log_event(instance->log, LOG_WARN, "sandbox.violation",
		  "made a system call that its sandbox does not allow, which was refused",
		  LOG_STR("plugin", instance->plugin->name), LOG_STR("instance", instance->id),
		  LOG_STR("call", call), LOG_INT("code", ERR_SANDBOX_VIOLATION));
}

static struct handshake_limits host_limits(const struct plugin_opts *plugin)
{
	struct handshake_limits limits = handshake_default_limits();

	limits.max_calls = INCOMING_MAX_CALLS;
	limits.max_message_bytes = (uint32_t)plugin->max_message_bytes;
	return limits;
}

struct instance *instance_new(const struct instance_opts *opts)
{
	struct instance *instance = mem_new(struct instance);

	instance->loop = opts->loop;
	instance->log = opts->log;
	instance->spawner = opts->spawner;
	instance->groups = opts->groups;
	instance->plugin = opts->plugin;
	instance->image = opts->image;
	instance->cage = opts->cage;
	instance->secrets = secrets_hold(opts->secrets);
	instance->host_version = opts->host_version;
	instance->generation = opts->generation;
	instance->number = opts->number;
	instance->waits = opts->waits;
	instance->ops = opts->ops;
	instance->user = opts->user;
	instance->id = mem_printf("%s/%u/%u", opts->plugin->name, opts->generation, opts->number);
	instance->channel.read_fd = -1;
	instance->textlog = (struct textlog){
		.fd = -1,
		.log = opts->log,
		.plugin = opts->plugin->name,
		.instance = instance->id,
		.redactor = secrets_redactor(opts->secrets),
	};
	instance->limits = host_limits(opts->plugin);
	loop_timer_init(&instance->timer, opts->loop, on_timer, instance);
	instance_calls_init(instance);
	instance_health_init(instance);
	return instance;
}

static void greet(struct instance *instance)
{
	struct handshake_hello hello = {
		.host_version = instance->host_version,
		.plugin_name = instance->plugin->name,
		.instance_id = instance->id,
		.generation = instance->generation,
		.limits = instance->limits,
		.config = instance->plugin->config,
		.config_len = instance->plugin->config_len,
		.secrets = instance->secrets,
	};

	channel_send_sealed(&instance->channel, handshake_seal_hello(&hello));
	channel_note(&instance->channel, WIRE_HELLO, 0, CHANNEL_NO_PAYLOAD);
	loop_timer_start(&instance->timer, instance->plugin->handshake_timeout_ms);
}

int instance_start(struct instance *instance, struct err *err)
{
	struct process_opts opts = {
		.spawner = instance->spawner,
		.groups = instance->groups,
		.name = instance->plugin->name,
		.image = instance->image,
		.args = instance->plugin->args,
		.env = instance->plugin->env,
		.work_dir = instance->plugin->work_dir,
		.transport = instance->plugin->transport,
		.pipe_bytes = instance->plugin->pipe_bytes,
		.cage = instance->cage,
		.on_exit = on_process_end,
		.on_violation = on_violation,
		.user = instance,
	};
	struct process_fds fds;
	int r;

	instance->started_us = clock_mono_us();
	r = process_start(instance->loop, &opts, &instance->process, &fds, err);
	if (r < 0) {
		instance_move(instance, INSTANCE_DEAD);
		return r;
	}
	channel_open(&instance->channel,
		     &(struct channel_opts){instance->loop, fds.read_fd, fds.write_fd,
					    instance->limits.max_frame_bytes,
					    instance->plugin->record_payloads},
		     &channel_ops, instance);
	textlog_open(&instance->textlog, instance->loop, fds.stderr_fd);
	instance->pid = process_pid(instance->process);
	instance_move(instance, INSTANCE_GREETING);
	log_event(instance->log, LOG_DEBUG, "instance.started", "waits for its handshake",
		  LOG_STR("plugin", instance->plugin->name), LOG_STR("instance", instance->id),
		  LOG_INT("pid", process_pid(instance->process)));
	greet(instance);
	return 0;
}

const struct cage_report *instance_cage_report(const struct instance *instance)
{
	return instance->process ? process_cage_report(instance->process) : NULL;
}

void instance_drain(struct instance *instance, int64_t grace_ms)
{
	struct err err;

	if (instance->state == INSTANCE_READY) {
		instance_move(instance, INSTANCE_DRAINING);
		loop_timer_start(&instance->timer, grace_ms);
		handshake_put_drain(channel_queue(&instance->channel), (uint32_t)grace_ms);
		channel_note(&instance->channel, WIRE_DRAIN, 0, CHANNEL_NO_PAYLOAD);
		channel_queued(&instance->channel);
		instance->ops->on_fenced(instance->user, instance);
	} else if (instance->state == INSTANCE_GREETING || instance->state == INSTANCE_PREPARING) {
		err_set(&err, ERR_PLUGIN_GONE, "stopped before it was ready");
		instance_stop(instance, &err, 0);
	}
}

void instance_retire(struct instance *instance, const struct err *why, int64_t grace_ms)
{
	keep_reason(instance, why);
	instance_drain(instance, grace_ms);
}

void instance_free(struct instance *instance)
{
	if (!instance)
		return;
	loop_timer_stop(&instance->timer);
	loop_timer_stop(&instance->patience);
	health_check_stop(&instance->health_check);
	channel_close(&instance->channel);
	channel_deinit(&instance->channel);
	textlog_close(&instance->textlog);
	textlog_deinit(&instance->textlog);
	process_free(instance->process);
	if (instance->greeted)
		calls_deinit(&instance->calls);
	state_port_deinit(&instance->state_port);
	manifest_release(instance->manifest);
	secrets_release(instance->secrets);
	free(instance->id);
	free(instance);
}

/* ---- facts ---- */

enum instance_state instance_state(const struct instance *instance)
{
	return instance->state;
}

const char *instance_id(const struct instance *instance)
{
	return instance->id;
}

unsigned instance_number(const struct instance *instance)
{
	return instance->number;
}

struct manifest *instance_manifest(const struct instance *instance)
{
	return instance->manifest;
}

uint32_t instance_live_calls(const struct instance *instance)
{
	return instance->greeted ? outgoing_live(&instance->calls.outgoing) : 0;
}

uint64_t instance_total_calls(const struct instance *instance)
{
	return instance->greeted ? instance->calls.outgoing.started : 0;
}

pid_t instance_pid(const struct instance *instance)
{
	return instance->process ? process_pid(instance->process) : 0;
}

int64_t instance_since_ms(const struct instance *instance)
{
	return instance->since_ms;
}

int64_t instance_start_us(const struct instance *instance)
{
	return instance->start_us;
}

bool instance_said_bye(const struct instance *instance)
{
	return instance->said_bye;
}

const struct process_end *instance_end(const struct instance *instance)
{
	return instance->has_ended ? &instance->end : NULL;
}

static bool is_sent_by_others(int signum)
{
	static const int sent[] = {SIGKILL, SIGTERM, SIGINT, SIGHUP, SIGQUIT};

	for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
		if (signum == sent[i])
			return true;
	}
	return false;
}

bool instance_is_to_blame(const struct instance *instance, const struct err *why)
{
	const struct process_end *end = &instance->end;

	if (error_is_protocol(why->code))
		return true;
	if (end->by_host || end->status < 0)
		return false;
	return !end->by_signal || !is_sent_by_others(end->status);
}
