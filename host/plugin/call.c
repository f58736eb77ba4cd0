/* The calls that the host has open on one channel.
 *
 * Owns the call objects (kept for reuse in their slots, so a call costs no malloc) and the bytes
 * that wait for credit. The instance is the only caller. An id is generation, slot and a 1: odd, as
 * the protocol wants, found without searching, and not used again for 32768 calls of its slot. */
#include "plugin/call.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define SLOT_BITS	16
#define SLOT_MASK	((1u << SLOT_BITS) - 1)
#define GENERATION_STEP (1u << (SLOT_BITS + 1))

/* Stands before each run of bytes in `pending`. */
struct call_piece {
	uint32_t len;
	bool more;
	bool end;
};

void call_table_init(struct call_table *table, uint32_t max_calls)
{
	*table = (struct call_table){.max = max_calls < SLOT_MASK ? max_calls : SLOT_MASK};
	TAILQ_INIT(&table->waiting);
	TAILQ_INIT(&table->cancelled);
}

void call_table_deinit(struct call_table *table)
{
	for (uint32_t i = 0; i < table->cap && table->slots[i]; i++) {
		buf_deinit(&table->slots[i]->pending);
		free(table->slots[i]);
	}
	free(table->slots);
	*table = (struct call_table){0};
}

static void grow(struct call_table *table)
{
	uint32_t cap = table->cap ? table->cap * 2 : 16;

	table->slots = mem_realloc(table->slots, cap * sizeof(*table->slots));
	memset(table->slots + table->cap, 0, (cap - table->cap) * sizeof(*table->slots));
	table->cap = cap;
}

static struct call *take_slot(struct call_table *table)
{
	struct call *call = table->free_list;

	if (call) {
		table->free_list = call->next_free;
		return call;
	}
	if (table->live == table->cap)
		grow(table);
	call = mem_new(struct call);
	call->slot = table->live;
	call->id = call->slot << 1 | 1;
	table->slots[call->slot] = call;
	return call;
}

struct call *call_table_add(struct call_table *table)
{
	struct call *call;

	if (table->live >= table->max)
		return NULL;
	call = take_slot(table);
	table->live++;
	call->id += GENERATION_STEP;
	call->live = true;
	call->local_ended = false;
	call->responded = false;
	call->recv_owed = 0;
	call->next_free = NULL;
	return call;
}

static void stop_waiting(struct call_table *table, struct call *call)
{
	TAILQ_REMOVE(&table->waiting, call, list_link);
	call->waiting = false;
	buf_deinit(&call->pending);
}

static void drop_pending(struct call_table *table, struct call *call)
{
	if (call->waiting)
		stop_waiting(table, call);
}

void call_table_remove(struct call_table *table, struct call *call)
{
	drop_pending(table, call);
	if (call->cancelled)
		TAILQ_REMOVE(&table->cancelled, call, list_link);
	call->cancelled = false;
	call->live = false;
	call->ops = NULL;
	call->next_free = table->free_list;
	table->free_list = call;
	table->live--;
}

struct call *call_table_find(const struct call_table *table, uint32_t id)
{
	uint32_t slot = id >> 1 & SLOT_MASK;
	struct call *call = slot < table->cap ? table->slots[slot] : NULL;

	return call && call->live && call->id == id ? call : NULL;
}

struct call *call_table_any(const struct call_table *table)
{
	for (uint32_t i = 0; table->live > 0 && i < table->cap && table->slots[i]; i++) {
		if (table->slots[i]->live)
			return table->slots[i];
	}
	return NULL;
}

void call_defer(struct call_table *table, struct call *call, struct wire_bytes payload, bool more,
		bool end)
{
	struct call_piece piece = {(uint32_t)payload.len, more, end};

	buf_append(&call->pending, &piece, sizeof(piece));
	buf_append(&call->pending, payload.data, payload.len);
	if (!call->waiting)
		TAILQ_INSERT_TAIL(&table->waiting, call, list_link);
	call->waiting = true;
}

bool call_is_waiting(const struct call *call)
{
	return call->waiting;
}

bool call_next_piece(struct call *call, uint32_t credit, uint32_t chunk_bytes,
		     struct wire_data *out)
{
	struct call_piece piece;
	uint32_t len;

	if (!call->waiting)
		return false;
	memcpy(&piece, buf_front(&call->pending), sizeof(piece));
	len = piece.len < chunk_bytes ? piece.len : chunk_bytes;
	len = len < credit ? len : credit;
	if (len == 0 && piece.len > 0)
		return false;
	*out = (struct wire_data){
		.id = call->id,
		.more = len < piece.len || piece.more,
		.end = len == piece.len && piece.end,
		.payload = {buf_front(&call->pending) + sizeof(piece), len},
	};
	return true;
}

void call_piece_sent(struct call_table *table, struct call *call, const struct wire_data *sent)
{
	struct call_piece piece;

	memcpy(&piece, buf_front(&call->pending), sizeof(piece));
	if (sent->payload.len == piece.len) {
		buf_consume(&call->pending, sizeof(piece) + piece.len);
		if (buf_len(&call->pending) == 0) {
			stop_waiting(table, call);
			return;
		}
	} else {
		piece.len -= (uint32_t)sent->payload.len;
		buf_consume(&call->pending, sent->payload.len);
		memcpy(buf_front(&call->pending), &piece, sizeof(piece));
	}
	/* The next turn is another call's: a large message never delays a small one. */
	TAILQ_REMOVE(&table->waiting, call, list_link);
	TAILQ_INSERT_TAIL(&table->waiting, call, list_link);
}

void call_cancel(struct call_table *table, struct call *call, int64_t now_ms)
{
	drop_pending(table, call);
	call->ops = NULL;
	call->local_ended = true;
	call->cancelled = true;
	call->cancelled_ms = now_ms;
	TAILQ_INSERT_TAIL(&table->cancelled, call, list_link);
}

const struct call *call_table_oldest_cancelled(const struct call_table *table)
{
	return TAILQ_FIRST(&table->cancelled);
}

uint32_t call_credit_due(uint32_t *owed, uint32_t bytes, uint32_t window)
{
	uint32_t due;

	*owed += bytes;
	if (*owed < window / 2)
		return 0;
	due = *owed;
	*owed = 0;
	return due;
}
