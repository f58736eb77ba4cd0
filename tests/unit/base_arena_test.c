/* Arenas: pieces that stay where they are, and go at once. */
#include <stdalign.h>
#include <stdio.h>

#include "base/arena.h"
#include "tests/support/unit.h"

static void pieces_are_aligned_and_apart(void **state)
{
	struct arena arena = {0};
	uint8_t *pieces[200];

	for (size_t i = 0; i < COUNT_OF(pieces); i++) {
		pieces[i] = arena_alloc(&arena, i);
		assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
		memset(pieces[i], (int)i, i);
	}
	for (size_t i = 0; i < COUNT_OF(pieces); i++) {
		for (size_t j = 0; j < i; j++)
			assert_int_equal(pieces[i][j], i);
	}
	arena_deinit(&arena);
}

static void a_piece_larger_than_a_block_gets_its_own(void **state)
{
	struct arena arena = {0};
	char *small = arena_zalloc(&arena, 10);
	char *large = arena_zalloc(&arena, 1 << 20);

	memset(large, 'x', 1 << 20);
	assert_int_equal(small[9], 0);
	assert_true(arena_bytes(&arena) >= (1 << 20) + 10);
	arena_deinit(&arena);
}

static void reset_keeps_what_the_next_user_needs_in_one_block(void **state)
{
	struct arena arena = {0};
	char *last;

	for (int i = 0; i < 2; i++)
		last = arena_alloc(&arena, 3000); /* the second is in a block of its own */
	arena_reset(&arena);
	assert_int_equal(arena_bytes(&arena), 0);
	assert_ptr_equal(arena_alloc(&arena, 3000), last);
	assert_ptr_equal(arena_alloc(&arena, 3008), last + 3008);
	arena_deinit(&arena);
}

static void reset_gives_a_large_block_back(void **state)
{
	struct arena arena = {0};

	arena_alloc(&arena, 1 << 20);
	arena_reset(&arena);
	assert_null(arena.blocks);
	arena_reset(&arena);
	arena_deinit(&arena);
}

static void bytes_count_all_blocks(void **state)
{
	struct arena arena = {0};

	assert_int_equal(arena_bytes(&arena), 0);
	for (int i = 0; i < 1000; i++)
		arena_alloc(&arena, 64);
	assert_int_equal(arena_bytes(&arena), 64 * 1000);
	arena_deinit(&arena);
}

static void texts_are_copied_and_terminated(void **state)
{
	struct arena arena = {0};
	char source[] = "hello";
	struct str copy = arena_str(&arena, (struct str){source, 4});

	source[0] = 'J';
	assert_str(copy, "hell");
	assert_int_equal(copy.data[4], '\0');
	assert_string_equal(arena_strndup(&arena, (struct str){0}), "");
	arena_deinit(&arena);
}

static void printing_has_no_limit(void **state)
{
	struct arena arena = {0};

	for (int width = 250; width < 260; width++)
		assert_int_equal(strlen(arena_printf(&arena, "%*d", width, 7)), width);
	assert_string_equal(arena_printf(&arena, "%s-%d", "a", 1), "a-1");
	arena_deinit(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_aligned_and_apart),
		cmocka_unit_test(a_piece_larger_than_a_block_gets_its_own),
		cmocka_unit_test(reset_keeps_what_the_next_user_needs_in_one_block),
		cmocka_unit_test(reset_gives_a_large_block_back),
		cmocka_unit_test(bytes_count_all_blocks),
		cmocka_unit_test(texts_are_copied_and_terminated),
		cmocka_unit_test(printing_has_no_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
