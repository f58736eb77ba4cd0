/* Calls from their start to their last word, on a real process: what is asked and answered arrives
 * whole, streams slow down and go on, and whatever becomes of the plugin, each caller is told how
 * it ended, once. Who waits and until when is shown in dispatch_queue_test. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "tests/support/dispatch_world.h"

#define CHUNK	    ((size_t)WIRE_CHUNK_BYTES)
#define CALL_WINDOW ((size_t)WIRE_CALL_WINDOW_BYTES)

static struct wire_bytes make_bytes(size_t len)
{
	uint8_t *bytes = mem_alloc(len);

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	return (struct wire_bytes){bytes, len};
}

static void assert_bytes(const struct buf *buf, struct wire_bytes bytes)
{
	assert_int_equal(buf_len(buf), bytes.len);
	assert_memory_equal(buf_front(buf), bytes.data, bytes.len);
}

static void assert_field(struct wire_bytes field, const char *text)
{
	assert_str((struct str){(const char *)field.data, field.len}, text);
}

/* A stream that has begun on both sides. */
static void start_stream(struct caller *caller)
{
	struct dispatch_world *world = caller->world;

	assert_true(caller_start(caller, &(struct wire_request){.end = false}, 0));
	world_expect_said(world, "request a(0) ");
	plugin_responds(world, 'a', (struct wire_response){.end = false});
	world_expect_news(world, "a:response(0) ");
}

/* ---- one answer ---- */

static void the_example_plugin_answers(void **state)
{
	struct dispatch_world *world = *state;
	struct caller caller = caller_new(world, 'a');
	const struct manifest_method *say;

	world->plugin.name = (char *)"echo";
	world->plugin.executable = (char *)EXAMPLE_ECHO;
	world->plugin.args = NULL;
	world_start(world);
	say = manifest_find(pool_manifest(world->pool), STR_LITERAL("echo.v1.Echo"),
			    STR_LITERAL("Say"));
	assert_non_null(say);
	assert_true(caller_start(&caller,
				 &(struct wire_request){.method = say->number,
							.end = true,
							.payload = wire_text("hello")},
				 0));
	world_expect_news(world, "a:response(5)! a:done(OK) ");
	assert_bytes(&caller.answer, wire_text("hello"));
	caller_deinit(&caller);
}

static void a_call_is_answered_and_counted(void **state)
{
	struct dispatch_world *world = *state;
	struct caller caller = caller_new(world, 'a');

	world_start(world);
	assert_true(caller_asks(&caller, "question"));
	assert_true(dispatch_is_running(caller.call));
	assert_true(dispatch_is_writable(caller.call));
	assert_int_equal(dispatch_open_count(world->dispatch), 1);
	world_expect_said(world, "request a(8!) ");
	assert_int_equal(world->asked[0].header.timeout_ms, 0);
	plugin_replies(world, 'a', "answer");
	world_expect_news(world, "a:response(6)! a:done(OK) ");
	assert_int_equal(dispatch_open_count(world->dispatch), 0);
	assert_bytes(&caller.answer, wire_text("answer"));
	assert_result(&caller, OUTCOME_OK, "");
	assert_bytes(&caller.instance, wire_text("puppet/1/1"));
	assert_int_equal(world->target.outcomes[OUTCOME_OK], 1);
	caller_deinit(&caller);
}

static void an_answer_in_pieces_ends_with_its_last(void **state)
{
	struct dispatch_world *world = *state;
	struct caller caller = caller_new(world, 'a');

	world_start(world);
	assert_true(caller_asks(&caller, ""));
	world_expect_said(world, "request a(0!) ");
	plugin_responds(world, 'a',
			(struct wire_response){.more = true, .payload = wire_text("one ")});
	plugin_sends(world, 'a', wire_text("two "), false);
	plugin_sends(world, 'a', wire_text("three"), true);
	world_expect_news(world, "a:response(4) a:data(4) a:data(5)! a:done(OK) ");
	assert_bytes(&caller.answer, wire_text("one two three"));
	caller_deinit(&caller);
}

static void what_is_asked_and_answered_arrives_whole(void **state)
{
	struct dispatch_world *world = *state;
	struct caller caller = caller_new(world, 'a');
	struct wire_bytes bytes = make_bytes(3 * CHUNK + 1000);
	struct wire_request request = {.end = true,
				       .idempotency_key = wire_text("key"),
				       .trace_parent = wire_text("parent"),
				       .trace_state = wire_text("trace"),
				       .tenant = wire_text("tenant"),
				       .principal = wire_text("principal"),
				       .payload = bytes};
	uint8_t asked[40], answered[40];
	struct wire_request seen;
	const char *why;

	request.metadata =
		(struct wire_bytes){asked, wire_put_pair(asked, WIRE_REQUEST_METADATA_FIELD,
							 wire_text("name"), wire_text("value"))};
	world_start(world);
	assert_true(caller_start(&caller, &request, 0));
	plugin_wait_payload(world, 'a', bytes.len);
	world_expect_said(world, "request a(65536+) data a(65536+) data a(65536+) data a(1000!) ");
	assert_bytes(&world->asked[0].payload, bytes);
	assert_true(wire_get_request(
		(struct wire_bytes){buf_front(&world->last_request), buf_len(&world->last_request)},
		&seen, &why));
	assert_field(seen.idempotency_key, "key");
	assert_field(seen.trace_parent, "parent");
	assert_field(seen.trace_state, "trace");
	assert_field(seen.tenant, "tenant");
	assert_field(seen.principal, "principal");
	assert_int_equal(seen.metadata.len, request.metadata.len);
	assert_memory_equal(seen.metadata.data, asked, request.metadata.len);

	struct wire_bytes metadata = {answered,
				      wire_put_pair(answered, WIRE_RESPONSE_METADATA_FIELD,
						    wire_text("other"), wire_text("thing"))};
	plugin_responds(
		world, 'a',
		(struct wire_response){.metadata = metadata, .payload = {bytes.data, CHUNK}});
	plugin_sends(world, 'a', (struct wire_bytes){bytes.data + CHUNK, bytes.len - CHUNK}, true);
	world_expect_news(world, "a:response(65536) a:data(132072)! a:done(OK) ");
	assert_bytes(&caller.answer, bytes);
	assert_bytes(&caller.metadata, metadata);
	free((void *)bytes.data);
	caller_deinit(&caller);
}

/* 17 is no canonical code. */
static void an_error_is_the_outcome_and_no_response(void **state)
{
	struct dispatch_world *world = *state;
	struct caller caller = caller_new(world, 'a');
	char done[40];

	world_start(world);
	for (uint32_t code = 1; code <= 17; code++) {
		enum outcome outcome = code == 17 ? OUTCOME_UNKNOWN : (enum outcome)code;
		uint64_t before = world->target.outcomes[outcome];

		assert_true(caller_asks(&caller, ""));
		world_expect_said(world, "request a(0!) ");
		plugin_responds(world, 'a',
				(struct wire_response){.code = code,
						       .end = true,
						       .retry_after_ms = 100 + code,
						       .message = wire_text("no such thing"),
						       .payload = wire_text("ignored")});
		snprintf(done, sizeof(done), "a:done(%s) ", outcome_row(outcome)->name);
		world_expect_news(world, done);
		assert_result(&caller, outcome, "no such thing");
		assert_int_equal(caller.result.retry_after_ms, 100 + code);
		assert_int_equal(world->target.outcomes[outcome], before + 1);
	}
	caller_deinit(&caller);
}

/* ---- streams ---- */

static void a_stream_is_held_back_and_goes_on(void **state)
{
	struct dispatch_world *world = *state;
	struct caller caller = caller_new(world, 'a');
	struct wire_bytes bytes = make_bytes(CALL_WINDOW + 1000);
	size_t sent = 0;

	world_start(world);
	start_stream(&caller);
	while (sent < CALL_WINDOW) {
		assert_true(dispatch_is_writable(caller.call));
		dispatch_send(caller.call, (struct wire_bytes){bytes.data + sent, CHUNK / 2}, false,
			      false);
		sent += CHUNK / 2;
	}
	assert_true(dispatch_is_writable(caller.call));
	dispatch_send(caller.call, (struct wire_bytes){bytes.data + sent, 1000}, false, false);
	assert_false(dispatch_is_writable(caller.call));

	/* No news until there is credit: this is the first. */
	plugin_wait_payload(world, 'a', CALL_WINDOW);
	plugin_gives_credit(world, 'a', 600);
	plugin_wait_payload(world, 'a', CALL_WINDOW + 600);
	assert_false(dispatch_is_writable(caller.call));
	plugin_gives_credit(world, 'a', 500);
	world_expect_news(world, "a:writable ");
	assert_true(dispatch_is_writable(caller.call));
	plugin_wait_payload(world, 'a', bytes.len);
	assert_bytes(&world->asked[0].payload, bytes);

	dispatch_send(caller.call, (struct wire_bytes){NULL, 0}, false, true);
	plugin_sends(world, 'a', wire_text(""), true);
	world_expect_news(world, "a:data(0)! a:done(OK) ");
	world_forget(world);
	free((void *)bytes.data);
	caller_deinit(&caller);
}

static void the_pieces_of_a_stream_keep_their_ends(void **state)
{
	struct dispatch_world *world = *state;
	struct caller caller = caller_new(world, 'a');

	world_start(world);
	start_stream(&caller);
	dispatch_send(caller.call, wire_text("ab"), true, false);
	dispatch_send(caller.call, wire_text("c"), false, false);
	dispatch_send(caller.call, wire_text("last"), false, true);
	world_expect_said(world, "data a(2+) data a(1) data a(4!) ");
	plugin_sends(world, 'a', wire_text("one"), false);
	plugin_sends(world, 'a', wire_text(""), false);
	plugin_sends(world, 'a', wire_text("end"), true);
	world_expect_news(world, "a:data(3) a:data(0) a:data(3)! a:done(OK) ");
	caller_deinit(&caller);
}

/* The host gives credit in halves of the window: what is consumed at once comes back at once, what
 * is held comes back when dispatch_consumed() says so. */
static void the_plugin_gets_credit_for_what_is_consumed(void **state)
{
	struct dispatch_world *world = *state;
	struct caller caller = caller_new(world, 'a');
	struct wire_bytes half = make_bytes(CALL_WINDOW / 2);

	world_start(world);
	assert_true(caller_start(&caller, &(struct wire_request){.end = false}, 0));
	world_expect_said(world, "request a(0) ");
	caller.holds = true;
	plugin_responds(world, 'a', (struct wire_response){.payload = half});
	plugin_sends(world, 'a', half, false);
	world_expect_news(world, "a:response(131072) a:data(131072) ");
	dispatch_send(caller.call, wire_text("mark"), false, false);
	world_expect_said(world, "data a(4) ");
	dispatch_consumed(caller.call, CALL_WINDOW / 2 - 1);
	dispatch_send(caller.call, wire_text("mark"), false, false);
	world_expect_said(world, "data a(4) ");
	dispatch_consumed(caller.call, 1);
	world_expect_said(world, "credit a(131072) ");

	caller.holds = false;
	plugin_sends(world, 'a', half, false);
	world_expect_news(world, "a:data(131072) ");
	world_expect_said(world, "credit a(131072) ");

	plugin_sends(world, 'a', wire_text(""), true);
	world_expect_news(world, "a:data(0)! a:done(OK) ");
	world_expect_said(world, "cancel a(1) ");
	free((void *)half.data);
	caller_deinit(&caller);
}

static void a_plugin_may_take_its_answer_back(void **state)
{
	struct dispatch_world *world = *state;
	struct caller caller = caller_new(world, 'a');

	world_start(world);
	start_stream(&caller);
	plugin_cancels(world, 'a', 15, "the disk is gone");
	world_expect_news(world, "a:done(DATA_LOSS) ");
	assert_result(&caller, OUTCOME_DATA_LOSS, "the disk is gone");
	world_expect_said(world, "cancel a(1) ");
	caller_deinit(&caller);
}

/* ---- callers that leave ---- */

static void who_cancels_hears_nothing_more(void **state)
{
	struct dispatch_world *world = *state;
	struct caller a = caller_new(world, 'a');
	struct caller b = caller_new(world, 'b');

	world_start(world);
	assert_true(caller_asks(&a, ""));
	assert_true(caller_asks(&b, ""));
	world_expect_said(world, "request a(0!) request b(0!) ");
	caller_cancels(&a, OUTCOME_CANCELLED);
	assert_int_equal(dispatch_open_count(world->dispatch), 1);
	assert_int_equal(world->target.limit.running, 1);
	assert_int_equal(world->target.outcomes[OUTCOME_CANCELLED], 1);
	world_expect_said(world, "cancel a(1) ");
	/* Too late, and nobody's. */
	plugin_replies(world, 'a', "late");
	plugin_replies(world, 'b', "right");
	world_expect_news(world, "b:response(5)! b:done(OK) ");
	caller_deinit(&a);
	caller_deinit(&b);
}

static void the_code_of_a_cancel_is_that_of_its_outcome(void **state)
{
	struct dispatch_world *world = *state;
	struct caller caller = caller_new(world, 'a');

	world_start(world);
	assert_true(caller_asks(&caller, ""));
	world_expect_said(world, "request a(0!) ");
	caller_cancels(&caller, OUTCOME_BAD_ANSWER);
	world_expect_said(world, "cancel a(13) ");
	assert_int_equal(world->target.outcomes[OUTCOME_BAD_ANSWER], 1);
	caller_deinit(&caller);
}

/* ---- deadlines ---- */

static void a_deadline_ends_a_call_and_tells_the_plugin(void **state)
{
	struct dispatch_world *world = *state;
	struct caller caller = caller_new(world, 'a');

	world_start(world);
	assert_true(caller_start(&caller, &(struct wire_request){.end = true}, 20));
	world_expect_said(world, "request a(0!) cancel a(4) ");
	assert_in_range(world->asked[0].header.timeout_ms, 1, 20);
	world_expect_news(world, "a:done(DEADLINE_EXCEEDED) ");
	assert_result(&caller, OUTCOME_DEADLINE_EXCEEDED, "");
	assert_bytes(&caller.instance, wire_text("puppet/1/1"));
	caller_deinit(&caller);
}

static void the_earliest_deadline_is_the_first_to_pass(void **state)
{
	struct dispatch_world *world = *state;
	struct caller late = caller_new(world, 'a');
	struct caller early = caller_new(world, 'b');
	struct caller never = caller_new(world, 'c');

	world_start(world);
	assert_true(caller_start(&late, &(struct wire_request){.end = true}, 60000));
	assert_true(caller_start(&early, &(struct wire_request){.end = true}, 20));
	assert_true(caller_start(&never, &(struct wire_request){.end = true}, 0));
	world_expect_said(world, "request a(0!) request b(0!) request c(0!) cancel b(4) ");
	world_expect_news(world, "b:done(DEADLINE_EXCEEDED) ");
	plugin_replies(world, 'a', "");
	plugin_replies(world, 'c', "");
	world_expect_news(world, "a:response(0)! a:done(OK) c:response(0)! c:done(OK) ");
	caller_deinit(&late);
	caller_deinit(&early);
	caller_deinit(&never);
}

/* The timer was started for a call that has ended long before: it must be there for the next. */
static void a_deadline_passes_after_an_earlier_one_was_kept(void **state)
{
	struct dispatch_world *world = *state;
	struct caller kept = caller_new(world, 'a');
	struct caller passed = caller_new(world, 'b');

	world_start(world);
	assert_true(caller_start(&kept, &(struct wire_request){.end = true}, 30));
	assert_true(caller_start(&passed, &(struct wire_request){.end = true}, 60));
	caller_cancels(&kept, OUTCOME_CANCELLED);
	world_expect_said(world, "request a(0!) request b(0!) cancel a(1) cancel b(4) ");
	world_expect_news(world, "b:done(DEADLINE_EXCEEDED) ");
	caller_deinit(&kept);
	caller_deinit(&passed);
}

/* ---- a plugin that dies, or isn't there ---- */

static void ask_again(struct caller *caller)
{
	caller_asks(caller->other, "");
}

static void a_death_ends_every_call_once(void **state)
{
	struct dispatch_world *world = *state;
	struct caller a = caller_new(world, 'a');
	struct caller b = caller_new(world, 'b');
	struct caller again = caller_new(world, 'c');

	world_start(world);
	start_stream(&a);
	assert_true(caller_asks(&b, ""));
	world_expect_said(world, "request b(0!) ");
	/* Who tries again from on_done doesn't get the same instance: it waits for the next. */
	b.then = ask_again;
	b.other = &again;
	plugin_dies(world);
	world_expect_news(world, "a:done(PLUGIN_GONE) b:done(PLUGIN_GONE) ");
	assert_int_equal(dispatch_open_count(world->dispatch), 1);
	assert_int_equal(world->target.outcomes[OUTCOME_PLUGIN_GONE], 2);
	assert_bytes(&a.instance, wire_text("puppet/1/1"));

	/* It is started again, and nothing is left of the old calls. */
	world_expect_said(world, "request c(0!) ");
	plugin_replies(world, 'c', "alive");
	world_expect_news(world, "c:writable c:response(5)! c:done(OK) ");
	caller_deinit(&a);
	caller_deinit(&b);
	caller_deinit(&again);
}

/* ---- no instance is ready ---- */

static void who_waits_for_an_instance_is_served_in_order_by_the_first(void **state)
{
	struct dispatch_world *world = *state;
	struct caller a = caller_new(world, 'a');
	struct caller b = caller_new(world, 'b');
	struct caller c = caller_new(world, 'c');

	world_start_unready(world);
	assert_true(caller_asks(&a, "one"));
	assert_true(caller_asks(&b, "two"));
	assert_true(caller_asks(&c, "three"));
	assert_false(dispatch_is_running(a.call));
	assert_int_equal(world->target.limit.waiting, 3);
	assert_int_equal(world->target.limit.running, 0);
	caller_cancels(&b, OUTCOME_CANCELLED);
	/* The first of those who wait is told that it may send more, as after every queue. */
	world_expect_said(world, "request a(3!) request c(5!) ");
	world_expect_news(world, "a:writable c:writable ");
	plugin_replies(world, 'a', "");
	plugin_replies(world, 'c', "");
	world_expect_news(world, "a:response(0)! a:done(OK) c:response(0)! c:done(OK) ");
	caller_deinit(&a);
	caller_deinit(&b);
	caller_deinit(&c);
}

static void the_queue_for_an_instance_is_bounded(void **state)
{
	struct dispatch_world *world = *state;
	struct caller a = caller_new(world, 'a');
	struct caller b = caller_new(world, 'b');

	world->plugin.queue = 1;
	world_start_unready(world);
	assert_true(caller_asks(&a, ""));
	assert_false(caller_asks(&b, ""));
	world_expect_news(world, "b:done(PLUGIN_OVERLOADED) ");
	world_expect_said(world, "request a(0!) ");
	world_expect_news(world, "a:writable ");
	plugin_replies(world, 'a', "");
	world_expect_news(world, "a:response(0)! a:done(OK) ");
	caller_deinit(&a);
	caller_deinit(&b);
}

static void who_waits_in_vain_is_told_that_none_was_ready(void **state)
{
	struct dispatch_world *world = *state;
	struct caller caller = caller_new(world, 'a');

	world->plugin.queue_timeout_ms = 1;
	world_start_unready(world);
	assert_true(caller_asks(&caller, ""));
	world_expect_news(world, "a:done(PLUGIN_NOT_READY) ");
	assert_int_equal(buf_len(&caller.instance), 0);
	world_wait_ready(world, 1);
	caller_deinit(&caller);
}

static void a_call_to_nobody_is_over_at_once(void **state)
{
	struct dispatch_world *world = *state;
	struct caller caller = caller_new(world, 'a');

	world_start_unready(world);
	world->target.pool = NULL;
	assert_false(caller_asks(&caller, ""));
	world_expect_news(world, "a:done(PLUGIN_NOT_READY) ");
	assert_int_equal(buf_len(&caller.instance), 0);
	assert_int_equal(world->target.outcomes[OUTCOME_PLUGIN_NOT_READY], 1);
	assert_int_equal(world->target.limit.running, 0);
	world->target.pool = world->pool;
	world_wait_ready(world, 1);
	caller_deinit(&caller);
}

static void who_waits_for_a_pool_that_goes_is_told_at_once(void **state)
{
	struct dispatch_world *world = *state;
	struct caller caller = caller_new(world, 'a');

	world_start_unready(world);
	assert_true(caller_asks(&caller, ""));
	world->target.pool = NULL;
	dispatch_wake(world->dispatch, &world->target);
	world_expect_news(world, "a:done(PLUGIN_NOT_READY) ");
	world->target.pool = world->pool;
	world_wait_ready(world, 1);
	caller_deinit(&caller);
}

static void a_plugin_that_takes_no_more_calls_is_overloaded(void **state)
{
	struct dispatch_world *world = *state;
	struct caller a = caller_new(world, 'a');
	struct caller b = caller_new(world, 'b');

	world->max_calls = 1;
	world_start(world);
	assert_true(caller_asks(&a, ""));
	assert_false(caller_asks(&b, ""));
	world_expect_news(world, "b:done(PLUGIN_OVERLOADED) ");
	assert_int_equal(dispatch_open_count(world->dispatch), 1);
	world_expect_said(world, "request a(0!) ");
	plugin_replies(world, 'a', "");
	world_expect_news(world, "a:response(0)! a:done(OK) ");
	caller_deinit(&a);
	caller_deinit(&b);
}

#define IN_WORLD(test)                                                                             \
	cmocka_unit_test_setup_teardown(test, dispatch_world_setup, dispatch_world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(the_example_plugin_answers),
		IN_WORLD(a_call_is_answered_and_counted),
		IN_WORLD(an_answer_in_pieces_ends_with_its_last),
		IN_WORLD(what_is_asked_and_answered_arrives_whole),
		IN_WORLD(an_error_is_the_outcome_and_no_response),
		IN_WORLD(a_stream_is_held_back_and_goes_on),
		IN_WORLD(the_pieces_of_a_stream_keep_their_ends),
		IN_WORLD(the_plugin_gets_credit_for_what_is_consumed),
		IN_WORLD(a_plugin_may_take_its_answer_back),
		IN_WORLD(who_cancels_hears_nothing_more),
		IN_WORLD(the_code_of_a_cancel_is_that_of_its_outcome),
		IN_WORLD(a_deadline_ends_a_call_and_tells_the_plugin),
		IN_WORLD(the_earliest_deadline_is_the_first_to_pass),
		IN_WORLD(a_deadline_passes_after_an_earlier_one_was_kept),
		IN_WORLD(a_death_ends_every_call_once),
		IN_WORLD(who_waits_for_an_instance_is_served_in_order_by_the_first),
		IN_WORLD(the_queue_for_an_instance_is_bounded),
		IN_WORLD(who_waits_in_vain_is_told_that_none_was_ready),
		IN_WORLD(a_call_to_nobody_is_over_at_once),
		IN_WORLD(who_waits_for_a_pool_that_goes_is_told_at_once),
		IN_WORLD(a_plugin_that_takes_no_more_calls_is_overloaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
