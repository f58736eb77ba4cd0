/* The first words between host and plugin.
 *
 * Frames that are rare go through protobuf-c: HELLO, START and DRAIN out, WELCOME and FAILED in.
 * Owns nothing. What a WELCOME says wrong comes back as a sentence for its author. */
#include "plugin/handshake.h"

#include <errno.h>
#include <string.h>

#include "observe/errors.h"
#include "plugin/message_frame.h"
#include "plugin/rules.h"
#include "proto/plugd.pb-c.h"

#define PROTOCOL_VERSION 1

static char feature_unknown_frames[] = "unknown-frames";
static char feature_state[] = "state";
static char feature_config[] = "config";
static char *features_offered[] = {feature_unknown_frames, feature_state, feature_config};

#define FEATURES_OFFERED (sizeof(features_offered) / sizeof(features_offered[0]))

struct handshake_limits handshake_default_limits(void)
{
	return (struct handshake_limits){
		.max_frame_bytes = WIRE_MAX_FRAME_BYTES,
		.chunk_bytes = WIRE_CHUNK_BYTES,
		.call_window_bytes = WIRE_CALL_WINDOW_BYTES,
		.channel_window_bytes = WIRE_CHANNEL_WINDOW_BYTES,
		.max_calls = WIRE_MAX_CALLS,
		.max_message_bytes = WIRE_MAX_MESSAGE_BYTES,
		.max_state_bytes = WIRE_MAX_STATE_BYTES,
	};
}

/* HELLO and what it points to. */
struct hello_parts {
	uint32_t version;
	Plugd__V1__Limits limits;
	Plugd__V1__Secret secrets[SECRETS_MAX];
	Plugd__V1__Secret *secret_list[SECRETS_MAX];
	Plugd__V1__Hello hello;
};

static void fill_limits(Plugd__V1__Limits *message, const struct handshake_limits *limits)
{
	plugd__v1__limits__init(message);
	message->max_frame_bytes = limits->max_frame_bytes;
	message->chunk_bytes = limits->chunk_bytes;
	message->call_window_bytes = limits->call_window_bytes;
	message->channel_window_bytes = limits->channel_window_bytes;
	message->max_calls = limits->max_calls;
	message->max_message_bytes = limits->max_message_bytes;
	message->max_state_bytes = limits->max_state_bytes;
}

static void fill_secrets(struct hello_parts *parts, const struct secrets *secrets)
{
	size_t count = secrets_count(secrets);

	for (size_t i = 0; i < count; i++) {
		struct wire_bytes value = secrets_value(secrets, i);

		plugd__v1__secret__init(&parts->secrets[i]);
		parts->secrets[i].name = (char *)secrets_name(secrets, i);
		parts->secrets[i].value = (ProtobufCBinaryData){value.len, (uint8_t *)value.data};
		parts->secret_list[i] = &parts->secrets[i];
	}
	parts->hello.n_secrets = count;
	parts->hello.secrets = parts->secret_list;
}

struct secret handshake_seal_hello(const struct handshake_hello *hello)
{
	struct hello_parts parts = {.version = PROTOCOL_VERSION};
	Plugd__V1__Hello *message = &parts.hello;

	plugd__v1__hello__init(message);
	fill_limits(&parts.limits, &hello->limits);
	fill_secrets(&parts, hello->secrets);
	message->n_versions = 1;
	message->versions = &parts.version;
	message->host_version = (char *)hello->host_version;
	message->plugin_name = (char *)hello->plugin_name;
	message->instance_id = (char *)hello->instance_id;
	message->generation = hello->generation;
	message->limits = &parts.limits;
	message->n_features = FEATURES_OFFERED;
	message->features = features_offered;
	message->config = (ProtobufCBinaryData){hello->config_len, (uint8_t *)hello->config};
	return message_frame_seal(WIRE_HELLO, &message->base);
}

void handshake_put_start(struct buf *out)
{
	Plugd__V1__Start message = PLUGD__V1__START__INIT;

	message_frame_put(out, WIRE_START, &message.base);
}

void handshake_put_drain(struct buf *out, uint32_t grace_ms)
{
	Plugd__V1__Drain message = PLUGD__V1__DRAIN__INIT;

	message.grace_ms = grace_ms;
	message_frame_put(out, WIRE_DRAIN, &message.base);
}

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
	return value ? value : fallback;
}

static int take_limits(const Plugd__V1__Limits *in, struct handshake_limits *out, struct err *err)
{
	*out = handshake_default_limits();
	if (!in)
		return 0;
	out->max_frame_bytes = or_default(in->max_frame_bytes, out->max_frame_bytes);
	out->chunk_bytes = or_default(in->chunk_bytes, out->chunk_bytes);
	out->call_window_bytes = or_default(in->call_window_bytes, out->call_window_bytes);
	out->channel_window_bytes = or_default(in->channel_window_bytes, out->channel_window_bytes);
	out->max_calls = or_default(in->max_calls, out->max_calls);
	out->max_message_bytes = or_default(in->max_message_bytes, out->max_message_bytes);
	out->max_state_bytes = or_default(in->max_state_bytes, out->max_state_bytes);
	if (out->max_frame_bytes < WIRE_MIN_FRAME_BYTES)
		return err_set(err, ERR_PROTOCOL_MANIFEST,
			       "max_frame_bytes is %u; at least %u is required",
			       out->max_frame_bytes, WIRE_MIN_FRAME_BYTES);
	if (out->chunk_bytes > WIRE_CHUNK_BYTES)
		out->chunk_bytes = WIRE_CHUNK_BYTES;
	return 0;
}

static int take_features(const Plugd__V1__Welcome *welcome, uint32_t *out, struct err *err)
{
	*out = 0;
	for (size_t i = 0; i < welcome->n_features; i++) {
		uint32_t bit = rules_feature(welcome->features[i]);

		if (!bit)
			return err_set(err, ERR_PROTOCOL_MANIFEST,
				       "it took the feature \"%.60s\", which was not offered",
				       welcome->features[i]);
		*out |= bit;
	}
	return 0;
}

static int take_parts(const Plugd__V1__Welcome *welcome, struct handshake_welcome *out,
		      struct err *err)
{
	int r;

	if (welcome->version != PROTOCOL_VERSION)
		return err_set(err, ERR_PROTOCOL_VERSION,
			       "it chose protocol version %u; this host speaks %u",
			       welcome->version, PROTOCOL_VERSION);
	r = take_limits(welcome->limits, &out->limits, err);
	if (r == 0)
		r = take_features(welcome, &out->features, err);
	if (r < 0)
		return r;
	out->manifest = manifest_take(welcome, out->features & FEATURE_STATE, err);
	return out->manifest ? 0 : -EINVAL;
}

int handshake_take_welcome(struct wire_bytes body, struct handshake_welcome *out, struct err *err)
{
	Plugd__V1__Welcome *welcome = plugd__v1__welcome__unpack(NULL, body.len, body.data);
	int r;

	if (!welcome)
		return err_set(err, ERR_PROTOCOL_FRAME, "its WELCOME is not a valid message");
	r = take_parts(welcome, out, err);
	plugd__v1__welcome__free_unpacked(welcome, NULL);
	return r;
}

void handshake_take_failed(struct wire_bytes body, char *out, size_t size)
{
	Plugd__V1__Failed *failed = plugd__v1__failed__unpack(NULL, body.len, body.data);

	str_copy(out, size, str_from(failed ? failed->reason : ""));
	if (failed)
		plugd__v1__failed__free_unpacked(failed, NULL);
}
