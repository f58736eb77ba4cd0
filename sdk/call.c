/* One call that the host makes: where it lives and when it dies. Owns the call's memory. receive.c
 * makes calls and feeds them, events.c runs the author's part, answer.c ends them; each of them
 * asks call_settle() whether that was the last thing. Calls are used again, so that a small unary
 * call costs no allocation. Without memory call_new() says NULL, and receive.c refuses the call. */
#include "sdk/call.h"

#include <stdlib.h>
#include <string.h>

#include "sdk/runtime.h"

/* Finished calls that are kept for the next ones. */
#define CALL_IDLE_MAX 128

/* All calls together may hold so many messages of the largest size. */
#define COLLECTED_MESSAGES 4

#define SCRATCH_BYTES 448

static struct plug_call **bucket_of(const struct call_table *table, uint32_t id)
{
	return (struct plug_call **)&table->buckets[(id >> 1) % CALL_BUCKETS];
}

struct plug_call *call_find(const struct call_table *table, uint32_t id)
{
	struct plug_call *call = *bucket_of(table, id);

	while (call != NULL && call->lane.id != id)
		call = call->chain;
	return call;
}

void call_enter(struct plug_call *call)
{
	struct plug_call **bucket = bucket_of(&call->plug->calls, call->lane.id);

	call->chain = *bucket;
	*bucket = call;
	call->in_table = true;
	call->plug->calls.count++;
}

static void call_leave(struct plug_call *call)
{
	struct plug_call **at = bucket_of(&call->plug->calls, call->lane.id);

	while (*at != call)
		at = &(*at)->chain;
	*at = call->chain;
	call->in_table = false;
	call->plug->calls.count--;
}

struct plug_call *call_new(struct plug *plug)
{
	struct call_table *table = &plug->calls;
	struct plug_call *call = table->idle;

	if (call != NULL) {
		table->idle = call->chain;
		table->idle_count--;
		memset(call, 0, offsetof(struct plug_call, head));
	} else {
		call = calloc(1, sizeof(*call));
		if (call == NULL)
			return NULL;
	}
	call->plug = plug;
	call->config_version = plug->config.version;
	call->credit.window = plug->limits.call_window_bytes;
	table->live++;
	return call;
}

/* Frees all that the call holds. The lane keeps its state: `ended`. */
static void call_empty(struct plug_call *call)
{
	struct scratch *scratch = call->scratch;

	lane_deinit(&call->plug->lanes, &call->lane);
	free(call_steal(call, &call->partial));
	free(call_steal(call, &call->http.body));
	grow_deinit(&call->http.headers);
	free(call->http.head);
	block_unref(call->block);
	free(call->kept);
	free(call->message);
	parsed_value_free(call->value);
	while (scratch != NULL) {
		struct scratch *next = scratch->next;

		free(scratch);
		scratch = next;
	}
	call->block = NULL;
	call->kept = NULL;
	call->message = NULL;
	call->value = NULL;
	call->scratch = NULL;
	call->http.head = NULL;
}

void *call_steal(struct plug_call *call, struct grow *collected)
{
	void *data = collected->data;

	if (collected->len > 0)
		atomic_fetch_sub(&call->plug->calls.collected, collected->len);
	*collected = (struct grow){0};
	return data;
}

const char *call_collect(struct plug_call *call, struct grow *collected, struct wire_bytes piece)
{
	struct plug *plug = call->plug;
	size_t all = COLLECTED_MESSAGES * (size_t)plug->limits.max_message_bytes;

	if (atomic_load(&plug->calls.collected) + piece.len > all)
		return "too many large messages at once";
	if (!grow_append(collected, piece.data, piece.len))
		return "no memory for the message";
	atomic_fetch_add(&plug->calls.collected, piece.len);
	return NULL;
}

static void call_free(struct plug_call *call)
{
	struct call_table *table = &call->plug->calls;

	if (call->in_table)
		call_leave(call);
	if (table->idle_count >= CALL_IDLE_MAX) {
		free(call);
		return;
	}
	call->chain = table->idle;
	table->idle = call;
	table->idle_count++;
}

bool call_settle(struct plug_call *call)
{
	if (call->busy || !call->returned || !call->arrived || !call->lane.ended ||
	    atomic_load(&call->posts) > 0)
		return true;
	if (!call->finished) {
		call->finished = true;
		call->plug->calls.live--;
		call_drop_input(call);
		call_empty(call);
	}
	if (call->caller_ended)
		call_free(call);
	else if (!call->in_table)
		call_enter(call);
	return false;
}

void call_table_deinit(struct call_table *table)
{
	for (size_t i = 0; i < CALL_BUCKETS; i++) {
		while (table->buckets[i] != NULL) {
			struct plug_call *call = table->buckets[i];

			table->buckets[i] = call->chain;
			call_drop_input(call);
			call_empty(call);
			free(call);
		}
	}
	while (table->idle != NULL) {
		struct plug_call *call = table->idle;

		table->idle = call->chain;
		free(call);
	}
}

void *call_scratch(struct plug_call *call, size_t bytes)
{
	struct scratch *scratch = call->scratch;
	size_t cap = bytes > SCRATCH_BYTES ? bytes : SCRATCH_BYTES;
	size_t at;

	bytes = (bytes + 7) & ~(size_t)7;
	if (scratch == NULL || scratch->cap - scratch->used < bytes) {
		cap = (cap + 7) & ~(size_t)7;
		scratch = malloc(sizeof(*scratch) + cap);
		if (scratch == NULL) {
			call->out_of_memory = true;
			return NULL;
		}
		*scratch = (struct scratch){.next = call->scratch, .cap = cap};
		call->scratch = scratch;
	}
	at = scratch->used;
	scratch->used += bytes;
	return scratch->data + at;
}

const char *call_string(struct plug_call *call, struct wire_bytes bytes)
{
	char *copy = bytes.len > 0 ? call_scratch(call, bytes.len + 1) : NULL;

	if (copy == NULL)
		return "";
	memcpy(copy, bytes.data, bytes.len);
	copy[bytes.len] = '\0';
	return copy;
}

static void rebase(struct wire_bytes *bytes, uint8_t **at)
{
	if (bytes->len == 0)
		return;
	memcpy(*at, bytes->data, bytes->len);
	bytes->data = *at;
	*at += bytes->len;
}

static size_t head_bytes(const struct wire_request *head)
{
	return head->idempotency_key.len + head->trace_parent.len + head->trace_state.len +
	       head->tenant.len + head->principal.len + head->metadata.len + head->caller.len +
	       head->payload.len;
}

/* Copies what the head points to. False without memory; then nothing changed. */
static bool call_copy_request(struct plug_call *call)
{
	struct wire_request *head = &call->head;
	size_t bytes = head_bytes(head);
	uint8_t *at = malloc(bytes > 0 ? bytes : 1);
	bool whole = call->request.data == head->payload.data;

	if (at == NULL)
		return false;
	call->kept = at;
	rebase(&head->idempotency_key, &at);
	rebase(&head->trace_parent, &at);
	rebase(&head->trace_state, &at);
	rebase(&head->tenant, &at);
	rebase(&head->principal, &at);
	rebase(&head->metadata, &at);
	rebase(&head->caller, &at);
	rebase(&head->payload, &at);
	if (whole)
		call->request = head->payload;
	return true;
}

void call_keep_request(struct plug_call *call, bool copy)
{
	if (call->kept != NULL || call->block != NULL)
		return;
	if (!copy || !call_copy_request(call))
		call->block = block_ref(call->plug->input.block);
}

static void call_say_credit(struct plug_call *call)
{
	if (!call->caller_ended && !call->finished)
		credit_say(call->plug, call->lane.id, &call->credit);
}

static void call_spent_arrive(struct plug *plug, struct post *post)
{
	struct plug_call *call =
		(struct plug_call *)((char *)post - offsetof(struct plug_call, spent_post));

	(void)plug;
	atomic_store(&call->spent_posted, false);
	call_spend(call, atomic_exchange(&call->spent_elsewhere, 0));
	atomic_fetch_sub(&call->posts, 1);
	call_settle(call);
}

void call_spend(struct plug_call *call, uint32_t bytes)
{
	struct plug *plug = call->plug;

	if (!plug_is_home(plug)) {
		atomic_fetch_add(&call->spent_elsewhere, bytes);
		if (atomic_exchange(&call->spent_posted, true))
			return;
		atomic_fetch_add(&call->posts, 1);
		call->spent_post.run = call_spent_arrive;
		inbox_post(&plug->inbox, &call->spent_post);
		return;
	}
	credit_spend(&call->credit, bytes);
	call_say_credit(call);
}

void calls_say_credit(struct plug *plug)
{
	for (size_t i = 0; i < CALL_BUCKETS; i++) {
		struct plug_call *call = plug->calls.buckets[i];

		for (; call != NULL; call = call->chain)
			call_say_credit(call);
	}
}
