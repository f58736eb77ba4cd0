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
				      &copy.caller,	     &copy.payload};
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

static void begin_waiting(struct dispatch_call *call)
{
	int64_t now_ms = loop_now_ms(call->dispatch->loop);
	int64_t until_ms = deadline_in(now_ms, target_patience_ms(call->target));

	if (!call->request_stays && !call->kept)
		call->request = call->kept = keep_request(call->request);
	call_move(call, STAGE_WAITS);
	due_set(call, deadline_earlier(until_ms, call->deadline_ms));
}

void wait_turn(struct dispatch_call *call)
{
	begin_waiting(call);
	TAILQ_INSERT_TAIL(&call->target->waiting, call, wait_link);
}

void wait_in_vain(struct dispatch_call *call)
{
	struct target *target = call->target;

	if (target->pool && pool_ready_count(target->pool) > 0)
		call_complete_with(call, OUTCOME_PLUGIN_OVERLOADED,
				   STR_LITERAL("waited too long for its turn"));
	else
		call_complete(call, &(struct dispatch_result){.outcome = OUTCOME_PLUGIN_NOT_READY,
							      .retry_after_ms =
								      target_ready_in_ms(target)});
}

bool wait_for_instance(struct dispatch_call *call)
{
	struct target *target = call->target;

	if (!target_can_serve(target)) {
		limit_leave(&target->limit);
		call_move(call, STAGE_WAITS);
		wait_in_vain(call);
		return false;
	}
	if (!limit_go_back(&target->limit)) {
		call_move(call, STAGE_WAITS);
		call_complete_with(call, OUTCOME_PLUGIN_OVERLOADED,
				   STR_LITERAL("its queue is full"));
		return false;
	}
	begin_waiting(call);
	TAILQ_INSERT_HEAD(&target->waiting, call, wait_link);
	return true;
}

void wait_leave(struct dispatch_call *call)
{
	TAILQ_REMOVE(&call->target->waiting, call, wait_link);
	limit_abandon(&call->target->limit);
}

/* The first of those who wait, if it is time for it: it has a place, or waits for nobody. */
static struct dispatch_call *next_in_turn(struct target *target, bool *has_place_out)
{
	struct dispatch_call *call = TAILQ_FIRST(&target->waiting);
	bool is_ready = target->pool && pool_ready_count(target->pool) > 0;

	*has_place_out = is_ready && limit_next(&target->limit);
	if (!call || (!*has_place_out && target_can_serve(target)))
		return NULL;
	TAILQ_REMOVE(&target->waiting, call, wait_link);
	due_set(call, DEADLINE_NEVER);
	return call;
}

void wait_on_turn(void *user)
{
	struct target *target = user;
	struct dispatch_call *call;
	bool has_place;

	while ((call = next_in_turn(target, &has_place))) {
		if (!has_place) {
			limit_abandon(&target->limit);
			wait_in_vain(call);
		} else if (attempt_begin(call) && call->writable) {
			call->ops->on_writable(call->user);
		}
	}
}
