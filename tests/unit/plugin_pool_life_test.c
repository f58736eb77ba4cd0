/* A pool of real children that play scripts: who stays down, and who sleeps. */
#include <errno.h>

#include "observe/errors.h"
#include "tests/support/pool_world.h"
#include "tests/support/unit.h"

/* ---- those who stay down ---- */

static void a_crash_loop_ends_and_is_told_once(void **state)
{
	struct world *world = *state;

	world->plugin.opts.restart = (struct restart_opts){.max_restarts = 2, .period_ms = HOUR_MS};
	PLAYS(&world->plugin, "hello", "exit:3");
	start_pool(world, 1);
	assert_true(pool_is_coming(world->pool, 0));
	RUN_UNTIL(world, pool_down_reason(world->pool));
	assert_int_equal(pool_down_reason(world->pool)->code, ERR_PLUGIN_CRASH_LOOP);
	assert_int_equal(pool_slot_state(world->pool, 0), SLOT_DOWN);
	assert_ptr_equal(pool_slot_reason(world->pool, 0), pool_down_reason(world->pool));
	assert_false(pool_is_coming(world->pool, HOUR_MS));
	let_a_restart_pass(world);
	assert_int_equal(pool_restarts(world->pool), 2);
	expect_heard(world, "0 "); /* on_change: no more will come */
}

static void a_pool_is_down_when_every_place_is(void **state)
{
	struct world *world = *state;

	world->plugin.opts.restart.policy = RESTART_NEVER;
	PLAYS(&world->plugin, GREETS, "request", "exit:0");
	start_pool(world, 2);
	run_until_ready(world, 2);
	call(world, pool_pick(world->pool, 0));
	run_until_ready(world, 1);
	assert_null(pool_down_reason(world->pool));
	call(world, pool_pick(world->pool, 0));
	RUN_UNTIL(world, pool_down_reason(world->pool));
	assert_int_equal(pool_down_reason(world->pool)->code, ERR_PLUGIN_ENDED);
}

static void a_restart_by_hand_fills_empty_places_with_fresh_histories(void **state)
{
	struct world *world = *state;
	struct err err = {0};

	world->plugin.opts.restart = (struct restart_opts){.max_restarts = 1, .period_ms = HOUR_MS};
	PLAYS(&world->plugin, "hello", "if:test/1/2", "exit:3", "welcome:a.v1.A", "start", "ready",
	      "end");
	start_pool(world, 2);
	RUN_UNTIL(world, pool_slot_state(world->pool, 1) == SLOT_DOWN);
	run_until_ready(world, 1);
	assert_int_equal(pool_restart(world->pool, &err), 1);
	RUN_UNTIL(world, pool_slot_state(world->pool, 1) == SLOT_DOWN);
	assert_int_equal(pool_restarts(world->pool), 2);
	assert_int_equal(pool_ready_count(world->pool), 1);
}

static void what_was_refused_or_drains_cannot_be_restarted(void **state)
{
	struct world *world = *state;
	struct err err = {0};

	whitelist_free(world->whitelist);
	world->whitelist = pin("/some/other/program");
	assert_int_equal(try_start_pool(world, 1, &err), -EACCES);
	assert_true(pool_restart(world->pool, &err) < 0);
	assert_int_equal(err.code, ERR_WHITELIST_UNLISTED);
	assert_false(pool_is_coming(world->pool, HOUR_MS));
	pool_drain(world->pool, HOUR_MS);
	assert_true(pool_restart(world->pool, &err) < 0);
	assert_int_equal(err.code, ERR_PLUGIN_UNAVAILABLE);
}

/* ---- sleep ---- */

static void a_lazy_pool_starts_when_it_is_woken(void **state)
{
	struct world *world = *state;

	world->plugin.opts.start = PLUGIN_LAZY;
	PLAYS(&world->plugin, GREETS, "end");
	start_pool(world, 2);
	assert_true(pool_is_asleep(world->pool) && pool_is_available(world->pool));
	assert_int_equal(pool_slot_state(world->pool, 1), SLOT_ASLEEP);
	assert_null(pool_slot(world->pool, 0));
	assert_true(pool_is_coming(world->pool, 0));
	pool_wake(world->pool);
	assert_false(pool_is_asleep(world->pool));
	assert_true(pool_is_available(world->pool) && pool_is_coming(world->pool, 0));
	pool_wake(world->pool);
	run_until_ready(world, 2);
	assert_int_equal(pool_restarts(world->pool), 0);
}

static void who_is_woken_and_dies_is_not_as_good_as_ready(void **state)
{
	struct world *world = *state;

	world->plugin.opts.start = PLUGIN_LAZY;
	world->plugin.opts.restart.initial_delay_ms = HOUR_MS;
	PLAYS(&world->plugin, "hello", "exit:3");
	start_pool(world, 1);
	pool_wake(world->pool);
	RUN_UNTIL(world, !pool_slot(world->pool, 0));
	assert_false(pool_is_available(world->pool));
	assert_false(pool_is_coming(world->pool, 1000));
	assert_true(pool_is_coming(world->pool, HOUR_MS));
}

static void an_idle_pool_falls_asleep_and_can_be_woken(void **state)
{
	struct world *world = *state;

	world->plugin.opts.idle_timeout_ms = 1;
	world->plugin.opts.restart.policy = RESTART_NEVER; /* sleep is no end */
	PLAYS(&world->plugin, GREETS, "drain", "bye", "end");
	start_pool(world, 1);
	for (int i = 0; i < 3; i++) {
		run_until_ready(world, 1);
		RUN_UNTIL(world, pool_is_asleep(world->pool) && !pool_slot(world->pool, 0));
		assert_int_equal(pool_slot_state(world->pool, 0), SLOT_ASLEEP);
		pool_wake(world->pool);
	}
	assert_int_equal(pool_last_failure(world->pool)->code, 0);
}

static void an_open_call_keeps_a_pool_awake(void **state)
{
	struct world *world = *state;

	PLAYS(&world->plugin, GREETS, "end");
	world->plugin.opts.idle_timeout_ms = 1;
	start_pool(world, 1);
	RUN_UNTIL(world, pool_pick(world->pool, 0));
	call(world, pool_pick(world->pool, 0));
	let_a_restart_pass(world); /* a hundred times its idle_timeout */
	assert_false(pool_is_asleep(world->pool));
	assert_int_equal(pool_ready_count(world->pool), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pool_world_setup, pool_world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_crash_loop_ends_and_is_told_once),
		TEST(a_pool_is_down_when_every_place_is),
		TEST(a_restart_by_hand_fills_empty_places_with_fresh_histories),
		TEST(what_was_refused_or_drains_cannot_be_restarted),
		TEST(a_lazy_pool_starts_when_it_is_woken),
		TEST(who_is_woken_and_dies_is_not_as_good_as_ready),
		TEST(an_idle_pool_falls_asleep_and_can_be_woken),
		TEST(an_open_call_keeps_a_pool_awake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
