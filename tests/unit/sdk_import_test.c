/* A plugin takes the state of the one before it: what is taken, what is refused with a sentence,
 * and which frames end the plugin because they come out of turn. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "sdk/proto.h"
#include "sdk/sha256.h"
#include "sdk_keeper.h"

/* ---- import ---- */

static void a_state_is_taken_before_the_start(void **state)
{
	struct host *host = start_greeted(&keeper);

	(void)state;
	say_import(host, FORMAT_NEW);
	say_state(host, "abc", 3);
	say_state(host, "", 0);
	say_state(host, "de", 2);
	host_hear_nothing(host);
	say_end(host, "abcde", 5, NULL);
	assert_null(hear_imported(host));
	host_hear_nothing(host);
	say_start(host);
	host_hear(host, WIRE_READY);
	host_call(host, 1, KEPT, "", "5 abc");
	assert_int_equal(host_end(host, true), 0);
}

static void a_state_may_be_empty_or_a_value(void **state)
{
	struct host *host = start_greeted(&keeper);

	(void)state;
	say_import(host, FORMAT_OLD);
	say_end(host, "", 0, NULL);
	assert_null(hear_imported(host));
	assert_int_equal(host_end(host, true), 0);
	host = start_greeted(&keeper);
	say_import(host, FORMAT_VALUE);
	say_state(host, "\x81\xa3len\x07", 6);
	say_end(host, "\x81\xa3len\x07", 6, NULL);
	assert_null(hear_imported(host));
	say_start(host);
	host_hear(host, WIRE_READY);
	host_call(host, 1, KEPT, "", "7 ");
	assert_int_equal(host_end(host, true), 0);
}

/* Half of the window at a time, as with calls. */
static void credit_comes_back_while_a_state_comes(void **state)
{
	static char part[KEEPER_STATE_MAX / 2];
	struct host *host = start_greeted(&keeper);

	(void)state;
	say_import(host, FORMAT_NEW);
	for (int i = 0; i < 4; i++) { /* too much, which is told only at the end */
		say_state(host, part, sizeof(part));
		host_hear_credit(host, 0, sizeof(part));
	}
	say_end(host, "", 0, NULL);
	free(hear_imported(host));
	assert_int_equal(host_end(host, false), 1);
}

static const char zeros[KEEPER_STATE_MAX + 1];

static void a_state_that_is_not_good_is_refused(void **state)
{
	static const struct {
		uint32_t format;
		struct wire_bytes came;
		const char *sent;
		size_t sent_len;
		const char *error;
		const char *words;
	} rows[] = {
		{FORMAT_NEW, {(const uint8_t *)"abc", 3}, "abd", 3, NULL, "checksum"},
		{FORMAT_NEW, {(const uint8_t *)"abc", 3}, "abcd", 4, NULL, "3 bytes came of 4"},
		{FORMAT_NEW, {NULL, 0}, "a", 1, NULL, "0 bytes came of 1"},
		{FORMAT_NEW, {(const uint8_t *)"abc", 3}, "abc", 3, "it is locked", "it is locked"},
		{FORMAT_NEW, {(const uint8_t *)"Xbc", 3}, "Xbc", 3, NULL, "tested does not like"},
		{FORMAT_LOCKED, {(const uint8_t *)"abc", 3}, "abc", 3, NULL, "format 3"},
		{4711, {(const uint8_t *)"abc", 3}, "abc", 3, NULL, "format 4711"},
		{FORMAT_VALUE, {(const uint8_t *)"\xc1", 1}, "\xc1", 1, NULL, "no MessagePack"},
		{FORMAT_NEW,
		 {(const uint8_t *)zeros, KEEPER_STATE_MAX},
		 zeros,
		 KEEPER_STATE_MAX + 1,
		 NULL,
		 "damaged"},
	};

	(void)state;
	for (size_t i = 0; i < PLUG_COUNT(rows); i++) {
		struct host *host = start_greeted(&keeper);
		char *error;

		say_import(host, rows[i].format);
		say_state(host, rows[i].came.len > 0 ? rows[i].came.data : (const void *)"",
			  rows[i].came.len);
		say_end(host, rows[i].sent, rows[i].sent_len, rows[i].error);
		error = hear_imported(host);
		assert_non_null(error);
		if (strstr(error, rows[i].words) == NULL)
			fail_msg("\"%s\" is not in \"%s\"", rows[i].words, error);
		free(error);
		host_hear_nothing(host);
		if (i % 2 == 0)
			assert_int_equal(host_end(host, true), 0);
		else
			say_start(host), assert_int_equal(host_wait(host), 1);
	}
}

static void a_state_that_is_too_large_is_refused(void **state)
{
	struct host *host = start_greeted(&keeper);
	char *error;

	(void)state;
	say_import(host, FORMAT_NEW);
	say_state(host, zeros, KEEPER_STATE_MAX);
	host_hear_credit(host, 0, KEEPER_STATE_MAX);
	say_state(host, zeros, 1);
	say_end(host, zeros, KEEPER_STATE_MAX + 1, NULL);
	error = hear_imported(host);
	assert_non_null(error);
	assert_non_null(strstr(error, "30000 bytes"));
	free(error);
	assert_int_equal(host_end(host, false), 1);
}

/* The last byte of this one's is 0, as is what is left out. */
static void a_checksum_has_32_bytes(void **state)
{
	static const char text[] = "403";
	struct host *host = start_greeted(&keeper);
	plugd_v1_StateEnd end = plugd_v1_StateEnd_init_zero;
	struct sha256 sha;
	char *error;

	(void)state;
	sha256_init(&sha);
	sha256_add(&sha, text, strlen(text));
	sha256_end(&sha, end.sha256.bytes);
	end.sha256.size = SHA256_BYTES - 1;
	end.total_bytes = strlen(text);
	say_import(host, FORMAT_NEW);
	say_state(host, text, strlen(text));
	host_say(host, WIRE_STATE_END, plugd_v1_StateEnd_fields, &end);
	error = hear_imported(host);
	assert_non_null(error);
	free(error);
	assert_int_equal(host_end(host, false), 1);
}

static void a_drain_ends_an_import(void **state)
{
	struct host *host = start_greeted(&keeper);

	(void)state;
	say_import(host, FORMAT_NEW);
	say_state(host, "abc", 3);
	assert_int_equal(host_end(host, true), 0);
}

/* ---- violations ---- */

enum word { END, SAY_START, SAY_EXPORT, SAY_IMPORT, SAY_STATE, SAY_STATE_END, SAY_TOO_MUCH };

static void say_word(struct host *host, enum word word)
{
	switch (word) {
	case SAY_START:
		say_start(host);
		break;
	case SAY_EXPORT:
		say_export(host, FORMAT_NEW);
		break;
	case SAY_IMPORT:
		say_import(host, FORMAT_NEW);
		break;
	case SAY_STATE:
		say_state(host, "a", 1);
		break;
	case SAY_STATE_END:
		say_end(host, "a", 1, NULL);
		break;
	case SAY_TOO_MUCH:
		say_state(host, zeros, sizeof(zeros));
		break;
	case END:
		break;
	}
}

static void a_frame_of_state_out_of_turn_ends_the_plugin(void **state)
{
	static const enum word rows[][6] = {
		{SAY_STATE},
		{SAY_STATE_END},
		{SAY_EXPORT},
		{SAY_IMPORT, SAY_IMPORT},
		{SAY_IMPORT, SAY_START},
		{SAY_IMPORT, SAY_EXPORT},
		{SAY_IMPORT, SAY_TOO_MUCH},
		{SAY_IMPORT, SAY_STATE, SAY_STATE_END, SAY_STATE},
		{SAY_IMPORT, SAY_STATE, SAY_STATE_END, SAY_STATE_END},
		{SAY_IMPORT, SAY_STATE, SAY_STATE_END, SAY_IMPORT},
		{SAY_IMPORT, SAY_STATE, SAY_STATE_END, SAY_EXPORT},
		{SAY_START, SAY_IMPORT},
		{SAY_START, SAY_STATE},
		{SAY_START, SAY_STATE_END},
		{SAY_IMPORT, SAY_STATE, SAY_STATE_END, SAY_START, SAY_IMPORT},
	};

	(void)state;
	for (size_t i = 0; i < PLUG_COUNT(rows); i++) {
		struct host *host = start_greeted(&keeper);

		for (size_t k = 0; rows[i][k] != END; k++)
			say_word(host, rows[i][k]);
		assert_int_equal(host_wait(host), 1);
	}
}

static void frames_of_state_that_cannot_be_read_end_the_plugin(void **state)
{
	static const uint8_t broken[] = {0x7a, 5, 'x'}; /* five bytes are announced */
	static const enum wire_kind kinds[] = {WIRE_IMPORT, WIRE_STATE, WIRE_STATE_END};

	(void)state;
	for (size_t i = 0; i < PLUG_COUNT(kinds); i++) {
		struct host *host = start_greeted(&keeper);
		uint8_t frame[WIRE_FRAME_HEAD_BOUND];

		if (kinds[i] != WIRE_IMPORT)
			say_import(host, FORMAT_NEW);
		host_say_bytes(host, frame, wire_put_frame_head(frame, kinds[i], sizeof(broken)));
		host_say_bytes(host, broken, sizeof(broken));
		assert_int_equal(host_wait(host), 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_state_is_taken_before_the_start),
		cmocka_unit_test(a_state_may_be_empty_or_a_value),
		cmocka_unit_test(credit_comes_back_while_a_state_comes),
		cmocka_unit_test(a_state_that_is_not_good_is_refused),
		cmocka_unit_test(a_state_that_is_too_large_is_refused),
		cmocka_unit_test(a_checksum_has_32_bytes),
		cmocka_unit_test(a_drain_ends_an_import),
		cmocka_unit_test(a_frame_of_state_out_of_turn_ends_the_plugin),
		cmocka_unit_test(frames_of_state_that_cannot_be_read_end_the_plugin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
