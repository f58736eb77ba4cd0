/* What a place at the door is for, on a real edge with one place: who has it, who waits, and who is
 * sent away. Others who have it are played by the test: it takes the place from the counter. */
#include "edge/edge_internal.h"
#include "tests/support/edge_world.h"

static struct limit *limit_of(struct edge_world *world)
{
	return &world->edge->door.limit;
}

static int setup(void **state)
{
	struct edge_world *world;

	if (edge_world_setup(state) != 0)
		return -1;
	world = *state;
	world->opts.load.door = (struct door_opts){1, 1, 60000};
	world->plugin.retry.buffer_bytes = 10;
	edge_apply(world->edge, edge_world_routes(world));
	return 0;
}

/* Somebody else has the place. */
static void others_come(struct edge_world *world)
{
	assert_int_equal(limit_enter(limit_of(world)), LIMIT_RUN);
}

static void others_leave(struct edge_world *world)
{
	limit_leave(limit_of(world));
	door_apply(&world->edge->door, world->loop, &world->opts.load.door);
	loop_turn(world->loop, false);
}

static void assert_door(struct edge_world *world, unsigned running, unsigned waiting)
{
	assert_int_equal(limit_of(world)->running, running);
	assert_int_equal(limit_of(world)->waiting, waiting);
}

static void close_answered(struct edge_world *world)
{
	client_closes(world, HTTP_CLOSED_DONE);
	assert_door(world, 0, 0);
}

/* ---- who has it ---- */

static void a_place_is_taken_until_the_answer_begins(void **state)
{
	struct edge_world *world = *state;

	client_begins(world);
	assert_door(world, 1, 0);
	plugin_answers(world, http_message(200, "", "a"), false);
	assert_door(world, 0, 0);
	plugin_sends(world, (struct wire_bytes){NULL, 0}, false, true);
	client_hears(world, "answer(200,1) send(0)! ");
	close_answered(world);
}

static void an_error_ends_it_too(void **state)
{
	struct edge_world *world = *state;

	client_begins(world);
	plugin_fails(world, OUTCOME_UNAVAILABLE, "", 0);
	client_hears_error(world, "", 503, "UNAVAILABLE");
	assert_door(world, 0, 0);
	close_answered(world);
}

static void a_client_that_leaves_takes_its_place_with_it(void **state)
{
	struct edge_world *world = *state;

	client_begins(world);
	client_closes(world, HTTP_CLOSED_LEFT);
	plugin_hears(world, "cancel(CANCELLED) ");
	assert_door(world, 0, 0);
}

static void a_short_body_is_there_before_a_place_is_taken(void **state)
{
	struct edge_world *world = *state;

	client_asks(world, "POST /raw", "content-length: 6\r\n");
	client_sends(world, "abc");
	assert_door(world, 0, 0);
	client_sends(world, "def");
	assert_door(world, 1, 0);
	plugin_hears_call(world, "!");
	plugin_answers(world, http_message(200, "", ""), true);
	client_hears(world, "want hold answer(200,0)! ");
	close_answered(world);
}

static void a_long_body_has_no_place_until_all_of_it_is_there(void **state)
{
	struct edge_world *world = *state;

	client_asks(world, "POST /raw", "content-length: 20\r\n");
	client_sends(world, "0123456789");
	plugin_hears_call(world, "");
	assert_door(world, 0, 0);
	others_come(world);
	client_sends(world, "0123456789");
	assert_door(world, 2, 0);
	plugin_answers(world, http_message(200, "", ""), true);
	assert_door(world, 1, 0);
	limit_leave(limit_of(world));
	buf_deinit(&world->heard);
	client_hears(world, "want hold answer(200,0)! ");
	close_answered(world);
}

/* ---- who waits ---- */

static void who_finds_no_place_waits_for_it(void **state)
{
	struct edge_world *world = *state;

	others_come(world);
	client_asks(world, "GET /raw", "");
	plugin_hears(world, "");
	assert_door(world, 1, 1);
	others_leave(world);
	assert_door(world, 1, 0);
	plugin_hears_call(world, "!");
	plugin_answers(world, http_message(200, "", ""), true);
	client_hears(world, "answer(200,0)! ");
	close_answered(world);
}

static void a_body_that_waits_is_kept_and_no_more_is_read(void **state)
{
	struct edge_world *world = *state;

	others_come(world);
	client_asks(world, "POST /raw", "content-length: 20\r\n");
	client_sends(world, "0123456789");
	client_hears(world, "want hold ");
	others_leave(world);
	client_hears(world, "want ");
	assert_str(
		(struct str){(const char *)asked_http(world).body.data, asked_http(world).body.len},
		"0123456789");
	plugin_hears_call(world, "");
	client_sends(world, "abcdefghij");
	plugin_answers(world, http_message(200, "", ""), true);
	client_hears(world, "hold answer(200,0)! ");
	buf_deinit(&world->heard);
	close_answered(world);
}

static void a_body_that_ends_while_it_waits_ends_later(void **state)
{
	struct edge_world *world = *state;

	others_come(world);
	client_asks(world, "POST /raw", "transfer-encoding: chunked\r\n");
	client_sends(world, "abc");
	client_ends_body(world);
	client_hears(world, "want hold ");
	others_leave(world);
	plugin_answers(world, http_message(200, "", ""), true);
	client_hears(world, "answer(200,0)! ");
	assert_int_equal(asked_http(world).body.len, 3);
	buf_deinit(&world->heard);
	close_answered(world);
}

static void who_leaves_while_it_waits_is_forgotten(void **state)
{
	struct edge_world *world = *state;

	others_come(world);
	client_asks(world, "GET /raw", "");
	client_closes(world, HTTP_CLOSED_LEFT);
	assert_door(world, 1, 0);
	others_leave(world);
	plugin_hears(world, "");
	assert_door(world, 0, 0);
}

/* ---- who is sent away ---- */

static void who_waits_too_long_is_told_when_to_come_back(void **state)
{
	struct edge_world *world = *state;

	world->opts.load.door.queue_timeout_ms = 1;
	edge_apply(world->edge, edge_world_routes(world));
	others_come(world);
	client_asks(world, "GET /raw", "");
	while (!world->is_answered)
		loop_turn(world->loop, true);
	client_hears_error(world, "", 503, "DOOR_TIMEOUT");
	assert_answer_field(world, "retry-after: 1");
	assert_door(world, 1, 0);
	client_closes(world, HTTP_CLOSED_DONE);
	others_leave(world);
	plugin_hears(world, "");
}

static void who_has_less_time_than_that_is_told_that_it_is_over(void **state)
{
	struct edge_world *world = *state;

	others_come(world);
	client_asks(world, "GET /raw", "grpc-timeout: 1m\r\n");
	while (!world->is_answered)
		loop_turn(world->loop, true);
	client_hears_error(world, "", 504, "DEADLINE_EXCEEDED");
	client_closes(world, HTTP_CLOSED_DONE);
	others_leave(world);
}

static void a_full_queue_refuses_at_once_and_reads_nothing(void **state)
{
	struct edge_world *world = *state;

	others_come(world);
	assert_int_equal(limit_enter(limit_of(world)), LIMIT_WAIT);
	client_asks(world, "POST /raw", "content-length: 6\r\n");
	client_hears_error(world, "", 503, "DOOR_FULL");
	client_closes(world, HTTP_CLOSED_DONE);
	limit_abandon(limit_of(world));
	others_leave(world);
	plugin_hears(world, "");
}

static void health_and_questions_of_browsers_never_wait(void **state)
{
	static char *origins[] = {(char *)"https://a.example", NULL};
	struct edge_world *world = *state;

	world->opts.cors.origins = origins;
	edge_apply(world->edge, edge_world_routes(world));
	others_come(world);
	assert_int_equal(limit_enter(limit_of(world)), LIMIT_WAIT);
	client_asks(world, "GET /health/live", "");
	client_hears(world, "answer(200,17)! ");
	client_closes(world, HTTP_CLOSED_DONE);
	client_asks(world, "OPTIONS /raw",
		    "origin: https://a.example\r\naccess-control-request-method: GET\r\n");
	client_hears(world, "answer(204,0)! ");
	client_closes(world, HTTP_CLOSED_DONE);
	limit_abandon(limit_of(world));
	others_leave(world);
}

static void without_a_limit_there_are_no_places(void **state)
{
	struct edge_world *world = *state;

	world->opts.load.door.limit = 0;
	edge_apply(world->edge, edge_world_routes(world));
	client_begins(world);
	assert_door(world, 0, 0);
	plugin_answers(world, http_message(200, "", ""), true);
	client_hears(world, "answer(200,0)! ");
	close_answered(world);
}

/* ---- who is late ---- */

/* Three turns in each of so many intervals, each as long. */
static void turns_take(struct edge_world *world, int64_t took_us, int intervals)
{
	int64_t now_us = loop_now_us(world->loop);

	world->edge->lag = (struct lateness){0};
	for (int i = 0; i < 3 * intervals; i++)
		lateness_note(&world->edge->lag, &world->edge->lag_limit, took_us,
			      now_us -
				      (3 * intervals - i) * world->edge->lag_limit.interval_us / 3);
}

static void a_late_loop_refuses_what_is_least_important(void **state)
{
	static const struct {
		enum priority_word priority;
		int intervals;
		bool is_refused;
	} rows[] = {
		{WORD_LOW, 0, false},	{WORD_LOW, 2, true},  {WORD_NORMAL, 1, false},
		{WORD_NORMAL, 5, true}, {WORD_HIGH, 6, true}, {WORD_CRITICAL, 9, false},
	};
	struct edge_world *world = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		for (size_t route = 0; route < world->opts.route_count; route++)
			world->opts.routes[route].load.priority = rows[i].priority;
		world->opts.load.shed = (struct shed_opts){50, 0, 10000};
		edge_apply(world->edge, edge_world_routes(world));
		turns_take(world, 50000, rows[i].intervals);
		client_asks(world, "GET /raw", "");
		if (rows[i].is_refused) {
			client_hears_error(world, "", 503, "SHED");
			assert_answer_field(world, "retry-after: 10");
			plugin_hears(world, "");
		} else {
			plugin_hears_call(world, "!");
			plugin_answers(world, http_message(200, "", ""), true);
			client_hears(world, "answer(200,0)! ");
		}
		client_closes(world, HTTP_CLOSED_DONE);
	}
}

/* The edge is told by the loop itself how long its turns take. */
static void the_loop_tells_how_late_it_is(void **state)
{
	struct edge_world *world = *state;

	world->opts.load.shed = (struct shed_opts){3600000, 0, 3600000};
	edge_apply(world->edge, edge_world_routes(world));
	loop_turn(world->loop, false);
	loop_turn(world->loop, false);
	assert_true(world->edge->lag.samples > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, edge_world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_place_is_taken_until_the_answer_begins),
		TEST(an_error_ends_it_too),
		TEST(a_client_that_leaves_takes_its_place_with_it),
		TEST(a_short_body_is_there_before_a_place_is_taken),
		TEST(a_long_body_has_no_place_until_all_of_it_is_there),
		TEST(who_finds_no_place_waits_for_it),
		TEST(a_body_that_waits_is_kept_and_no_more_is_read),
		TEST(a_body_that_ends_while_it_waits_ends_later),
		TEST(who_leaves_while_it_waits_is_forgotten),
		TEST(who_waits_too_long_is_told_when_to_come_back),
		TEST(who_has_less_time_than_that_is_told_that_it_is_over),
		TEST(a_full_queue_refuses_at_once_and_reads_nothing),
		TEST(health_and_questions_of_browsers_never_wait),
		TEST(without_a_limit_there_are_no_places),
		TEST(a_late_loop_refuses_what_is_least_important),
		TEST(the_loop_tells_how_late_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
