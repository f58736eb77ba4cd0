/* Memory that runs short for a while delays what a plugin has to say, and nothing else: no answer
 * and no credit is forgotten, also when the host waits for just that and sends no frame more. The
 * allocators are wrapped at link time. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "sdk/proto.h"
#include "sdk_host.h"

enum { ECHO = 1, LARGE, SHORT, TAKE };

#define LARGE_BYTES  15000
#define LARGE_CALLS  6 /* so many answers in one turn, and no memory is kept for the next ones */
#define WINDOW_BYTES (4 * LARGE_BYTES)

/* So many reallocations fail from now on. */
static int failing;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size)
{
	return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	if (failing > 0) {
		failing--;
		return NULL;
	}
	return __real_realloc(old, size);
}

static struct plug_answer echo(struct plug_call *call)
{
	struct plug_bytes in = plug_request(call);

	return plug_reply(call, in.data, in.len);
}

static uint8_t large[LARGE_BYTES];

static struct plug_answer answer_much(struct plug_call *call)
{
	return plug_reply(call, large, sizeof(large));
}

/* As many as the request says. */
static struct plug_answer run_short(struct plug_call *call)
{
	struct plug_answer answer = plug_reply(call, "", 0);

	failing = *(const char *)plug_request(call).data - '0';
	return answer;
}

static void take_on_message(struct plug_call *call, void *state, const void *data, size_t len)
{
	(void)call;
	(void)state;
	(void)data;
	(void)len;
}

static struct plug_answer take(struct plug_call *call)
{
	static const struct plug_stream_ops ops = {.on_message = take_on_message};

	return plug_stream(call, &ops, NULL);
}

static const struct plug_method methods[] = {
	{.name = "Echo", .handler = echo, .codec = PLUG_BYTES},
	{.name = "Large", .handler = answer_much, .codec = PLUG_BYTES},
	{.name = "Short", .handler = run_short, .codec = PLUG_BYTES},
	{.name = "Take", .handler = take, .codec = PLUG_BYTES, .client_streams = true},
};
static const struct plug_service services[] = {
	{.name = "test.v1.Shortage", PLUG_METHODS(methods)},
};
static const struct plug_plugin plugin = {
	.name = "shortage",
	.version = "1.0.0",
	PLUG_SERVICES(services),
	.limits = {.max_message_bytes = LARGE_BYTES,
		   .call_window_bytes = WINDOW_BYTES,
		   .channel_window_bytes = WINDOW_BYTES + 100},
};

static void put_request(struct grow *frames, const struct wire_request *request)
{
	uint8_t head[64];

	assert_true(grow_append(frames, head, wire_put_request_head(head, request)));
	assert_true(grow_append(frames, request->payload.data, request->payload.len));
}

/* The plugin keeps no memory for what it says, and gets none `times` times. Ids 101 and up. */
static void run_out(struct host *host, const char *times)
{
	struct grow frames = {0};
	struct wire_request request = {.method = LARGE, .end = true};

	for (uint32_t i = 0; i < LARGE_CALLS; i++) {
		request.id = 101 + 2 * i;
		put_request(&frames, &request);
	}
	request = (struct wire_request){
		.id = 99, .method = SHORT, .end = true, .payload = bytes_of(times)};
	put_request(&frames, &request);
	host_say_bytes(host, frames.data, frames.len);
	for (uint32_t i = 0; i < LARGE_CALLS; i++)
		assert_int_equal(host_hear_response(host, 101 + 2 * i).payload.len, sizeof(large));
	host_hear_response(host, 99);
	host_say_credit(host, 0, LARGE_CALLS * LARGE_BYTES);
	grow_deinit(&frames);
}

static void an_answer_that_found_no_memory_is_said_later(void **state)
{
	struct host *host = host_start_ready(&plugin);

	(void)state;
	run_out(host, "5");
	host_call(host, 1, ECHO, "hello", "hello");
	assert_int_equal(host_end(host, true), 0);
}

static void credit_that_found_no_memory_is_given_later(void **state)
{
	struct host *host = host_start_ready(&plugin);
	struct wire_bytes bytes = {large, sizeof(large)};
	struct wire_credit credit;
	uint32_t heard[2] = {0}; /* for the channel, and for call 1 */
	const char *why;

	(void)state;
	host_say_request(host, &(struct wire_request){.id = 1, .method = TAKE});
	run_out(host, "9");
	for (unsigned i = 0; i < 4; i++)
		host_say_data(host, &(struct wire_data){.id = 1, .payload = bytes});
	while (heard[0] < WINDOW_BYTES / 2 || heard[1] < WINDOW_BYTES / 2) {
		assert_true(wire_get_credit(host_hear(host, WIRE_CREDIT), &credit, &why));
		heard[credit.id] += credit.bytes;
	}
	assert_int_equal(host_end(host, false), 1);
}

static void a_goodbye_that_found_no_memory_is_said_later(void **state)
{
	struct host *host = host_start_ready(&plugin);

	(void)state;
	run_out(host, "4");
	assert_int_equal(host_end(host, true), 0);
}

/* What could not be kept does not count as kept. */
static void messages_without_memory_leave_room_for_the_next(void **state)
{
	struct host *host = host_start_ready(&plugin);
	struct wire_request request = {
		.method = ECHO, .more = true, .payload = {large, sizeof(large) - 1}};
	uint32_t id;

	(void)state;
	host_say_request(host,
			 &(struct wire_request){
				 .id = 1, .method = SHORT, .end = true, .payload = bytes_of("6")});
	host_hear_response(host, 1);
	for (id = 3; id < 15; id += 2) {
		request.id = id;
		host_say_request(host, &request);
		assert_int_equal(host_hear_response(host, id).code, PLUG_RESOURCE_EXHAUSTED);
		host_say_data(host, &(struct wire_data){.id = id, .end = true});
	}
	request.id = id;
	host_say_request(host, &request);
	host_say_data(host, &(struct wire_data){.id = id, .end = true});
	assert_int_equal(host_hear_response(host, id).code, PLUG_OK);
	assert_int_equal(host_end(host, true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_that_found_no_memory_is_said_later),
		cmocka_unit_test(credit_that_found_no_memory_is_given_later),
		cmocka_unit_test(a_goodbye_that_found_no_memory_is_said_later),
		cmocka_unit_test(messages_without_memory_leave_room_for_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
