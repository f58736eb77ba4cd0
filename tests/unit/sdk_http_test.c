/* HTTP routes of a plugin, as its host sees them. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "proto/wire_http.h"
#include "sdk/proto.h"
#include "sdk_host.h"

static struct plug_answer user(struct plug_call *call)
{
	const char *id = plug_http_param(call, "id");
	const char *size = plug_http_query_param(call, "size");
	const char *agent = plug_http_header(call, "user-agent");

	plug_http_set(call, "X-Seen", "yes");
	return plug_http_text(call, 201, "%s %s id=%s size=%s agent=%s peer=%s none=%s",
			      plug_http_method(call), plug_http_path(call), id != NULL ? id : "-",
			      size != NULL ? size : "-", agent != NULL ? agent : "-",
			      plug_http_peer(call),
			      plug_http_param(call, "nope") != NULL ? "?" : "-");
}

static struct plug_answer echo(struct plug_call *call)
{
	struct plug_bytes body = plug_http_body(call);

	return plug_http_reply(call, 200, body.data, body.len);
}

static struct plug_answer headers(struct plug_call *call)
{
	char text[256] = "";
	const char *name;
	const char *value;
	size_t cursor = 0;

	while (plug_http_next_header(call, &cursor, &name, &value))
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s=%s;", name, value);
	return plug_http_json(call, 200, text);
}

static struct plug_answer split(struct plug_call *call)
{
	plug_http_set(call, "x-evil", "a\r\nset-cookie: b");
	return plug_http_text(call, 200, "never");
}

static void upper_on_message(struct plug_call *call, void *state, const void *data, size_t len)
{
	char text[64];

	(void)state;
	for (size_t i = 0; i < len && i < sizeof(text); i++)
		text[i] = (char)(((const char *)data)[i] & ~0x20);
	plug_send(call, text, len < sizeof(text) ? len : sizeof(text));
}

static void upper_on_end(struct plug_call *call, void *state)
{
	(void)state;
	plug_finish(call);
}

static struct plug_answer upper(struct plug_call *call)
{
	static const struct plug_stream_ops ops = {
		.on_message = upper_on_message,
		.on_end = upper_on_end,
	};

	plug_http_set(call, "content-type", "text/shout");
	plug_http_start(call, 200);
	return plug_stream(call, &ops, NULL);
}

static const struct plug_http_route routes[] = {
	{"GET", "/users/:id", user, false, 0},	{"PUT", "/users/:id", user, false, 0},
	{NULL, "/echo", echo, false, 0},	{"POST", "/small", echo, false, 10},
	{"GET", "/headers", headers, false, 0}, {"GET", "/split", split, false, 0},
	{"POST", "/upper", upper, true, 0},	{"GET", "/files/*rest", user, false, 0},
};
static const struct plug_plugin home = {.name = "web", .version = "1.0.0", PLUG_ROUTES(routes)};
static const struct plug_plugin threaded = {
	.name = "web",
	.version = "1.0.0",
	PLUG_ROUTES(routes),
	.threads = 2,
};

struct answer {
	struct wire_http_response http;
	bool end;
};

static void say_http(struct host *host, uint32_t id, const struct wire_http_request *http, bool end)
{
	uint8_t message[2048];
	struct wire_request request = {.id = id, .method = 1, .end = end};
	size_t len = wire_put_http_request_head(message, http);

	if (http->body.len > 0)
		memcpy(message + len, http->body.data, http->body.len);
	request.payload = (struct wire_bytes){message, len + http->body.len};
	host_say_request(host, &request);
}

static void say_body(struct host *host, uint32_t id, const char *body, bool end)
{
	uint8_t message[256];
	struct wire_http_request http = {.body = bytes_of(body)};
	size_t len = wire_put_http_request_head(message, &http);

	memcpy(message + len, body, strlen(body));
	host_say_data(host, &(struct wire_data){.id = id,
						.end = end,
						.payload = {message, len + strlen(body)}});
}

static struct answer hear_http(struct host *host, uint32_t id)
{
	struct wire_response response = host_hear_response(host, id);
	struct answer answer = {.end = response.end};
	const char *why;

	assert_int_equal(response.code, 0);
	assert_true(wire_get_http_response(response.payload, &answer.http, &why));
	return answer;
}

static void assert_bytes(struct wire_bytes bytes, const char *text)
{
	assert_int_equal(bytes.len, strlen(text));
	assert_memory_equal(bytes.data, text, bytes.len);
}

static void assert_header(const struct answer *answer, const char *name, const char *value)
{
	struct wire_bytes headers_left = answer->http.headers;
	struct wire_bytes key;
	struct wire_bytes text;

	while (wire_next_pair(&headers_left, WIRE_HTTP_RESPONSE_HEADERS_FIELD, &key, &text)) {
		if (key.len == strlen(name) && memcmp(key.data, name, key.len) == 0) {
			assert_bytes(text, value);
			return;
		}
	}
	fail_msg("no header %s", name);
}

static struct answer ask(struct host *host, uint32_t id, const char *method, const char *path,
			 const char *query, const char *body)
{
	uint8_t pairs[128];
	struct wire_http_request http = {
		.method = bytes_of(method),
		.path = bytes_of(path),
		.query = bytes_of(query),
		.peer = bytes_of("192.0.2.7:1"),
		.headers = {pairs, 0},
		.body = bytes_of(body),
	};

	http.headers.len = wire_put_pair(pairs, WIRE_HTTP_REQUEST_HEADERS_FIELD,
					 bytes_of("user-agent"), bytes_of("wrk"));
	http.headers.len += wire_put_pair(pairs + http.headers.len, WIRE_HTTP_REQUEST_HEADERS_FIELD,
					  bytes_of("accept"), bytes_of("*/*"));
	say_http(host, id, &http, true);
	return hear_http(host, id);
}

static void a_route_reads_its_request_and_answers(void **state)
{
	struct host *host = host_start_ready(*state);
	struct answer answer = ask(host, 1, "GET", "/users/42", "x=1&size=a%20b+c", "");

	assert_true(answer.end);
	assert_int_equal(answer.http.status, 201);
	assert_header(&answer, "content-type", "text/plain; charset=utf-8");
	assert_header(&answer, "x-seen", "yes");
	assert_bytes(answer.http.body,
		     "GET /users/42 id=42 size=a b c agent=wrk peer=192.0.2.7:1 none=-");
	answer = ask(host, 3, "GET", "/headers", "", "");
	assert_header(&answer, "content-type", "application/json");
	assert_bytes(answer.http.body, "user-agent=wrk;accept=*/*;");
	assert_int_equal(host_end(host, true), 0);
}

static void what_no_route_takes_is_refused(void **state)
{
	struct host *host = host_start_ready(*state);
	struct answer answer;

	assert_int_equal(ask(host, 1, "GET", "/nowhere", "", "").http.status, 404);
	answer = ask(host, 3, "DELETE", "/users/1", "", "");
	assert_int_equal(answer.http.status, 405);
	assert_header(&answer, "allow", "GET, HEAD, PUT");
	assert_int_equal(ask(host, 5, "POST", "/small", "", "0123456789").http.status, 200);
	assert_int_equal(ask(host, 7, "POST", "/small", "", "0123456789a").http.status, 413);
	assert_int_equal(ask(host, 9, "HEAD", "/users/1", "", "").http.status, 201);
	assert_int_equal(host_end(host, true), 0);
}

/* "%2F" and "%25" are what a path still holds encoded. */
static void a_parameter_is_decoded_to_its_end(void **state)
{
	struct host *host = host_start_ready(*state);
	struct answer answer = ask(host, 1, "GET", "/users/a%2Fb%252F+%", "", "");

	assert_int_equal(answer.http.status, 201);
	assert_bytes(answer.http.body, "GET /users/a%2Fb%252F+% id=a/b%2F+% size=- agent=wrk "
				       "peer=192.0.2.7:1 none=-");
	assert_int_equal(host_end(host, true), 0);
}

static void a_body_in_pieces_is_put_together(void **state)
{
	struct host *host = host_start_ready(*state);
	struct wire_http_request http = {
		.method = bytes_of("POST"),
		.path = bytes_of("/echo"),
		.body = bytes_of("one "),
	};

	say_http(host, 1, &http, false);
	say_body(host, 1, "two ", false);
	say_body(host, 1, "three", true);
	assert_bytes(hear_http(host, 1).http.body, "one two three");
	say_http(host, 3, &http, false);
	host_say_data(host, &(struct wire_data){.id = 3, .end = true});
	assert_bytes(hear_http(host, 3).http.body, "one ");
	assert_int_equal(host_end(host, true), 0);
}

static void a_head_may_come_after_an_empty_request(void **state)
{
	struct host *host = host_start_ready(*state);
	uint8_t message[256];
	struct wire_http_request http = {.method = bytes_of("POST"), .path = bytes_of("/echo")};
	size_t len = wire_put_http_request_head(message, &http);

	host_say_request(host, &(struct wire_request){.id = 1, .method = 1});
	host_say_data(host, &(struct wire_data){.id = 1, .payload = {message, len}});
	say_body(host, 1, "body", true);
	assert_bytes(hear_http(host, 1).http.body, "body");
	assert_int_equal(host_end(host, true), 0);
}

static void a_body_that_grows_too_large_is_refused_at_once(void **state)
{
	struct host *host = host_start_ready(*state);
	struct wire_http_request http = {
		.method = bytes_of("POST"),
		.path = bytes_of("/small"),
		.body = bytes_of("0123456789"),
	};

	say_http(host, 1, &http, false);
	say_body(host, 1, "too much", false);
	assert_int_equal(hear_http(host, 1).http.status, 413);
	say_body(host, 1, "dropped", true);
	assert_int_equal(ask(host, 3, "POST", "/small", "", "ok").http.status, 200);
	assert_int_equal(host_end(host, true), 0);
}

static void a_body_streams_both_ways(void **state)
{
	struct host *host = host_start_ready(*state);
	struct wire_http_request http = {
		.method = bytes_of("POST"),
		.path = bytes_of("/upper"),
		.body = bytes_of("one"),
	};
	struct wire_http_response piece;
	struct answer answer;
	const char *why;

	say_http(host, 1, &http, false);
	answer = hear_http(host, 1);
	assert_false(answer.end);
	assert_int_equal(answer.http.status, 200);
	assert_header(&answer, "content-type", "text/shout");
	assert_true(wire_get_http_response(host_hear_data(host, 1).payload, &piece, &why));
	assert_int_equal(piece.status, 0);
	assert_bytes(piece.body, "ONE");
	say_body(host, 1, "two", true);
	assert_true(wire_get_http_response(host_hear_data(host, 1).payload, &piece, &why));
	assert_bytes(piece.body, "TWO");
	assert_true(host_hear_data(host, 1).end);
	assert_int_equal(host_end(host, true), 0);
}

static void a_header_that_http_forbids_never_leaves(void **state)
{
	struct host *host = host_start_ready(*state);
	struct wire_http_request http = {.method = bytes_of("GET"), .path = bytes_of("/split")};

	say_http(host, 1, &http, true);
	assert_int_equal(host_hear_response(host, 1).code, PLUG_INTERNAL);
	assert_int_equal(host_end(host, true), 0);
}

static void a_path_with_a_zero_byte_is_refused(void **state)
{
	static const uint8_t path[] = "/files/a.txt\0.png";
	struct host *host = host_start_ready(*state);
	struct wire_http_request http = {
		.method = bytes_of("GET"),
		.path = {path, sizeof(path) - 1},
	};

	say_http(host, 1, &http, true);
	assert_int_equal(hear_http(host, 1).http.status, 400);
	assert_int_equal(host_end(host, true), 0);
}

static void garbage_instead_of_a_head_is_refused(void **state)
{
	struct host *host = host_start_ready(*state);

	host_say_request(
		host, &(struct wire_request){
			      .id = 1, .method = 1, .end = true, .payload = bytes_of("\x0a\xff")});
	assert_int_equal(host_hear_response(host, 1).code, PLUG_INVALID_ARGUMENT);
	assert_int_equal(host_end(host, true), 0);
}

#define IN_BOTH(test)                                                                              \
	{#test, test, NULL, NULL, (void *)(uintptr_t)&home},                                       \
	{                                                                                          \
#test " with workers", test, NULL, NULL, (void *)(uintptr_t)&threaded              \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_BOTH(a_route_reads_its_request_and_answers),
		IN_BOTH(what_no_route_takes_is_refused),
		IN_BOTH(a_parameter_is_decoded_to_its_end),
		IN_BOTH(a_body_in_pieces_is_put_together),
		IN_BOTH(a_head_may_come_after_an_empty_request),
		IN_BOTH(a_body_that_grows_too_large_is_refused_at_once),
		IN_BOTH(a_body_streams_both_ways),
		IN_BOTH(a_header_that_http_forbids_never_leaves),
		IN_BOTH(a_path_with_a_zero_byte_is_refused),
		IN_BOTH(garbage_instead_of_a_head_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
