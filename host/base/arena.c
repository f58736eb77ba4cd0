/* An arena: a list of blocks, newest first, from which pieces are cut and never given back singly.
 *
 * An exchange or a load of a file owns one. Never moves what it handed out; never fails
 * (base/mem.h). */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

#define BLOCK_BYTES	(4u << 10)  /* of the first block: an ordinary request fits */
#define BLOCK_BYTES_MAX (64u << 10) /* a larger block is made only for a larger piece */
#define PRINTF_BYTES	256	    /* a longer text is printed twice */
#define KEEP_BYTES	(16u << 10) /* a larger block isn't worth keeping over a reset */

struct arena_block {
	struct arena_block *older;
	size_t size;
	size_t used; /* true only of blocks that are not the newest; of that one arena.used is */
	alignas(max_align_t) uint8_t data[];
};

static size_t round_up(size_t bytes)
{
	size_t mask = alignof(max_align_t) - 1;
	return bytes > SIZE_MAX / 2 ? SIZE_MAX / 2 : (bytes + mask) & ~mask;
}

static void arena_grow(struct arena *arena, size_t bytes)
{
	size_t size = BLOCK_BYTES;
	if (arena->blocks) {
		arena->blocks->used = arena->used;
		size = arena->blocks->size * 2;
	}
	if (size > BLOCK_BYTES_MAX)
		size = BLOCK_BYTES_MAX;
	if (size < bytes)
		size = bytes;

	struct arena_block *block = mem_alloc(sizeof(*block) + size);
	block->older = arena->blocks;
	block->size = size;
	block->used = 0;
	arena->blocks = block;
	arena->used = 0;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
	size_t rounded = round_up(bytes);
	if (!arena->blocks || arena->blocks->size - arena->used < rounded)
		arena_grow(arena, rounded);

	void *piece = arena->blocks->data + arena->used;
	arena->used += rounded;
	return piece;
}

void *arena_zalloc(struct arena *arena, size_t bytes)
{
	return memset(arena_alloc(arena, bytes), 0, bytes);
}

char *arena_strndup(struct arena *arena, struct str text)
{
	return str_copy(arena_alloc(arena, text.len + 1), text.len + 1, text);
}

struct str arena_str(struct arena *arena, struct str text)
{
	return (struct str){arena_strndup(arena, text), text.len};
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	char first[PRINTF_BYTES];

	va_start(args, format);
	int len = vsnprintf(first, sizeof(first), format, args);
	va_end(args);
	if (len < (int)sizeof(first))
		return arena_strndup(arena, (struct str){first, len < 0 ? 0 : (size_t)len});

	char *text = arena_alloc(arena, (size_t)len + 1);
	va_start(args, format);
	vsnprintf(text, (size_t)len + 1, format, args);
	va_end(args);
	return text;
}

size_t arena_bytes(const struct arena *arena)
{
	size_t sum = arena->used;
	if (!arena->blocks)
		return 0;
	for (const struct arena_block *block = arena->blocks->older; block; block = block->older)
		sum += block->used;
	return sum;
}

void arena_reset(struct arena *arena)
{
	struct arena_block *block = arena->blocks;
	struct arena_block *kept = NULL;

	while (block) {
		struct arena_block *older = block->older;

		if (block->size <= KEEP_BYTES && (!kept || block->size > kept->size)) {
			free(kept);
			kept = block;
		} else {
			free(block);
		}
		block = older;
	}
	if (kept)
		kept->older = NULL;
	arena->blocks = kept;
	arena->used = 0;
}

void arena_deinit(struct arena *arena)
{
	arena_reset(arena);
	free(arena->blocks);
	arena->blocks = NULL;
}
