/* A plugin without memory: whichever allocation fails, nothing crashes, nothing leaks, and every
 * call of a plugin that lives on is ended. The allocators are wrapped at link time. */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "proto/wire_http.h"
#include "sdk_host.h"

/* More than the scenario allocates. */
#define ALLOCATIONS 60

enum { ECHO = 1, STREAM, WEB, CALLS = 5 };

/* The n-th allocation from now fails; 0: none. */
static atomic_int countdown;

static bool fails_now(void)
{
	return atomic_load(&countdown) > 0 && atomic_fetch_sub(&countdown, 1) == 1;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
const char *__asan_default_options(void);

void *__wrap_malloc(size_t size)
{
	return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails_now() ? NULL : __real_realloc(old, size);
}

/* What a sanitizer finds must not look like a plugin that ended with 1. */
const char *__asan_default_options(void)
{
	return "exitcode=99";
}

static struct plug_answer echo(struct plug_call *call)
{
	struct plug_bytes in = plug_request(call);

	plug_log(PLUG_INFO, "called by %s", plug_principal(call));
	plug_set_metadata(call, "seen", "yes");
	return plug_reply(call, in.data, in.len);
}

static void on_message(struct plug_call *call, void *state, const void *data, size_t len)
{
	(void)state;
	if (plug_send(call, data, len) < 0)
		plug_abort(call, PLUG_RESOURCE_EXHAUSTED, "not sent");
}

static void on_end(struct plug_call *call, void *state)
{
	(void)state;
	plug_finish(call);
}

static struct plug_answer stream(struct plug_call *call)
{
	static const struct plug_stream_ops ops = {.on_message = on_message, .on_end = on_end};

	return plug_stream(call, &ops, NULL);
}

static struct plug_answer web(struct plug_call *call)
{
	plug_http_set(call, "x-path", plug_http_path(call));
	return plug_http_text(call, 200, "%s", plug_http_query_param(call, "q"));
}

static const struct plug_method methods[] = {
	{.name = "Echo", .handler = echo, .codec = PLUG_BYTES},
	{.name = "Stream",
	 .handler = stream,
	 .codec = PLUG_BYTES,
	 .client_streams = true,
	 .server_streams = true},
};
static const struct plug_service services[] = {
	{.name = "test.v1.Memory", .version = "1.0.0", PLUG_METHODS(methods)},
};
static const struct plug_http_route routes[] = {{.pattern = "/web", .handler = web}};
static const struct plug_plugin home = {
	.name = "memory",
	.version = "1.0.0",
	PLUG_SERVICES(services),
	PLUG_ROUTES(routes),
};
static const struct plug_plugin threaded = {
	.name = "memory",
	.version = "1.0.0",
	PLUG_SERVICES(services),
	PLUG_ROUTES(routes),
	.threads = 1,
};

struct scenario {
	const struct plug_plugin *plugin;
	int failing;
};

static int serve_without_memory(const void *arg)
{
	const struct scenario *scenario = arg;

	atomic_store(&countdown, scenario->failing);
	return plug_serve(scenario->plugin);
}

static void say_everything(struct host *host)
{
	static const struct host_hello usual;
	static uint8_t large[30000];
	uint8_t web_message[128];
	struct wire_http_request http = {
		.method = bytes_of("GET"),
		.path = bytes_of("/web"),
		.query = bytes_of("q=found"),
	};
	size_t web_len = wire_put_http_request_head(web_message, &http);
	struct wire_bytes pieces = {large, sizeof(large)};

	host_say_hello(host, &usual);
	host_say(host, WIRE_START, plugd_v1_Start_fields, &(plugd_v1_Start){0});
	host_say_request(host, &(struct wire_request){.id = 1,
						      .method = ECHO,
						      .end = true,
						      .principal = bytes_of("ann"),
						      .payload = bytes_of("small")});
	host_say_request(host, &(struct wire_request){
				       .id = 3, .method = ECHO, .end = true, .payload = pieces});
	host_say_request(host, &(struct wire_request){
				       .id = 5, .method = ECHO, .more = true, .payload = pieces});
	host_say_request(host, &(struct wire_request){
				       .id = 7, .method = STREAM, .payload = bytes_of("one")});
	host_say_data(host, &(struct wire_data){.id = 5, .end = true, .payload = pieces});
	host_say_data(host, &(struct wire_data){.id = 7, .end = true, .payload = pieces});
	host_say_request(host, &(struct wire_request){.id = 9,
						      .method = WEB,
						      .end = true,
						      .payload = {web_message, web_len}});
	host_say(host, WIRE_DRAIN, plugd_v1_Drain_fields, &(plugd_v1_Drain){0});
}

/* How many calls ended; each with success or for want of memory. */
static unsigned hear_everything(struct host *host)
{
	unsigned ended = 0;
	enum wire_kind kind;
	struct wire_bytes body;
	const char *why;

	while ((kind = host_hear_any(host, &body)) != WIRE_NONE) {
		struct wire_response response;
		struct wire_data data;

		if (kind == WIRE_RESPONSE) {
			assert_true(wire_get_response(body, &response, &why));
			assert_true(response.code == PLUG_OK ||
				    response.code == PLUG_RESOURCE_EXHAUSTED);
			ended += response.end ? 1 : 0;
		} else if (kind == WIRE_DATA) {
			assert_true(wire_get_data(body, &data, &why));
			ended += data.end ? 1 : 0;
		} else if (kind == WIRE_CANCEL) {
			ended++;
		}
	}
	return ended;
}

static void no_allocation_is_trusted(void **state)
{
	unsigned survived = 0;

	for (int failing = 1; failing <= ALLOCATIONS; failing++) {
		struct scenario scenario = {*state, failing};
		struct host *host = host_start_main(serve_without_memory, &scenario);
		unsigned ended;
		int status;

		say_everything(host);
		ended = hear_everything(host);
		status = host_wait(host);
		assert_in_range(status, 0, 2);
		if (status == 0)
			assert_int_equal(ended, CALLS);
		survived += status == 0 ? 1 : 0;
	}
	assert_true(survived > ALLOCATIONS / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{"no_allocation_is_trusted", no_allocation_is_trusted, NULL, NULL,
		 (void *)(uintptr_t)&home},
		{"no_allocation_is_trusted with workers", no_allocation_is_trusted, NULL, NULL,
		 (void *)(uintptr_t)&threaded},
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
