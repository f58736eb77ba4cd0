/* A request whose proof takes its time: it waits with its body unread, goes on where it was, and
 * forgets the proof when its client leaves. The test plays the method (link_args wrap it). */
#include "edge/auth.h"
#include "proto/wire_caller.h"
#include "tests/support/edge_world.h"

static struct {
	enum verdict verdict;
	struct proof *pending;
	unsigned asked;
	unsigned cancelled;
} method;

static struct principal ann = {.method = "api_key", .subject = {"ann", 3}, .tenant = {"acme", 4}};

static void on_cancel(struct proof *proof)
{
	assert_ptr_equal(proof, method.pending);
	method.pending = NULL;
	method.cancelled++;
}

enum verdict __wrap_api_key_verify(struct proof *proof);

enum verdict __wrap_api_key_verify(struct proof *proof)
{
	method.asked++;
	proof->why = "it is wrong";
	if (method.verdict == VERDICT_ACCEPTED)
		proof->principal = &ann;
	if (method.verdict == VERDICT_PENDING) {
		method.pending = proof;
		proof->cancel = on_cancel;
	}
	return method.verdict;
}

/* As a method does whose answer has come. */
static void decide(enum verdict verdict)
{
	struct proof *proof = method.pending;

	method.pending = NULL;
	if (verdict == VERDICT_ACCEPTED)
		proof->principal = &ann;
	proof_end(proof, verdict);
}

static int setup(void **state)
{
	static char *methods[] = {(char *)"api_key", NULL};
	static char *roles[] = {(char *)"admin", NULL};
	static char small[] = "/small";
	struct edge_world *world;
	int r = edge_world_setup(state);

	world = *state;
	world->opts.identity.api_key_header = (char *)"x-api-key";
	world->opts.identity.realm = (char *)"test";
	world->opts.auth.methods = methods;
	for (size_t i = 0; i < world->opts.route_count; i++) {
		struct route_opts *route = &world->opts.routes[i];

		if (strcmp(route->path, small) == 0)
			route->auth = (struct auth_opts){.methods = methods, .any_role = roles};
	}
	edge_apply(world->edge, edge_world_routes(world));
	memset(&method, 0, sizeof(method));
	return r;
}

#define SHOWS "x-api-key: secret\r\n"

static void who_is_accepted_goes_on_and_the_plugin_is_told(void **state)
{
	struct edge_world *world = *state;

	method.verdict = VERDICT_ACCEPTED;
	client_asks(world, "GET /raw", SHOWS);
	plugin_hears_call(world, "!");
	assert_wire(world->asked.principal, "ann");
	assert_wire(world->asked.tenant, "acme");
	plugin_answers(world, http_message(200, "", ""), true);
	client_hears(world, "answer(200,0)! ");
	client_closes(world, HTTP_CLOSED_DONE);
}

static void who_is_pending_waits_unread_and_goes_on_where_it_was(void **state)
{
	struct edge_world *world = *state;

	method.verdict = VERDICT_PENDING;
	client_asks(world, "POST /raw", SHOWS "content-length: 3\r\n");
	client_hears(world, "");
	plugin_hears(world, "");
	assert_false(world->wants_body);
	decide(VERDICT_ACCEPTED);
	assert_int_equal(method.asked, 1);
	client_hears(world, "want ");
	client_sends(world, "abc");
	client_ends_body(world);
	plugin_hears_call(world, "!");
	assert_wire(world->asked.principal, "ann");
	plugin_answers(world, http_message(200, "", ""), true);
	client_hears(world, "hold answer(200,0)! ");
	client_closes(world, HTTP_CLOSED_DONE);
}

static void who_is_refused_later_is_refused_all_the_same(void **state)
{
	static const struct {
		enum verdict verdict;
		unsigned status;
		const char *code;
	} rows[] = {{VERDICT_REFUSED, 401, "CREDENTIALS_WRONG"},
		    {VERDICT_BUSY, 503, "LOGINS_BUSY"}};
	struct edge_world *world = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		method.verdict = VERDICT_PENDING;
		client_asks(world, "GET /raw", SHOWS);
		decide(rows[i].verdict);
		client_hears_error(world, "", rows[i].status, rows[i].code);
		client_closes(world, HTTP_CLOSED_DONE);
	}
	method.verdict = VERDICT_PENDING;
	client_asks(world, "GET /small", SHOWS);
	decide(VERDICT_ACCEPTED);
	client_hears_error(world, "", 403, "ACCESS_DENIED");
	client_closes(world, HTTP_CLOSED_DONE);
	plugin_hears(world, "");
}

static void who_leaves_is_not_waited_for(void **state)
{
	struct edge_world *world = *state;

	method.verdict = VERDICT_PENDING;
	client_asks(world, "GET /raw", SHOWS);
	client_closes(world, HTTP_CLOSED_LEFT);
	assert_int_equal(method.cancelled, 1);
	assert_null(method.pending);
	client_hears(world, "");
	plugin_hears(world, "");
}

static void a_decided_proof_is_not_cancelled(void **state)
{
	struct edge_world *world = *state;

	method.verdict = VERDICT_PENDING;
	client_asks(world, "GET /raw", SHOWS);
	decide(VERDICT_REFUSED);
	client_hears_error(world, "", 401, "CREDENTIALS_WRONG");
	client_closes(world, HTTP_CLOSED_DONE);
	assert_int_equal(method.cancelled, 0);
}

static void the_most_exact_rule_of_a_method_by_name_counts(void **state)
{
	struct edge_world *world = *state;
	static char *none[] = {(char *)"none", NULL};
	static char *key[] = {(char *)"api_key", NULL};
	struct rpc_auth_opts rpc[] = {
		{.method = (char *)"puppet.v1.Puppet/*", .auth.methods = none},
		{.method = (char *)"puppet.v1.Puppet/Say", .auth.methods = key},
	};
	struct identity_opts identity = world->opts.identity;
	struct auth_opts rest = {.methods = NULL};
	struct auth_rules rules;
	struct err err;

	identity.rpc = rpc;
	identity.rpc_count = COUNT_OF(rpc);
	assert_int_equal(auth_rules_init(&rules, &rest, &identity, NULL, &err), 0);
	assert_ptr_equal(auth_rule_of_rpc(&rules, STR_LITERAL("puppet.v1.Puppet/Say"))->opts,
			 &rpc[1].auth);
	assert_ptr_equal(auth_rule_of_rpc(&rules, STR_LITERAL("puppet.v1.Puppet/Other"))->opts,
			 &rpc[0].auth);
	assert_ptr_equal(auth_rule_of_rpc(&rules, STR_LITERAL("puppet.v1.Pup/Say"))->opts, &rest);
	assert_ptr_equal(auth_rule_of_rpc(&rules, STR_LITERAL("puppet.v1.Puppet"))->opts, &rest);
	assert_ptr_equal(auth_rule_of_rpc(&rules, STR_LITERAL("/"))->opts, &rest);
	assert_ptr_equal(auth_rule_of_rpc(&rules, STR_LITERAL(""))->opts, &rest);
	auth_rules_deinit(&rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(who_is_accepted_goes_on_and_the_plugin_is_told,
						setup, edge_world_teardown),
		cmocka_unit_test_setup_teardown(
			who_is_pending_waits_unread_and_goes_on_where_it_was, setup,
			edge_world_teardown),
		cmocka_unit_test_setup_teardown(who_is_refused_later_is_refused_all_the_same, setup,
						edge_world_teardown),
		cmocka_unit_test_setup_teardown(who_leaves_is_not_waited_for, setup,
						edge_world_teardown),
		cmocka_unit_test_setup_teardown(a_decided_proof_is_not_cancelled, setup,
						edge_world_teardown),
		cmocka_unit_test_setup_teardown(the_most_exact_rule_of_a_method_by_name_counts,
						setup, edge_world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
