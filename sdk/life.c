/* The frames of a plugin's life: HELLO and WELCOME, START and READY, PING and PONG, CONFIG, DRAIN.
 * Called by frames.c in the states that its table allows. Calls the author's callbacks. What the
 * host may not say ends the plugin by plug_break(); what the author refuses is told to the host as
 * FAILED. */
#include "sdk/life.h"

#include <pb_decode.h>
#include <stdlib.h>
#include <string.h>

#include "proto/plugd.pb.h"
#include "sdk/manifest.h"
#include "sdk/proto.h"
#include "sdk/runtime.h"

#define FEATURES_MAX 4

/* HELLO, as far as we care. */
struct hello {
	plugd_v1_Hello message;
	char *name;
	char *instance;
	struct grow config;
	struct secrets secrets;
	bool unknown_frames;
	bool config_changes;
	bool state;
};

static bool read_feature(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
	struct hello *hello = *arg;
	char name[32] = "";
	size_t len = stream->bytes_left;

	(void)field;
	if (len >= sizeof(name))
		return pb_read(stream, NULL, len);
	if (!pb_read(stream, (pb_byte_t *)name, len))
		return false;
	hello->unknown_frames |= strcmp(name, "unknown-frames") == 0;
	hello->config_changes |= strcmp(name, "config") == 0;
	hello->state |= strcmp(name, "state") == 0;
	return true;
}

static bool hello_read(struct hello *hello, struct wire_bytes body)
{
	*hello = (struct hello){.message = plugd_v1_Hello_init_zero};
	proto_get_string(&hello->message.plugin_name, &hello->name);
	proto_get_string(&hello->message.instance_id, &hello->instance);
	proto_get_bytes(&hello->message.config, &hello->config);
	secrets_get(&hello->message.secrets, &hello->secrets);
	hello->message.features.funcs.decode = read_feature;
	hello->message.features.arg = hello;
	return proto_read(body, plugd_v1_Hello_fields, &hello->message);
}

static void hello_free(struct hello *hello)
{
	free(hello->name);
	free(hello->instance);
	grow_deinit(&hello->config);
	secrets_deinit(&hello->secrets);
}

static bool hello_offers(const struct hello *hello, uint32_t version)
{
	for (pb_size_t i = 0; i < hello->message.versions_count; i++) {
		if (hello->message.versions[i] == version)
			return true;
	}
	return false;
}

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
	return value > 0 ? value : fallback;
}

/* The host's limits bind what we send. */
static void hello_obey(struct plug *plug, const plugd_v1_Limits *limits)
{
	uint32_t frame = or_default(limits->max_frame_bytes, WIRE_MAX_FRAME_BYTES);
	uint32_t chunk = or_default(limits->chunk_bytes, WIRE_CHUNK_BYTES);

	if (frame < WIRE_MIN_FRAME_BYTES)
		frame = WIRE_MIN_FRAME_BYTES;
	if (chunk > frame / 2)
		chunk = frame / 2;
	lanes_init(&plug->lanes, &plug->output, chunk,
		   or_default(limits->call_window_bytes, WIRE_CALL_WINDOW_BYTES),
		   or_default(limits->channel_window_bytes, WIRE_CHANNEL_WINDOW_BYTES));
	plug->host_calls.max_live = or_default(limits->max_calls, WIRE_MAX_CALLS);
	plug->export.state.limit_bytes = or_default(limits->max_state_bytes, WIRE_MAX_STATE_BYTES);
}

/* Which of the features to take: lists them, up to NULL. */
static void hello_choose(struct plug *plug, const struct hello *hello,
			 const char *features_out[FEATURES_MAX])
{
	size_t count = 0;

	plug->unknown_frames = hello->unknown_frames;
	plug->hands_over = hello->state && plug->plugin->state_format_count > 0;
	if (plug->unknown_frames)
		features_out[count++] = "unknown-frames";
	if (hello->config_changes && plug->plugin->on_config != NULL)
		features_out[count++] = "config";
	if (plug->hands_over)
		features_out[count++] = "state";
	features_out[count] = NULL;
}

/* Tells the host why not; the end follows when that has been written. */
static void life_fail(struct plug *plug, const char *reason)
{
	plugd_v1_Failed failed = plugd_v1_Failed_init_zero;

	proto_set_string(&failed.reason, reason);
	(void)proto_say(plug, WIRE_FAILED, plugd_v1_Failed_fields, &failed);
	(void)output_flush(&plug->output);
	plug_break(plug, "%s", reason);
}

static void hello_answer(struct plug *plug, struct hello *hello)
{
	const char *features[FEATURES_MAX];

	plug->state = STATE_STARTING;
	if (!hello_offers(hello, 1)) {
		life_fail(plug, "the host does not offer version 1 of the protocol");
		return;
	}
	if (!config_begin(plug, (struct wire_bytes){hello->config.data, hello->config.len})) {
		life_fail(plug, "the configuration in HELLO is no MessagePack map");
		return;
	}
	plug->name = hello->name;
	plug->instance = hello->instance;
	hello->name = NULL;
	hello->instance = NULL;
	plug->secrets = hello->secrets;
	hello->secrets = (struct secrets){0};
	hello_obey(plug, &hello->message.limits);
	hello_choose(plug, hello, features);
	if (!manifest_say(plug, features))
		plug_break(plug, "no memory for WELCOME");
}

void life_hello(struct plug *plug, struct wire_bytes body)
{
	struct hello hello;

	if (!hello_read(&hello, body))
		plug_break(plug, "HELLO can't be read");
	else
		hello_answer(plug, &hello);
	hello_free(&hello);
	secrets_forget(body);
}

void life_start(struct plug *plug, struct wire_bytes body)
{
	plugd_v1_Ready ready = plugd_v1_Ready_init_zero;
	struct plug_verdict verdict = plug_ok();

	(void)body;
	if (plug->plugin->on_start != NULL)
		verdict = plug->plugin->on_start(plug);
	if (!verdict.ok) {
		log_stage(plug);
		life_fail(plug, verdict.reason);
		return;
	}
	if (!proto_say(plug, WIRE_READY, plugd_v1_Ready_fields, &ready))
		plug_break(plug, "no memory for READY");
	else
		plug->state = STATE_SERVING;
}

void life_drain(struct plug *plug, struct wire_bytes body)
{
	plugd_v1_Drain drain = plugd_v1_Drain_init_zero;
	bool has_started;

	if (!proto_read(body, plugd_v1_Drain_fields, &drain)) {
		plug_break(plug, "DRAIN can't be read");
		return;
	}
	if (plug->state == STATE_DRAINING)
		return;
	export_give_up(plug, "the plugin is ending");
	has_started = plug->state == STATE_SERVING;
	plug->state = STATE_DRAINING;
	if (has_started && plug->plugin->on_drain != NULL)
		plug->plugin->on_drain(plug, drain.grace_ms);
}

bool life_bye(struct plug *plug)
{
	plugd_v1_Bye bye = plugd_v1_Bye_init_zero;

	return proto_say(plug, WIRE_BYE, plugd_v1_Bye_fields, &bye);
}

static void pong_say(struct plug *plug, uint32_t seq, const struct plug_health *health)
{
	plugd_v1_Pong pong = plugd_v1_Pong_init_zero;

	pong.seq = seq;
	pong.health = (plugd_v1_Health)health->state;
	proto_set_string(&pong.message, health->message);
	proto_set_strings(&pong.unavailable, health->unavailable);
	(void)proto_say(plug, WIRE_PONG, plugd_v1_Pong_fields,
			&pong); /* else the host asks again */
}

void life_ping(struct plug *plug, struct wire_bytes body)
{
	plugd_v1_Ping ping = plugd_v1_Ping_init_zero;
	struct plug_health health = plug->health;

	if (!proto_read(body, plugd_v1_Ping_fields, &ping)) {
		plug_break(plug, "PING can't be read");
		return;
	}
	if (plug->plugin->on_health != NULL)
		health = plug->plugin->on_health(plug);
	pong_say(plug, ping.seq, &health);
}

/* plug_health_changed() on its way home. */
struct health_post {
	struct post post;
	struct plug_health health;
};

static void health_arrive(struct plug *plug, struct post *post)
{
	struct health_post *changed = (struct health_post *)post;

	plug->health = changed->health;
	if (plug->state == STATE_SERVING || plug->state == STATE_DRAINING)
		pong_say(plug, 0, &plug->health);
	free(changed);
}

void plug_health_changed(struct plug *plug, const struct plug_health *health)
{
	struct health_post *changed = malloc(sizeof(*changed));

	if (changed == NULL)
		return;
	changed->post.run = health_arrive;
	changed->health = *health;
	if (!inbox_try_post(&plug->inbox, &changed->post))
		free(changed);
}

void life_config(struct plug *plug, struct wire_bytes body)
{
	plugd_v1_ConfigResult result = plugd_v1_ConfigResult_init_zero;
	plugd_v1_Config config = plugd_v1_Config_init_zero;
	struct plug_verdict verdict;
	struct grow bytes = {0};

	proto_get_bytes(&config.config, &bytes);
	if (!proto_read(body, plugd_v1_Config_fields, &config)) {
		grow_deinit(&bytes);
		plug_break(plug, "CONFIG can't be read");
		return;
	}
	verdict = config_change(plug, (struct wire_bytes){bytes.data, bytes.len});
	grow_deinit(&bytes);
	result.seq = config.seq;
	if (!verdict.ok)
		proto_set_string(&result.error, verdict.reason);
	if (!proto_say(plug, WIRE_CONFIG_RESULT, plugd_v1_ConfigResult_fields, &result))
		plug_break(plug, "no memory for CONFIG_RESULT");
}
