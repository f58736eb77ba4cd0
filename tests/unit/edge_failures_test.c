/* What goes wrong on the way to a plugin and back: the client is told with the status of the
 * outcome, or cut off when its answer has begun, and no call goes on for nobody. */
#include <stdio.h>

#include "tests/support/edge_world.h"

/* ---- what goes wrong with the request ---- */

static void a_body_over_the_limit_is_refused(void **state)
{
	struct edge_world *world = *state;

	/* Announced: the plugin never hears of it. */
	client_asks(world, "POST /small", "content-length: 11\r\n");
	client_hears_error(world, "", 413, "PAYLOAD_TOO_LARGE");
	client_closes(world, HTTP_CLOSED_DONE);

	/* Not announced: the call has begun. */
	client_asks(world, "POST /small", "transfer-encoding: chunked\r\n");
	client_sends(world, "0123456789");
	plugin_hears_call(world, "");
	client_sends(world, "x");
	plugin_hears(world, "cancel(CANCELLED) ");
	client_hears_error(world, "want ", 413, "PAYLOAD_TOO_LARGE");
	client_closes(world, HTTP_CLOSED_DONE);

	/* Before there is a call. */
	client_asks(world, "POST /small", "transfer-encoding: chunked\r\n");
	client_sends(world, "0123456789x");
	client_hears_error(world, "want ", 413, "PAYLOAD_TOO_LARGE");
	client_closes(world, HTTP_CLOSED_DONE);
}

static void a_body_that_grows_too_large_cuts_the_answer_that_has_begun(void **state)
{
	struct edge_world *world = *state;

	client_asks(world, "POST /small", "transfer-encoding: chunked\r\n");
	client_sends(world, "0123456789");
	plugin_hears_call(world, "");
	plugin_answers(world, http_message(200, "", "begun"), false);
	client_sends(world, "x");
	plugin_hears(world, "cancel(CANCELLED) ");
	client_hears(world, "want answer(200,5) abort ");
	client_closes(world, HTTP_CLOSED_ABORTED);
}

/* ---- what goes wrong with the answer ---- */

static void an_answer_that_fails_after_its_head_is_cut(void **state)
{
	struct edge_world *world = *state;

	client_begins(world);
	plugin_answers(world, http_message(200, "", "begun"), false);
	plugin_fails(world, OUTCOME_PLUGIN_GONE, "", 0);
	client_hears(world, "answer(200,5) abort ");
	assert_answer(world, "begun");
	client_takes(world, 1000);
	client_closes(world, HTTP_CLOSED_ABORTED);
	assert_non_null(strstr(world_log(world), "outcome=PLUGIN_GONE"));
}

static void an_answer_that_cannot_be_sent_is_a_502(void **state)
{
	static const struct {
		uint32_t status;
		const char *fields;
		const char *why;
	} rows[] = {
		{0, "", "no status"},
		{99, "", "can't be sent"},
		{600, "", "can't be sent"},
		{200, "x-a: line\rbreak\n", "can't be sent"},
		{200, "x a: b\n", "can't be sent"},
	};
	struct edge_world *world = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		for (int end = 0; end < 2; end++) {
			client_begins(world);
			assert_true(plugin_answers(
				world, http_message(rows[i].status, rows[i].fields, "body"),
				end != 0));
			plugin_hears(world, end ? "refused " : "cancel(BAD_ANSWER) ");
			client_hears_error(world, "", 502, "BAD_ANSWER");
			assert_answer_has(world, rows[i].why);
			client_closes(world, HTTP_CLOSED_DONE);
		}
	}
}

static void a_second_head_cuts_the_answer(void **state)
{
	struct edge_world *world = *state;

	for (int end = 0; end < 2; end++) {
		client_begins(world);
		plugin_answers(world, http_message(200, "", "begun"), false);
		assert_true(plugin_sends(world, http_message(200, "", "again"), false, end != 0));
		plugin_hears(world, end ? "refused " : "cancel(BAD_ANSWER) ");
		client_hears(world, "answer(200,5) abort ");
		client_closes(world, HTTP_CLOSED_ABORTED);
	}
	assert_non_null(strstr(world_log(world), "outcome=BAD_ANSWER"));
}

static void an_end_without_an_answer_is_a_502(void **state)
{
	struct edge_world *world = *state;

	client_begins(world);
	plugin_fails(world, OUTCOME_OK, "", 0);
	client_hears_error(world, "", 502, "BAD_ANSWER");
	assert_answer_has(world, "its answer is not complete");
	client_closes(world, HTTP_CLOSED_DONE);
}

static void who_leaves_takes_the_call_along(void **state)
{
	struct edge_world *world = *state;

	client_begins(world);
	client_closes(world, HTTP_CLOSED_LEFT);
	plugin_hears(world, "cancel(CANCELLED) ");
	assert_non_null(strstr(world_log(world), "status=499 plugin=puppet outcome=CANCELLED"));

	client_begins(world);
	plugin_answers(world, http_message(200, "", "begun"), false);
	client_closes(world, HTTP_CLOSED_TIMEOUT);
	plugin_hears(world, "cancel(CANCELLED) ");
	client_hears(world, "answer(200,5) ");
	assert_non_null(strstr(world_log(world), "status=200 plugin=puppet outcome=CANCELLED"));

	/* Its body hasn't come yet, so there is no call. */
	client_asks(world, "POST /raw", "content-length: 10\r\n");
	client_hears(world, "want ");
	client_closes(world, HTTP_CLOSED_LEFT);
	plugin_hears(world, "");
}

/* ---- outcomes ---- */

static void client_hears_outcome(struct edge_world *world, const char *before, enum outcome outcome,
				 const char *message)
{
	const struct outcome_row *row = outcome_row(outcome);
	char text[200];

	client_hears_error(world, before, row->http_status, row->name);
	snprintf(text, sizeof(text), "\"message\":\"%s\"", message);
	assert_answer_has(world, text);
}

static void every_outcome_is_told_with_its_status(void **state)
{
	struct edge_world *world = *state;

	for (int i = 0; i < OUTCOME_COUNT; i++) {
		enum outcome outcome = (enum outcome)i;
		unsigned status = outcome_row(outcome)->http_status;
		bool come_back = status == 503 || status == 429;

		if (outcome == OUTCOME_OK)
			continue;
		client_begins(world);
		plugin_fails(world, outcome, "", 0);
		client_hears_outcome(world, "", outcome, outcome_row(outcome)->text);
		if (come_back)
			assert_answer_field(world, "retry-after: 1");
		else
			assert_no_answer_field(world, "retry-after");
		client_closes(world, HTTP_CLOSED_DONE);

		client_begins(world);
		plugin_fails(world, outcome, "said the plugin", 2001);
		client_hears_outcome(world, "", outcome, "said the plugin");
		if (come_back)
			assert_answer_field(world, "retry-after: 3");
		client_closes(world, HTTP_CLOSED_DONE);
	}
}

static void a_call_that_is_over_at_once_is_told(void **state)
{
	struct edge_world *world = *state;

	world->refuse = OUTCOME_PLUGIN_OVERLOADED;
	client_asks(world, "GET /raw", "");
	plugin_hears_call(world, "!");
	client_hears_outcome(world, "", OUTCOME_PLUGIN_OVERLOADED,
			     "The plugin has too many calls at once");
	assert_answer_field(world, "retry-after: 1");
	client_closes(world, HTTP_CLOSED_DONE);

	client_asks(world, "POST /raw", "content-length: 9\r\n");
	client_sends(world, "one");
	plugin_hears_call(world, "");
	client_hears_outcome(world, "want ", OUTCOME_PLUGIN_OVERLOADED,
			     "The plugin has too many calls at once");
	client_closes(world, HTTP_CLOSED_DONE);
}

static void a_plugin_that_has_told_nothing_yet_is_not_ready(void **state)
{
	struct edge_world *world = *state;

	registry_withdraw(world->registry, &world->target);
	client_asks(world, "GET /raw", "");
	client_hears_outcome(world, "", OUTCOME_PLUGIN_NOT_READY,
			     "No instance of the plugin is ready");
	assert_answer_field(world, "retry-after: 1");
	client_closes(world, HTTP_CLOSED_DONE);
}

static void a_route_to_a_method_that_is_not_there_is_a_501(void **state)
{
	struct edge_world *world = *state;

	client_asks(world, "POST /none", "");
	client_hears_outcome(world, "", OUTCOME_UNIMPLEMENTED,
			     "service \\\"puppet.v1.Puppet\\\" has no method \\\"None\\\"");
	client_closes(world, HTTP_CLOSED_DONE);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, edge_world_setup, edge_world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(a_body_over_the_limit_is_refused),
		IN_WORLD(a_body_that_grows_too_large_cuts_the_answer_that_has_begun),
		IN_WORLD(an_answer_that_fails_after_its_head_is_cut),
		IN_WORLD(an_answer_that_cannot_be_sent_is_a_502),
		IN_WORLD(a_second_head_cuts_the_answer),
		IN_WORLD(an_end_without_an_answer_is_a_502),
		IN_WORLD(who_leaves_takes_the_call_along),
		IN_WORLD(every_outcome_is_told_with_its_status),
		IN_WORLD(a_call_that_is_over_at_once_is_told),
		IN_WORLD(a_plugin_that_has_told_nothing_yet_is_not_ready),
		IN_WORLD(a_route_to_a_method_that_is_not_there_is_a_501),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
