/* Those who wait for their turn: first come, first served.
 *
 * The limit counts them; here they stand in their order. What a caller asks is copied when it does
 * not keep it itself. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "dispatch/dispatch_internal.h"

static size_t keep_bytes(uint8_t **at, struct wire_bytes *bytes)
{
	if (*at && bytes->len > 0) {
		memcpy(*at, bytes->data, bytes->len);
		bytes->data = *at;
		*at += bytes->len;
	}
	return bytes->len;
}

/* A copy in one block: the struct, then all it points to. */
static struct wire_request *keep_request(const struct wire_request *request)
{
	struct wire_request *kept;
	struct wire_request copy = *request;
	struct wire_bytes *parts[] = {&copy.idempotency_key, &copy.trace_parent, &copy.trace_state,
				      &copy.tenant,	     &copy.principal,	 &copy.metadata,
				      &copy.payload};
	size_t total = 0;
	uint8_t *at = NULL;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		total += keep_bytes(&at, parts[i]);
	kept = mem_alloc(sizeof(*kept) + total);
	at = (uint8_t *)(kept + 1);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		keep_bytes(&at, parts[i]);
	*kept = copy;
	return kept;
}

void wait_turn(struct dispatch_call *call)
{
	int64_t now_ms = loop_now_ms(call->dispatch->loop);
	int64_t until_ms = deadline_in(now_ms, call->target->plugin->queue_timeout_ms);

	if (!call->request_stays && !call->kept)
		call->request = call->kept = keep_request(call->request);
	call_move(call, STAGE_WAITS);
	TAILQ_INSERT_TAIL(&call->target->waiting, call, wait_link);
	due_set(call, deadline_earlier(until_ms, call->deadline_ms));
}

void wait_leave(struct dispatch_call *call)
{
	TAILQ_REMOVE(&call->target->waiting, call, wait_link);
	limit_abandon(&call->target->limit);
}

void wait_on_turn(void *user)
{
	struct target *target = user;

	while (limit_next(&target->limit)) {
		struct dispatch_call *call = TAILQ_FIRST(&target->waiting);

		TAILQ_REMOVE(&target->waiting, call, wait_link);
		due_set(call, DEADLINE_NEVER);
		if (attempt_begin(call) && call->writable)
			call->ops->on_writable(call->user);
	}
}
