/* Calls of a plugin under the rules of the wire: pieces, windows, streams, cancels, and both pipes
 * full. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#include "sdk/proto.h"
#include "sdk_host.h"

enum { ECHO = 1, LATER, MILLION };

#define MIB (1u << 20)

static struct plug_answer echo(struct plug_call *call)
{
	struct plug_bytes in = plug_request(call);

	return plug_reply(call, in.data, in.len);
}

/* Answers when the caller has cancelled. */
static void *wait_for_cancel(void *arg)
{
	struct plug_call *call = arg;

	while (!plug_is_cancelled(call))
		sched_yield();
	plug_reply(call, "too late", 8);
	return NULL;
}

static struct plug_answer later(struct plug_call *call)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, wait_for_cancel, call), 0);
	pthread_detach(thread);
	return plug_later(call);
}

static struct plug_answer million(struct plug_call *call)
{
	char *data = malloc(MIB);

	memset(data, 'm', MIB);
	return plug_reply_take(call, data, MIB, free, data);
}

static const struct plug_method methods[] = {
	{.name = "Echo", .handler = echo, .codec = PLUG_BYTES},
	{.name = "Later", .handler = later, .codec = PLUG_BYTES},
	{.name = "Million", .handler = million, .codec = PLUG_BYTES},
};
static const struct plug_service services[] = {
	{.name = "test.v1.Calls", .version = "1.0.0", PLUG_METHODS(methods)},
};
static const struct plug_plugin home = {
	.name = "calls",
	.version = "1.0.0",
	PLUG_SERVICES(services),
	.limits = {.max_message_bytes = 2 * MIB, .max_calls = 64},
};
static const struct plug_plugin threaded = {
	.name = "calls",
	.version = "1.0.0",
	PLUG_SERVICES(services),
	.limits = {.max_message_bytes = 2 * MIB, .max_calls = 64},
	.threads = 3,
};

/* Every test runs with the plugin of its state: in one thread, and in several. */
static const struct plug_plugin *plugin_of(void **state)
{
	return *state;
}

/* Hears the rest of an answer that began with `heard` bytes, and gives credit for it. */
static size_t hear_large(struct host *host, uint32_t id, char c)
{
	struct wire_response response = host_hear_response(host, id);
	size_t heard = response.payload.len;
	bool end = response.end;

	assert_int_equal(response.code, 0);
	host_say_credit(host, id, (uint32_t)heard);
	host_say_credit(host, 0, (uint32_t)heard);
	while (!end) {
		struct wire_data data = host_hear_data(host, id);

		assert_true(data.payload.len <= WIRE_CHUNK_BYTES);
		assert_int_equal(data.payload.data[0], c);
		assert_int_equal(data.payload.data[data.payload.len - 1], c);
		assert_true(data.more != data.end);
		heard += data.payload.len;
		end = data.end;
		host_say_credit(host, 0, (uint32_t)data.payload.len);
		if (!end)
			host_say_credit(host, id, (uint32_t)data.payload.len);
	}
	return heard;
}

static void a_large_message_travels_in_pieces_both_ways(void **state)
{
	struct host *host = host_start_ready(plugin_of(state));

	host_say_large(host, 1, ECHO, MIB, 'x');
	assert_int_equal(hear_large(host, 1, 'x'), MIB);
	host_call(host, 3, ECHO, "after", "after");
	assert_int_equal(host_end(host, true), 0);
}

static void a_large_answer_stops_at_the_window_and_delays_nobody(void **state)
{
	struct host *host = host_start_ready(plugin_of(state));
	struct wire_request request = {.id = 1, .method = MILLION, .end = true};
	size_t heard;

	host_say_request(host, &request);
	heard = host_hear_response(host, 1).payload.len;
	while (heard < WIRE_CALL_WINDOW_BYTES)
		heard += host_hear_data(host, 1).payload.len;
	assert_int_equal(heard, WIRE_CALL_WINDOW_BYTES);
	host_hear_nothing(host);
	host_call(host, 3, ECHO, "small", "small");
	host_say_credit(host, 1, 1000);
	assert_int_equal(host_hear_data(host, 1).payload.len, 1000);
	host_hear_nothing(host);
	host_say_cancel(host, 1, PLUG_CANCELLED);
	host_hear(host, WIRE_CANCEL);
	assert_int_equal(host_end(host, true), 0);
}

static void answers_wait_for_the_window_of_the_channel(void **state)
{
	struct host_hello small = {.limits = {.channel_window_bytes = 100}};
	struct host *host = host_start(plugin_of(state));
	struct wire_request request = {.id = 1, .method = ECHO, .end = true};
	uint8_t payload[80] = {0};

	host_greet(host, &small);
	request.payload = (struct wire_bytes){payload, sizeof(payload)};
	host_say_request(host, &request);
	assert_int_equal(host_hear_response(host, 1).payload.len, 80);
	request.id = 3;
	host_say_request(host, &request);
	assert_int_equal(host_hear_response(host, 3).payload.len, 20);
	host_hear_nothing(host);
	host_say_credit(host, 0, 80);
	assert_int_equal(host_hear_data(host, 3).payload.len, 60);
	assert_int_equal(host_end(host, true), 0);
}

static void too_much_credit_ends_the_plugin(void **state)
{
	struct host *host = host_start_ready(plugin_of(state));

	host_say_credit(host, 0, 1);
	assert_int_equal(host_wait(host), 1);
}

static void a_message_beyond_the_limit_is_refused(void **state)
{
	struct plug_plugin plugin = *plugin_of(state);
	struct host *host;
	struct wire_response response;
	struct wire_request request = {.id = 1, .method = ECHO, .more = true};
	struct wire_data rest = {.id = 1, .end = true, .payload = bytes_of("rest")};
	uint8_t payload[800] = {0};

	plugin.limits.max_message_bytes = 1000;
	host = host_start_ready(&plugin);
	request.payload = (struct wire_bytes){payload, sizeof(payload)};
	host_say_request(host, &request);
	host_say_data(host, &(struct wire_data){
				    .id = 1, .more = true, .payload = {payload, sizeof(payload)}});
	response = host_hear_response(host, 1);
	assert_int_equal(response.code, PLUG_RESOURCE_EXHAUSTED);
	assert_true(response.end);
	host_say_data(host, &rest);
	host_call(host, 3, ECHO, "next", "next");
	assert_int_equal(host_end(host, true), 0);
}

static void calls_beyond_the_limit_are_refused(void **state)
{
	struct host *host = host_start_ready(plugin_of(state));
	struct wire_response response;

	for (uint32_t i = 0; i < 65; i++)
		host_say_request(host, &(struct wire_request){.id = 2 * i + 1,
							      .method = ECHO,
							      .more = true,
							      .payload = bytes_of("x")});
	response = host_hear_response(host, 129);
	assert_int_equal(response.code, PLUG_RESOURCE_EXHAUSTED);
	assert_true(response.not_processed);
	assert_int_equal(host_end(host, false), 1);
}

static void a_cancelled_call_is_still_ended_once(void **state)
{
	struct host *host = host_start_ready(plugin_of(state));
	struct wire_response response;

	host_say_request(host, &(struct wire_request){.id = 1, .method = LATER, .end = true});
	host_hear_nothing(host);
	host_say_cancel(host, 1, PLUG_CANCELLED);
	response = host_hear_response(host, 1);
	assert_int_equal(response.code, PLUG_CANCELLED);
	assert_true(response.end);
	assert_int_equal(response.payload.len, 0);
	host_say_cancel(host, 1, PLUG_CANCELLED);
	host_call(host, 3, ECHO, "next", "next");
	assert_int_equal(host_end(host, true), 0);
}

static void a_deadline_is_noticed_without_a_frame(void **state)
{
	struct host *host = host_start_ready(plugin_of(state));

	host_say_request(host, &(struct wire_request){
				       .id = 1, .method = LATER, .end = true, .timeout_ms = 30});
	assert_memory_equal(host_hear_response(host, 1).payload.data, "too late", 8);
	assert_int_equal(host_end(host, true), 0);
}

static void an_unfinished_request_can_be_cancelled(void **state)
{
	struct host *host = host_start_ready(plugin_of(state));
	struct wire_response response;

	host_say_request(host,
			 &(struct wire_request){
				 .id = 1, .method = ECHO, .more = true, .payload = bytes_of("x")});
	host_say_cancel(host, 1, PLUG_CANCELLED);
	response = host_hear_response(host, 1);
	assert_int_equal(response.code, PLUG_CANCELLED);
	assert_true(response.not_processed);
	assert_int_equal(host_end(host, true), 0);
}

static void data_after_the_end_of_a_call_ends_the_plugin(void **state)
{
	struct host *host = host_start_ready(plugin_of(state));

	host_call(host, 1, ECHO, "a", "a");
	host_say_data(host, &(struct wire_data){.id = 1, .payload = bytes_of("x")});
	assert_int_equal(host_wait(host), 1);
}

static void an_id_may_not_be_used_twice_at_once(void **state)
{
	struct host *host = host_start_ready(plugin_of(state));
	struct wire_request request = {
		.id = 1, .method = ECHO, .more = true, .payload = bytes_of("x")};

	host_say_request(host, &request);
	host_say_request(host, &request);
	assert_int_equal(host_wait(host), 1);
}

/* Writes without reading until the plugin's pipe is full as well; then reads everything. */
static void both_pipes_full_are_no_deadlock(void **state)
{
	enum { CALLS = 60 };
	static uint8_t payload[WIRE_CHUNK_BYTES];
	struct host *host = host_start_ready(plugin_of(state));
	uint8_t head[64];
	struct grow frames = {0};
	size_t heard = 0;
	unsigned ended = 0;
	const char *why;

	for (uint32_t i = 0; i < CALLS; i++) {
		struct wire_request request = {
			.id = 2 * i + 1,
			.method = ECHO,
			.end = true,
			.payload = {payload, sizeof(payload)},
		};

		grow_append(&frames, head, wire_put_request_head(head, &request));
		grow_append(&frames, payload, sizeof(payload));
	}
	host_fill(host, frames.data, frames.len);
	grow_deinit(&frames);
	while (ended < CALLS) {
		struct wire_bytes body;
		struct wire_response response;

		if (host_hear_any(host, &body) != WIRE_RESPONSE)
			continue;
		assert_true(wire_get_response(body, &response, &why));
		heard += response.payload.len;
		ended += response.end ? 1 : 0;
	}
	assert_int_equal(heard, CALLS * sizeof(payload));
	assert_int_equal(host_end(host, true), 0);
}

static void a_host_that_vanishes_is_noticed_by_a_call_in_work(void **state)
{
	struct host *host = host_start_ready(plugin_of(state));

	host_say_request(host, &(struct wire_request){.id = 1, .method = LATER, .end = true});
	assert_int_equal(host_end(host, false), 1);
}

#define IN_ONE_THREAD(test)                                                                        \
	{                                                                                          \
#test, test, NULL, NULL, (void *)(uintptr_t)&home                                  \
	}
#define IN_SEVERAL(test)                                                                           \
	{                                                                                          \
#test " with workers", test, NULL, NULL, (void *)(uintptr_t)&threaded              \
	}
#define IN_BOTH(test) IN_ONE_THREAD(test), IN_SEVERAL(test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_BOTH(a_large_message_travels_in_pieces_both_ways),
		IN_BOTH(a_large_answer_stops_at_the_window_and_delays_nobody),
		IN_BOTH(answers_wait_for_the_window_of_the_channel),
		IN_ONE_THREAD(too_much_credit_ends_the_plugin),
		IN_BOTH(a_message_beyond_the_limit_is_refused),
		IN_BOTH(calls_beyond_the_limit_are_refused),
		IN_BOTH(a_cancelled_call_is_still_ended_once),
		IN_BOTH(a_deadline_is_noticed_without_a_frame),
		IN_BOTH(an_unfinished_request_can_be_cancelled),
		IN_BOTH(data_after_the_end_of_a_call_ends_the_plugin),
		IN_BOTH(an_id_may_not_be_used_twice_at_once),
		IN_BOTH(both_pipes_full_are_no_deadlock),
		IN_BOTH(a_host_that_vanishes_is_noticed_by_a_call_in_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
