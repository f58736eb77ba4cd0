/* Another configuration is offered to a pool of real children that play scripts: they take it,
 * refuse it, die of it or say nothing; and it is kept or dropped. */
#include "observe/errors.h"
#include "tests/support/pool_world.h"
#include "tests/support/unit.h"

/* The words of a script that becomes ready and takes configurations. */
#define TAKES "hello", "takes:a.v1.A", "start", "ready"

/* Instances that began with the configuration "old". */
static void start_old(struct world *world, unsigned instances)
{
	world->plugin.opts.config = (uint8_t *)"old";
	world->plugin.opts.config_len = 3;
	start_pool(world, instances);
	run_until_ready(world, instances);
}

static void offer(struct world *world)
{
	unsigned before = world->concluded;

	pool_offer_config(world->pool, (const uint8_t *)"new", 3);
	RUN_UNTIL(world, world->concluded > before);
}

static void expect_refused(const struct world *world, const char *why)
{
	assert_int_equal(world->concluded, 1);
	assert_int_equal(world->config_why.code, ERR_RELOAD_REFUSED);
	if (!strstr(world->config_why.text, why))
		fail_msg("%s", world->config_why.text);
}

static void keep(struct world *world)
{
	world->plugin.opts.config = (uint8_t *)"new";
	pool_keep_config(world->pool);
}

/* The script has come so far that it answers the call with this. */
static void expect_answer(struct world *world, const char *answer)
{
	world->plugin.heard[0] = '\0';
	call(world, pool_pick(world->pool, 0));
	RUN_UNTIL(world, world->plugin.heard[0]);
	expect_heard(world, answer);
}

static void expect_failure(struct world *world, int code, const char *text)
{
	RUN_UNTIL(world, pool_last_failure(world->pool)->code != 0);
	assert_int_equal(pool_last_failure(world->pool)->code, code);
	if (!strstr(pool_last_failure(world->pool)->text, text))
		fail_msg("%s", pool_last_failure(world->pool)->text);
}

/* ---- offers ---- */

static void all_take_it_and_it_stays(void **state)
{
	struct world *world = *state;

	PLAYS(&world->plugin, TAKES, "config", "if:new", "accept", "request", "answer:well", "end");
	start_old(world, 3);
	assert_true(pool_takes_config(world->pool));
	offer(world);
	assert_int_equal(world->config_why.code, 0);
	keep(world);
	expect_answer(world, "answer(well) ");
	assert_int_equal(world->concluded, 1);
}

static void one_refusal_is_the_end_of_the_offer(void **state)
{
	struct world *world = *state;

	PLAYS(&world->plugin, TAKES, "config", "refuse:too new", "request", "answer:well", "end");
	start_old(world, 1);
	offer(world);
	expect_refused(world, "refuses the configuration: too new");
	pool_drop_config(world->pool);
	expect_answer(world, "answer(well) ");
	assert_int_equal(world->concluded, 1);
}

static void who_took_it_gets_the_old_one_again_when_it_is_dropped(void **state)
{
	struct world *world = *state;

	PLAYS(&world->plugin, TAKES, "config", "if:new", "accept", "config", "if:old", "accept",
	      "request", "answer:as before", "end");
	start_old(world, 1);
	offer(world);
	pool_drop_config(world->pool);
	expect_answer(world, "answer(as before) ");
	assert_int_equal(world->concluded, 1);
}

static void who_refuses_what_is_in_force_begins_anew(void **state)
{
	struct world *world = *state;

	PLAYS(&world->plugin, TAKES, "config", "accept", "config", "refuse:no way back", "end");
	start_old(world, 1);
	offer(world);
	pool_drop_config(world->pool);
	expect_failure(world, ERR_PLUGIN_FAILED, "no way back");
	run_until_ready(world, 1);
}

static void one_that_dies_of_it_is_the_end_of_the_offer(void **state)
{
	struct world *world = *state;

	PLAYS(&world->plugin, TAKES, "config", "exit:3");
	start_old(world, 1);
	offer(world);
	expect_refused(world, "was lost");
	pool_drop_config(world->pool);
}

static void one_that_says_nothing_is_the_end_of_the_offer(void **state)
{
	struct world *world = *state;

	PLAYS(&world->plugin, TAKES, "config", "stay");
	start_old(world, 1);
	world->plugin.opts.handshake_timeout_ms = 30;
	offer(world);
	expect_refused(world, "has answered CONFIG");
	pool_drop_config(world->pool);
}

/* What becomes ready between the offer and its end began with the old one. */
static void who_came_meanwhile_is_offered_it_when_it_stays(void **state)
{
	struct world *world = *state;
	struct err err = {ERR_PLUGIN_TIMEOUT, "slow"};

	PLAYS(&world->plugin, TAKES, "config", "if:new", "accept", "request", "answer:new", "end");
	start_old(world, 1);
	offer(world);
	instance_fail(pool_pick(world->pool, 0), &err);
	run_until_ready(world, 0);
	run_until_ready(world, 1);
	keep(world);
	expect_answer(world, "answer(new) ");
}

/* ---- who takes none ---- */

static void a_plugin_without_the_feature_takes_none(void **state)
{
	struct world *world = *state;

	PLAYS(&world->plugin, GREETS, "end");
	start_old(world, 1);
	assert_false(pool_takes_config(world->pool));
}

static void a_plugin_that_is_not_complete_takes_none(void **state)
{
	struct world *world = *state;

	PLAYS(&world->plugin, "hello", "if:test/1/2", "stay", "takes:a.v1.A", "start", "ready",
	      "end");
	start_pool(world, 2);
	run_until_ready(world, 1);
	assert_false(pool_takes_config(world->pool));
}

static void a_result_that_was_not_asked_for_is_a_violation(void **state)
{
	struct world *world = *state;

	PLAYS(&world->plugin, TAKES, "config", "result:77", "end");
	start_old(world, 1);
	offer(world);
	expect_refused(world, "was lost");
	expect_failure(world, ERR_PROTOCOL_STATE, "what was not asked");
	pool_drop_config(world->pool);
}

static void a_result_without_the_feature_is_a_violation(void **state)
{
	struct world *world = *state;

	PLAYS(&world->plugin, GREETS, "result:1", "end");
	start_pool(world, 1);
	expect_failure(world, ERR_PROTOCOL_STATE, "config_result, which is not allowed");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pool_world_setup, pool_world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_take_it_and_it_stays),
		TEST(one_refusal_is_the_end_of_the_offer),
		TEST(who_took_it_gets_the_old_one_again_when_it_is_dropped),
		TEST(who_refuses_what_is_in_force_begins_anew),
		TEST(one_that_dies_of_it_is_the_end_of_the_offer),
		TEST(one_that_says_nothing_is_the_end_of_the_offer),
		TEST(who_came_meanwhile_is_offered_it_when_it_stays),
		TEST(a_plugin_without_the_feature_takes_none),
		TEST(a_plugin_that_is_not_complete_takes_none),
		TEST(a_result_that_was_not_asked_for_is_a_violation),
		TEST(a_result_without_the_feature_is_a_violation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
