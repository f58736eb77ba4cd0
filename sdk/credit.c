/* Giving credit back. See credit.h. */
#include "sdk/credit.h"

#include "sdk/runtime.h"

bool credit_receive_channel(struct plug *plug, size_t bytes)
{
	if (bytes > UINT32_MAX || !credit_use(&plug->channel, (uint32_t)bytes))
		return false;
	credit_spend(&plug->channel, (uint32_t)bytes);
	credit_say(plug, 0, &plug->channel);
	return true;
}

/* A host that sends more than it may would make us buffer without bound. */
bool credit_receive(struct plug *plug, uint32_t id, struct credit *call, size_t bytes)
{
	if (!credit_receive_channel(plug, bytes) || !credit_use(call, (uint32_t)bytes)) {
		plug_break(plug, "call %u: more bytes than its window allows", id);
		return false;
	}
	return true;
}

void credit_say(struct plug *plug, uint32_t id, struct credit *credit)
{
	struct wire_credit frame = {.id = id, .bytes = credit_take(credit)};
	uint8_t *out;

	if (frame.bytes == 0)
		return;
	out = output_reserve(&plug->output, WIRE_CREDIT_BOUND);
	if (out == NULL) {
		credit->used += frame.bytes;
		credit->spent += frame.bytes;
		plug->starved = true;
		return;
	}
	output_commit(&plug->output, wire_put_credit(out, &frame));
}
