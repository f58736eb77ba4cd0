/* The last frames of a channel: so many, in order, and payloads only where they are wanted. */
#include <string.h>

#include "plugin/trail.h"
#include "tests/support/unit.h"

static struct wire_bytes text(const char *words)
{
	return (struct wire_bytes){(const uint8_t *)words, strlen(words)};
}

static void note(struct trail *trail, uint32_t id, const char *payload)
{
	trail_note(trail, &(struct trail_frame){.id = id, .bytes = 10 + id, .kind = WIRE_REQUEST},
		   text(payload));
}

static void the_last_ones_are_remembered_in_order(void **state)
{
	struct trail trail = {0};

	assert_int_equal(trail_length(&trail), 0);
	for (uint32_t id = 1; id <= TRAIL_FRAMES + 3; id++) {
		note(&trail, id, "x");
		assert_int_equal(trail_length(&trail), id < TRAIL_FRAMES ? id : TRAIL_FRAMES);
	}
	for (unsigned i = 0; i < TRAIL_FRAMES; i++) {
		assert_int_equal(trail_at(&trail, i)->id, i + 4);
		assert_int_equal(trail_payload(&trail, i).len, 0);
	}
	assert_int_equal(trail.count, TRAIL_FRAMES + 3);
}

static void payloads_are_kept_where_they_are_wanted(void **state)
{
	struct trail trail = {0};
	char large[TRAIL_PAYLOAD_BYTES + 2];

	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	trail_keep_payloads(&trail);
	for (uint32_t i = 0; i < TRAIL_FRAMES; i++)
		note(&trail, i, "overwritten");
	note(&trail, 1, "first");
	note(&trail, 3, large);
	note(&trail, 5, "");
	assert_memory_equal(trail_payload(&trail, TRAIL_FRAMES - 3).data, "first", 5);
	assert_int_equal(trail_payload(&trail, TRAIL_FRAMES - 3).len, 5);
	assert_int_equal(trail_payload(&trail, TRAIL_FRAMES - 2).len, TRAIL_PAYLOAD_BYTES);
	assert_int_equal(trail_payload(&trail, TRAIL_FRAMES - 1).len, 0);
	trail_deinit(&trail);
}

static void what_was_read_of_a_frame_is_told_later(void **state)
{
	struct trail trail = {0};

	trail_keep_payloads(&trail);
	note(&trail, 1, "");
	trail_note(&trail, &(struct trail_frame){.kind = WIRE_RESPONSE, .is_inbound = true},
		   text(""));
	trail_tell(&trail, 7, text("answer"));
	assert_int_equal(trail_at(&trail, 0)->id, 1);
	assert_int_equal(trail_at(&trail, 1)->id, 7);
	assert_int_equal(trail_at(&trail, 1)->kind, WIRE_RESPONSE);
	assert_memory_equal(trail_payload(&trail, 1).data, "answer", 6);
	trail_deinit(&trail);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_ones_are_remembered_in_order),
		cmocka_unit_test(payloads_are_kept_where_they_are_wanted),
		cmocka_unit_test(what_was_read_of_a_frame_is_told_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
