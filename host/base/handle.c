/* Slots with generations. A slot that is given up gets its next generation at once, so that every
 * handle to the old object stops resolving; what a late answer carries is then simply not found. */
#include "base/handle.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

#define FIRST_SLOTS 16u

struct handle_slot {
	void *object;	     /* NULL: free */
	uint32_t generation; /* of the object here, or of the next; never 0 */
	uint32_t next_free;  /* slot + 1; 0: none */
};

static void handle_table_grow(struct handle_table *table)
{
	uint32_t cap = table->cap ? table->cap * 2 : FIRST_SLOTS;
	assert(cap > table->cap);
	table->slots = mem_realloc(table->slots, cap * sizeof(*table->slots));

	for (uint32_t i = cap; i > table->cap; i--) {
		table->slots[i - 1] = (struct handle_slot){NULL, 1, table->free_head};
		table->free_head = i;
	}
	table->cap = cap;
}

handle handle_add(struct handle_table *table, void *object)
{
	assert(object);
	if (table->free_head == 0)
		handle_table_grow(table);

	uint32_t index = table->free_head - 1;
	struct handle_slot *slot = &table->slots[index];
	table->free_head = slot->next_free;
	slot->object = object;
	table->live++;
	return (handle)slot->generation << 32 | index;
}

void *handle_get(const struct handle_table *table, handle h)
{
	uint32_t index = (uint32_t)h;
	uint32_t generation = (uint32_t)(h >> 32);

	if (index >= table->cap || table->slots[index].generation != generation)
		return NULL;
	return table->slots[index].object;
}

void handle_remove(struct handle_table *table, handle h)
{
	assert(handle_get(table, h));

	struct handle_slot *slot = &table->slots[(uint32_t)h];
	slot->object = NULL;
	slot->generation++;
	if (slot->generation == 0)
		slot->generation = 1;
	slot->next_free = table->free_head;
	table->free_head = (uint32_t)h + 1;
	table->live--;
}

void handle_table_deinit(struct handle_table *table)
{
	free(table->slots);
	*table = (struct handle_table){0};
}
