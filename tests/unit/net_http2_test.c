/* The pure parts of HTTP/2: what a connection may cost before it is sent away, and what fields make
 * of a request. Frames are nghttp2's; what a client sees is in system/http2_test.py. */
#include <stdio.h>
#include <stdlib.h>

#include "net/http2_guard.h"
#include "net/http2_head.h"
#include "tests/support/unit.h"

/* ---- costs ---- */

static unsigned allowed_at_once(struct http2_guard *guard, enum http2_cost cost, int64_t now_us)
{
	unsigned count = 0;

	while (http2_guard_allow(guard, cost, now_us))
		count++;
	return count;
}

static void each_cost_has_its_own_bucket_which_fills_with_time(void **state)
{
	struct http2_guard guard = {0};
	unsigned bursts[HTTP2_COST_COUNT];

	for (int cost = 0; cost < HTTP2_COST_COUNT; cost++) {
		bursts[cost] = allowed_at_once(&guard, (enum http2_cost)cost, 0);
		assert_true(bursts[cost] >= 20);
	}
	for (int cost = 0; cost < HTTP2_COST_COUNT; cost++) {
		unsigned later = allowed_at_once(&guard, (enum http2_cost)cost, 1000000);

		assert_true(later >= 1 && later < bursts[cost]);
	}
}

static void frames_cost_what_they_are(void **state)
{
	static const struct {
		uint8_t type, flags;
		size_t length;
		enum http2_cost cost;
	} rows[] = {
		{0, 0, 1, HTTP2_COST_COUNT},	{0, 0, 0, HTTP2_COST_EMPTY},
		{0, 1, 0, HTTP2_COST_COUNT},	{1, 4, 20, HTTP2_COST_COUNT},
		{2, 0, 5, HTTP2_COST_PRIORITY}, {3, 0, 4, HTTP2_COST_RESET},
		{4, 0, 0, HTTP2_COST_SETTINGS}, {4, 1, 0, HTTP2_COST_COUNT},
		{6, 0, 8, HTTP2_COST_PING},	{6, 1, 8, HTTP2_COST_COUNT},
		{8, 0, 4, HTTP2_COST_WINDOW},	{9, 0, 0, HTTP2_COST_EMPTY},
		{9, 0, 9, HTTP2_COST_COUNT},	{16, 0, 9, HTTP2_COST_PRIORITY},
		{0xbe, 0, 9, HTTP2_COST_COUNT},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(http2_guard_cost(rows[i].type, rows[i].flags, rows[i].length),
				 rows[i].cost);
}

/* ---- heads ---- */

static const struct http2_head_limits limits = {.bytes = 400, .count = 4, .path_bytes = 100};

/* "name: value" lines behind a GET of "/p?q" from "a". */
static enum fault read_head(const char *const *fields, struct arena *arena,
			    struct http_request *request)
{
	static const char *const always[] = {":method: GET", ":path: /p?q", ":authority: a", NULL};
	const char *const *both[] = {always, fields};
	struct http2_head head = {0};

	*request = (struct http_request){.arena = arena};
	for (size_t i = 0; i < 2; i++) {
		for (const char *const *field = both[i]; *field; field++) {
			const char *colon = strstr(*field, ": ");
			struct str name = {*field, (size_t)(colon - *field)};

			http2_head_add(&head, arena, &limits, name, str_from(colon + 2));
		}
	}
	return http2_head_finish(&head, false, request);
}

static void assert_field(const struct http_request *request, const char *name, const char *value)
{
	const struct http_field *field =
		http_field_find(request->fields, request->field_count, name);

	assert_non_null(field);
	assert_str(field->value, value);
}

static void a_request_is_what_http1_would_have_made_of_it(void **state)
{
	static const char *const fields[] = {"cookie: a=1", "x: y", "cookie: b=2", NULL};
	struct arena arena = {0};
	struct http_request request;

	assert_int_equal(read_head(fields, &arena, &request), FAULT_NONE);
	assert_str(request.method, "GET");
	assert_str(request.path, "/p");
	assert_str(request.query, "q");
	assert_str(request.authority, "a");
	assert_int_equal(request.version, 20);
	assert_int_equal(request.field_count, 3);
	assert_field(&request, "host", "a");
	assert_field(&request, "cookie", "a=1; b=2");
	assert_field(&request, "x", "y");
	arena_deinit(&arena);
}

static void what_is_too_much_is_not_kept(void **state)
{
	static const char *const many[] = {"a: 1", "b: 2", "c: 3", "d: 4", "e: 5", NULL};
	static const char *const enough[] = {"a: 1", "b: 2", "c: 3", "d: 4", NULL};
	char large[401] = "a: ";
	const char *const one[] = {large, NULL};
	struct arena arena = {0};
	struct http_request request;

	memset(large + 3, 'x', sizeof(large) - 4);
	assert_int_equal(read_head(enough, &arena, &request), FAULT_NONE);
	assert_int_equal(read_head(many, &arena, &request), FAULT_FIELD_COUNT);
	arena_reset(&arena);
	assert_int_equal(read_head(one, &arena, &request), FAULT_HEAD_LONG);
	assert_true(arena_bytes(&arena) < 300);
	arena_deinit(&arena);
}

static void what_can_be_read_in_two_ways_is_refused(void **state)
{
	static const struct {
		const char *fields[3];
		enum fault fault;
	} rows[] = {
		{{"host: a"}, FAULT_NONE},
		{{"host: b"}, FAULT_HOST_INVALID},
		{{"host: a", "host: a"}, FAULT_HOST_SEVERAL},
		{{"content-length: 0"}, FAULT_NONE},
		{{"content-length: 0", "content-length: 0"}, FAULT_LENGTH_SEVERAL},
		{{"content-length: +1"}, FAULT_LENGTH},
		{{"expect: 100-Continue"}, FAULT_NONE},
		{{"expect: more"}, FAULT_EXPECTATION},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena arena = {0};
		struct http_request request;

		assert_int_equal(read_head(rows[i].fields, &arena, &request), rows[i].fault);
		arena_deinit(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_cost_has_its_own_bucket_which_fills_with_time),
		cmocka_unit_test(frames_cost_what_they_are),
		cmocka_unit_test(a_request_is_what_http1_would_have_made_of_it),
		cmocka_unit_test(what_is_too_much_is_not_kept),
		cmocka_unit_test(what_can_be_read_in_two_ways_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
