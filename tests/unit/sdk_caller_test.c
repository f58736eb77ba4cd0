/* A handler reads who asks: what plugd has found out, and nothing where it has found out
 * nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/wire_caller.h"
#include "sdk_host.h"

enum { WHO = 1 };

static struct plug_answer who(struct plug_call *call)
{
	const char *role = plug_caller_role(call, 1), *scope = plug_caller_scope(call, 0);
	char text[512];

	snprintf(text, sizeof(text), "%s|%s|%s|%s|%d|%d|%d|%d|%s|%s", plug_principal(call),
		 plug_caller_method(call), role != NULL ? role : "-", scope != NULL ? scope : "-",
		 plug_caller_has_role(call, "reader"), plug_caller_has_role(call, "read"),
		 plug_caller_has_scope(call, "a:b"), plug_caller_has_scope(call, "reader"),
		 plug_caller_role(call, 2) != NULL ? "more" : "no more", plug_caller_claims(call));
	return plug_reply(call, text, strlen(text));
}

static const struct plug_method methods[] = {{.name = "Who", .handler = who, .codec = PLUG_BYTES}};
static const struct plug_service services[] = {{.name = "who.v1.Who", PLUG_METHODS(methods)}};
static const struct plug_plugin plugin = {
	.name = "who", .version = "1.0.0", .services = services, .service_count = 1};

static void assert_told(struct host *host, const struct wire_request *request, const char *expected)
{
	struct wire_response response;

	host_say_request(host, request);
	response = host_hear_response(host, request->id);
	assert_int_equal(response.payload.len, strlen(expected));
	assert_memory_equal(response.payload.data, expected, strlen(expected));
}

static void a_handler_sees_who_asks(void **state)
{
	struct host *host = host_start_ready(&plugin);
	uint8_t roles[64], scopes[64], body[256];
	struct wire_caller caller = {.method = bytes_of("jwt"), .claims = bytes_of("{\"a\":1}")};
	struct wire_request request = {
		.id = 1, .method = WHO, .end = true, .principal = bytes_of("ann")};
	size_t len = wire_put_text(roles, WIRE_CALLER_ROLES_FIELD, bytes_of("reader"));

	(void)state;
	len += wire_put_text(roles + len, WIRE_CALLER_ROLES_FIELD, bytes_of("writer"));
	caller.roles = (struct wire_bytes){roles, len};
	caller.scopes = (struct wire_bytes){
		scopes, wire_put_text(scopes, WIRE_CALLER_SCOPES_FIELD, bytes_of("a:b"))};
	request.caller = (struct wire_bytes){body, wire_put_caller(body, &caller)};
	assert_told(host, &request, "ann|jwt|writer|a:b|1|0|1|0|no more|{\"a\":1}");
	request = (struct wire_request){.id = 3, .method = WHO, .end = true};
	assert_told(host, &request, "||-|-|0|0|0|0|no more|");
	assert_int_equal(host_end(host, true), 0);
}

/* A request that comes in pieces is copied, and what it says about who asks with it. */
static void who_asks_is_there_after_the_last_piece_too(void **state)
{
	struct host *host = host_start_ready(&plugin);
	uint8_t body[64];
	struct wire_caller caller = {.method = bytes_of("basic")};
	struct wire_request request = {.id = 1,
				       .method = WHO,
				       .more = true,
				       .principal = bytes_of("ann"),
				       .caller = {body, wire_put_caller(body, &caller)},
				       .payload = bytes_of("one ")};
	struct wire_response response;

	(void)state;
	host_say_request(host, &request);
	host_say_data(host, &(struct wire_data){.id = 1, .end = true, .payload = bytes_of("two")});
	response = host_hear_response(host, 1);
	assert_memory_equal(response.payload.data, "ann|basic|", 10);
	assert_int_equal(host_end(host, true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_handler_sees_who_asks),
		cmocka_unit_test(who_asks_is_there_after_the_last_piece_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
