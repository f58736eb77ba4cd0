/* A cancel meets calls that other threads have in their hands: each is ended once, and no answer
 * goes to another call. Threads are held where it matters: in an allocation, which is wrapped at
 * link time. */
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "sdk/proto.h"
#include "sdk_host.h"

enum { LATE = 1, WAIT_FOR_LATE, KEEP, FINISH, LATE_STREAM };

/* The thread that has set `is_held` stops in its next malloc until the gate opens. */
static _Thread_local bool is_held;
static atomic_bool at_gate;
static atomic_bool gate_is_open;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size)
{
	if (is_held) {
		is_held = false;
		atomic_store(&at_gate, true);
		while (!atomic_load(&gate_is_open))
			sched_yield();
	}
	return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return __real_realloc(old, size);
}

static pthread_t late_thread;
static struct plug_call *kept;

static void *reply_late(void *arg)
{
	is_held = true;
	plug_reply(arg, "late", 4);
	return NULL;
}

static struct plug_answer late(struct plug_call *call)
{
	assert_int_equal(pthread_create(&late_thread, NULL, reply_late, call), 0);
	return plug_later(call);
}

static struct plug_answer wait_for_late(struct plug_call *call)
{
	while (!atomic_load(&at_gate))
		sched_yield();
	return plug_reply(call, "", 0);
}

/* Its memory may be that of the call before. */
static struct plug_answer keep(struct plug_call *call)
{
	kept = call;
	atomic_store(&gate_is_open, true);
	pthread_join(late_thread, NULL);
	return plug_later(call);
}

static struct plug_answer finish(struct plug_call *call)
{
	plug_reply(kept, "kept", 4);
	return plug_reply(call, "", 0);
}

static void on_cancel(struct plug_call *call, void *state, enum plug_code code)
{
	(void)state;
	plug_call_log(call, PLUG_INFO, "cancelled with %s", plug_code_name(code));
}

static void on_close(struct plug_call *call, void *state)
{
	(void)state;
	plug_call_log(call, PLUG_INFO, "closed");
}

/* Becomes a stream when nobody waits for it any more. */
static struct plug_answer late_stream(struct plug_call *call)
{
	static const struct plug_stream_ops ops = {.on_cancel = on_cancel, .on_close = on_close};

	plug_call_log(call, PLUG_INFO, "running");
	while (!plug_is_cancelled(call))
		sched_yield();
	return plug_stream(call, &ops, NULL);
}

static const struct plug_method methods[] = {
	{.name = "Late", .handler = late, .codec = PLUG_BYTES},
	{.name = "WaitForLate", .handler = wait_for_late, .codec = PLUG_BYTES},
	{.name = "Keep", .handler = keep, .codec = PLUG_BYTES},
	{.name = "Finish", .handler = finish, .codec = PLUG_BYTES},
	{.name = "LateStream", .handler = late_stream, .codec = PLUG_BYTES, .server_streams = true},
};
static const struct plug_service services[] = {
	{.name = "test.v1.Cancel", PLUG_METHODS(methods)},
};
static const struct plug_plugin home = {
	.name = "cancel",
	.version = "1.0.0",
	PLUG_SERVICES(services),
};
static const struct plug_plugin threaded = {
	.name = "cancel",
	.version = "1.0.0",
	PLUG_SERVICES(services),
	.threads = 2,
};

static void hear_log(struct host *host, const char *text)
{
	plugd_v1_Log line = plugd_v1_Log_init_zero;
	char *message = NULL;

	proto_get_string(&line.message, &message);
	assert_true(proto_read(host_hear(host, WIRE_LOG), plugd_v1_Log_fields, &line));
	assert_string_equal(message, text);
	free(message);
}

static void say_request(struct host *host, uint32_t id, uint32_t method)
{
	host_say_request(host, &(struct wire_request){.id = id, .method = method, .end = true});
}

static void an_answer_after_the_cancel_goes_to_no_other_call(void **state)
{
	struct host *host = host_start_ready(*state);

	say_request(host, 1, LATE);
	say_request(host, 3, WAIT_FOR_LATE);
	host_hear_response(host, 3);
	host_say_cancel(host, 1, PLUG_CANCELLED);
	assert_int_equal(host_hear_response(host, 1).code, PLUG_CANCELLED);
	say_request(host, 5, KEEP);
	host_hear_nothing(host);
	say_request(host, 7, FINISH);
	assert_memory_equal(host_hear_response(host, 5).payload.data, "kept", 4);
	host_hear_response(host, 7);
	assert_int_equal(host_end(host, true), 0);
}

static void a_stream_that_begins_after_its_cancel_is_told_and_closed(void **state)
{
	struct host *host = host_start_ready(*state);

	say_request(host, 1, LATE_STREAM);
	hear_log(host, "running");
	host_say_cancel(host, 1, PLUG_DEADLINE_EXCEEDED);
	hear_log(host, "cancelled with DEADLINE_EXCEEDED");
	assert_int_equal(host_hear_response(host, 1).code, PLUG_DEADLINE_EXCEEDED);
	assert_int_equal(host_end(host, true), 0);
}

static void a_stream_that_begins_after_the_host_is_gone_is_closed(void **state)
{
	struct host *host = host_start_ready(*state);

	say_request(host, 1, LATE_STREAM);
	hear_log(host, "running");
	assert_int_equal(host_end(host, false), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{"an_answer_after_the_cancel_goes_to_no_other_call",
		 an_answer_after_the_cancel_goes_to_no_other_call, NULL, NULL,
		 (void *)(uintptr_t)&home},
		{"a_stream_that_begins_after_its_cancel_is_told_and_closed",
		 a_stream_that_begins_after_its_cancel_is_told_and_closed, NULL, NULL,
		 (void *)(uintptr_t)&threaded},
		{"a_stream_that_begins_after_the_host_is_gone_is_closed",
		 a_stream_that_begins_after_the_host_is_gone_is_closed, NULL, NULL,
		 (void *)(uintptr_t)&threaded},
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
