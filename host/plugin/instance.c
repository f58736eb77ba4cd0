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
 * error. Its owner is the pool. A frame is first held against rules.c; whatever a plugin does wrong
 * ends in instance_fail(), which harms this instance alone. Every wait has a timer: the
 * handshake's, the drain's, or the kill ladder of the process. */
#include "plugin/instance.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "observe/errors.h"
#include "plugin/calls.h"
#include "plugin/channel.h"
#include "plugin/process.h"
#include "plugin/textlog.h"
#include "proto/plugd.pb-c.h"

/* The kill ladder after the plugin's input was closed: patience for a plugin that said BYE, none
 * for one that broke a rule. */
#define TERM_AFTER_BYE_MS  2000
#define KILL_AFTER_TERM_MS 2000

#define FAILED_REASON_BYTES 320

struct instance {
	struct loop *loop;
	struct log *log;
	const struct plugin_opts *plugin;
	struct exec_image *image;
	const char *host_version;
	uint32_t generation;
	unsigned number;
	const struct instance_ops *ops;
	void *user;
	char *id;

	enum instance_state state;
	int64_t since_ms;
	int64_t started_us;
	int64_t start_us;	 /* start to READY */
	struct loop_timer timer; /* of the state's deadline */
	struct err why;		 /* the first reason for its end; code 0: none yet */

	struct process *process;
	struct process_end end; /* once it is reaped */
	bool has_ended;
	bool said_bye;
	struct channel channel;
	struct textlog textlog;
	struct handshake_limits limits; /* ours, in HELLO */
	struct calls calls;		/* from WELCOME on */
	bool greeted;			/* WELCOME has come: calls is there */
	uint32_t features;
	struct manifest *manifest; /* NULL before WELCOME */
};

static void instance_move(struct instance *instance, enum instance_state next)
{
	assert(rules_may_move(instance->state, next));
	log_event(instance->log, LOG_DEBUG, "instance.state", rules_state_name(next),
		  LOG_STR("plugin", instance->plugin->name), LOG_STR("instance", instance->id),
		  LOG_STR("from", rules_state_name(instance->state)));
	instance->state = next;
	instance->since_ms = loop_now_ms(instance->loop);
	loop_timer_stop(&instance->timer);
}

static void keep_reason(struct instance *instance, const struct err *err)
{
	if (instance->why.code == 0)
		instance->why = *err;
}

static void break_calls(struct instance *instance)
{
	struct call_break why = {.kind = CALL_GONE, .reason = str_from(instance->why.text)};

	instance->ops->on_fenced(instance->user, instance);
	if (instance->greeted)
		outgoing_break_all(&instance->calls.outgoing, &why);
}

/* The one way out of every living state: no more frames, no more calls, then the ladder. */
static void stop(struct instance *instance, const struct err *err, int64_t term_after_ms)
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
	if (instance->state >= INSTANCE_STOPPING)
		return;
	log_event(instance->log, LOG_WARN, "instance.failed", err->text,
		  LOG_STR("plugin", instance->plugin->name), LOG_STR("instance", instance->id),
		  LOG_INT("code", err->code), LOG_STR("state", rules_state_name(instance->state)));
	stop(instance, err, 0);
}

/* ---- frames ---- */

static void on_request(void *user, const struct wire_request *request)
{
	struct instance *instance = user;
	const struct manifest_requirement *row =
		manifest_find_requirement(instance->manifest, request->method);
	struct err err;

	if (!row) {
		err_set(&err, ERR_PROTOCOL_CALL,
			"it calls number %u, which its manifest does not require", request->method);
		instance_fail(instance, &err);
		return;
	}
	instance->ops->on_call(instance->user, instance, row, request);
}

static void take_welcome(struct instance *instance, struct wire_bytes body)
{
	struct handshake_welcome welcome;
	struct err err;

	if (handshake_take_welcome(body, &welcome, &err) < 0) {
		instance_fail(instance, &err);
		return;
	}
	instance->manifest = welcome.manifest;
	instance->features = welcome.features;
	if (!instance->ops->on_manifest(instance->user, instance, &err)) {
		instance_fail(instance, &err);
		return;
	}
	calls_init(&instance->calls, &instance->channel, &instance->limits, &welcome.limits);
	instance->calls.incoming.on_request = on_request;
	instance->calls.incoming.user = instance;
	instance->greeted = true;
	instance_move(instance, INSTANCE_PREPARING);
	loop_timer_start(&instance->timer, instance->plugin->handshake_timeout_ms);
	handshake_put_start(channel_queue(&instance->channel));
	channel_queued(&instance->channel);
}

static void take_ready(struct instance *instance, struct wire_bytes body)
{
	instance_move(instance, INSTANCE_READY);
	instance->start_us = clock_mono_us() - instance->started_us;
	log_event(instance->log, LOG_INFO, "instance.ready", "serves calls",
		  LOG_STR("plugin", instance->plugin->name), LOG_STR("instance", instance->id),
		  LOG_INT("pid", process_pid(instance->process)),
		  LOG_STR("version", instance->manifest->plugin_version),
		  LOG_INT("start_us", instance->start_us));
	instance->ops->on_ready(instance->user, instance);
}

static void take_failed(struct instance *instance, struct wire_bytes body)
{
	char reason[FAILED_REASON_BYTES];
	struct err err;

	handshake_take_failed(body, reason, sizeof(reason));
	err_set(&err, ERR_PLUGIN_FAILED, "it says that it can't work: %s",
		reason[0] ? reason : "(no reason given)");
	instance_fail(instance, &err);
}

static void take_bye(struct instance *instance, struct wire_bytes body)
{
	struct err err;

	instance->said_bye = true;
	err_set(&err, ERR_PLUGIN_GONE, "drained");
	stop(instance, &err, TERM_AFTER_BYE_MS);
}

static enum log_level level_of(Plugd__V1__LogLevel level)
{
	if (level <= PLUGD__V1__LOG_LEVEL__DEBUG)
		return LOG_DEBUG;
	if (level == PLUGD__V1__LOG_LEVEL__INFO)
		return LOG_INFO;
	return level == PLUGD__V1__LOG_LEVEL__WARN ? LOG_WARN : LOG_ERROR;
}

/* Fields of the plugin's own follow those of the host, as many as a record of ours has room for. */
#define LOG_FIELDS_MAX 16

/* A plugin's field never passes for one of the host's: where a name comes twice, readers take the
 * last. The log replaces what isn't a letter, digit, '.', '-' or '_', so no other spelling of these
 * becomes one of them. */
static const char *own_field_name(const char *name)
{
	static const struct {
		const char *name;
		const char *instead;
	} taken[] = {{"ts", "ts_"},	    {"level", "level_"},
		     {"event", "event_"},   {"msg", "msg_"},
		     {"plugin", "plugin_"}, {"instance", "instance_"},
		     {"call", "call_"},	    {"", "_"}};

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		if (strcmp(taken[i].name, name) == 0)
			return taken[i].instead;
	}
	return name;
}

static void take_log(struct instance *instance, struct wire_bytes body)
{
	Plugd__V1__Log *log = plugd__v1__log__unpack(NULL, body.len, body.data);
	struct log_field fields[3 + LOG_FIELDS_MAX + 1] = {
		LOG_STR("plugin", instance->plugin->name), LOG_STR("instance", instance->id)};
	size_t n = 2;
	struct err err;

	if (!log) {
		err_set(&err, ERR_PROTOCOL_FRAME, "its LOG is not a valid message");
		instance_fail(instance, &err);
		return;
	}
	if (log->call_id)
		fields[n++] = LOG_INT("call", log->call_id);
	for (size_t i = 0; i < log->n_fields && i < LOG_FIELDS_MAX; i++)
		fields[n++] = LOG_STR(own_field_name(log->fields[i]->name), log->fields[i]->value);
	fields[n] = (struct log_field){LOG_FIELD_END};
	if (log_is_on(instance->log, level_of(log->level)))
		log_write(instance->log, level_of(log->level), "plugin.log", str_from(log->message),
			  fields);
	plugd__v1__log__free_unpacked(log, NULL);
}

static void take_call_frame(struct instance *instance, const struct frame *frame)
{
	struct err err;

	if (calls_on_frame(&instance->calls, frame, &err) < 0)
		instance_fail(instance, &err);
}

static void refuse_frame(struct instance *instance, enum wire_kind kind)
{
	struct err err;

	err_set(&err, ERR_PROTOCOL_STATE, "it sent %s, which is not allowed while %s",
		frame_kind_name(kind), rules_state_name(instance->state));
	instance_fail(instance, &err);
}

/* By kind; NULL: PONG that nobody asked for, since health is not judged here. */
typedef void take_fn(struct instance *instance, struct wire_bytes body);

static take_fn *const takers[WIRE_KIND_END] = {
	[WIRE_WELCOME] = take_welcome, [WIRE_READY] = take_ready, [WIRE_FAILED] = take_failed,
	[WIRE_BYE] = take_bye,	       [WIRE_LOG] = take_log,
};

static void take_frame(struct instance *instance, const struct frame *frame)
{
	if (calls_is_frame(frame->kind))
		take_call_frame(instance, frame);
	else if (takers[frame->kind])
		takers[frame->kind](instance, frame->body);
}

static void on_frame(void *user, const struct frame *frame)
{
	struct instance *instance = user;

	switch (rules_check(instance->state, frame->kind, instance->features)) {
	case RULES_ACCEPT:
		take_frame(instance, frame);
		break;
	case RULES_IGNORE:
		break;
	case RULES_REFUSE:
		refuse_frame(instance, frame->kind);
		break;
	}
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
	stop(instance, err, TERM_AFTER_BYE_MS);
}

static const struct channel_ops channel_ops = {on_frame, on_broken};

/* ---- life ---- */

static void on_timer(void *user)
{
	struct instance *instance = user;
	struct err err;

	if (instance->state == INSTANCE_DRAINING) {
		err_set(&err, ERR_PLUGIN_TIMEOUT, "was still busy at the end of its drain timeout");
		log_event(instance->log, LOG_WARN, "instance.drain_timeout", err.text,
			  LOG_STR("plugin", instance->plugin->name),
			  LOG_STR("instance", instance->id),
			  LOG_INT("calls", instance_live_calls(instance)));
		stop(instance, &err, 0);
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
	instance->plugin = opts->plugin;
	instance->image = opts->image;
	instance->host_version = opts->host_version;
	instance->generation = opts->generation;
	instance->number = opts->number;
	instance->ops = opts->ops;
	instance->user = opts->user;
	instance->id = mem_printf("%s/%u/%u", opts->plugin->name, opts->generation, opts->number);
	instance->channel.read_fd = -1;
	instance->textlog = (struct textlog){
		.fd = -1, .log = opts->log, .plugin = opts->plugin->name, .instance = instance->id};
	instance->limits = host_limits(opts->plugin);
	loop_timer_init(&instance->timer, opts->loop, on_timer, instance);
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
	};

	handshake_put_hello(channel_queue(&instance->channel), &hello);
	channel_queued(&instance->channel);
	loop_timer_start(&instance->timer, instance->plugin->handshake_timeout_ms);
}

int instance_start(struct instance *instance, struct err *err)
{
	struct process_opts opts = {
		.name = instance->plugin->name,
		.image = instance->image,
		.args = instance->plugin->args,
		.env = instance->plugin->env,
		.work_dir = instance->plugin->work_dir,
		.transport = instance->plugin->transport,
		.pipe_bytes = instance->plugin->pipe_bytes,
		.on_exit = on_process_end,
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
					    instance->limits.max_frame_bytes},
		     &channel_ops, instance);
	textlog_open(&instance->textlog, instance->loop, fds.stderr_fd);
	instance_move(instance, INSTANCE_GREETING);
	log_event(instance->log, LOG_DEBUG, "instance.started", "waits for its handshake",
		  LOG_STR("plugin", instance->plugin->name), LOG_STR("instance", instance->id),
		  LOG_INT("pid", process_pid(instance->process)));
	greet(instance);
	return 0;
}

void instance_drain(struct instance *instance, int64_t grace_ms)
{
	struct err err;

	if (instance->state == INSTANCE_READY) {
		instance_move(instance, INSTANCE_DRAINING);
		loop_timer_start(&instance->timer, grace_ms);
		handshake_put_drain(channel_queue(&instance->channel), (uint32_t)grace_ms);
		channel_queued(&instance->channel);
		instance->ops->on_fenced(instance->user, instance);
	} else if (instance->state == INSTANCE_GREETING || instance->state == INSTANCE_PREPARING) {
		err_set(&err, ERR_PLUGIN_GONE, "stopped before it was ready");
		stop(instance, &err, 0);
	}
}

void instance_free(struct instance *instance)
{
	if (!instance)
		return;
	loop_timer_stop(&instance->timer);
	channel_close(&instance->channel);
	channel_deinit(&instance->channel);
	textlog_close(&instance->textlog);
	process_free(instance->process);
	if (instance->greeted)
		calls_deinit(&instance->calls);
	manifest_release(instance->manifest);
	free(instance->id);
	free(instance);
}

/* ---- calls ---- */

struct call *instance_call(struct instance *instance, const struct wire_request *request,
			   const struct call_ops *ops, void *user)
{
	if (instance->state != INSTANCE_READY)
		return NULL;
	return outgoing_start(&instance->calls.outgoing, request, ops, user);
}

bool instance_call_send(struct instance *instance, struct call *call, struct wire_bytes payload,
			bool more, bool end)
{
	return outgoing_send(&instance->calls.outgoing, call, payload, more, end);
}

void instance_call_consumed(struct instance *instance, struct call *call, uint32_t bytes)
{
	outgoing_consumed(&instance->calls.outgoing, call, bytes);
}

void instance_call_cancel(struct instance *instance, struct call *call, uint32_t code,
			  struct str reason)
{
	outgoing_cancel(&instance->calls.outgoing, call, code, reason);
}

void instance_answer(struct instance *instance, uint32_t id, const struct incoming_answer *answer)
{
	if (instance->greeted)
		incoming_answer(&instance->calls.incoming, id, answer);
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
