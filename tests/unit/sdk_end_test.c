/* A plugin ends when it is asked to, and when nobody can ask any more, whatever its threads do. */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#include "sdk/proto.h"
#include "sdk_host.h"

enum { ECHO = 1, ENDLESS, HANG, HANG_ELSEWHERE };

static struct plug_answer echo(struct plug_call *call)
{
	struct plug_bytes in = plug_request(call);

	return plug_reply(call, in.data, in.len);
}

/* The streams that are open, for on_drain. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct plug_call *open_streams[8];

static void replace(struct plug_call *from, struct plug_call *to)
{
	size_t i = 0;

	pthread_mutex_lock(&lock);
	while (open_streams[i] != from)
		i++;
	open_streams[i] = to;
	pthread_mutex_unlock(&lock);
}

static void endless_on_writable(struct plug_call *call, void *state)
{
	(void)state;
	plug_send(call, "tick", 4);
}

static void endless_on_close(struct plug_call *call, void *state)
{
	(void)state;
	replace(call, NULL);
	fprintf(stderr, "closed\n");
}

static struct plug_answer endless(struct plug_call *call)
{
	static const struct plug_stream_ops ops = {
		.on_writable = endless_on_writable,
		.on_close = endless_on_close,
	};

	replace(NULL, call);
	return plug_stream(call, &ops, NULL);
}

static struct plug_answer hang(struct plug_call *call)
{
	plug_call_log(call, PLUG_INFO, "hanging");
	for (;;)
		pause();
	return plug_later(call);
}

static void *hang_thread(void *arg)
{
	hang(arg);
	return NULL;
}

static struct plug_answer hang_elsewhere(struct plug_call *call)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, hang_thread, call), 0);
	return plug_later(call);
}

static void on_drain(struct plug *plug, uint32_t grace_ms)
{
	(void)plug;
	plug_log(PLUG_INFO, "%u ms to go", grace_ms);
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < PLUG_COUNT(open_streams); i++) {
		if (open_streams[i] != NULL)
			plug_finish(open_streams[i]);
	}
	pthread_mutex_unlock(&lock);
}

static const struct plug_method methods[] = {
	{.name = "Echo", .handler = echo, .codec = PLUG_BYTES},
	{.name = "Endless", .handler = endless, .codec = PLUG_BYTES, .server_streams = true},
	{.name = "Hang", .handler = hang, .codec = PLUG_BYTES},
	{.name = "HangElsewhere", .handler = hang_elsewhere, .codec = PLUG_BYTES},
};
static const struct plug_service services[] = {
	{.name = "test.v1.End", PLUG_METHODS(methods)},
};
static const struct plug_plugin home = {
	.name = "end",
	.version = "1.0.0",
	PLUG_SERVICES(services),
	.on_drain = on_drain,
};
static const struct plug_plugin threaded = {
	.name = "end",
	.version = "1.0.0",
	PLUG_SERVICES(services),
	.on_drain = on_drain,
	.threads = 2,
};

static void say_drain(struct host *host, uint32_t grace_ms)
{
	host_say(host, WIRE_DRAIN, plugd_v1_Drain_fields, &(plugd_v1_Drain){.grace_ms = grace_ms});
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

static void say_request(struct host *host, uint32_t id, uint32_t method)
{
	host_say_request(host, &(struct wire_request){.id = id, .method = method, .end = true});
}

static void on_drain_ends_the_streams_that_have_no_end(void **state)
{
	struct host *host = host_start_ready(*state);

	say_request(host, 1, ENDLESS);
	assert_memory_equal(host_hear_response(host, 1).payload.data, "tick", 4);
	say_request(host, 3, ENDLESS);
	assert_memory_equal(host_hear_response(host, 3).payload.data, "tick", 4);
	say_drain(host, 1234);
	assert_true(host_hear_data(host, 1).end);
	assert_true(host_hear_data(host, 3).end);
	host_hear(host, WIRE_BYE);
	assert_int_equal(host_wait(host), 0);
}

static void a_drain_is_told_once_with_its_time(void **state)
{
	struct host *host = host_start_ready(*state);
	struct wire_bytes body;

	host_say_request(host,
			 &(struct wire_request){
				 .id = 1, .method = ECHO, .more = true, .payload = bytes_of("he")});
	say_drain(host, 1234);
	hear_log(host, "1234 ms to go");
	say_drain(host, 5);
	host_hear_nothing(host);
	host_say_data(host, &(struct wire_data){.id = 1, .end = true, .payload = bytes_of("llo")});
	assert_memory_equal(host_hear_response(host, 1).payload.data, "hello", 5);
	assert_int_equal(host_hear_any(host, &body), WIRE_BYE);
	assert_int_equal(host_wait(host), 0);
}

static void what_never_started_is_not_asked_to_drain(void **state)
{
	static const struct host_hello usual;
	struct host *host = host_start(*state);
	struct wire_bytes body;

	host_say_hello(host, &usual);
	host_hear(host, WIRE_WELCOME);
	say_drain(host, 1234);
	assert_int_equal(host_hear_any(host, &body), WIRE_BYE);
	assert_int_equal(host_wait(host), 0);
}

static void handlers_that_hang_do_not_outlive_the_host(void **state)
{
	struct host *host = host_start_ready(*state);

	say_request(host, 1, HANG);
	say_request(host, 3, HANG);
	hear_log(host, "hanging");
	hear_log(host, "hanging");
	say_request(host, 5, ECHO);
	assert_int_equal(host_end(host, false), 1);
}

static void threads_that_hang_do_not_outlive_the_host(void **state)
{
	struct host *host = host_start_ready(*state);

	say_request(host, 1, HANG_ELSEWHERE);
	hear_log(host, "hanging");
	assert_int_equal(host_end(host, false), 1);
}

static void a_stream_that_nobody_ends_is_closed_when_the_host_is_gone(void **state)
{
	struct host *host = host_start_ready(*state);

	char *errors;

	say_request(host, 1, ENDLESS);
	host_hear_response(host, 1);
	close(host->to);
	host->to = -1;
	errors = host_errors(host);
	assert_non_null(strstr(errors, "closed"));
	free(errors);
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
		AT_HOME(on_drain_ends_the_streams_that_have_no_end),
		WITH_WORKERS(on_drain_ends_the_streams_that_have_no_end),
		AT_HOME(a_drain_is_told_once_with_its_time),
		AT_HOME(what_never_started_is_not_asked_to_drain),
		WITH_WORKERS(handlers_that_hang_do_not_outlive_the_host),
		AT_HOME(threads_that_hang_do_not_outlive_the_host),
		WITH_WORKERS(threads_that_hang_do_not_outlive_the_host),
		AT_HOME(a_stream_that_nobody_ends_is_closed_when_the_host_is_gone),
		WITH_WORKERS(a_stream_that_nobody_ends_is_closed_when_the_host_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
