/* Compressed bodies between a client and a plugin: answers that are compressed on their way out,
 * requests that are decompressed on their way in, and what becomes of either when a side is slow,
 * leaves or breaks off. That every coder has come back is asserted when the edge is freed. */
#include <stdio.h>

#include "net/coding.h"
#include "tests/support/edge_world.h"

#define LARGE 100000

static struct coders *coders;

static struct route_opts routes[] = {
	{.path = (char *)"/raw", .plugin = (char *)"puppet"},
	{.path = (char *)"/plain",
	 .plugin = (char *)"puppet",
	 .coding.compress.wish = COMPRESS_OFF},
	{.path = (char *)"/in",
	 .plugin = (char *)"puppet",
	 .coding.decompress = {.enabled = true, .max_bytes = LARGE, .max_ratio = 2000}},
	{.path = (char *)"/dense",
	 .plugin = (char *)"puppet",
	 .coding.decompress = {.enabled = true, .max_bytes = 2 * LARGE, .max_ratio = 100}},
	{.path = (char *)"/limited",
	 .plugin = (char *)"puppet",
	 .coding.decompress = {.enabled = true, .max_ratio = 2000}},
	{.path = (char *)"/say",
	 .plugin = (char *)"puppet",
	 .rpc = (char *)"puppet.v1.Puppet/Say",
	 .coding.decompress = {.enabled = true, .max_ratio = 2000}},
};

static int setup(void **state)
{
	struct edge_world *world;

	edge_world_setup(state);
	world = *state;
	coders = coders_new();
	world->opts.compress = (struct compress_opts){.enabled = true, .min_bytes = 20};
	world->opts.routes = routes;
	world->opts.route_count = COUNT_OF(routes);
	edge_apply(world->edge, edge_world_routes(world));
	return 0;
}

static int teardown(void **state)
{
	coders_free(coders);
	return edge_world_teardown(state);
}

static struct buf encode(enum coding_id id, const void *data, size_t len)
{
	struct coder *coder = coders_take(coders, id, CODING_ENCODES, CODING_BALANCED);
	struct coder_io io = {.in = data, .in_len = len};
	struct buf out = {0};
	enum coder_state state;

	do {
		io.out = buf_reserve(&out, 4096);
		io.out_len = 4096;
		state = coder_run(coder, &io, true);
		buf_commit(&out, 4096 - io.out_len);
	} while (state == CODER_FULL);
	coders_give(coders, coder);
	return out;
}

/* What the client can read of the answer so far, and whether that is all. */
static void client_reads(const struct edge_world *world, enum coding_id id, const char *text,
			 bool whole)
{
	struct coder *coder = coders_take(coders, id, CODING_DECODES, CODING_BALANCED);
	uint8_t out[2000];
	struct coder_io io = {buf_front(&world->body), buf_len(&world->body), out, sizeof(out)};
	enum coder_state state = coder_run(coder, &io, false);

	assert_int_equal(state, whole ? CODER_DONE : CODER_HUNGRY);
	assert_str((struct str){(char *)out, sizeof(out) - io.out_len}, text);
	coders_give(coders, coder);
}

/* Forgets what was heard, of which the test looks at something else. */
static void forget(struct edge_world *world)
{
	buf_consume(&world->client, buf_len(&world->client));
	buf_consume(&world->heard, buf_len(&world->heard));
}

static void client_hears_end(struct edge_world *world, bool ended)
{
	const char *heard = (const char *)buf_front(&world->client);
	size_t len = buf_len(&world->client);

	assert_int_equal(len > 0 && memmem(heard, len, "! ", 2) != NULL, ended);
	assert_null(len > 0 ? memmem(heard, len, "abort", 5) : NULL);
	forget(world);
}

#define TEXT "a text that is long enough to be compressed, compressed, compressed\n"

/* ---- answers ---- */

static void a_whole_answer_goes_out_in_one_piece(void **state)
{
	struct edge_world *world = *state;

	client_asks(world, "GET /raw", "accept-encoding: gzip\r\n");
	plugin_answers(
		world,
		http_message(200, "content-type: text/plain\netag: \"x\"\nvary: Origin\n", TEXT),
		true);
	client_reads(world, CODING_GZIP, TEXT, true);
	assert_true(world->is_ended);
	assert_answer_field(world, "content-encoding: gzip");
	assert_answer_field(world, "etag: W/\"x\"");
	assert_answer_field(world, "vary: Origin, Accept-Encoding");
	assert_no_answer_field(world, "(length");
	client_hears_end(world, true);
	client_closes(world, HTTP_CLOSED_DONE);
}

static void an_answer_goes_as_it_is_to_others(void **state)
{
	struct edge_world *world = *state;

	client_asks(world, "GET /raw", "");
	plugin_answers(world, http_message(200, "content-type: text/plain\n", TEXT), true);
	assert_answer(world, TEXT);
	assert_answer_field(world, "vary: Accept-Encoding");
	client_hears_end(world, true);
	client_closes(world, HTTP_CLOSED_DONE);
	client_asks(world, "GET /plain", "accept-encoding: gzip\r\n");
	plugin_answers(world, http_message(200, "content-type: text/plain\n", TEXT), true);
	assert_answer(world, TEXT);
	assert_no_answer_field(world, "vary");
	client_hears_end(world, true);
	client_closes(world, HTTP_CLOSED_DONE);
}

static void each_piece_can_be_read_when_it_was_sent(void **state)
{
	static const char *const codings[] = {"gzip", "br", "zstd"};
	struct edge_world *world = *state;

	for (size_t id = 0; id < CODING_COUNT; id++) {
		char field[50];

		snprintf(field, sizeof(field), "accept-encoding: %s\r\n", codings[id]);
		client_asks(world, "GET /raw", field);
		assert_true(plugin_answers(
			world, http_message(200, "content-type: text/event-stream\n", "one "),
			false));
		client_reads(world, (enum coding_id)id, "one ", false);
		assert_true(plugin_sends(world, http_message(0, "", "two "), false, false));
		client_reads(world, (enum coding_id)id, "one two ", false);
		client_hears_end(world, false);
		plugin_sends(world, wire_text(""), false, true);
		client_reads(world, (enum coding_id)id, "one two ", true);
		client_hears_end(world, true);
		client_closes(world, HTTP_CLOSED_DONE);
	}
}

/* The plugin gets credit for what the client has taken, whatever became of it on the way. */
static void a_slow_client_holds_the_plugin_back(void **state)
{
	struct edge_world *world = *state;
	struct wire_bytes message = http_message(0, "", TEXT);
	char consumed[50];

	client_asks(world, "GET /raw", "accept-encoding: gzip\r\n");
	plugin_answers(world, http_message(200, "content-type: text/plain\n", ""), false);
	world->room = 0;
	forget(world);
	message = http_message(0, "", TEXT);
	assert_false(plugin_sends(world, message, false, false));
	plugin_hears(world, "");
	client_takes(world, 1000);
	snprintf(consumed, sizeof(consumed), "consumed(%zu) ", message.len);
	plugin_hears(world, consumed);
	plugin_sends(world, wire_text(""), false, true);
	client_reads(world, CODING_GZIP, TEXT, true);
	forget(world);
	client_closes(world, HTTP_CLOSED_DONE);
}

/* The head says a length that the client never sees; it must hold all the same. */
static void an_answer_that_falls_short_of_its_length_is_cut_off(void **state)
{
	struct edge_world *world = *state;

	for (int kept = 0; kept < 2; kept++) {
		client_asks(world, "GET /raw", "accept-encoding: gzip\r\n");
		plugin_answers(world,
			       http_message(200, "content-type: text/plain\ncontent-length: 25\n",
					    "only twenty bytes   "),
			       false);
		assert_no_answer_field(world, "(length");
		plugin_sends(world, http_message(0, "", kept ? "and 5too many" : "4 m."), false,
			     true);
		client_reads(world, CODING_GZIP,
			     kept ? "only twenty bytes   and 5" : "only twenty bytes   4 m.", kept);
		assert_int_equal(memmem(buf_front(&world->client), buf_len(&world->client), "abort",
					5) == NULL,
				 kept);
		forget(world);
		client_closes(world, kept ? HTTP_CLOSED_DONE : HTTP_CLOSED_ABORTED);
	}
}

static void an_answer_whose_plugin_dies_is_cut_off(void **state)
{
	struct edge_world *world = *state;

	client_asks(world, "GET /raw", "accept-encoding: gzip\r\n");
	plugin_answers(world, http_message(200, "content-type: text/plain\n", TEXT), false);
	forget(world);
	plugin_fails(world, OUTCOME_PLUGIN_GONE, "gone", 0);
	client_hears(world, "abort ");
	client_reads(world, CODING_GZIP, TEXT, false);
	client_closes(world, HTTP_CLOSED_ABORTED);
}

static void a_client_that_leaves_leaves_nothing(void **state)
{
	struct edge_world *world = *state;

	client_asks(world, "GET /raw", "accept-encoding: zstd\r\n");
	plugin_answers(world, http_message(200, "content-type: text/plain\n", TEXT), false);
	forget(world);
	client_closes(world, HTTP_CLOSED_LEFT);
	plugin_hears(world, "cancel(CANCELLED) ");
}

static void a_head_that_cannot_be_sent_is_answered_for(void **state)
{
	struct edge_world *world = *state;

	client_asks(world, "GET /raw", "accept-encoding: gzip\r\n");
	plugin_hears_call(world, "!");
	plugin_answers(world, http_message(200, "content-type: text/plain\nx y: z\n", TEXT), false);
	plugin_hears(world, "cancel(BAD_ANSWER) ");
	assert_answer_field(world, "content-type: application/json");
	forget(world);
	client_closes(world, HTTP_CLOSED_DONE);
}

static void head_is_answered_as_get_but_for_the_length(void **state)
{
	struct edge_world *world = *state;

	client_asks(world, "HEAD /raw", "accept-encoding: gzip\r\n");
	plugin_answers(world,
		       http_message(200, "content-type: text/plain\ncontent-length: 500\n", ""),
		       true);
	assert_answer_field(world, "content-encoding: gzip");
	assert_no_answer_field(world, "(length");
	plugin_hears_call(world, "!");
	client_hears(world, "answer(200,0) send(0)! ");
	client_closes(world, HTTP_CLOSED_DONE);
}

/* ---- requests ---- */

static void client_posts(struct edge_world *world, const char *path, const char *coding)
{
	char line[50], fields[100];

	snprintf(line, sizeof(line), "POST %s", path);
	snprintf(fields, sizeof(fields), "transfer-encoding: chunked\r\ncontent-encoding: %s\r\n",
		 coding);
	client_asks(world, line, fields);
}

/* All the bodies of the messages that the plugin has got. */
static size_t body_bytes(const struct edge_world *world)
{
	struct wire_bytes rest = {buf_front(&world->payload), buf_len(&world->payload)};
	size_t count = 0;

	for (size_t i = 0; i < rest.len; i++)
		count += rest.data[i] == '~';
	return count;
}

static void a_body_is_decompressed_wherever_it_is_cut(void **state)
{
	static const char *const codings[] = {"gzip", "br", "zstd"};
	struct edge_world *world = *state;

	for (size_t id = 0; id < CODING_COUNT; id++) {
		struct buf body = encode((enum coding_id)id, "~~~~~~~~~~~~~~~~~~~~", 20);

		client_posts(world, "/in", codings[id]);
		for (size_t at = 0; at < buf_len(&body); at++)
			client_sends_bytes(world, buf_front(&body) + at, 1);
		client_ends_body(world);
		assert_int_equal(body_bytes(world), 20);
		forget(world);
		client_closes(world, HTTP_CLOSED_LEFT);
		forget(world);
		buf_deinit(&body);
	}
}

static void a_body_waits_compressed_for_a_slow_plugin(void **state)
{
	static char zeroes[LARGE];
	struct edge_world *world = *state;
	struct buf body;
	size_t before = 0, pieces = 0;

	memset(zeroes, '~', sizeof(zeroes));
	body = encode(CODING_GZIP, zeroes, sizeof(zeroes));
	client_posts(world, "/in", "gzip");
	world->fills_up = true;
	world->call_is_full = true;
	client_sends_bytes(world, buf_front(&body), buf_len(&body));
	assert_false(world->wants_body);
	client_ends_body(world);
	while (body_bytes(world) < LARGE) {
		assert_true(body_bytes(world) - before <= 16384);
		before = body_bytes(world);
		pieces++;
		plugin_takes_more(world, true);
		assert_true(body_bytes(world) > before); /* or this never ends */
		assert_false(world->wants_body);
	}
	assert_true(pieces >= LARGE / 16384);
	plugin_takes_more(world, true);
	assert_true(world->call && buf_len(&world->heard) > 2);
	assert_memory_equal(buf_front(&world->heard) + buf_len(&world->heard) - 9, "send(0)! ", 9);
	forget(world);
	client_closes(world, HTTP_CLOSED_LEFT);
	forget(world);
	buf_deinit(&body);
}

static void what_the_route_does_not_take_is_refused(void **state)
{
	static const char *const codings[] = {"deflate", "gzip, gzip",
					      "gzip\r\ncontent-encoding: br", "identity, gzip", ""};
	struct edge_world *world = *state;

	for (size_t i = 0; i < COUNT_OF(codings); i++) {
		client_posts(world, "/in", codings[i]);
		assert_answer_field(world, "accept-encoding: gzip, br, zstd");
		client_hears_error(world, "", 415, "ENCODING_UNKNOWN");
		client_closes(world, HTTP_CLOSED_DONE);
	}
}

static void other_bodies_go_on_as_they_came(void **state)
{
	static const char *const rows[][2] = {{"/in", "identity"}, {"/raw", "gzip"}};
	struct edge_world *world = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		client_posts(world, rows[i][0], rows[i][1]);
		client_sends(world, "no stream");
		assert_wire(asked_http(world).body, "no stream");
		forget(world);
		client_closes(world, HTTP_CLOSED_LEFT);
		forget(world);
	}
}

static void a_body_that_is_no_stream_is_refused(void **state)
{
	struct edge_world *world = *state;
	struct buf body = encode(CODING_GZIP, TEXT, strlen(TEXT));

	client_posts(world, "/in", "gzip");
	client_sends(world, "no stream");
	client_hears_error(world, "want ", 400, "ENCODING_BROKEN");
	client_closes(world, HTTP_CLOSED_DONE);

	client_posts(world, "/in", "gzip"); /* it ends early */
	client_sends_bytes(world, buf_front(&body), buf_len(&body) - 1);
	plugin_hears_call(world, "");
	client_ends_body(world);
	plugin_hears(world, "cancel(CANCELLED) ");
	client_hears_error(world, "want ", 400, "ENCODING_BROKEN");
	client_closes(world, HTTP_CLOSED_DONE);

	client_posts(world, "/in", "gzip"); /* something follows */
	client_sends_bytes(world, buf_front(&body), buf_len(&body));
	forget(world);
	client_sends(world, "more");
	plugin_hears(world, "cancel(CANCELLED) ");
	client_hears_error(world, "", 400, "ENCODING_BROKEN");
	client_closes(world, HTTP_CLOSED_DONE);

	client_posts(world, "/in", "gzip"); /* there is none */
	client_ends_body(world);
	client_hears_error(world, "want ", 400, "ENCODING_BROKEN");
	client_closes(world, HTTP_CLOSED_DONE);
	buf_deinit(&body);
}

static void a_body_that_gets_too_large_is_refused(void **state)
{
	static char zeroes[2 * LARGE];
	static const struct {
		const char *path;
		size_t bytes;
		const char *code; /* NULL: it is let in */
	} rows[] = {
		{"/in", LARGE, NULL},	       {"/in", LARGE + 1, "PAYLOAD_TOO_LARGE"},
		{"/limited", EDGE_BODY, NULL}, {"/limited", EDGE_BODY + 1, "PAYLOAD_TOO_LARGE"},
		{"/dense", 65536, NULL},       {"/dense", 2 * LARGE, "ENCODING_DENSE"},
		{"/say", MAX_MESSAGE, NULL},   {"/say", MAX_MESSAGE + 1, "PAYLOAD_TOO_LARGE"},
	};
	struct edge_world *world = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf body = encode(CODING_GZIP, zeroes, rows[i].bytes);

		client_posts(world, rows[i].path, "gzip");
		client_sends_bytes(world, buf_front(&body), buf_len(&body));
		assert_int_equal(world->is_ended, rows[i].code != NULL);
		if (rows[i].code)
			assert_answer_has(world, rows[i].code);
		forget(world);
		client_closes(world, rows[i].code ? HTTP_CLOSED_DONE : HTTP_CLOSED_LEFT);
		forget(world);
		buf_deinit(&body);
	}
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(a_whole_answer_goes_out_in_one_piece),
		WORLD_TEST(an_answer_goes_as_it_is_to_others),
		WORLD_TEST(each_piece_can_be_read_when_it_was_sent),
		WORLD_TEST(a_slow_client_holds_the_plugin_back),
		WORLD_TEST(an_answer_that_falls_short_of_its_length_is_cut_off),
		WORLD_TEST(an_answer_whose_plugin_dies_is_cut_off),
		WORLD_TEST(a_client_that_leaves_leaves_nothing),
		WORLD_TEST(a_head_that_cannot_be_sent_is_answered_for),
		WORLD_TEST(head_is_answered_as_get_but_for_the_length),
		WORLD_TEST(a_body_is_decompressed_wherever_it_is_cut),
		WORLD_TEST(a_body_waits_compressed_for_a_slow_plugin),
		WORLD_TEST(what_the_route_does_not_take_is_refused),
		WORLD_TEST(other_bodies_go_on_as_they_came),
		WORLD_TEST(a_body_that_is_no_stream_is_refused),
		WORLD_TEST(a_body_that_gets_too_large_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
