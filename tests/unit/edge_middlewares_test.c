/* What the middlewares do to requests and answers of a real edge: ids are taken or made and told to
 * everybody, bodies are limited, each request leaves its line; and who is refused on the way gets
 * all that too. */
#include <stdio.h>

#include "tests/support/edge_world.h"

/* The value of a field of the answer. Valid until the next call. */
static const char *answer_field(const struct edge_world *world, const char *name)
{
	static char value[200];
	char wanted[60];
	const char *at, *end;
	size_t len = (size_t)snprintf(wanted, sizeof(wanted), "%s: ", name);

	at = memmem(buf_front(&world->fields), buf_len(&world->fields), wanted, len);
	assert_non_null(at);
	end = strchr(at, '\n');
	assert_true((size_t)(end - at) < sizeof(value));
	return str_copy(value, sizeof(value), (struct str){at + len, (size_t)(end - at) - len});
}

/* Looks for it in the last line of the log. */
static void assert_logged(const struct edge_world *world, const char *part)
{
	const char *log = world_log(world);
	const char *last = log + strlen(log);

	assert_true(last > log && last[-1] == '\n');
	for (last--; last > log && last[-1] != '\n';)
		last--;
	if (!strstr(last, part))
		fail_msg("'%s' is not in: %s", part, last);
}

static unsigned log_lines(const struct edge_world *world)
{
	unsigned lines = 0;

	for (const char *at = world_log(world); (at = strchr(at, '\n')); at++)
		lines++;
	return lines;
}

/* ---- ids ---- */

static void an_id_of_the_client_is_kept_when_it_is_harmless(void **state)
{
	static const struct {
		const char *id;
		bool is_kept;
	} rows[] = {
		{"a", true},
		{"Az09-_.", true},
		{"0123456789012345678901234567890123456789012345678901234567890123", true}, /* 64 */
		{"01234567890123456789012345678901234567890123456789012345678901234", false},
		{"", false},
		{"a b", false},
		{"a\"b", false},
		{"a=b", false},
		{"caf\xc3\xa9", false},
	};
	struct edge_world *world = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char fields[120], told[80];

		snprintf(fields, sizeof(fields), "x-request-id: %s\r\n", rows[i].id);
		client_asks(world, "GET /raw", fields);
		plugin_hears_call(world, "!");
		snprintf(told, sizeof(told), "%.*s", (int)asked_http(world).request_id.len,
			 (const char *)asked_http(world).request_id.data);
		assert_int_equal(strcmp(told, rows[i].id) == 0, rows[i].is_kept);
		plugin_answers(world, http_message(200, "", ""), true);
		assert_string_equal(answer_field(world, "x-request-id"), told);
		client_hears(world, "answer(200,0)! ");
		client_closes(world, HTTP_CLOSED_DONE);
	}
}

static void ids_that_are_made_are_never_the_same(void **state)
{
	struct edge_world *world = *state;
	char first[40], second[40];

	for (int i = 0; i < 2; i++) {
		client_begins(world);
		plugin_answers(world, http_message(200, "", ""), true);
		strcpy(i == 0 ? first : second, answer_field(world, "x-request-id"));
		client_hears(world, "answer(200,0)! ");
		client_closes(world, HTTP_CLOSED_DONE);
	}
	assert_int_equal(strlen(first), 16);
	assert_int_equal(strspn(first, "0123456789abcdef"), 16);
	assert_string_not_equal(first, second);
}

static void one_id_is_told_to_the_plugin_the_client_and_the_log(void **state)
{
	struct edge_world *world = *state;
	char line[60];

	client_begins(world);
	snprintf(line, sizeof(line), " id=%.*s ", (int)asked_http(world).request_id.len,
		 (const char *)asked_http(world).request_id.data);
	plugin_fails(world, OUTCOME_NOT_FOUND, "", 0);
	client_hears_error(world, "", 404, "NOT_FOUND");
	assert_memory_equal(line + 4, answer_field(world, "x-request-id"), 16);
	line[20] = '\0';
	assert_answer_has(world, line + 4); /* in the body too */
	line[20] = ' ';
	client_closes(world, HTTP_CLOSED_DONE);
	assert_logged(world, line);
}

/* ---- bodies ---- */

static void the_limit_of_a_body_is_the_routes_or_the_edges(void **state)
{
	static const struct {
		const char *line;
		size_t limit;
	} rows[] = {{"POST /small", SMALL_BODY},
		    {"POST /raw", EDGE_BODY},
		    {"POST /rpc/puppet.v1.Puppet/Talk", EDGE_BODY}};
	struct edge_world *world = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char fields[60];

		snprintf(fields, sizeof(fields), "content-length: %zu\r\n", rows[i].limit);
		client_asks(world, rows[i].line, fields);
		client_hears(world, "want ");
		client_closes(world, HTTP_CLOSED_LEFT);

		snprintf(fields, sizeof(fields), "content-length: %zu\r\n", rows[i].limit + 1);
		client_asks(world, rows[i].line, fields);
		client_hears_error(world, "", 413, "PAYLOAD_TOO_LARGE");
		client_closes(world, HTTP_CLOSED_DONE);
	}
	plugin_hears(world, "");
}

/* ---- the log ---- */

static void a_request_is_one_line_with_where_its_time_went(void **state)
{
	struct edge_world *world = *state;

	client_asks(world, "POST /files/a/b?q=1", "content-length: 5\r\nx-request-id: id-7\r\n");
	client_sends(world, "hello");
	plugin_hears_call(world, "!");
	plugin_answers(world, http_message(201, "", "created"), true);
	client_hears(world, "want hold answer(201,7)! ");
	assert_int_equal(log_lines(world), 0);
	client_closes(world, HTTP_CLOSED_DONE);
	assert_int_equal(log_lines(world), 1);
	assert_logged(world, "level=info event=http.request ");
	assert_logged(world, " id=id-7 peer=192.0.2.7:52311 method=POST "
			     "target=\"/files/a/b?q=1\" status=201 plugin=puppet outcome=OK "
			     "in_bytes=5 out_bytes=7 us=");
	assert_logged(world, " queue_us=11 plugin_us=22 edge_us=");
}

static void what_has_come_and_gone_is_counted_in_all_pieces(void **state)
{
	struct edge_world *world = *state;

	client_asks(world, "POST /raw", "transfer-encoding: chunked\r\n");
	client_sends(world, "one");
	client_sends(world, "four");
	plugin_answers(world, http_message(200, "", "12345"), false);
	plugin_sends(world, http_message(0, "", "678"), false, false);
	client_closes(world, HTTP_CLOSED_LEFT);
	buf_deinit(&world->heard);
	client_hears(world, "want answer(200,5) send(3) ");
	assert_logged(world, " status=200 plugin=puppet outcome=CANCELLED in_bytes=7 out_bytes=8 ");
}

static void a_log_that_is_not_wanted_is_not_written(void **state)
{
	struct edge_world *world = *state;

	world->opts.access_log = false;
	client_begins(world);
	client_closes(world, HTTP_CLOSED_LEFT);
	plugin_hears(world, "cancel(CANCELLED) ");
	assert_int_equal(log_lines(world), 0);
}

static void what_net_refuses_has_an_id_and_a_line(void **state)
{
	struct edge_world *world = *state;
	struct http_refusal refusal = {.status = 413,
				       .why = "The head is too long",
				       .peer = STR_LITERAL("192.0.2.7:52311")};
	struct http_response response = {.status = 413};
	struct str body = edge_upcalls.on_refused(world->edge, &refusal, &world->arena, &response);
	char part[80];

	assert_int_equal(response.field_count, 2);
	assert_str(response.fields[0].value, "application/json");
	assert_str(response.fields[1].name, "x-request-id");
	snprintf(part, sizeof(part), "\"request_id\":\"%.*s\"", STR_ARG(response.fields[1].value));
	assert_non_null(memmem(body.data, body.len, part, strlen(part)));
	assert_non_null(memmem(body.data, body.len, "\"PAYLOAD_TOO_LARGE\"", 19));
	snprintf(part, sizeof(part), " id=%.*s ", STR_ARG(response.fields[1].value));
	assert_logged(world, "event=http.refused msg=\"The head is too long\"");
	assert_logged(world, part);
	arena_reset(&world->arena);
}

/* ---- browsers ---- */

static void what_a_plugin_tells_browsers_is_not_overridden(void **state)
{
	struct edge_world *world = *state;
	char nosniff[] = "nosniff", frames[] = "SAMEORIGIN", origin[] = "https://a.example";
	char *origins[] = {origin, NULL};

	world->opts.security.enabled = true;
	world->opts.security.content_type_options = nosniff;
	world->opts.security.frame_options = frames;
	world->opts.cors.origins = origins;
	client_asks(world, "GET /raw", "origin: https://a.example\r\n");
	plugin_answers(world,
		       http_message(200,
				    "X-Frame-Options: DENY\n"
				    "Access-Control-Allow-Origin: https://own.example\n",
				    ""),
		       true);
	assert_answer_field(world, "x-content-type-options: nosniff");
	assert_answer_field(world, "X-Frame-Options: DENY");
	assert_no_answer_field(world, "x-frame-options: ");
	assert_answer_field(world, "vary: Origin");
	assert_no_answer_field(world, "access-control-allow-origin: ");
	client_hears(world, "answer(200,0)! ");
	client_closes(world, HTTP_CLOSED_DONE);
	buf_deinit(&world->heard);
	world->opts.cors.origins = NULL;
}

/* ---- who is refused ---- */

static void who_is_refused_on_the_way_passes_the_chain_out(void **state)
{
	static const struct {
		const char *line;
		const char *fields;
		unsigned status;
		const char *code;
		const char *plugin; /* in the log */
	} rows[] = {
		{"POST /small", "content-length: 11\r\n", 413, "PAYLOAD_TOO_LARGE", "-"},
		{"GET /nowhere", "", 404, "NOT_FOUND", "-"},
		{"POST /get", "", 405, "METHOD_NOT_ALLOWED", "-"},
		{"GET /rpc/puppet.v1.Puppet/Say", "", 405, "METHOD_NOT_ALLOWED", "-"},
		{"GET /health/nothing", "", 404, "NOT_FOUND", "-"},
		{"POST /rpc/none.v1.None/Say", "", 404, "REGISTRY_NO_SERVICE", "-"},
		{"POST /rpc/puppet.v1.Puppet/None", "", 404, "REGISTRY_NO_METHOD", "-"},
		{"POST /none", "", 501, "UNIMPLEMENTED", "puppet"},
	};
	struct edge_world *world = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char fields[80], logged[80];

		snprintf(fields, sizeof(fields), "%sx-request-id: id-7\r\n", rows[i].fields);
		client_asks(world, rows[i].line, fields);
		client_hears_error(world, "", rows[i].status, rows[i].code);
		assert_answer_field(world, "x-request-id: id-7");
		assert_answer_has(world, "\"request_id\":\"id-7\"");
		if (rows[i].status == 405)
			assert_answer_field(world, i == 2 ? "allow: GET, HEAD" : "allow: POST");
		client_closes(world, HTTP_CLOSED_DONE);
		snprintf(logged, sizeof(logged), " id=id-7 peer=192.0.2.7:52311 ");
		assert_logged(world, logged);
		snprintf(logged, sizeof(logged), " status=%u plugin=%s ", rows[i].status,
			 rows[i].plugin);
		assert_logged(world, logged);
	}
	plugin_hears(world, "");
}

static void a_plugin_that_is_not_exposed_has_no_rpc(void **state)
{
	struct edge_world *world = *state;

	world->plugin.expose = false;
	client_asks(world, "POST /rpc/puppet.v1.Puppet/Say", "x-request-id: id-7\r\n");
	client_hears_error(world, "", 403, "REGISTRY_NOT_EXPOSED");
	assert_answer_field(world, "x-request-id: id-7");
	client_closes(world, HTTP_CLOSED_DONE);
}

static void a_page_of_the_edge_passes_the_chain_too(void **state)
{
	struct edge_world *world = *state;

	client_asks(world, "GET /health/live", "x-request-id: id-7\r\n");
	assert_answer(world, "{\"status\":\"live\"}");
	assert_answer_field(world, "x-request-id: id-7");
	client_hears(world, "answer(200,17)! ");
	client_closes(world, HTTP_CLOSED_DONE);
	assert_logged(world, " id=id-7 peer=192.0.2.7:52311 method=GET ");
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, edge_world_setup, edge_world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(an_id_of_the_client_is_kept_when_it_is_harmless),
		IN_WORLD(ids_that_are_made_are_never_the_same),
		IN_WORLD(one_id_is_told_to_the_plugin_the_client_and_the_log),
		IN_WORLD(the_limit_of_a_body_is_the_routes_or_the_edges),
		IN_WORLD(a_request_is_one_line_with_where_its_time_went),
		IN_WORLD(what_has_come_and_gone_is_counted_in_all_pieces),
		IN_WORLD(a_log_that_is_not_wanted_is_not_written),
		IN_WORLD(what_net_refuses_has_an_id_and_a_line),
		IN_WORLD(what_a_plugin_tells_browsers_is_not_overridden),
		IN_WORLD(who_is_refused_on_the_way_passes_the_chain_out),
		IN_WORLD(a_plugin_that_is_not_exposed_has_no_rpc),
		IN_WORLD(a_page_of_the_edge_passes_the_chain_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
