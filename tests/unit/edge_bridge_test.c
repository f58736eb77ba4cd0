/* Raw HTTP over the bridge: the request becomes a message, the plugin's messages become the answer,
 * and each side slows the other down. What goes wrong is in edge_failures_test. */
#include <stdio.h>

#include "tests/support/edge_world.h"

/* Encoded pairs as "name=value\n". Valid until the next call. */
static const char *pairs_text(struct wire_bytes pairs, unsigned field)
{
	static char text[1000];
	struct wire_bytes name, value;
	size_t len = 0;

	text[0] = '\0';
	while (wire_next_pair(&pairs, field, &name, &value))
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%.*s=%.*s\n",
					(int)name.len, (const char *)name.data, (int)value.len,
					(const char *)value.data);
	return text;
}

/* A message of a body alone, as it stands in the payload from `offset` on. */
static void assert_body_message(const struct edge_world *world, size_t offset, const char *body)
{
	struct wire_http_request message;
	const char *why;

	assert_true(wire_get_http_request((struct wire_bytes){buf_front(&world->payload) + offset,
							      buf_len(&world->payload) - offset},
					  &message, &why));
	assert_wire(message.body, body);
	assert_wire(message.method, "");
}

/* ---- the request ---- */

static void a_request_becomes_a_message(void **state)
{
	struct edge_world *world = *state;
	struct wire_http_request asked;

	client_asks(world, "GET /files/a%2Fb/c%20d/e?x=1&y=%20z",
		    "x-one: 1\r\naccept: */*\r\nX-One: 2\r\nx-request-id: id-7\r\n");
	plugin_hears_call(world, "!");
	asked = asked_http(world);
	assert_int_equal(world->asked.method, HANDLE_NUMBER);
	assert_int_equal(world->timeout_ms, PLUGIN_TIME);
	assert_wire(asked.method, "GET");
	assert_wire(asked.path, "/files/a%2Fb/c d/e");
	assert_wire(asked.query, "x=1&y=%20z");
	assert_wire(asked.route, "/files/:name/*rest");
	assert_string_equal(pairs_text(asked.params, WIRE_HTTP_PARAMS_FIELD),
			    "name=a/b\nrest=c d/e\n");
	assert_wire(asked.scheme, "http");
	assert_wire(asked.authority, "example.com");
	assert_wire(asked.peer, "192.0.2.7:52311");
	assert_wire(asked.request_id, "id-7");
	assert_string_equal(pairs_text(asked.headers, WIRE_HTTP_REQUEST_HEADERS_FIELD),
			    "host=example.com\nx-one=1\naccept=*/*\nx-one=2\nx-request-id=id-7\n");
	assert_false(asked.has_content_length);
	assert_wire(asked.body, "");
	client_closes(world, HTTP_CLOSED_LEFT);
	plugin_hears(world, "cancel(CANCELLED) ");
}

static void what_is_about_the_connection_stays_here(void **state)
{
	struct edge_world *world = *state;

	client_asks(world, "GET /raw",
		    "te: trailers\r\nkeep-alive: 5\r\nproxy-connection: a\r\nupgrade: b\r\n"
		    "connection: close, X-Hidden\r\nx-seen: 1\r\nx-hidden: 2\r\nx-hidden-not: 3\r\n"
		    "connection:  ,x-too \r\nx-too: 4\r\nx-to: 5\r\n");
	plugin_hears_call(world, "!");
	assert_string_equal(pairs_text(asked_http(world).headers, WIRE_HTTP_REQUEST_HEADERS_FIELD),
			    "host=example.com\nx-seen=1\nx-hidden-not=3\nx-to=5\n");
	client_closes(world, HTTP_CLOSED_LEFT);
	plugin_hears(world, "cancel(CANCELLED) ");
}

/* The frame's strings are UTF-8, where a header need not be. */
static void a_trace_goes_its_own_way_if_it_is_text(void **state)
{
	static const struct {
		const char *fields, *parent, *state;
	} rows[] = {
		{"", "", ""},
		{"traceparent: 00-ab-cd-01\r\ntracestate: k=v\r\n", "00-ab-cd-01", "k=v"},
		{"tracestate: k=v\r\n", "", ""},
		{"traceparent: \xff\r\ntracestate: k=v\r\n", "", ""},
		{"traceparent: 00-ab-cd-01\r\ntracestate: \xff\r\n", "00-ab-cd-01", ""},
	};
	struct edge_world *world = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		client_asks(world, "GET /raw", rows[i].fields);
		assert_wire((struct wire_bytes){buf_front(&world->trace_parent),
						buf_len(&world->trace_parent)},
			    rows[i].parent);
		assert_wire((struct wire_bytes){buf_front(&world->trace_state),
						buf_len(&world->trace_state)},
			    rows[i].state);
		plugin_hears_call(world, "!");
		client_closes(world, HTTP_CLOSED_LEFT);
		plugin_hears(world, "cancel(CANCELLED) ");
	}
}

static void a_route_has_its_own_timeout(void **state)
{
	struct edge_world *world = *state;

	client_asks(world, "GET /slow", "");
	assert_int_equal(world->timeout_ms, SLOW_TIME);
	plugin_hears_call(world, "!");
	client_closes(world, HTTP_CLOSED_LEFT);
	plugin_hears(world, "cancel(CANCELLED) ");
}

/* ---- its body ---- */

static void a_small_body_goes_with_the_head(void **state)
{
	struct edge_world *world = *state;
	struct wire_http_request asked;

	client_asks(world, "POST /raw", "content-length: 5\r\n");
	plugin_hears(world, "");
	client_hears(world, "want ");
	client_sends(world, "hello");
	plugin_hears_call(world, "!");
	client_hears(world, "hold ");
	asked = asked_http(world);
	assert_true(asked.has_content_length);
	assert_int_equal(asked.content_length, 5);
	assert_wire(asked.body, "hello");
	client_ends_body(world); /* what was known already */
	client_closes(world, HTTP_CLOSED_LEFT);
	plugin_hears(world, "cancel(CANCELLED) ");
}

static void an_announced_body_ends_with_its_last_piece(void **state)
{
	struct edge_world *world = *state;
	size_t head;

	client_asks(world, "POST /raw", "content-length: 10\r\n");
	client_sends(world, "one");
	plugin_hears_call(world, "");
	assert_wire(asked_http(world).body, "one");
	head = buf_len(&world->payload);
	client_sends(world, "two");
	plugin_hears(world, "send(2)+ send(3) ");
	assert_body_message(world, head, "two");
	client_hears(world, "want ");
	head = buf_len(&world->payload);
	client_sends(world, "last");
	plugin_hears(world, "send(2)+ send(4)! ");
	assert_body_message(world, head, "last");
	client_hears(world, "hold ");
	client_closes(world, HTTP_CLOSED_LEFT);
	plugin_hears(world, "cancel(CANCELLED) ");
}

static void a_body_without_a_length_ends_when_it_is_told(void **state)
{
	struct edge_world *world = *state;

	client_asks(world, "POST /raw", "transfer-encoding: chunked\r\n");
	client_sends(world, "one");
	plugin_hears_call(world, "");
	assert_false(asked_http(world).has_content_length);
	client_sends(world, "two");
	plugin_hears(world, "send(2)+ send(3) ");
	client_ends_body(world);
	plugin_hears(world, "send(0)! ");
	client_hears(world, "want ");
	client_closes(world, HTTP_CLOSED_LEFT);
	plugin_hears(world, "cancel(CANCELLED) ");
}

static void an_empty_body_ends_with_the_head(void **state)
{
	static const char *const fields[] = {"content-length: 0\r\n",
					     "transfer-encoding: chunked\r\n"};
	struct edge_world *world = *state;

	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		client_asks(world, "POST /raw", fields[i]);
		client_ends_body(world);
		plugin_hears_call(world, "!");
		assert_wire(asked_http(world).body, "");
		client_hears(world, "want ");
		client_closes(world, HTTP_CLOSED_LEFT);
		plugin_hears(world, "cancel(CANCELLED) ");
	}
}

static void a_client_is_held_back_while_the_plugin_takes_nothing(void **state)
{
	struct edge_world *world = *state;

	world->call_is_full = true;
	client_asks(world, "POST /raw", "content-length: 9\r\n");
	client_sends(world, "one");
	plugin_hears_call(world, "");
	client_hears(world, "want hold ");
	plugin_takes_more(world, true);
	client_hears(world, "want ");
	world->fills_up = true;
	client_sends(world, "two");
	plugin_hears(world, "send(2)+ send(3) ");
	client_hears(world, "hold ");
	plugin_takes_more(world, true);
	client_sends(world, "end");
	plugin_hears(world, "send(2)+ send(3)! ");
	client_hears(world, "want hold ");
	/* Nothing is left to be wanted. */
	plugin_takes_more(world, true);
	client_hears(world, "");
	client_closes(world, HTTP_CLOSED_LEFT);
	plugin_hears(world, "cancel(CANCELLED) ");
}

static void a_client_is_held_back_while_its_call_waits_for_its_turn(void **state)
{
	struct edge_world *world = *state;

	world->call_waits = true;
	client_asks(world, "POST /raw", "content-length: 6\r\n");
	client_sends(world, "one");
	plugin_hears_call(world, "");
	client_hears(world, "want hold ");
	plugin_takes_more(world, true);
	client_sends(world, "two");
	plugin_hears(world, "send(2)+ send(3)! ");
	client_hears(world, "want hold ");
	client_closes(world, HTTP_CLOSED_LEFT);
	plugin_hears(world, "cancel(CANCELLED) ");
}

static void an_end_waits_until_the_plugin_takes_it(void **state)
{
	struct edge_world *world = *state;

	world->call_is_full = true;
	client_asks(world, "POST /raw", "transfer-encoding: chunked\r\n");
	client_sends(world, "one");
	plugin_hears_call(world, "");
	client_ends_body(world);
	plugin_hears(world, "");
	plugin_takes_more(world, true);
	plugin_hears(world, "send(0)! ");
	client_hears(world, "want hold ");
	plugin_takes_more(world, true);
	plugin_hears(world, "");
	client_closes(world, HTTP_CLOSED_LEFT);
	plugin_hears(world, "cancel(CANCELLED) ");
}

/* ---- the answer ---- */

static void a_whole_answer_is_one_piece(void **state)
{
	struct edge_world *world = *state;

	client_asks(world, "GET /raw", "x-request-id: id-7\r\n");
	plugin_hears_call(world, "!");
	assert_true(plugin_answers(world,
				   http_message(201,
						"content-type: text/plain\nX-Request-Id: forged\n"
						"content-length: 99\nx-two: a\nx-two: b\n",
						"created"),
				   true));
	client_hears(world, "answer(201,7)! ");
	assert_answer(world, "created");
	assert_answer_field(world, "content-type: text/plain");
	assert_answer_field(world, "x-two: a\nx-two: b");
	assert_answer_field(world, "x-request-id: id-7");
	assert_no_answer_field(world, "forged");
	assert_no_answer_field(world, "(length");
	client_closes(world, HTTP_CLOSED_DONE);
}

static void an_answer_comes_in_pieces(void **state)
{
	struct edge_world *world = *state;

	client_begins(world);
	assert_true(plugin_answers(world, http_message(200, "content-length: 9\n", "one"), false));
	assert_true(plugin_sends(world, http_message(0, "", "two"), false, false));
	assert_true(plugin_sends(world, wire_text(""), false, false)); /* nothing to tell */
	assert_true(plugin_sends(world, http_message(0, "", "end"), false, true));
	client_hears(world, "answer(200,3) send(3) send(3)! ");
	assert_answer(world, "onetwoend");
	assert_answer_field(world, "(length 9)");
	client_closes(world, HTTP_CLOSED_DONE);

	client_begins(world);
	plugin_answers(world, http_message(200, "", ""), false);
	plugin_sends(world, wire_text(""), false, true);
	client_hears(world, "answer(200,0) send(0)! ");
	client_closes(world, HTTP_CLOSED_DONE);
}

/* Its head has the length that a GET would have. */
static void the_length_of_an_answer_to_head_is_the_plugins(void **state)
{
	struct edge_world *world = *state;

	client_asks(world, "HEAD /raw", "");
	plugin_hears_call(world, "!");
	plugin_answers(world, http_message(200, "content-length: 12\n", ""), true);
	client_hears(world, "answer(200,0)! ");
	assert_answer_field(world, "(length 12)");
	client_closes(world, HTTP_CLOSED_DONE);
}

static void a_message_cut_anywhere_goes_on_as_it_comes(void **state)
{
	struct edge_world *world = *state;
	struct wire_bytes whole = http_message(200, "x-a: b\n", "body");

	for (size_t cut = 0; cut <= whole.len; cut++) {
		struct wire_bytes first = {whole.data, cut};
		struct wire_bytes second = {whole.data + cut, whole.len - cut};

		client_begins(world);
		plugin_responds(world, &(struct wire_response){.payload = first, .more = true});
		plugin_sends(world, second, false, true);
		assert_answer(world, "body");
		assert_answer_field(world, "x-a: b");
		assert_true(world->is_ended);
		client_closes(world, HTTP_CLOSED_DONE);
	}
	buf_deinit(&world->client);
}

static void an_early_answer_ends_what_is_left_of_the_body(void **state)
{
	struct edge_world *world = *state;

	client_asks(world, "POST /raw", "content-length: 10\r\n");
	client_sends(world, "begun");
	plugin_hears_call(world, "");
	plugin_answers(world, http_message(403, "", "no"), true);
	client_hears(world, "want answer(403,2)! ");
	client_sends(world, "rest.");
	client_ends_body(world);
	plugin_hears(world, "");
	client_closes(world, HTTP_CLOSED_DONE);
}

static void the_plugin_gets_credit_when_the_client_has_taken_it(void **state)
{
	struct edge_world *world = *state;
	struct wire_bytes head = http_message(200, "", "first");
	size_t head_len = head.len, piece_len;
	char consumed[40];

	client_begins(world);
	world->room = 0;
	assert_false(plugin_answers(world, head, false));
	piece_len = http_message(0, "", "more").len;
	assert_false(plugin_sends(world, http_message(0, "", "more"), false, false));
	plugin_hears(world, "");
	client_takes(world, 1000);
	snprintf(consumed, sizeof(consumed), "consumed(%zu) ", head_len + piece_len);
	plugin_hears(world, consumed);
	/* It may come once more than needed. */
	client_takes(world, 1000);
	plugin_hears(world, "");
	assert_true(plugin_sends(world, http_message(0, "", "more"), false, false));

	/* What is held at the end is nobody's. */
	world->room = 0;
	assert_false(plugin_sends(world, http_message(0, "", "more"), false, false));
	plugin_sends(world, wire_text(""), false, true);
	client_takes(world, 1000);
	plugin_hears(world, "");
	client_hears(world, "answer(200,5) send(4) send(4) send(4) send(0)! ");
	client_closes(world, HTTP_CLOSED_DONE);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, edge_world_setup, edge_world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(a_request_becomes_a_message),
		IN_WORLD(what_is_about_the_connection_stays_here),
		IN_WORLD(a_trace_goes_its_own_way_if_it_is_text),
		IN_WORLD(a_route_has_its_own_timeout),
		IN_WORLD(a_small_body_goes_with_the_head),
		IN_WORLD(an_announced_body_ends_with_its_last_piece),
		IN_WORLD(a_body_without_a_length_ends_when_it_is_told),
		IN_WORLD(an_empty_body_ends_with_the_head),
		IN_WORLD(a_client_is_held_back_while_the_plugin_takes_nothing),
		IN_WORLD(a_client_is_held_back_while_its_call_waits_for_its_turn),
		IN_WORLD(an_end_waits_until_the_plugin_takes_it),
		IN_WORLD(a_whole_answer_is_one_piece),
		IN_WORLD(an_answer_comes_in_pieces),
		IN_WORLD(the_length_of_an_answer_to_head_is_the_plugins),
		IN_WORLD(a_message_cut_anywhere_goes_on_as_it_comes),
		IN_WORLD(an_early_answer_ends_what_is_left_of_the_body),
		IN_WORLD(the_plugin_gets_credit_when_the_client_has_taken_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
