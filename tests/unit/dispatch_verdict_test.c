/* What a call that has ended says of its plugin: the same to the breaker, to a canary, and to the
 * counters that the operator sees. */
#include "tests/support/dispatch_world.h"

#define HOUR_MS	   3600000
#define TIMEOUT_MS 20

/* A plugin of which all calls are a canary's, and whose breaker only counts. */
static void start(struct dispatch_world *world, struct canary *canary)
{
	world->plugin.breaker = (struct breaker_opts){.enabled = true,
						      .failure_threshold = 1000,
						      .min_calls = 1,
						      .failure_percent = 50,
						      .window_ms = HOUR_MS};
	world_start(world);
	canary_init(canary, &(struct canary_opts){.permille = 1000, .for_ms = HOUR_MS}, 1);
	target_set_canary(&world->target, world->pool, canary);
}

/* The same, and its one call has reached it. */
static void start_asked(struct dispatch_world *world, struct canary *canary, struct caller *caller)
{
	start(world, canary);
	assert_true(caller_asks(caller, ""));
	world_expect_said(world, "request a(0!) ");
}

/* The one call that has ended: how, and whether that said something, and what. */
static void assert_verdict(struct dispatch_world *world, const struct canary *canary,
			   enum outcome outcome, bool counts, bool is_failure)
{
	struct breaker_count seen = breaker_count(&world->target.breaker, loop_now_ms(world->loop));

	assert_int_equal(world->target.outcomes[outcome], 1);
	assert_int_equal(seen.calls, counts);
	assert_int_equal(seen.failures, is_failure);
	assert_int_equal(canary->next.calls, counts);
	assert_int_equal(canary->next.errors, is_failure);
	assert_int_equal(canary->old.calls, 0);
	target_set_canary(&world->target, NULL, NULL);
}

static void a_good_answer_is_a_success(void **state)
{
	struct dispatch_world *world = *state;
	struct caller caller = caller_new(world, 'a');
	static struct canary canary;

	start_asked(world, &canary, &caller);
	plugin_replies(world, 'a', "fine");
	world_expect_news(world, "a:response(4)! a:done(OK) ");
	assert_verdict(world, &canary, OUTCOME_OK, true, false);
	caller_deinit(&caller);
}

static void an_answer_of_one_frame_that_is_refused_is_a_failure(void **state)
{
	struct dispatch_world *world = *state;
	struct caller caller = caller_new(world, 'a');
	static struct canary canary;

	caller.refuses = true;
	start_asked(world, &canary, &caller);
	plugin_replies(world, 'a', "nonsense");
	world_expect_news(world, "a:response(8)! a:done(BAD_ANSWER) ");
	assert_result(&caller, OUTCOME_BAD_ANSWER, "it makes no sense");
	assert_verdict(world, &canary, OUTCOME_BAD_ANSWER, true, true);
	caller_deinit(&caller);
}

static void an_answer_that_is_refused_at_its_end_is_a_failure(void **state)
{
	struct dispatch_world *world = *state;
	struct caller caller = caller_new(world, 'a');
	static struct canary canary;

	caller.refuses = true;
	start_asked(world, &canary, &caller);
	plugin_responds(world, 'a', (struct wire_response){.payload = wire_text("good")});
	plugin_sends(world, 'a', wire_text("bad"), true);
	world_expect_news(world, "a:response(4) a:data(3)! a:done(BAD_ANSWER) ");
	assert_result(&caller, OUTCOME_BAD_ANSWER, "it makes no sense");
	assert_verdict(world, &canary, OUTCOME_BAD_ANSWER, true, true);
	caller_deinit(&caller);
}

static void an_answer_that_is_given_up_in_the_middle_is_a_failure(void **state)
{
	struct dispatch_world *world = *state;
	struct caller caller = caller_new(world, 'a');
	static struct canary canary;

	start_asked(world, &canary, &caller);
	plugin_responds(world, 'a', (struct wire_response){0});
	world_expect_news(world, "a:response(0) ");
	caller_cancels(&caller, OUTCOME_BAD_ANSWER);
	world_expect_said(world, "cancel a(13) ");
	plugin_cancels(world, 'a', 1, "cancelled");
	assert_verdict(world, &canary, OUTCOME_BAD_ANSWER, true, true);
	caller_deinit(&caller);
}

static void a_call_that_takes_too_long_is_a_failure(void **state)
{
	struct dispatch_world *world = *state;
	struct caller caller = caller_new(world, 'a');
	static struct canary canary;

	start(world, &canary);
	assert_true(caller_start(&caller, &(struct wire_request){.end = true}, TIMEOUT_MS));
	world_expect_said(world, "request a(0!) cancel a(4) ");
	world_expect_news(world, "a:done(DEADLINE_EXCEEDED) ");
	assert_verdict(world, &canary, OUTCOME_DEADLINE_EXCEEDED, true, true);
	caller_deinit(&caller);
}

static void who_leaves_says_nothing(void **state)
{
	struct dispatch_world *world = *state;
	struct caller caller = caller_new(world, 'a');
	static struct canary canary;

	start_asked(world, &canary, &caller);
	caller_cancels(&caller, OUTCOME_CANCELLED);
	world_expect_said(world, "cancel a(1) ");
	assert_verdict(world, &canary, OUTCOME_CANCELLED, false, false);
	caller_deinit(&caller);
}

#define IN_WORLD(test)                                                                             \
	cmocka_unit_test_setup_teardown(test, dispatch_world_setup, dispatch_world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(a_good_answer_is_a_success),
		IN_WORLD(an_answer_of_one_frame_that_is_refused_is_a_failure),
		IN_WORLD(an_answer_that_is_refused_at_its_end_is_a_failure),
		IN_WORLD(an_answer_that_is_given_up_in_the_middle_is_a_failure),
		IN_WORLD(a_call_that_takes_too_long_is_a_failure),
		IN_WORLD(who_leaves_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
