/* Who may say what in which state: every state with every kind of frame, against a table that is
 * written here a second time, from proto/README.md, by letters. */
#include "plugin/rules.h"
#include "tests/support/unit.h"

/* What a plugin may send: w(elcome) f(ailed) l(og) y(ready) p(ong) c(all frames) r(esponse)
 * b(ye). */
static const struct {
	enum instance_state state;
	const char *allowed;
} rows[] = {
	{INSTANCE_NEW, ""},	  {INSTANCE_GREETING, "wfl"},	{INSTANCE_PREPARING, "yflpc"},
	{INSTANCE_READY, "crlp"}, {INSTANCE_DRAINING, "crlpb"},
};

static char letter_of(enum wire_kind kind)
{
	static const char letters[WIRE_KIND_END] = {
		[WIRE_WELCOME] = 'w', [WIRE_READY] = 'y',   [WIRE_FAILED] = 'f',
		[WIRE_BYE] = 'b',     [WIRE_REQUEST] = 'c', [WIRE_RESPONSE] = 'r',
		[WIRE_DATA] = 'c',    [WIRE_CANCEL] = 'c',  [WIRE_CREDIT] = 'c',
		[WIRE_PONG] = 'p',    [WIRE_LOG] = 'l',
	};

	return letters[kind];
}

static void each_state_takes_its_frames_and_no_others(void **state)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		for (int kind = WIRE_HELLO; kind < WIRE_KIND_END; kind++) {
			char letter = letter_of((enum wire_kind)kind);
			bool allowed = letter && strchr(rows[i].allowed, letter);

			assert_int_equal(rules_check(rows[i].state, (enum wire_kind)kind, 0),
					 allowed ? RULES_ACCEPT : RULES_REFUSE);
		}
	}
}

static void what_comes_after_the_end_is_ignored(void **state)
{
	for (int kind = WIRE_NONE; kind < WIRE_KIND_END; kind++) {
		assert_int_equal(rules_check(INSTANCE_STOPPING, (enum wire_kind)kind, 0),
				 RULES_IGNORE);
		assert_int_equal(rules_check(INSTANCE_DEAD, (enum wire_kind)kind, 0), RULES_IGNORE);
	}
}

static void an_unknown_frame_is_ignored_only_when_that_was_agreed(void **state)
{
	assert_int_equal(rules_check(INSTANCE_READY, WIRE_NONE, 0), RULES_REFUSE);
	assert_int_equal(rules_check(INSTANCE_READY, WIRE_NONE, FEATURE_UNKNOWN_FRAMES),
			 RULES_IGNORE);
	assert_int_equal(rules_feature("unknown-frames"), FEATURE_UNKNOWN_FRAMES);
	assert_int_equal(rules_feature("events"), 0);
}

static void an_instance_moves_forward_only(void **state)
{
	static const char *const may[] = {
		[INSTANCE_NEW] = "greeting dead",
		[INSTANCE_GREETING] = "preparing stopping dead",
		[INSTANCE_PREPARING] = "ready stopping dead",
		[INSTANCE_READY] = "draining stopping dead",
		[INSTANCE_DRAINING] = "stopping dead",
		[INSTANCE_STOPPING] = "dead",
		[INSTANCE_DEAD] = "",
	};

	for (int from = INSTANCE_NEW; from <= INSTANCE_DEAD; from++) {
		for (int to = INSTANCE_NEW; to <= INSTANCE_DEAD; to++) {
			const char *name = rules_state_name((enum instance_state)to);

			assert_int_equal(
				rules_may_move((enum instance_state)from, (enum instance_state)to),
				strstr(may[from], name) != NULL);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_state_takes_its_frames_and_no_others),
		cmocka_unit_test(what_comes_after_the_end_is_ignored),
		cmocka_unit_test(an_unknown_frame_is_ignored_only_when_that_was_agreed),
		cmocka_unit_test(an_instance_moves_forward_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
