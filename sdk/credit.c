/* Giving credit back. See credit.h. */
#include "sdk/credit.h"

#include "sdk/runtime.h"

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
		return;
	}
	output_commit(&plug->output, wire_put_credit(out, &frame));
}
