/* RPC over HTTP: a body is a message, or a stream of messages with their lengths, wherever it is
 * cut; and the plugin's messages become the body of the answer. */
#include <stdio.h>

#include "tests/support/edge_world.h"

#define RPC "POST /rpc/puppet.v1.Puppet/"

/* A literal with NUL bytes in it. */
#define BYTES(text) ((struct wire_bytes){(const uint8_t *)(text), sizeof(text) - 1})

#define CHUNKED "transfer-encoding: chunked\r\n"

static bool responds(struct edge_world *world, struct wire_bytes payload, bool more, bool end)
{
	return plugin_responds(
		world, &(struct wire_response){.payload = payload, .more = more, .end = end});
}

static void assert_messages(const struct edge_world *world, const char *text)
{
	assert_str((struct str){(char *)buf_front(&world->messages), buf_len(&world->messages)},
		   text);
}

static void assert_answer_bytes(const struct edge_world *world, struct wire_bytes bytes)
{
	assert_int_equal(buf_len(&world->body), bytes.len);
	assert_memory_equal(buf_front(&world->body), bytes.data, bytes.len);
}

/* ---- one message ---- */

static void a_body_is_the_message_and_the_answer_another(void **state)
{
	static const char *const lines[] = {RPC "Say", "POST /say"};
	struct edge_world *world = *state;

	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		struct wire_bytes metadata, name, value;

		client_asks(world, lines[i],
			    "content-length: 5\r\nx-request-id: id-7\r\ntraceparent: 00-ab\r\n");
		client_sends(world, "hello");
		plugin_hears(world, "call(5)! ");
		assert_messages(world, "hello|.");
		assert_int_equal(world->asked.method, 1);
		assert_int_equal(world->timeout_ms, PLUGIN_TIME);
		assert_int_equal(buf_len(&world->trace_parent), 5);
		metadata =
			(struct wire_bytes){buf_front(&world->metadata), buf_len(&world->metadata)};
		assert_true(wire_next_pair(&metadata, WIRE_REQUEST_METADATA_FIELD, &name, &value));
		assert_wire(name, "x-request-id");
		assert_wire(value, "id-7");
		assert_int_equal(metadata.len, 0);

		responds(world, wire_text("answer"), false, true);
		client_hears(world, "want hold answer(200,6)! ");
		assert_answer(world, "answer");
		assert_answer_field(world, "content-type: application/octet-stream");
		assert_answer_field(world, "x-request-id: id-7");
		client_closes(world, HTTP_CLOSED_DONE);
	}
}

static void a_message_is_sent_as_it_comes(void **state)
{
	struct edge_world *world = *state;

	client_asks(world, RPC "Say", CHUNKED);
	client_sends(world, "one ");
	client_sends(world, "two");
	client_ends_body(world);
	plugin_hears(world, "call(4)+ send(3)+ send(0)! ");
	responds(world, wire_text("three "), true, false);
	plugin_sends(world, wire_text(""), true, false);
	plugin_sends(world, wire_text("four"), false, true);
	client_hears(world, "want answer(200,6) send(4)! ");
	assert_answer(world, "three four");
	client_closes(world, HTTP_CLOSED_DONE);

	client_asks(world, RPC "Say", "content-length: 6\r\n");
	client_sends(world, "abc");
	client_sends(world, "def");
	plugin_hears(world, "call(3)+ send(3)! ");
	client_hears(world, "want hold ");
	client_closes(world, HTTP_CLOSED_LEFT);
	plugin_hears(world, "cancel(CANCELLED) ");
}

static void an_empty_message_is_one(void **state)
{
	struct edge_world *world = *state;

	client_asks(world, RPC "Say", "");
	plugin_hears(world, "call(0)! ");
	responds(world, wire_text(""), false, true);
	client_hears(world, "answer(200,0)! ");
	client_closes(world, HTTP_CLOSED_DONE);
}

static void a_message_above_max_message_is_refused(void **state)
{
	static const char zeros[MAX_MESSAGE + 1];
	struct edge_world *world = *state;

	client_asks(world, RPC "Say", "content-length: 101\r\n");
	client_hears_error(world, "", 413, "PAYLOAD_TOO_LARGE");
	client_closes(world, HTTP_CLOSED_DONE);

	client_asks(world, RPC "Say", CHUNKED);
	client_sends_bytes(world, zeros, MAX_MESSAGE);
	plugin_hears(world, "call(100)+ ");
	client_sends(world, "x");
	plugin_hears(world, "cancel(CANCELLED) ");
	client_hears_error(world, "want ", 413, "PAYLOAD_TOO_LARGE");
	client_closes(world, HTTP_CLOSED_DONE);
}

static void an_answer_above_max_message_is_none(void **state)
{
	static const uint8_t zeros[MAX_MESSAGE + 1];
	struct edge_world *world = *state;

	client_asks(world, RPC "Say", "");
	responds(world, (struct wire_bytes){zeros, MAX_MESSAGE + 1}, true, false);
	plugin_hears(world, "call(0)! cancel(BAD_ANSWER) ");
	client_hears_error(world, "", 502, "BAD_ANSWER");
	assert_answer_has(world, "larger than max_message");
	client_closes(world, HTTP_CLOSED_DONE);

	client_asks(world, RPC "Say", "");
	responds(world, (struct wire_bytes){zeros, MAX_MESSAGE}, true, false);
	plugin_sends(world, wire_text("x"), false, true);
	plugin_hears(world, "call(0)! refused ");
	client_hears(world, "answer(200,100) abort ");
	client_closes(world, HTTP_CLOSED_ABORTED);
}

static void a_message_that_waits_for_its_turn_holds_its_client(void **state)
{
	struct edge_world *world = *state;

	world->call_waits = true;
	client_asks(world, RPC "Say", CHUNKED);
	client_sends(world, "one ");
	plugin_hears(world, "call(4)+ ");
	client_hears(world, "want hold ");
	plugin_takes_more(world, true);
	client_sends(world, "two");
	client_ends_body(world);
	plugin_hears(world, "send(3)+ send(0)! ");
	client_hears(world, "want ");
	client_closes(world, HTTP_CLOSED_LEFT);
	plugin_hears(world, "cancel(CANCELLED) ");
}

/* ---- a stream of messages ---- */

/* 17 bytes. */
#define STREAM	 "\0\0\0\2hi\0\0\0\0\0\0\0\3you"
#define MESSAGES "hi||you|."

static void a_stream_reads_the_same_wherever_it_is_cut(void **state)
{
	struct edge_world *world = *state;
	size_t len = sizeof(STREAM) - 1;
	char fields[40];

	snprintf(fields, sizeof(fields), "content-length: %zu\r\n", len);
	for (size_t first = 1; first < len; first++) {
		for (size_t second = first + 1; second <= len; second++) {
			client_asks(world, RPC "Talk", first % 2 ? CHUNKED : fields);
			client_sends_bytes(world, STREAM, first);
			client_sends_bytes(world, STREAM + first, second - first);
			if (second < len)
				client_sends_bytes(world, STREAM + second, len - second);
			client_ends_body(world);
			assert_messages(world, MESSAGES);
			assert_int_equal(world->asked.method, 4);
			buf_deinit(&world->heard);
			client_closes(world, HTTP_CLOSED_LEFT);
			plugin_hears(world, "cancel(CANCELLED) ");
		}
	}
	buf_deinit(&world->client);
}

static void a_stream_without_messages_only_ends(void **state)
{
	struct edge_world *world = *state;

	client_asks(world, RPC "Talk", "");
	plugin_hears(world, "call(0)! ");
	client_closes(world, HTTP_CLOSED_LEFT);
	plugin_hears(world, "cancel(CANCELLED) ");

	client_asks(world, RPC "Talk", CHUNKED);
	client_ends_body(world);
	plugin_hears(world, "call(0)! ");
	client_hears(world, "want ");
	client_closes(world, HTTP_CLOSED_LEFT);
	plugin_hears(world, "cancel(CANCELLED) ");
}

static void a_stream_that_ends_early_is_refused(void **state)
{
	struct edge_world *world = *state;
	struct wire_bytes stream = BYTES("\0\0\0\2hi\0\0\0\3yo");

	for (size_t len = 1; len <= stream.len; len++) {
		if (len == 6)
			continue; /* the end of a message */
		client_asks(world, RPC "Feed", CHUNKED);
		client_sends_bytes(world, stream.data, len);
		assert_non_null(world->call);
		client_ends_body(world);
		assert_null(world->call);
		buf_append(&world->heard, "", 1);
		assert_non_null(
			strstr((char *)buf_front(&world->heard), "cancel(INVALID_ARGUMENT) "));
		buf_deinit(&world->heard);
		client_hears_error(world, "want ", 400, "INVALID_ARGUMENT");
		client_closes(world, HTTP_CLOSED_DONE);
	}
	assert_non_null(strstr(world_log(world), "outcome=INVALID_ARGUMENT"));
}

static void a_message_of_a_stream_above_max_message_is_refused(void **state)
{
	struct edge_world *world = *state;

	client_asks(world, RPC "Feed", CHUNKED);
	client_sends_bytes(world, "\0\0\0\1a\0\0\0\x65", 9); /* 101 */
	plugin_hears(world, "call(0) send(1) cancel(INVALID_ARGUMENT) ");
	client_hears_error(world, "want ", 400, "INVALID_ARGUMENT");
	client_closes(world, HTTP_CLOSED_DONE);

	/* All messages together may be larger than that. */
	client_asks(world, RPC "Feed", CHUNKED);
	for (int i = 0; i < 60; i++)
		client_sends_bytes(world, "\0\0\0\3abc", 7);
	assert_int_equal(buf_len(&world->payload), 180);
	buf_deinit(&world->heard);
	client_hears(world, "want ");
	client_closes(world, HTTP_CLOSED_LEFT);
	plugin_hears(world, "cancel(CANCELLED) ");
}

/* What came before the turn is kept, and nothing more is wanted meanwhile. */
static void a_stream_that_waits_for_its_turn_keeps_what_has_come(void **state)
{
	struct edge_world *world = *state;

	world->call_waits = true;
	client_asks(world, RPC "Talk", CHUNKED);
	client_sends_bytes(world, "\0\0\0\2hi\0\0\0\3y", 11);
	plugin_hears(world, "call(0) ");
	client_hears(world, "want hold ");
	plugin_takes_more(world, true);
	plugin_hears(world, "send(2) send(1)+ ");
	client_hears(world, "want ");
	client_sends(world, "ou");
	client_ends_body(world);
	plugin_hears(world, "send(2) send(0)! ");
	assert_messages(world, "hi|you|.");
	client_closes(world, HTTP_CLOSED_LEFT);
	plugin_hears(world, "cancel(CANCELLED) ");
}

static void a_stream_whose_turn_brings_no_credit_for_more_holds_its_client(void **state)
{
	struct edge_world *world = *state;

	world->call_waits = true;
	world->fills_up = true;
	client_asks(world, RPC "Talk", CHUNKED);
	client_sends_bytes(world, "\0\0\0\2hi", 6);
	plugin_takes_more(world, true);
	plugin_hears(world, "call(0) send(2) ");
	client_hears(world, "want hold ");
	plugin_takes_more(world, true);
	client_hears(world, "want ");
	client_closes(world, HTTP_CLOSED_LEFT);
	plugin_hears(world, "cancel(CANCELLED) ");
}

static void a_whole_stream_that_waits_is_sent_with_its_end(void **state)
{
	struct edge_world *world = *state;

	world->call_waits = true;
	client_asks(world, RPC "Talk", "content-length: 17\r\n");
	client_sends_bytes(world, STREAM, sizeof(STREAM) - 1);
	plugin_hears(world, "call(0) ");
	client_hears(world, "want hold ");
	client_ends_body(world);
	plugin_takes_more(world, true);
	plugin_hears(world, "send(2) send(0) send(3) send(0)! ");
	assert_messages(world, MESSAGES);
	plugin_takes_more(world, true);
	client_closes(world, HTTP_CLOSED_LEFT);
	plugin_hears(world, "cancel(CANCELLED) ");
}

static void who_leaves_while_a_stream_waits_leaves_nothing(void **state)
{
	struct edge_world *world = *state;

	world->call_waits = true;
	client_asks(world, RPC "Talk", CHUNKED);
	client_sends_bytes(world, "\0\0\0\2hi", 6);
	plugin_hears(world, "call(0) ");
	client_hears(world, "want hold ");
	client_closes(world, HTTP_CLOSED_LEFT);
	plugin_hears(world, "cancel(CANCELLED) ");
}

/* ---- a stream as the answer ---- */

static void each_message_of_an_answer_has_its_length(void **state)
{
	struct edge_world *world = *state;

	client_asks(world, RPC "Tail", "");
	plugin_hears(world, "call(0)! ");
	responds(world, wire_text(""), false, false); /* no message: only the answer begins */
	client_hears(world, "answer(200,0) ");
	assert_answer_field(world, "content-type: application/json");
	plugin_sends(world, wire_text("hi"), false, false);
	plugin_sends(world, wire_text("yo"), true, false);
	client_hears(world, "send(4) send(2) ");
	plugin_sends(world, wire_text("u"), false, false);
	plugin_sends(world, wire_text(""), false, false); /* an empty message */
	plugin_sends(world, wire_text(""), false, true);  /* the end alone */
	client_hears(world, "send(4) send(3) send(4) send(0) send(0)! ");
	assert_answer_bytes(world, BYTES("\0\0\0\2hi\0\0\0\3you\0\0\0\0"));
	client_closes(world, HTTP_CLOSED_DONE);
}

static void the_last_message_of_an_answer_may_end_it(void **state)
{
	struct edge_world *world = *state;

	client_asks(world, RPC "Tail", "");
	responds(world, wire_text("first"), false, false);
	plugin_sends(world, wire_text("la"), true, false);
	plugin_sends(world, wire_text("st"), false, true);
	client_hears(world, "answer(200,0) send(4) send(5) send(4) send(4)! ");
	assert_answer_bytes(world, BYTES("\0\0\0\5first\0\0\0\4last"));
	client_closes(world, HTTP_CLOSED_DONE);

	client_asks(world, RPC "Tail", "");
	responds(world, wire_text(""), false, true);
	client_hears(world, "answer(200,0) send(0)! ");
	client_closes(world, HTTP_CLOSED_DONE);
	plugin_hears(world, "call(0)! call(0)! ");
}

static void a_message_of_an_answer_above_max_message_cuts_it(void **state)
{
	static const uint8_t zeros[MAX_MESSAGE];
	struct edge_world *world = *state;

	client_asks(world, RPC "Tail", "");
	responds(world, wire_text("x"), true, false);
	plugin_sends(world, (struct wire_bytes){zeros, MAX_MESSAGE}, false, false);
	plugin_hears(world, "call(0)! cancel(BAD_ANSWER) ");
	client_hears(world, "answer(200,0) abort ");
	client_closes(world, HTTP_CLOSED_ABORTED);
}

static void a_slow_client_holds_the_plugins_stream(void **state)
{
	struct edge_world *world = *state;

	client_asks(world, RPC "Tail", "");
	world->room = 0;
	assert_false(responds(world, wire_text("first"), false, false));
	assert_false(plugin_sends(world, wire_text("second"), false, false));
	plugin_hears(world, "call(0)! ");
	client_takes(world, 1000);
	plugin_hears(world, "consumed(11) ");
	plugin_sends(world, wire_text(""), false, true);
	client_hears(world, "answer(200,0) send(4) send(5) send(4) send(6) send(0)! ");
	client_closes(world, HTTP_CLOSED_DONE);
}

static void both_directions_stream_at_once(void **state)
{
	struct edge_world *world = *state;

	client_asks(world, RPC "Talk", CHUNKED);
	client_sends_bytes(world, "\0\0\0\3one", 7);
	plugin_hears(world, "call(0) send(3) ");
	responds(world, wire_text("ONE"), false, false);
	client_sends_bytes(world, "\0\0\0\3two", 7);
	plugin_sends(world, wire_text("TWO"), false, false);
	client_ends_body(world);
	plugin_hears(world, "send(3) send(0)! ");
	plugin_sends(world, wire_text(""), false, true);
	client_hears(world, "want answer(200,0) send(4) send(3) send(4) send(3) send(0)! ");
	client_closes(world, HTTP_CLOSED_DONE);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, edge_world_setup, edge_world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(a_body_is_the_message_and_the_answer_another),
		IN_WORLD(a_message_is_sent_as_it_comes),
		IN_WORLD(an_empty_message_is_one),
		IN_WORLD(a_message_above_max_message_is_refused),
		IN_WORLD(an_answer_above_max_message_is_none),
		IN_WORLD(a_message_that_waits_for_its_turn_holds_its_client),
		IN_WORLD(a_stream_reads_the_same_wherever_it_is_cut),
		IN_WORLD(a_stream_without_messages_only_ends),
		IN_WORLD(a_stream_that_ends_early_is_refused),
		IN_WORLD(a_message_of_a_stream_above_max_message_is_refused),
		IN_WORLD(a_stream_that_waits_for_its_turn_keeps_what_has_come),
		IN_WORLD(a_stream_whose_turn_brings_no_credit_for_more_holds_its_client),
		IN_WORLD(a_whole_stream_that_waits_is_sent_with_its_end),
		IN_WORLD(who_leaves_while_a_stream_waits_leaves_nothing),
		IN_WORLD(each_message_of_an_answer_has_its_length),
		IN_WORLD(the_last_message_of_an_answer_may_end_it),
		IN_WORLD(a_message_of_an_answer_above_max_message_cuts_it),
		IN_WORLD(a_slow_client_holds_the_plugins_stream),
		IN_WORLD(both_directions_stream_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
