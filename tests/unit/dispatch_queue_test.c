/* Calls that wait for their turn, on a real process: in order, as long as they may, with what they
 * asked kept for them; and whoever leaves, runs or waits makes room for the next. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/dispatch_world.h"

/* Names a to e: as many as run and wait below, and one more. */
#define CALLERS 5

struct crowd {
	struct dispatch_world *world;
	struct caller callers[CALLERS];
};

/* Two run, two wait. */
static struct crowd crowd_start(struct dispatch_world *world)
{
	struct crowd crowd = {.world = world};

	world->plugin.concurrency = 2;
	world->plugin.queue = 2;
	world_start(world);
	for (int i = 0; i < CALLERS; i++)
		crowd.callers[i] = caller_new(world, (char)('a' + i));
	return crowd;
}

static void crowd_ask(struct crowd *crowd, int count)
{
	for (int i = 0; i < count; i++)
		assert_true(caller_asks(&crowd->callers[i], ""));
}

static void crowd_end(struct crowd *crowd)
{
	for (int i = 0; i < CALLERS; i++)
		caller_deinit(&crowd->callers[i]);
}

/* Answers them one after the other. */
static void answer_all(struct dispatch_world *world, const char *names)
{
	char news[40];

	for (; *names; names++) {
		plugin_replies(world, *names, "");
		snprintf(news, sizeof(news), "%c:response(0)! %c:done(OK) ", *names, *names);
		world_expect_news(world, news);
	}
}

static void who_waits_runs_when_one_leaves_first_come_first_served(void **state)
{
	struct dispatch_world *world = *state;
	struct crowd crowd = crowd_start(world);

	crowd_ask(&crowd, 4);
	assert_true(dispatch_is_running(crowd.callers[1].call));
	assert_false(dispatch_is_running(crowd.callers[2].call));
	assert_false(dispatch_is_writable(crowd.callers[2].call));
	assert_int_equal(dispatch_open_count(world->dispatch), 4);
	assert_int_equal(world->target.limit.running, 2);
	assert_int_equal(world->target.limit.waiting, 2);
	world_expect_said(world, "request a(0!) request b(0!) ");

	plugin_replies(world, 'b', "");
	world_expect_news(world, "b:response(0)! b:done(OK) c:writable ");
	assert_true(dispatch_is_running(crowd.callers[2].call));
	assert_true(dispatch_is_writable(crowd.callers[2].call));
	world_expect_said(world, "request c(0!) ");
	plugin_replies(world, 'c', "");
	world_expect_news(world, "c:response(0)! c:done(OK) d:writable ");
	world_expect_said(world, "request d(0!) ");
	answer_all(world, "ad");
	crowd_end(&crowd);
}

static void a_full_queue_refuses_at_once(void **state)
{
	struct dispatch_world *world = *state;
	struct crowd crowd = crowd_start(world);

	crowd_ask(&crowd, 4);
	assert_false(caller_asks(&crowd.callers[4], ""));
	world_expect_news(world, "e:done(PLUGIN_OVERLOADED) ");
	assert_result(&crowd.callers[4], OUTCOME_PLUGIN_OVERLOADED, "its queue is full");
	assert_int_equal(crowd.callers[4].result.plugin_us, 0);
	assert_int_equal(buf_len(&crowd.callers[4].instance), 0);
	assert_int_equal(dispatch_open_count(world->dispatch), 4);
	assert_int_equal(world->target.outcomes[OUTCOME_PLUGIN_OVERLOADED], 1);
	world_expect_said(world, "request a(0!) request b(0!) ");

	plugin_replies(world, 'a', "");
	world_expect_news(world, "a:response(0)! a:done(OK) c:writable ");
	plugin_replies(world, 'b', "");
	world_expect_news(world, "b:response(0)! b:done(OK) d:writable ");
	world_expect_said(world, "request c(0!) request d(0!) ");
	answer_all(world, "cd");
	crowd_end(&crowd);
}

static void without_a_queue_nobody_waits(void **state)
{
	struct dispatch_world *world = *state;
	struct caller a = caller_new(world, 'a');
	struct caller b = caller_new(world, 'b');

	world->plugin.concurrency = 1;
	world->plugin.queue = 0;
	world_start(world);
	assert_true(caller_asks(&a, ""));
	assert_false(caller_asks(&b, ""));
	world_expect_news(world, "b:done(PLUGIN_OVERLOADED) ");
	world_expect_said(world, "request a(0!) ");
	answer_all(world, "a");
	caller_deinit(&a);
	caller_deinit(&b);
}

static void who_waits_too_long_is_turned_away(void **state)
{
	struct dispatch_world *world = *state;
	struct crowd crowd;

	world->plugin.queue_timeout_ms = 20;
	crowd = crowd_start(world);
	crowd_ask(&crowd, 4);
	world_expect_news(world, "c:done(PLUGIN_OVERLOADED) d:done(PLUGIN_OVERLOADED) ");
	assert_result(&crowd.callers[2], OUTCOME_PLUGIN_OVERLOADED, "waited too long for its turn");
	assert_true(crowd.callers[2].result.queue_us >= 20000);
	assert_int_equal(crowd.callers[2].result.plugin_us, 0);
	/* Those who run have no such limit, and the plugin has never heard of the others. */
	world_expect_said(world, "request a(0!) request b(0!) ");
	answer_all(world, "ab");
	crowd_end(&crowd);
}

static void a_deadline_passes_also_while_it_waits(void **state)
{
	struct dispatch_world *world = *state;
	struct crowd crowd = crowd_start(world);
	struct wire_request request = {.end = true};

	crowd_ask(&crowd, 3);
	assert_true(caller_start(&crowd.callers[3], &request, 20));
	world_expect_news(world, "d:done(DEADLINE_EXCEEDED) ");
	assert_int_equal(world->target.limit.waiting, 1);
	world_expect_said(world, "request a(0!) request b(0!) ");
	plugin_replies(world, 'a', "");
	world_expect_news(world, "a:response(0)! a:done(OK) c:writable ");
	world_expect_said(world, "request c(0!) ");
	answer_all(world, "bc");
	crowd_end(&crowd);
}

/* The plugin is told what is left, and the deadline still holds after the wait. */
static void what_was_waited_counts_for_the_deadline(void **state)
{
	struct dispatch_world *world = *state;
	struct crowd crowd = crowd_start(world);
	int64_t from_us = loop_now_us(world->loop);

	crowd_ask(&crowd, 2);
	assert_true(caller_start(&crowd.callers[2], &(struct wire_request){.end = true}, 1000000));
	world_expect_said(world, "request a(0!) request b(0!) ");
	while (loop_now_us(world->loop) < from_us + 20000)
		world_turn(world, from_us / 1000);
	plugin_replies(world, 'a', "");
	world_expect_news(world, "a:response(0)! a:done(OK) c:writable ");
	world_expect_said(world, "request c(0!) ");
	assert_in_range(world->asked[2].header.timeout_ms, 1, 1000000 - 19);
	answer_all(world, "bc");
	assert_true(crowd.callers[2].result.queue_us >= 20000);
	crowd_end(&crowd);
}

static void who_leaves_the_queue_makes_room_and_disturbs_nobody(void **state)
{
	struct dispatch_world *world = *state;
	struct crowd crowd = crowd_start(world);

	crowd_ask(&crowd, 4);
	caller_cancels(&crowd.callers[2], OUTCOME_CANCELLED);
	assert_int_equal(dispatch_open_count(world->dispatch), 3);
	assert_int_equal(world->target.limit.waiting, 1);
	assert_int_equal(world->target.outcomes[OUTCOME_CANCELLED], 1);
	assert_true(caller_asks(&crowd.callers[4], ""));
	world_expect_said(world, "request a(0!) request b(0!) ");
	plugin_replies(world, 'a', "");
	world_expect_news(world, "a:response(0)! a:done(OK) d:writable ");
	plugin_replies(world, 'b', "");
	world_expect_news(world, "b:response(0)! b:done(OK) e:writable ");
	world_expect_said(world, "request d(0!) request e(0!) ");
	answer_all(world, "de");
	crowd_end(&crowd);
}

/* The next starts at the end of the turn, not inside the call that makes room. */
static void who_is_cancelled_while_it_runs_makes_room(void **state)
{
	struct dispatch_world *world = *state;
	struct crowd crowd = crowd_start(world);

	crowd_ask(&crowd, 3);
	world_expect_said(world, "request a(0!) request b(0!) ");
	caller_cancels(&crowd.callers[0], OUTCOME_CANCELLED);
	assert_false(dispatch_is_running(crowd.callers[2].call));
	world_expect_news(world, "c:writable ");
	world_expect_said(world, "cancel a(1) request c(0!) ");
	plugin_replies(world, 'a', "late");
	answer_all(world, "bc");
	crowd_end(&crowd);
}

/* A place that has become free belongs to who waits, also when somebody asks in the same moment. */
static void ask_other(struct caller *caller)
{
	assert_true(caller_asks(caller->other, ""));
}

static void nobody_overtakes_who_waits(void **state)
{
	struct dispatch_world *world = *state;
	struct crowd crowd = crowd_start(world);

	crowd_ask(&crowd, 3);
	crowd.callers[0].then = ask_other;
	crowd.callers[0].other = &crowd.callers[3];
	world_expect_said(world, "request a(0!) request b(0!) ");
	plugin_replies(world, 'a', "");
	world_expect_news(world, "a:response(0)! a:done(OK) c:writable ");
	world_expect_said(world, "request c(0!) ");
	assert_false(dispatch_is_running(crowd.callers[3].call));
	plugin_replies(world, 'b', "");
	world_expect_news(world, "b:response(0)! b:done(OK) d:writable ");
	world_expect_said(world, "request d(0!) ");
	answer_all(world, "cd");
	crowd_end(&crowd);
}

static void those_who_wait_outlive_a_death(void **state)
{
	struct dispatch_world *world = *state;
	struct crowd crowd = crowd_start(world);

	crowd_ask(&crowd, 4);
	world_expect_said(world, "request a(0!) request b(0!) ");
	plugin_dies(world);
	world_expect_news(world, "a:done(PLUGIN_GONE) b:done(PLUGIN_GONE) c:writable d:writable ");
	world_expect_said(world, "request c(0!) request d(0!) ");
	assert_int_equal(world->target.limit.running, 2);
	assert_int_equal(world->target.limit.waiting, 0);
	answer_all(world, "cd");
	crowd_end(&crowd);
}

/* ---- what is kept ---- */

#define FIELDS(request)                                                                            \
	{                                                                                          \
		&(request).idempotency_key, &(request).trace_parent, &(request).trace_state,       \
			&(request).tenant, &(request).principal, &(request).metadata,              \
			&(request).caller, &(request).payload                                      \
	}

static void what_was_asked_is_kept_while_it_waits(void **state)
{
	static const char *const texts[] = {"key",	 "parent", "trace",	  "tenant",
					    "principal", NULL,	   "\x0a\x03jwt", "payload"};
	struct dispatch_world *world = *state;
	struct crowd crowd = crowd_start(world);
	struct wire_request request = {.more = false, .end = true};
	struct wire_request seen;
	struct wire_bytes *asked[] = FIELDS(request);
	struct wire_bytes *kept[] = FIELDS(seen);
	uint8_t metadata[40], buffer[8][40];
	size_t metadata_len = wire_put_pair(metadata, WIRE_REQUEST_METADATA_FIELD,
					    wire_text("name"), wire_text("value"));
	const char *why;

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		size_t len = texts[i] ? strlen(texts[i]) : metadata_len;

		memcpy(buffer[i], texts[i] ? (const uint8_t *)texts[i] : metadata, len);
		*asked[i] = (struct wire_bytes){buffer[i], len};
	}
	crowd_ask(&crowd, 2);
	assert_true(caller_start(&crowd.callers[2], &request, 0));
	memset(buffer, '#', sizeof(buffer));
	world_expect_said(world, "request a(0!) request b(0!) ");
	plugin_replies(world, 'a', "");
	world_expect_news(world, "a:response(0)! a:done(OK) c:writable ");
	world_expect_said(world, "request c(7!) ");

	assert_true(wire_get_request(
		(struct wire_bytes){buf_front(&world->last_request), buf_len(&world->last_request)},
		&seen, &why));
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		assert_int_equal(kept[i]->len, texts[i] ? strlen(texts[i]) : metadata_len);
		assert_memory_equal(kept[i]->data, texts[i] ? (const uint8_t *)texts[i] : metadata,
				    kept[i]->len);
	}
	answer_all(world, "bc");
	crowd_end(&crowd);
}

/* It waited with its first piece; on_writable asks for the rest. */
static void a_stream_goes_on_when_its_turn_has_come(void **state)
{
	struct dispatch_world *world = *state;
	struct crowd crowd = crowd_start(world);
	struct wire_request request = {.more = true, .payload = wire_text("first ")};

	crowd_ask(&crowd, 2);
	assert_true(caller_start(&crowd.callers[2], &request, 0));
	assert_false(dispatch_is_writable(crowd.callers[2].call));
	world_expect_said(world, "request a(0!) request b(0!) ");
	plugin_replies(world, 'a', "");
	world_expect_news(world, "a:response(0)! a:done(OK) c:writable ");
	dispatch_send(crowd.callers[2].call, wire_text("second"), false, true);
	world_expect_said(world, "request c(6+) data c(6!) ");
	answer_all(world, "bc");
	crowd_end(&crowd);
}

/* More than a window: it has left the queue, and isn't writable before the plugin gives credit. */
static void a_turn_without_credit_makes_nobody_writable(void **state)
{
	struct dispatch_world *world = *state;
	struct crowd crowd = crowd_start(world);
	size_t len = WIRE_CALL_WINDOW_BYTES + 10;
	uint8_t *bytes = calloc(1, len);

	crowd_ask(&crowd, 2);
	assert_true(caller_start(&crowd.callers[2], &(struct wire_request){.payload = {bytes, len}},
				 0));
	free(bytes);
	world_expect_said(world, "request a(0!) request b(0!) ");
	plugin_replies(world, 'a', "");
	world_expect_news(world, "a:response(0)! a:done(OK) ");
	plugin_wait_payload(world, 'c', WIRE_CALL_WINDOW_BYTES);
	assert_true(dispatch_is_running(crowd.callers[2].call));
	assert_false(dispatch_is_writable(crowd.callers[2].call));
	plugin_gives_credit(world, 'c', 10);
	world_expect_news(world, "c:writable ");
	plugin_wait_payload(world, 'c', len);
	dispatch_send(crowd.callers[2].call, wire_text(""), false, true);
	answer_all(world, "bc");
	world_forget(world);
	crowd_end(&crowd);
}

#define IN_WORLD(test)                                                                             \
	cmocka_unit_test_setup_teardown(test, dispatch_world_setup, dispatch_world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(who_waits_runs_when_one_leaves_first_come_first_served),
		IN_WORLD(a_full_queue_refuses_at_once),
		IN_WORLD(without_a_queue_nobody_waits),
		IN_WORLD(who_waits_too_long_is_turned_away),
		IN_WORLD(a_deadline_passes_also_while_it_waits),
		IN_WORLD(what_was_waited_counts_for_the_deadline),
		IN_WORLD(who_leaves_the_queue_makes_room_and_disturbs_nobody),
		IN_WORLD(who_is_cancelled_while_it_runs_makes_room),
		IN_WORLD(nobody_overtakes_who_waits),
		IN_WORLD(those_who_wait_outlive_a_death),
		IN_WORLD(what_was_asked_is_kept_while_it_waits),
		IN_WORLD(a_stream_goes_on_when_its_turn_has_come),
		IN_WORLD(a_turn_without_credit_makes_nobody_writable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
