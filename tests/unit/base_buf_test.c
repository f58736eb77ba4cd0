/* Buffers: what goes in at the end comes out at the front, and memory stays in proportion. */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "tests/support/unit.h"

static void bytes_come_out_in_the_order_they_went_in(void **state)
{
	struct buf buf = {0};
	uint8_t in = 0, out = 0;

	for (unsigned round = 0; round < 5000; round++) {
		for (unsigned i = 0; i < round % 97; i++, in++)
			buf_append(&buf, &in, 1);
		for (unsigned i = 0; i < (round * 7) % 96 && buf_len(&buf) > 0; i++, out++) {
			assert_int_equal(*buf_front(&buf), out);
			buf_consume(&buf, 1);
		}
	}
	buf_deinit(&buf);
}

static void an_empty_buf_has_no_front(void **state)
{
	struct buf buf = {0};

	assert_null(buf_front(&buf));
	assert_int_equal(buf_len(&buf), 0);
	buf_append(&buf, NULL, 0);
	assert_null(buf_front(&buf));
}

static void reserved_room_becomes_content_when_committed(void **state)
{
	struct buf buf = {0};
	uint8_t *room = buf_reserve(&buf, 1000);

	memset(room, 'x', 1000);
	assert_int_equal(buf_len(&buf), 0);
	buf_commit(&buf, 600);
	assert_int_equal(buf_len(&buf), 600);
	assert_ptr_equal(buf_reserve(&buf, 1), room + 600);
	buf_deinit(&buf);
}

static void an_empty_buf_starts_at_its_front_again(void **state)
{
	struct buf buf = {0};

	buf_append(&buf, "hello", 5);
	buf_consume(&buf, 5);
	assert_int_equal(buf.start, 0);
	assert_int_equal(buf.end, 0);
	buf_deinit(&buf);
}

/* A pipe that is filled and eaten for ever must not grow. */
static void a_steady_flow_needs_steady_memory(void **state)
{
	struct buf buf = {0};
	uint8_t piece[700] = {0};

	for (unsigned i = 0; i < 10000; i++) {
		buf_append(&buf, piece, sizeof(piece));
		if (i > 4)
			buf_consume(&buf, sizeof(piece));
	}
	assert_true(buf.cap <= 32768);
	buf_deinit(&buf);
}

/* Sixteen bytes are free at the end: a buffer that made room by moving would move 1 MiB for each
 * sixteen that are eaten. */
static void small_bites_of_a_long_content_do_not_move_it_each_time(void **state)
{
	enum { CAP = 1 << 20, LEN = CAP - 16 };
	struct buf buf = {0};
	size_t moves = 0;

	memset(buf_reserve(&buf, LEN), 'x', LEN);
	buf_commit(&buf, LEN);
	assert_int_equal(buf.cap, CAP);
	for (unsigned i = 0; i < 65536; i++) {
		const uint8_t *data = buf.data;
		size_t start = buf.start;
		buf_consume(&buf, 1);
		buf_append(&buf, "y", 1);
		moves += buf.data != data || buf.start < start;
	}
	assert_true(moves <= 2);
	assert_int_equal(buf_len(&buf), LEN);
	buf_deinit(&buf);
}

static void prints_short_and_long_texts(void **state)
{
	struct buf buf = {0};

	buf_printf(&buf, "%s=%d;", "a", 1);
	buf_append_str(&buf, STR_LITERAL("b"));
	assert_str((struct str){(char *)buf_front(&buf), buf_len(&buf)}, "a=1;b");
	buf_printf(&buf, "%*d", 5000, 1);
	assert_int_equal(buf_len(&buf), 5005);
	buf_deinit(&buf);
}

static void shrinks_only_what_is_empty_and_large(void **state)
{
	struct buf buf = {0};

	buf_append(&buf, "x", 1);
	buf_shrink(&buf, 0);
	assert_int_equal(buf_len(&buf), 1);
	buf_consume(&buf, 1);
	buf_shrink(&buf, buf.cap);
	assert_non_null(buf.data);
	buf_shrink(&buf, 0);
	assert_null(buf.data);
	buf_append(&buf, "y", 1);
	assert_int_equal(*buf_front(&buf), 'y');
	buf_deinit(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_come_out_in_the_order_they_went_in),
		cmocka_unit_test(an_empty_buf_has_no_front),
		cmocka_unit_test(reserved_room_becomes_content_when_committed),
		cmocka_unit_test(an_empty_buf_starts_at_its_front_again),
		cmocka_unit_test(a_steady_flow_needs_steady_memory),
		cmocka_unit_test(small_bites_of_a_long_content_do_not_move_it_each_time),
		cmocka_unit_test(prints_short_and_long_texts),
		cmocka_unit_test(shrinks_only_what_is_empty_and_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
