/* Frames out of a stream of bytes: wherever it is cut, the same frames come out; what is no frame
 * is refused with its bytes. */
#include <string.h>

#include "observe/errors.h"
#include "plugin/frame.h"
#include "tests/support/unit.h"

/* DATA {id 1, end, payload "hi"}, CREDIT {bytes 5} and a frame of kind 99, which nobody knows. */
static const uint8_t stream[] = {
	0, 0, 0, 10, 0x52, 8,	 8,    1, 0x60, 1, 0x7a, 2, 'h', 'i', /* data */
	0, 0, 0, 4,  0x62, 2,	 0x10, 5,			      /* credit */
	0, 0, 0, 3,  0x9a, 0x06, 0,				      /* field 99 */
};

static void feed(struct frame_reader *reader, const uint8_t *data, size_t len)
{
	size_t room;
	uint8_t *to = frame_reader_room(reader, &room);

	assert_true(room >= len);
	memcpy(to, data, len);
	frame_reader_filled(reader, len);
}

/* Appends the kinds that come out, as letters. */
static void drain(struct frame_reader *reader, char *seen)
{
	struct frame frame;
	struct err err;
	enum frame_verdict verdict;

	while ((verdict = frame_reader_next(reader, &frame, &err)) == FRAME_READY) {
		char letter[2] = {frame.kind == WIRE_DATA     ? 'd'
				  : frame.kind == WIRE_CREDIT ? 'c'
				  : frame.kind == WIRE_NONE   ? '?'
							      : '!'};
		strcat(seen, letter);
	}
	assert_int_equal(verdict, FRAME_NEEDS_MORE);
}

static void every_cut_of_a_stream_gives_the_same_frames(void **state)
{
	for (size_t cut = 0; cut <= sizeof(stream); cut++) {
		struct frame_reader reader;
		char seen[8] = "";

		frame_reader_init(&reader, WIRE_MAX_FRAME_BYTES);
		feed(&reader, stream, cut);
		drain(&reader, seen);
		feed(&reader, stream + cut, sizeof(stream) - cut);
		drain(&reader, seen);
		assert_string_equal(seen, "dc?");
		assert_int_equal(frame_reader_pending(&reader), 0);
		frame_reader_deinit(&reader);
	}
}

static void one_byte_at_a_time_gives_the_same_frames(void **state)
{
	struct frame_reader reader;
	char seen[8] = "";

	frame_reader_init(&reader, WIRE_MAX_FRAME_BYTES);
	for (size_t i = 0; i < sizeof(stream); i++) {
		feed(&reader, stream + i, 1);
		drain(&reader, seen);
	}
	assert_string_equal(seen, "dc?");
	frame_reader_deinit(&reader);
}

static void refuses(const void *bytes, size_t len, const char *expected)
{
	struct frame_reader reader;
	struct frame frame;
	struct err err = {0};

	frame_reader_init(&reader, WIRE_MIN_FRAME_BYTES);
	feed(&reader, bytes, len);
	assert_int_equal(frame_reader_next(&reader, &frame, &err), FRAME_BAD);
	assert_int_equal(err.code, ERR_PROTOCOL_FRAME);
	if (!strstr(err.text, expected))
		fail_msg("\"%s\" does not say \"%s\"", err.text, expected);
	frame_reader_deinit(&reader);
}

static void text_on_the_channel_is_quoted(void **state)
{
	refuses("Hello from printf\n", 18, "Hello from printf");
}

static void an_empty_frame_is_refused(void **state)
{
	refuses("\0\0\0\0", 4, "0 bytes");
}

static void a_frame_above_the_limit_is_refused_before_it_is_read(void **state)
{
	refuses("\0\2\0\1", 4, "131073 bytes");
}

static void bytes_that_are_no_message_are_refused(void **state)
{
	refuses("\0\0\0\2\377\377", 6, "frame of 2 bytes");
}

static void room_grows_to_the_frame_that_has_begun(void **state)
{
	static const uint8_t prefix[] = {0, 1, 0xff, 0};
	struct frame_reader reader;
	size_t room;

	frame_reader_init(&reader, WIRE_MAX_FRAME_BYTES);
	feed(&reader, prefix, sizeof(prefix));
	frame_reader_room(&reader, &room);
	assert_true(room >= 0x1ff00);
	frame_reader_deinit(&reader);
}

static void a_prefix_above_the_limit_makes_no_room(void **state)
{
	static const uint8_t prefix[] = {0x7f, 0xff, 0xff, 0xff};
	struct frame_reader reader;
	size_t room;

	frame_reader_init(&reader, WIRE_MAX_FRAME_BYTES);
	feed(&reader, prefix, sizeof(prefix));
	frame_reader_room(&reader, &room);
	assert_true(room <= WIRE_MAX_FRAME_BYTES);
	frame_reader_deinit(&reader);
}

static void every_kind_has_a_name_of_its_own(void **state)
{
	for (int a = WIRE_HELLO; a < WIRE_KIND_END; a++) {
		for (int b = WIRE_NONE; b < a; b++)
			assert_string_not_equal(frame_kind_name((enum wire_kind)a),
						frame_kind_name((enum wire_kind)b));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cut_of_a_stream_gives_the_same_frames),
		cmocka_unit_test(one_byte_at_a_time_gives_the_same_frames),
		cmocka_unit_test(text_on_the_channel_is_quoted),
		cmocka_unit_test(an_empty_frame_is_refused),
		cmocka_unit_test(a_frame_above_the_limit_is_refused_before_it_is_read),
		cmocka_unit_test(bytes_that_are_no_message_are_refused),
		cmocka_unit_test(room_grows_to_the_frame_that_has_begun),
		cmocka_unit_test(a_prefix_above_the_limit_makes_no_room),
		cmocka_unit_test(every_kind_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
