/* Calls that a plugin makes to its host. The close of the inbox is wrapped at link time. */
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

#include "sdk/inbox.h"
#include "sdk/proto.h"
#include "sdk_host.h"

enum { ASK = 1, ASK_AND_WAIT, ASK_SHORTLY };

static void on_done(void *user, const struct plug_result *result)
{
	struct plug_call *call = user;

	if (result->code == PLUG_OK)
		plug_reply(call, result->data, result->len);
	else
		plug_fail(call, result->code, "the host said: %s", result->message);
}

static struct plug_answer ask_with(struct plug_call *call, int64_t timeout_ms)
{
	struct plug_bytes in = plug_request(call);
	struct plug_host_request request = {
		.need = 0,
		.data = in.data,
		.len = in.len,
		.timeout_ms = timeout_ms,
		.parent = call,
		.done = on_done,
		.user = call,
	};

	if (plug_host_call(plug_call_plug(call), &request) < 0)
		return plug_fail(call, PLUG_INTERNAL, "no call");
	return plug_later(call);
}

static struct plug_answer ask(struct plug_call *call)
{
	return ask_with(call, 0);
}

static struct plug_answer ask_shortly(struct plug_call *call)
{
	return ask_with(call, 20);
}

static struct plug_answer ask_and_wait(struct plug_call *call)
{
	struct plug_host_request request = {.need = 0, .data = "w", .len = 1};
	struct plug_result result;
	struct plug_answer answer;
	int error = plug_host_call_wait(plug_call_plug(call), &request, &result);

	if (error < 0)
		return plug_fail(call, PLUG_FAILED_PRECONDITION, "%s", strerror(-error));
	answer = plug_reply(call, result.data, result.len);
	plug_result_free(&result);
	return answer;
}

static const struct plug_method methods[] = {
	{.name = "Ask", .handler = ask, .codec = PLUG_BYTES},
	{.name = "AskAndWait", .handler = ask_and_wait, .codec = PLUG_BYTES},
	{.name = "AskShortly", .handler = ask_shortly, .codec = PLUG_BYTES},
};
static const struct plug_service services[] = {
	{.name = "test.v1.Asker", .version = "1.0.0", PLUG_METHODS(methods)},
};
static const struct plug_need needs[] = {
	{.service = "plugd.host.v1.Host", .method = "Info"},
};
static const struct plug_plugin home = {
	.name = "asker",
	.version = "1.0.0",
	PLUG_SERVICES(services),
	PLUG_NEEDS(needs),
};
static const struct plug_plugin threaded = {
	.name = "asker",
	.version = "1.0.0",
	PLUG_SERVICES(services),
	PLUG_NEEDS(needs),
	.threads = 2,
};

static struct wire_request hear_request(struct host *host)
{
	struct wire_request request;
	const char *why;

	assert_true(wire_get_request(host_hear(host, WIRE_REQUEST), &request, &why));
	assert_int_equal(request.id % 2, 0);
	assert_int_equal(request.method, 1);
	return request;
}

static void say_response(struct host *host, const struct wire_response *response)
{
	struct grow frame = {0};
	uint8_t head[512];

	assert_true(wire_response_head_bound(response) <= sizeof(head));
	grow_append(&frame, head, wire_put_response_head(head, response));
	grow_append(&frame, response->payload.data, response->payload.len);
	host_say_bytes(host, frame.data, frame.len);
	grow_deinit(&frame);
}

static void the_host_answers_the_plugin(void **state)
{
	struct host *host = host_start_ready(*state);
	struct wire_request asked = {
		.id = 1,
		.method = ASK,
		.end = true,
		.timeout_ms = 5000,
		.trace_parent = bytes_of("00-trace"),
		.payload = bytes_of("question"),
	};
	struct wire_request request;

	host_say_request(host, &asked);
	request = hear_request(host);
	assert_true(request.end);
	assert_in_range(request.timeout_ms, 1, 5000);
	assert_memory_equal(request.trace_parent.data, "00-trace", 8);
	assert_memory_equal(request.payload.data, "question", 8);
	say_response(host, &(struct wire_response){
				   .id = request.id, .more = true, .payload = bytes_of("ans")});
	host_say_data(host, &(struct wire_data){
				    .id = request.id, .end = true, .payload = bytes_of("wer")});
	assert_memory_equal(host_hear_response(host, 1).payload.data, "answer", 6);
	assert_int_equal(host_end(host, true), 0);
}

static void the_host_may_refuse(void **state)
{
	struct host *host = host_start_ready(*state);
	struct wire_response response;

	host_say_request(host, &(struct wire_request){.id = 1, .method = ASK, .end = true});
	say_response(host, &(struct wire_response){.id = hear_request(host).id,
						   .code = PLUG_PERMISSION_DENIED,
						   .message = bytes_of("not yours"),
						   .end = true});
	response = host_hear_response(host, 1);
	assert_int_equal(response.code, PLUG_PERMISSION_DENIED);
	assert_memory_equal(response.message.data, "the host said: not yours", 24);
	assert_int_equal(host_end(host, true), 0);
}

static void a_host_that_is_slow_meets_the_deadline(void **state)
{
	struct host *host = host_start_ready(*state);
	uint32_t id;
	struct wire_cancel cancel;
	const char *why;

	host_say_request(host, &(struct wire_request){.id = 1, .method = ASK_SHORTLY, .end = true});
	id = hear_request(host).id;
	/* The answer and the cancel leave in one turn, in this order. */
	assert_int_equal(host_hear_response(host, 1).code, PLUG_DEADLINE_EXCEEDED);
	assert_true(wire_get_cancel(host_hear(host, WIRE_CANCEL), &cancel, &why));
	assert_int_equal(cancel.id, id);
	say_response(host, &(struct wire_response){.id = id, .code = PLUG_CANCELLED, .end = true});
	host_hear_nothing(host);
	assert_int_equal(host_end(host, true), 0);
}

static void a_worker_may_wait_for_the_host(void **state)
{
	struct host *host = host_start_ready(*state);

	host_say_request(host,
			 &(struct wire_request){.id = 1, .method = ASK_AND_WAIT, .end = true});
	say_response(host, &(struct wire_response){.id = hear_request(host).id,
						   .payload = bytes_of("done"),
						   .end = true});
	assert_memory_equal(host_hear_response(host, 1).payload.data, "done", 4);
	assert_int_equal(host_end(host, true), 0);
}

static void the_only_thread_may_not_wait(void **state)
{
	struct host *host = host_start_ready(*state);

	host_say_request(host,
			 &(struct wire_request){.id = 1, .method = ASK_AND_WAIT, .end = true});
	assert_int_equal(host_hear_response(host, 1).code, PLUG_FAILED_PRECONDITION);
	assert_int_equal(host_end(host, true), 0);
}

static void a_waiting_worker_is_woken_when_the_host_is_gone(void **state)
{
	struct host *host = host_start_ready(*state);

	host_say_request(host,
			 &(struct wire_request){.id = 1, .method = ASK_AND_WAIT, .end = true});
	hear_request(host);
	assert_int_equal(host_end(host, false), 1);
}

/* A thread of the author's own, which asks when nobody takes posts any more but the inbox is still
 * open. */
static struct plug *asked_plug;
static bool asks_at_the_end;
static pthread_t asking_thread;

static void *ask_at_the_end(void *arg)
{
	struct plug_host_request request = {.need = 0, .data = "w", .len = 1};
	struct plug_result result;

	assert_int_equal(plug_host_call_wait(arg, &request, &result), 0);
	assert_int_equal(result.code, PLUG_CANCELLED);
	plug_result_free(&result);
	return NULL;
}

void __real_inbox_close(struct inbox *inbox);
void __wrap_inbox_close(struct inbox *inbox);

void __wrap_inbox_close(struct inbox *inbox)
{
	if (asks_at_the_end) {
		assert_int_equal(pthread_create(&asking_thread, NULL, ask_at_the_end, asked_plug),
				 0);
		while (!atomic_load(&inbox->woken))
			sched_yield();
	}
	__real_inbox_close(inbox);
}

static struct plug_verdict remember(struct plug *plug)
{
	asked_plug = plug;
	return plug_ok();
}

static int ask_at_the_end_main(const void *arg)
{
	int status;

	asks_at_the_end = true;
	status = plug_serve(arg);
	pthread_join(asking_thread, NULL);
	return status;
}

static void whoever_asks_at_the_end_is_told(void **state)
{
	static const struct host_hello usual;
	struct plug_plugin plugin = *(const struct plug_plugin *)*state;
	struct host *host;

	plugin.on_start = remember;
	host = host_start_main(ask_at_the_end_main, &plugin);
	host_greet(host, &usual);
	assert_int_equal(host_end(host, true), 0);
}

static void an_answer_to_nothing_ends_the_plugin(void **state)
{
	struct host *host = host_start_ready(*state);

	say_response(host, &(struct wire_response){.id = 8, .end = true});
	assert_int_equal(host_wait(host), 1);
}

#define AT_HOME(test)                                                                              \
	{                                                                                          \
#test, test, NULL, NULL, (void *)(uintptr_t)&home                                  \
	}
#define WITH_WORKERS(test)                                                                         \
	{                                                                                          \
#test " with workers", test, NULL, NULL, (void *)(uintptr_t)&threaded              \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_HOME(the_host_answers_the_plugin),
		WITH_WORKERS(the_host_answers_the_plugin),
		AT_HOME(the_host_may_refuse),
		WITH_WORKERS(the_host_may_refuse),
		AT_HOME(a_host_that_is_slow_meets_the_deadline),
		AT_HOME(the_only_thread_may_not_wait),
		WITH_WORKERS(a_worker_may_wait_for_the_host),
		WITH_WORKERS(a_waiting_worker_is_woken_when_the_host_is_gone),
		AT_HOME(whoever_asks_at_the_end_is_told),
		WITH_WORKERS(whoever_asks_at_the_end_is_told),
		AT_HOME(an_answer_to_nothing_ends_the_plugin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
