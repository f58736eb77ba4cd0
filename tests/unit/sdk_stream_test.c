/* Streams of a plugin under the rules of the wire: both ways, slow readers, empty frames,
 * cancels. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "sdk/proto.h"
#include "sdk_host.h"

enum { ECHO_STREAM = 1, COUNT, HOLD, REFUSE, PUSH };

#define MIB (1u << 20)

/* What an echoed message waits for. */
struct echo_state {
	char *message;
	size_t len;
	bool end;
};

static void echo_send(struct plug_call *call, struct echo_state *echoing)
{
	if (echoing->message != NULL) {
		if (plug_send(call, echoing->message, echoing->len) == -EAGAIN)
			return;
		free(echoing->message);
		echoing->message = NULL;
		plug_resume(call);
	}
	if (echoing->end)
		plug_finish(call);
}

static void echo_on_message(struct plug_call *call, void *state, const void *data, size_t len)
{
	struct echo_state *echoing = state;

	echoing->message = malloc(len + 1);
	memcpy(echoing->message, data, len);
	echoing->len = len;
	plug_pause(call);
	echo_send(call, echoing);
}

static void echo_on_end(struct plug_call *call, void *state)
{
	struct echo_state *echoing = state;

	echoing->end = true;
	echo_send(call, echoing);
}

static void echo_on_writable(struct plug_call *call, void *state)
{
	echo_send(call, state);
}

static void echo_on_cancel(struct plug_call *call, void *state, enum plug_code code)
{
	(void)state;
	plug_call_log(call, PLUG_INFO, "cancelled with %s", plug_code_name(code));
}

static void echo_on_close(struct plug_call *call, void *state)
{
	struct echo_state *echoing = state;

	plug_call_log(call, PLUG_INFO, "closed");
	free(echoing->message);
	free(echoing);
}

static const struct plug_stream_ops echo_ops = {
	.on_message = echo_on_message,
	.on_end = echo_on_end,
	.on_writable = echo_on_writable,
	.on_cancel = echo_on_cancel,
	.on_close = echo_on_close,
};

static struct plug_answer echo_stream(struct plug_call *call)
{
	return plug_stream(call, &echo_ops, calloc(1, sizeof(struct echo_state)));
}

/* Sends numbers from 1 as fast as they are taken; the request says how many. */
struct count_state {
	int next;
	int last;
};

static void count_on_writable(struct plug_call *call, void *state)
{
	struct count_state *count = state;
	char text[16];

	for (; count->next <= count->last; count->next++) {
		snprintf(text, sizeof(text), "%d", count->next);
		if (plug_send(call, text, strlen(text)) < 0)
			return;
	}
	plug_finish(call);
}

static void count_on_close(struct plug_call *call, void *state)
{
	(void)call;
	free(state);
}

static const struct plug_stream_ops count_ops = {
	.on_writable = count_on_writable,
	.on_close = count_on_close,
};

static struct plug_answer count(struct plug_call *call)
{
	struct count_state *state = calloc(1, sizeof(*state));
	char text[16] = "";
	struct plug_bytes in = plug_request(call);

	memcpy(text, in.data, in.len < sizeof(text) ? in.len : sizeof(text) - 1);
	state->next = 1;
	state->last = atoi(text);
	return plug_stream(call, &count_ops, state);
}

/* Never reads. */
static struct plug_answer hold(struct plug_call *call)
{
	static const struct plug_stream_ops nothing;

	plug_pause(call);
	return plug_stream(call, &nothing, NULL);
}

static struct plug_answer refuse(struct plug_call *call)
{
	return plug_fail(call, PLUG_PERMISSION_DENIED, "not you");
}

/* Everything is said by a thread of the author's own, which also lets messages come. */
struct push_state {
	struct plug_call *call;
	pthread_t thread;
	unsigned taken;
	atomic_bool ended;
};

static void *push_thread(void *arg)
{
	struct push_state *push = arg;
	char text[16];

	for (int i = 1; i <= 1000; i++) {
		snprintf(text, sizeof(text), "%d", i);
		plug_resume(push->call);
		while (plug_send(push->call, text, strlen(text)) == -EAGAIN)
			sched_yield();
	}
	while (!atomic_load(&push->ended)) {
		plug_resume(push->call);
		sched_yield();
	}
	return NULL;
}

static void push_on_message(struct plug_call *call, void *state, const void *data, size_t len)
{
	struct push_state *push = state;

	(void)data;
	push->taken += (unsigned)len;
	plug_pause(call);
}

static void push_on_end(struct plug_call *call, void *state)
{
	struct push_state *push = state;

	atomic_store(&push->ended, true);
	pthread_join(push->thread, NULL);
	assert_int_equal(push->taken, 100);
	plug_finish(call);
}

static void push_on_close(struct plug_call *call, void *state)
{
	(void)call;
	free(state);
}

static struct plug_answer push(struct plug_call *call)
{
	static const struct plug_stream_ops ops = {
		.on_message = push_on_message,
		.on_end = push_on_end,
		.on_close = push_on_close,
	};
	struct push_state *state = calloc(1, sizeof(*state));
	state->call = call;
	assert_int_equal(pthread_create(&state->thread, NULL, push_thread, state), 0);
	return plug_stream(call, &ops, state);
}

static const struct plug_method methods[] = {
	{.name = "EchoStream",
	 .handler = echo_stream,
	 .codec = PLUG_BYTES,
	 .client_streams = true,
	 .server_streams = true},
	{.name = "Count", .handler = count, .codec = PLUG_BYTES, .server_streams = true},
	{.name = "Hold",
	 .handler = hold,
	 .codec = PLUG_BYTES,
	 .client_streams = true,
	 .server_streams = true},
	{.name = "Refuse", .handler = refuse, .codec = PLUG_BYTES, .client_streams = true},
	{.name = "Push",
	 .handler = push,
	 .codec = PLUG_BYTES,
	 .client_streams = true,
	 .server_streams = true},
};
static const struct plug_service services[] = {
	{.name = "test.v1.Streams", .version = "1.0.0", PLUG_METHODS(methods)},
};
static const struct plug_plugin home = {
	.name = "streams",
	.version = "1.0.0",
	PLUG_SERVICES(services),
};
static const struct plug_plugin threaded = {
	.name = "streams",
	.version = "1.0.0",
	PLUG_SERVICES(services),
	.threads = 3,
};

/* Every test runs with the plugin of its state: in one thread, and in several. */
static const struct plug_plugin *plugin_of(void **state)
{
	return *state;
}

static void more_than_the_window_ends_the_plugin(void **state)
{
	static uint8_t payload[WIRE_CHUNK_BYTES];
	struct host *host = host_start_ready(plugin_of(state));
	struct wire_bytes bytes = {payload, sizeof(payload)};

	host_say_request(host,
			 &(struct wire_request){.id = 1, .method = HOLD, .payload = bytes_of("x")});
	for (int i = 0; i < 4; i++)
		host_say_data(host, &(struct wire_data){.id = 1, .payload = bytes});
	assert_int_equal(host_wait(host), 1);
}

static void a_stream_that_is_not_read_gets_no_credit(void **state)
{
	static uint8_t payload[WIRE_CHUNK_BYTES];
	struct host *host = host_start_ready(plugin_of(state));
	struct wire_bytes bytes = {payload, sizeof(payload)};

	host_say_request(host, &(struct wire_request){.id = 1, .method = HOLD, .payload = bytes});
	for (int i = 0; i < 3; i++)
		host_say_data(host, &(struct wire_data){.id = 1, .payload = bytes});
	host_hear_nothing(host);
	host_say_cancel(host, 1, PLUG_DEADLINE_EXCEEDED);
	assert_int_equal(host_hear_response(host, 1).code, PLUG_DEADLINE_EXCEEDED);
	assert_int_equal(host_end(host, true), 0);
}

/* The window of the call is full; the channel has all of its own back. */
static void a_stream_that_is_not_read_stops_nobody_else(void **state)
{
	static uint8_t payload[WIRE_CHUNK_BYTES];
	struct plug_plugin plugin = *plugin_of(state);
	struct wire_bytes bytes = {payload, sizeof(payload)};
	struct host *host;

	plugin.limits.channel_window_bytes = WIRE_CALL_WINDOW_BYTES;
	host = host_start_ready(&plugin);
	host_say_request(host, &(struct wire_request){.id = 1, .method = HOLD, .payload = bytes});
	for (int i = 0; i < 3; i++)
		host_say_data(host, &(struct wire_data){.id = 1, .payload = bytes});
	host_hear_credit(host, 0, WIRE_CALL_WINDOW_BYTES);
	host_say_request(host,
			 &(struct wire_request){.id = 3, .method = ECHO_STREAM, .payload = bytes});
	assert_int_equal(host_hear_response(host, 3).payload.len, sizeof(payload));
	assert_int_equal(host_end(host, false), 1);
}

static void a_stream_goes_both_ways(void **state)
{
	struct host *host = host_start_ready(plugin_of(state));
	struct wire_data data;

	host_say_request(host, &(struct wire_request){
				       .id = 1, .method = ECHO_STREAM, .payload = bytes_of("one")});
	assert_memory_equal(host_hear_response(host, 1).payload.data, "one", 3);
	host_say_data(host, &(struct wire_data){.id = 1, .payload = bytes_of("two")});
	assert_memory_equal(host_hear_data(host, 1).payload.data, "two", 3);
	host_say_data(host, &(struct wire_data){.id = 1, .more = true, .payload = bytes_of("thr")});
	host_say_data(host, &(struct wire_data){.id = 1, .payload = bytes_of("ee")});
	data = host_hear_data(host, 1);
	assert_int_equal(data.payload.len, 5);
	assert_memory_equal(data.payload.data, "three", 5);
	host_say_data(host, &(struct wire_data){.id = 1});
	assert_int_equal(host_hear_data(host, 1).payload.len, 0);
	host_say_data(host, &(struct wire_data){.id = 1, .end = true});
	assert_true(host_hear_data(host, 1).end);
	assert_int_equal(host_end(host, true), 0);
}

static void empty_frames_of_a_stream_are_told_apart(void **state)
{
	struct host *host = host_start_ready(plugin_of(state));
	struct wire_data data;

	host_say_request(host, &(struct wire_request){.id = 1, .method = ECHO_STREAM});
	host_hear_nothing(host);
	host_say_data(host, &(struct wire_data){.id = 1});
	assert_int_equal(host_hear_response(host, 1).payload.len, 0);
	data = host_hear_data(host, 1);
	assert_int_equal(data.payload.len, 0);
	assert_false(data.end);
	host_say_data(host, &(struct wire_data){.id = 1, .end = true});
	assert_true(host_hear_data(host, 1).end);
	assert_int_equal(host_end(host, true), 0);
}

static void a_message_that_begins_empty_is_one(void **state)
{
	struct host *host = host_start_ready(plugin_of(state));

	host_say_request(host,
			 &(struct wire_request){.id = 1, .method = ECHO_STREAM, .more = true});
	host_say_data(host, &(struct wire_data){.id = 1, .end = true});
	assert_int_equal(host_hear_response(host, 1).payload.len, 0);
	assert_false(host_hear_data(host, 1).end);
	assert_true(host_hear_data(host, 1).end);
	assert_int_equal(host_end(host, true), 0);
}

static void a_stream_may_be_refused_before_its_first_message_is_whole(void **state)
{
	struct host *host = host_start_ready(plugin_of(state));

	host_say_request(
		host, &(struct wire_request){
			      .id = 1, .method = REFUSE, .more = true, .payload = bytes_of("x")});
	assert_int_equal(host_hear_response(host, 1).code, PLUG_PERMISSION_DENIED);
	host_say_data(host, &(struct wire_data){.id = 1, .more = true, .payload = bytes_of("y")});
	host_say_data(host, &(struct wire_data){.id = 1, .end = true, .payload = bytes_of("z")});
	host_say_request(host,
			 &(struct wire_request){
				 .id = 3, .method = REFUSE, .end = true, .payload = bytes_of("x")});
	assert_int_equal(host_hear_response(host, 3).code, PLUG_PERMISSION_DENIED);
	assert_int_equal(host_end(host, true), 0);
}

static void a_stream_can_end_without_a_message(void **state)
{
	struct host *host = host_start_ready(plugin_of(state));
	struct wire_response response;

	host_say_request(host, &(struct wire_request){.id = 1, .method = ECHO_STREAM, .end = true});
	response = host_hear_response(host, 1);
	assert_true(response.end);
	assert_int_equal(response.code, 0);
	assert_int_equal(host_end(host, true), 0);
}

static void one_message_of_a_stream_may_exceed_its_window(void **state)
{
	struct host *host = host_start_ready(plugin_of(state));

	host_say_large(host, 1, ECHO_STREAM, MIB, 's');
	assert_int_equal(host_hear_response(host, 1).payload.len, WIRE_CHUNK_BYTES);
	host_say_cancel(host, 1, PLUG_CANCELLED);
	while (true) {
		struct wire_bytes body;
		enum wire_kind kind = host_hear_any(host, &body);

		if (kind == WIRE_CANCEL)
			break;
		assert_true(kind == WIRE_DATA || kind == WIRE_LOG || kind == WIRE_CREDIT);
	}
	assert_int_equal(host_end(host, true), 0);
}

/* The next part of what the plugin answers call 1 with; a message comes in parts where the window
 * ends in its middle, which depends on how fast it is read. */
static struct wire_data hear_part(struct host *host, bool is_first)
{
	struct wire_response response;

	if (!is_first)
		return host_hear_data(host, 1);
	response = host_hear_response(host, 1);
	return (struct wire_data){
		.more = response.more, .end = response.end, .payload = response.payload};
}

static void a_fast_stream_waits_for_its_reader(void **state)
{
	struct host *host = host_start_ready(plugin_of(state));
	char message[16] = "";
	uint32_t heard = 0;
	unsigned expected = 1;
	bool is_first = true;

	host_say_request(host, &(struct wire_request){.id = 1,
						      .method = COUNT,
						      .end = true,
						      .payload = bytes_of("100000")});
	for (;;) {
		struct wire_data part = hear_part(host, is_first);
		char text[16];

		is_first = false;
		if (part.end)
			break;
		assert_true(strlen(message) + part.payload.len < sizeof(message));
		strncat(message, (const char *)part.payload.data, part.payload.len);
		heard += (uint32_t)part.payload.len;
		if (!part.more) {
			snprintf(text, sizeof(text), "%u", expected++);
			assert_string_equal(message, text);
			message[0] = '\0';
		}
		if (heard < 100000)
			continue;
		host_say_credit(host, 1, heard);
		host_say_credit(host, 0, heard);
		heard = 0;
	}
	assert_int_equal(expected, 100001);
	assert_int_equal(host_end(host, true), 0);
}

static void hear_log(struct host *host, const char *text)
{
	plugd_v1_Log line = plugd_v1_Log_init_zero;
	char *message = NULL;

	proto_get_string(&line.message, &message);
	assert_true(proto_read(host_hear(host, WIRE_LOG), plugd_v1_Log_fields, &line));
	assert_string_equal(message, text);
	free(message);
}

static void a_thread_may_send_and_let_messages_come(void **state)
{
	struct host *host = host_start_ready(plugin_of(state));
	size_t heard;

	host_say_request(host,
			 &(struct wire_request){.id = 1, .method = PUSH, .payload = bytes_of("x")});
	for (int i = 1; i < 100; i++)
		host_say_data(host, &(struct wire_data){.id = 1, .payload = bytes_of("x")});
	heard = host_hear_response(host, 1).payload.len;
	for (int i = 2; i <= 1000; i++)
		heard += host_hear_data(host, 1).payload.len;
	assert_int_equal(heard, 9 + 90 * 2 + 900 * 3 + 4);
	host_say_data(host, &(struct wire_data){.id = 1, .end = true});
	assert_true(host_hear_data(host, 1).end);
	assert_int_equal(host_end(host, true), 0);
}

static void a_cancelled_stream_is_told_and_closed(void **state)
{
	struct host *host = host_start_ready(plugin_of(state));

	host_say_request(host, &(struct wire_request){
				       .id = 1, .method = ECHO_STREAM, .payload = bytes_of("one")});
	host_hear_response(host, 1);
	host_say_cancel(host, 1, PLUG_DEADLINE_EXCEEDED);
	hear_log(host, "cancelled with DEADLINE_EXCEEDED");
	host_say(host, WIRE_DRAIN, plugd_v1_Drain_fields, &(plugd_v1_Drain){0});
	host_hear(host, WIRE_CANCEL);
	host_hear(host, WIRE_BYE);
	assert_int_equal(host_wait(host), 0);
}

static void a_host_that_vanishes_closes_every_stream(void **state)
{
	struct host *host = host_start_ready(plugin_of(state));

	for (uint32_t id = 1; id < 40; id += 2)
		host_say_request(host, &(struct wire_request){.id = id,
							      .method = ECHO_STREAM,
							      .payload = bytes_of("x")});
	for (uint32_t id = 1; id < 40; id += 2)
		host_hear(host, WIRE_RESPONSE);
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
		IN_BOTH(more_than_the_window_ends_the_plugin),
		IN_BOTH(a_stream_that_is_not_read_gets_no_credit),
		IN_BOTH(a_stream_that_is_not_read_stops_nobody_else),
		IN_BOTH(a_stream_goes_both_ways),
		IN_BOTH(empty_frames_of_a_stream_are_told_apart),
		IN_BOTH(a_message_that_begins_empty_is_one),
		IN_BOTH(a_stream_may_be_refused_before_its_first_message_is_whole),
		IN_BOTH(a_stream_can_end_without_a_message),
		IN_BOTH(one_message_of_a_stream_may_exceed_its_window),
		IN_BOTH(a_fast_stream_waits_for_its_reader),
		IN_BOTH(a_thread_may_send_and_let_messages_come),
		IN_BOTH(a_cancelled_stream_is_told_and_closed),
		IN_BOTH(a_host_that_vanishes_closes_every_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
