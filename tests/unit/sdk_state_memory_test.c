/* A state and no memory for it: an export that finds none says so, and the plugin serves on; an
 * import that finds none is refused, or ends the plugin that has only just begun. The allocators
 * are wrapped at link time. */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "sdk_keeper.h"

#define ALLOCATIONS 40 /* more than a hand-over does */

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

enum { RUN_SHORT = 1 };

#define STATE_BYTES 300000
#define BATCH_BYTES 250000 /* goes out at once */

static char zeros[STATE_BYTES];

/* As many allocations from this answer on as the request says. */
static struct plug_answer run_short(struct plug_call *call)
{
	struct plug_answer answer = plug_reply(call, "", 0);

	atomic_store(&countdown, *(const char *)plug_request(call).data);
	return answer;
}

static struct plug_verdict write_all(struct plug *plug, struct plug_state_writer *writer)
{
	(void)plug;
	(void)plug_state_write(writer, zeros, sizeof(zeros));
	return plug_ok();
}

static const struct plug_method methods[] = {
	{.name = "Short", .handler = run_short, .codec = PLUG_BYTES},
};
static const struct plug_service services[] = {
	{.name = "test.v1.Short", .version = "1.0.0", PLUG_METHODS(methods)},
};
static const struct plug_state_format formats[] = {{.version = 1, .on_export = write_all}};
static const struct plug_plugin large = {
	.name = "large",
	.version = "1.0.0",
	PLUG_SERVICES(services),
	PLUG_STATE(formats),
};

/* Whether it was whole. */
static bool hear_any_end(struct host *host)
{
	size_t heard = 0;
	enum wire_kind kind;
	struct wire_bytes body;
	const char *why;

	while ((kind = host_hear_any(host, &body)) == WIRE_STATE) {
		assert_true(wire_get_state(body, &body, &why));
		heard += body.len;
	}
	assert_int_equal(kind, WIRE_STATE_END);
	return heard == STATE_BYTES;
}

static void an_export_without_memory_costs_only_the_export(void **state)
{
	unsigned failed = 0;
	unsigned whole = 0;

	(void)state;
	for (char failing = 1; failing <= ALLOCATIONS; failing++) {
		struct host *host = host_start(&large);
		struct wire_request request = {.id = 1, .method = RUN_SHORT, .end = true};

		request.payload = (struct wire_bytes){(const uint8_t *)&failing, 1};
		host_greet(host, &keeper_hello);
		host_say_request(host, &request);
		host_hear_response(host, 1);
		say_export(host, 1);
		if (hear_any_end(host))
			whole++;
		else
			failed++;
		assert_int_equal(host_end(host, true), 0);
	}
	assert_true(failed > 0);
	assert_true(whole > ALLOCATIONS / 2);
}

static void run_short_on_drain(struct plug *plug, uint32_t grace_ms)
{
	(void)plug;
	(void)grace_ms;
	atomic_store(&countdown, 1);
}

/* What the export staged was too large to be kept, so STATE_END needs memory, and finds none. */
static void a_goodbye_waits_for_the_end_of_an_export(void **state)
{
	struct host_hello hello = {.features = keeper_features,
				   .limits = {.channel_window_bytes = BATCH_BYTES}};
	struct plug_plugin plugin = large;
	struct host *host;
	size_t heard = 0;

	(void)state;
	plugin.on_drain = run_short_on_drain;
	host = host_start(&plugin);
	host_greet(host, &hello);
	say_export(host, 1);
	while (heard < BATCH_BYTES) {
		struct wire_bytes piece;
		const char *why;

		assert_true(wire_get_state(host_hear(host, WIRE_STATE), &piece, &why));
		heard += piece.len;
	}
	host_say(host, WIRE_DRAIN, plugd_v1_Drain_fields, &(plugd_v1_Drain){1000});
	hear_end_with(host, "ending");
	host_hear(host, WIRE_BYE);
	assert_int_equal(host_wait(host), 0);
}

static int serve_without_memory(const void *arg)
{
	atomic_store(&countdown, *(const int *)arg);
	return plug_serve(&keeper);
}

/* IMPORTED, or WIRE_NONE at the end of the plugin. */
static enum wire_kind hear_imported_or_end(struct host *host, struct wire_bytes *body_out)
{
	enum wire_kind kind;

	do {
		kind = host_hear_any(host, body_out);
	} while (kind != WIRE_NONE && kind != WIRE_IMPORTED);
	return kind;
}

static void an_import_without_memory_is_refused_or_ends_the_plugin(void **state)
{
	unsigned refused = 0;
	unsigned taken = 0;

	(void)state;
	for (int failing = 1; failing <= ALLOCATIONS; failing++) {
		struct host *host = host_start_main(serve_without_memory, &failing);
		struct wire_bytes body;

		host_say_hello(host, &keeper_hello);
		say_import(host, FORMAT_NEW);
		for (size_t at = 0; at < 20000; at += 5000)
			say_state(host, zeros, 5000);
		say_end(host, zeros, 20000, NULL);
		if (hear_imported_or_end(host, &body) == WIRE_IMPORTED) {
			taken += body.len == 0 ? 1 : 0;
			refused += body.len > 0 ? 1 : 0;
			assert_int_equal(host_end(host, true), 0);
		} else {
			assert_in_range(host_wait(host), 1, 2);
		}
	}
	assert_true(refused > 0);
	assert_true(taken > ALLOCATIONS / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_export_without_memory_costs_only_the_export),
		cmocka_unit_test(a_goodbye_waits_for_the_end_of_an_export),
		cmocka_unit_test(an_import_without_memory_is_refused_or_ends_the_plugin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
