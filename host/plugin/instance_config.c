/* Another configuration for an instance that runs. Owns nothing; the pool decides who is offered
 * which, and what becomes of an answer. */
#include <inttypes.h>

#include "observe/errors.h"
#include "plugin/instance_private.h"
#include "plugin/message_frame.h"
#include "proto/plugd.pb-c.h"

/* Of the reason why a plugin refuses one, which becomes part of an error. */
#define CONFIG_REFUSAL_BYTES 400

/* What a plugin without a section gets: CONFIG always carries a map. */
static uint8_t empty_map[] = {0x80};

bool instance_takes_config(const struct instance *instance)
{
	return instance->state == INSTANCE_READY && instance->features & FEATURE_CONFIG;
}

void instance_offer_config(struct instance *instance, uint32_t seq, const uint8_t *config,
			   size_t len)
{
	Plugd__V1__Config message = PLUGD__V1__CONFIG__INIT;

	instance->config_asked = seq;
	message.seq = seq;
	message.config = config ? (ProtobufCBinaryData){len, (uint8_t *)config}
				: (ProtobufCBinaryData){sizeof(empty_map), empty_map};
	message_frame_put(channel_queue(&instance->channel), WIRE_CONFIG, &message.base);
	channel_note(&instance->channel, WIRE_CONFIG, 0, CHANNEL_NO_PAYLOAD);
	channel_queued(&instance->channel);
}

static void refuse(struct instance *instance, const char *why, uint32_t seq)
{
	struct err err;

	err_set(&err, ERR_PROTOCOL_STATE, "its CONFIG_RESULT %s (seq %" PRIu32 ")", why, seq);
	instance_fail(instance, &err);
}

/* CONFIGs are answered in their order, each once. */
void instance_take_config_result(struct instance *instance, struct wire_bytes body)
{
	Plugd__V1__ConfigResult *result =
		plugd__v1__config_result__unpack(NULL, body.len, body.data);

	if (!result) {
		refuse(instance, "is not a valid message", 0);
		return;
	}
	if (result->seq <= instance->config_answered || result->seq > instance->config_asked) {
		refuse(instance, "answers what was not asked, or was answered", result->seq);
	} else {
		char why[CONFIG_REFUSAL_BYTES];

		str_copy(why, sizeof(why), str_from(result->error));
		redact_text(secrets_redactor(instance->secrets), why, sizeof(why));
		instance->config_answered = result->seq;
		instance->ops->on_config(instance->user, instance, result->seq, why);
	}
	plugd__v1__config_result__free_unpacked(result, NULL);
}
