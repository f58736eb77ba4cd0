/* MessagePack is told from what only begins like it, before a library allocates for its claims. */
#include <msgpack.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "proto/wire_msgpack.h"

#define ROW(text)                                                                                  \
	{                                                                                          \
		(const uint8_t *)(text), sizeof(text) - 1                                          \
	}

static void whole_values_pass(void **state)
{
	static const struct wire_bytes rows[] = {
		ROW("\xc0"),
		ROW("\x7f"),
		ROW("\xe0"),
		ROW("\x80"),
		ROW("\x90"),
		ROW("\xa0"),
		ROW("\xa2hi"),
		ROW("\xd9\x02hi"),
		ROW("\xda\x00\x02hi"),
		ROW("\xdb\x00\x00\x00\x02hi"),
		ROW("\xc4\x00"),
		ROW("\xc7\x01\x05x"),
		ROW("\xd4\x05x"),
		ROW("\xcb\x00\x00\x00\x00\x00\x00\x00\x00"),
		ROW("\x82\xa1"
		    "a\x92\x01\x02\x03\x81\xc2\xc3"),
		ROW("\xdc\x00\x02\xc0\xc0"),
		ROW("\xdf\x00\x00\x00\x01\xc0\xc0"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_true(wire_msgpack_is_value(rows[i]));
}

static void claims_that_the_bytes_do_not_keep_are_refused(void **state)
{
	static const struct wire_bytes rows[] = {
		ROW(""),
		ROW("\xc1"),
		ROW("\xc0\xc0"),
		ROW("\xa2h"),
		ROW("\xdb\xff\xff\xff\xff"),
		ROW("\xc9\xff\xff\xff\xff\x01"),
		ROW("\x91"),
		ROW("\x81\xc0"),
		ROW("\xdc\x00"),
		ROW("\xdc\x00\x02\xc0"),
		ROW("\xdd\xff\xff\xff\xff"),
		ROW("\xdf\xff\xff\xff\xff\xc0\xc0"),
		/* Nothing is left for the second. */
		ROW("\x92\xdd\x00\x00\x00\x05\xc0\xc0\xc0\xc0\xc0"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_false(wire_msgpack_is_value(rows[i]));
}

static bool library_takes(const uint8_t *data, size_t len)
{
	msgpack_unpacked unpacked;
	size_t end = 0;
	bool taken;

	msgpack_unpacked_init(&unpacked);
	taken = msgpack_unpack_next(&unpacked, (const char *)data, len, &end) ==
			MSGPACK_UNPACK_SUCCESS &&
		end == len;
	msgpack_unpacked_destroy(&unpacked);
	return taken;
}

/* An array or a map with a count of 32 bits: the library allocates for what it claims. */
static bool has_wide_count(uint8_t first)
{
	return first == 0xdd || first == 0xdf;
}

/* Every first byte, with numbers behind it that a library may well allocate for. */
static void the_library_takes_the_same_values(void **state)
{
	uint8_t data[24];
	unsigned taken = 0;

	(void)state;
	srand(7);
	for (unsigned round = 0; round < 200000; round++) {
		size_t len = 1 + (size_t)rand() % sizeof(data);
		bool is_value;

		for (size_t i = 1; i < len; i++)
			data[i] = (uint8_t)(rand() % 4);
		data[0] = (uint8_t)round;
		if (has_wide_count(data[0]))
			data[1] = data[2] = data[3] = 0;
		is_value = wire_msgpack_is_value((struct wire_bytes){data, len});
		assert_int_equal(library_takes(data, len), is_value);
		taken += is_value ? 1 : 0;
	}
	assert_true(taken > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_values_pass),
		cmocka_unit_test(claims_that_the_bytes_do_not_keep_are_refused),
		cmocka_unit_test(the_library_takes_the_same_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
