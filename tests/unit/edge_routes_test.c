/* Other routes come into force while requests are under way: each keeps those that it came
 * under. */
#include <dirent.h>

#include "observe/errors.h"
#include "tests/support/edge_world.h"

static struct route_opts other_routes[] = {{.path = (char *)"/other", .plugin = (char *)"puppet"}};

/* Only "/other", with a smaller limit. */
static void apply_others(struct edge_world *world)
{
	world->opts.routes = other_routes;
	world->opts.route_count = 1;
	edge_apply(world->edge, edge_world_routes(world));
}

static void a_request_keeps_the_routes_that_it_came_under(void **state)
{
	struct edge_world *world = *state;

	client_begins(world);
	apply_others(world);
	assert_int_equal(world->routes_gone, 0);
	plugin_answers(world, http_message(200, "", "late"), true);
	client_hears(world, "answer(200,4)! ");
	client_closes(world, HTTP_CLOSED_DONE);
	assert_int_equal(world->routes_gone, 1);
}

static void what_comes_later_obeys_the_new_ones(void **state)
{
	struct edge_world *world = *state;

	apply_others(world);
	assert_int_equal(world->routes_gone, 1);
	client_asks(world, "GET /raw", "");
	client_hears_error(world, "", 404, "NOT_FOUND");
	client_closes(world, HTTP_CLOSED_DONE);
	client_asks(world, "GET /other", "");
	plugin_hears_call(world, "!");
	plugin_answers(world, http_message(200, "", "here"), true);
	client_hears(world, "answer(200,4)! ");
	client_closes(world, HTTP_CLOSED_DONE);
}

static void routes_that_lead_nowhere_are_refused(void **state)
{
	struct edge_world *world = *state;
	struct route_opts route = {.path = (char *)"/a", .plugin = (char *)"nobody"};
	struct edge_opts opts = {.routes = &route, .route_count = 1};
	struct err err = {0};

	assert_null(edge_routes_new(&(struct edge_routes_opts){.opts = &opts,
							       .targets = world->targets,
							       .target_count = 1},
				    &err));
	assert_int_equal(err.code, ERR_CONFIG_CONFLICT);
}

static size_t open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* The second one has opened its directory when it meets the first. */
static void routes_that_are_refused_leave_nothing_open(void **state)
{
	struct edge_world *world = *state;
	struct route_opts routes[] = {
		{.path = (char *)"/*file", .files = {.directory = (char *)"/tmp"}},
		{.path = (char *)"/*other", .files = {.directory = (char *)"/tmp"}}};
	struct edge_opts opts = {.routes = routes, .route_count = 2};
	size_t before = open_descriptors();
	struct err err = {0};

	assert_null(edge_routes_new(&(struct edge_routes_opts){.opts = &opts,
							       .targets = world->targets,
							       .target_count = 1},
				    &err));
	assert_int_equal(err.code, ERR_CONFIG_CONFLICT);
	assert_int_equal(open_descriptors(), before);
}

static void routes_that_are_not_applied_are_given_up(void **state)
{
	struct edge_world *world = *state;

	edge_routes_free(edge_world_routes(world));
	assert_int_equal(world->routes_gone, 1);
	edge_routes_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, edge_world_setup, edge_world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_request_keeps_the_routes_that_it_came_under),
		TEST(what_comes_later_obeys_the_new_ones),
		TEST(routes_that_lead_nowhere_are_refused),
		TEST(routes_that_are_refused_leave_nothing_open),
		TEST(routes_that_are_not_applied_are_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
