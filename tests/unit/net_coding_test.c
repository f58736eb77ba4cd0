/* Codings in both directions: what goes in comes out again, wherever it is cut; what is not of a
 * coding is refused; and no step gives more than there is room for. */
#include <stdlib.h>

#include "base/buf.h"
#include "net/coding.h"
#include "tests/support/unit.h"

#define TEXT_BYTES 50000

static struct coders *coders;

static int setup(void **state)
{
	coders = coders_new();
	return 0;
}

/* Asserts that all have been given back. */
static int teardown(void **state)
{
	coders_free(coders);
	return 0;
}

/* Words that repeat, but not too much. */
static const uint8_t *text(void)
{
	static uint8_t bytes[TEXT_BYTES];
	uint32_t seed = 7;

	for (size_t i = 0; i < TEXT_BYTES && bytes[0] == 0; i++) {
		seed = seed * 1103515245 + 12345;
		bytes[i] = (uint8_t)("plugd runs plugins"[seed >> 16 & 15] + (i % 7 == 0));
	}
	return bytes;
}

/* One piece through a coder, with that much room at a time. */
static enum coder_state run(struct coder *coder, const void *data, size_t len, bool last,
			    size_t room, struct buf *out)
{
	struct coder_io io = {.in = data, .in_len = len};
	enum coder_state state;

	do {
		io.out = buf_reserve(out, room);
		io.out_len = room;
		state = coder_run(coder, &io, last);
		assert_true(io.out_len <= room);
		buf_commit(out, room - io.out_len);
	} while (state == CODER_FULL);
	if (state != CODER_BROKEN)
		assert_int_equal(io.in_len, 0);
	return state;
}

/* The text in pieces. Returns the state after the last. */
static enum coder_state run_pieces(struct coder *coder, const uint8_t *data, size_t len,
				   size_t piece, size_t room, struct buf *out)
{
	enum coder_state state = CODER_HUNGRY;

	for (size_t at = 0; at < len && state != CODER_BROKEN; at += piece) {
		size_t bytes = len - at < piece ? len - at : piece;

		state = run(coder, data + at, bytes, at + bytes == len, room, out);
	}
	return state;
}

static void encode(enum coding_id id, enum coding_level level, size_t len, struct buf *out)
{
	struct coder *coder = coders_take(coders, id, CODING_ENCODES, level);

	assert_int_equal(run(coder, text(), len, true, 4096, out), CODER_DONE);
	coders_give(coders, coder);
}

static enum coder_state decode(enum coding_id id, const uint8_t *data, size_t len, size_t piece,
			       size_t room, struct buf *out)
{
	struct coder *coder = coders_take(coders, id, CODING_DECODES, CODING_BALANCED);
	enum coder_state state = run_pieces(coder, data, len, piece, room, out);

	coders_give(coders, coder);
	return state;
}

static void what_goes_in_comes_out_wherever_it_is_cut(void **state)
{
	static const size_t pieces[] = {1, 7, 1000, TEXT_BYTES};
	static const size_t rooms[] = {13, 1000, 70000};
	static const enum coding_level all[] = {CODING_FAST, CODING_BALANCED, CODING_SMALL};

	for (size_t i = 0; i < CODING_COUNT * COUNT_OF(all); i++) {
		enum coding_id id = (enum coding_id)(i / COUNT_OF(all));
		struct buf small = {0}, back = {0};

		encode(id, all[i % COUNT_OF(all)], TEXT_BYTES, &small);
		assert_true(buf_len(&small) < TEXT_BYTES * 3 / 4);
		for (size_t k = 0; k < COUNT_OF(pieces) * COUNT_OF(rooms); k++) {
			assert_int_equal(decode(id, buf_front(&small), buf_len(&small),
						pieces[k / COUNT_OF(rooms)],
						rooms[k % COUNT_OF(rooms)], &back),
					 CODER_DONE);
			assert_int_equal(buf_len(&back), TEXT_BYTES);
			assert_memory_equal(buf_front(&back), text(), TEXT_BYTES);
			buf_consume(&back, TEXT_BYTES);
		}
		buf_deinit(&small);
		buf_deinit(&back);
	}
}

static void a_piece_can_be_read_before_the_next_one_comes(void **state)
{
	static const size_t rooms[] = {11, 4096};

	for (size_t i = 0; i < CODING_COUNT * COUNT_OF(rooms); i++) {
		enum coding_id id = (enum coding_id)(i / COUNT_OF(rooms));
		struct coder *encoder = coders_take(coders, id, CODING_ENCODES, CODING_BALANCED);
		struct coder *decoder = coders_take(coders, id, CODING_DECODES, CODING_BALANCED);
		struct buf small = {0}, back = {0};

		for (size_t at = 0; at < 3000; at += 300) {
			assert_int_equal(run(encoder, text() + at, 300, false,
					     rooms[i % COUNT_OF(rooms)], &small),
					 CODER_HUNGRY);
			run(decoder, buf_front(&small), buf_len(&small), false, 4096, &back);
			buf_consume(&small, buf_len(&small));
			assert_int_equal(buf_len(&back), at + 300);
		}
		assert_memory_equal(buf_front(&back), text(), 3000);
		assert_int_equal(run(encoder, NULL, 0, true, 4096, &small), CODER_DONE);
		assert_int_equal(
			run(decoder, buf_front(&small), buf_len(&small), false, 4096, &back),
			CODER_DONE);
		coders_give(coders, encoder);
		coders_give(coders, decoder);
		buf_deinit(&small);
		buf_deinit(&back);
	}
}

static void a_body_of_nothing_is_a_stream_too(void **state)
{
	for (size_t id = 0; id < CODING_COUNT; id++) {
		struct buf small = {0}, back = {0};

		encode((enum coding_id)id, CODING_BALANCED, 0, &small);
		assert_true(buf_len(&small) > 0);
		assert_int_equal(decode((enum coding_id)id, buf_front(&small), buf_len(&small), 1,
					100, &back),
				 CODER_DONE);
		assert_int_equal(buf_len(&back), 0);
		buf_deinit(&small);
		buf_deinit(&back);
	}
}

static void what_is_cut_off_is_not_done(void **state)
{
	for (size_t id = 0; id < CODING_COUNT; id++) {
		struct buf small = {0}, back = {0};

		encode((enum coding_id)id, CODING_BALANCED, 2000, &small);
		for (size_t cut = 1; cut < buf_len(&small); cut++)
			assert_int_equal(decode((enum coding_id)id, buf_front(&small),
						buf_len(&small) - cut, TEXT_BYTES, 4096, &back),
					 CODER_HUNGRY);
		buf_deinit(&small);
		buf_deinit(&back);
	}
}

static void what_follows_a_stream_is_another_one_or_refused(void **state)
{
	static const bool may_follow[CODING_COUNT] = {
		[CODING_GZIP] = true, [CODING_BROTLI] = false, [CODING_ZSTD] = true};

	for (size_t id = 0; id < CODING_COUNT; id++) {
		struct buf small = {0}, back = {0};
		size_t one;

		encode((enum coding_id)id, CODING_BALANCED, 500, &small);
		one = buf_len(&small);
		encode((enum coding_id)id, CODING_BALANCED, 500, &small);
		assert_int_equal(decode((enum coding_id)id, buf_front(&small), buf_len(&small), 3,
					100, &back),
				 may_follow[id] ? CODER_DONE : CODER_BROKEN);
		assert_int_equal(buf_len(&back), may_follow[id] ? 1000 : 500);
		memset(buf_front(&small) + one, 0, buf_len(&small) - one);
		assert_int_equal(decode((enum coding_id)id, buf_front(&small), one + 8, TEXT_BYTES,
					4096, &back),
				 CODER_BROKEN);
		buf_deinit(&small);
		buf_deinit(&back);
	}
}

static void what_is_of_no_coding_is_refused(void **state)
{
	/* A window of 16 MiB, which nobody has to take. */
	static const uint8_t wide[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x70, 0x01, 0x00, 0x00};
	struct buf back = {0};

	for (size_t id = 0; id < CODING_COUNT; id++)
		assert_int_equal(decode((enum coding_id)id, (const uint8_t *)"\xff\xff no stream",
					12, 1, 100, &back),
				 CODER_BROKEN);
	assert_int_equal(decode(CODING_ZSTD, wide, sizeof(wide), 1, 100, &back), CODER_BROKEN);
	buf_deinit(&back);
}

/* A bomb fills the room that it is given, and waits. */
static void few_bytes_stand_for_many_but_not_at_once(void **state)
{
	static uint8_t zeroes[1 << 20], out[1000];

	for (size_t id = 0; id < CODING_COUNT; id++) {
		struct coder *coder =
			coders_take(coders, (enum coding_id)id, CODING_ENCODES, CODING_BALANCED);
		struct buf small = {0};
		struct coder_io io;
		size_t total = 0;
		enum coder_state last = CODER_FULL;

		run(coder, zeroes, sizeof(zeroes), true, 4096, &small);
		coders_give(coders, coder);
		assert_true(buf_len(&small) < 3000);
		coder = coders_take(coders, (enum coding_id)id, CODING_DECODES, CODING_BALANCED);
		io = (struct coder_io){.in = buf_front(&small), .in_len = buf_len(&small)};
		while (last == CODER_FULL) {
			io.out = out;
			io.out_len = sizeof(out);
			last = coder_run(coder, &io, false);
			total += sizeof(out) - io.out_len;
		}
		assert_int_equal(last, CODER_DONE);
		assert_int_equal(total, sizeof(zeroes));
		coders_give(coders, coder);
		buf_deinit(&small);
	}
}

static void a_coder_begins_again_whatever_it_was_in_the_middle_of(void **state)
{
	for (size_t id = 0; id < CODING_COUNT; id++) {
		struct buf before = {0}, after = {0}, back = {0};
		struct coder *coder;

		encode((enum coding_id)id, CODING_BALANCED, 5000, &before);
		for (int way = 0; way < 2; way++) {
			coder = coders_take(coders, (enum coding_id)id, (enum coding_way)way,
					    CODING_BALANCED);
			run(coder, buf_front(&before), 20, false, 4096, &back);
			coders_give(coders, coder);
		}
		buf_consume(&back, buf_len(&back));
		encode((enum coding_id)id, CODING_BALANCED, 5000, &after);
		assert_int_equal(buf_len(&before), buf_len(&after));
		assert_memory_equal(buf_front(&before), buf_front(&after), buf_len(&after));
		assert_int_equal(decode((enum coding_id)id, buf_front(&after), buf_len(&after), 100,
					4096, &back),
				 CODER_DONE);
		assert_memory_equal(buf_front(&back), text(), 5000);
		buf_deinit(&before);
		buf_deinit(&after);
		buf_deinit(&back);
	}
}

static void many_streams_at_once_are_apart(void **state)
{
	struct coder *coder[9];
	struct buf small[9] = {{0}}, back = {0};

	for (size_t i = 0; i < COUNT_OF(coder); i++)
		coder[i] = coders_take(coders, (enum coding_id)(i % CODING_COUNT), CODING_ENCODES,
				       CODING_FAST);
	for (size_t step = 0; step < 10; step++) {
		for (size_t i = 0; i < COUNT_OF(coder); i++)
			run(coder[i], text() + i * 100 + step * 50, 50, step == 9, 4096, &small[i]);
	}
	for (size_t i = 0; i < COUNT_OF(coder); i++) {
		coders_give(coders, coder[i]);
		decode((enum coding_id)(i % CODING_COUNT), buf_front(&small[i]), buf_len(&small[i]),
		       64, 512, &back);
		assert_memory_equal(buf_front(&back), text() + i * 100, 500);
		buf_consume(&back, buf_len(&back));
		buf_deinit(&small[i]);
	}
	buf_deinit(&back);
}

static void codings_have_the_names_that_are_registered(void **state)
{
	assert_int_equal(coding_find(STR_LITERAL("GZip")), CODING_GZIP);
	assert_int_equal(coding_find(STR_LITERAL("x-gzip")), CODING_GZIP);
	assert_int_equal(coding_find(STR_LITERAL("br")), CODING_BROTLI);
	assert_int_equal(coding_find(STR_LITERAL("zstd")), CODING_ZSTD);
	assert_int_equal(coding_find(STR_LITERAL("deflate")), CODING_COUNT);
	assert_int_equal(coding_find(STR_LITERAL("")), CODING_COUNT);
	assert_str(coding_token(CODING_BROTLI), "br");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_in_comes_out_wherever_it_is_cut),
		cmocka_unit_test(a_piece_can_be_read_before_the_next_one_comes),
		cmocka_unit_test(a_body_of_nothing_is_a_stream_too),
		cmocka_unit_test(what_is_cut_off_is_not_done),
		cmocka_unit_test(what_follows_a_stream_is_another_one_or_refused),
		cmocka_unit_test(what_is_of_no_coding_is_refused),
		cmocka_unit_test(few_bytes_stand_for_many_but_not_at_once),
		cmocka_unit_test(a_coder_begins_again_whatever_it_was_in_the_middle_of),
		cmocka_unit_test(many_streams_at_once_are_apart),
		cmocka_unit_test(codings_have_the_names_that_are_registered),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
