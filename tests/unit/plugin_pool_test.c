/* A pool of real children that play scripts: which of them is chosen, what becomes of one that
 * dies, and how all of them end. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "observe/errors.h"
#include "tests/support/pool_world.h"
#include "tests/support/unit.h"

/* ---- start ---- */

static void instances_become_ready_and_the_first_one_tells_the_manifest(void **state)
{
	struct world *world = *state;

	PLAYS(&world->plugin, GREETS, "end");
	start_pool(world, 3);
	assert_null(pool_manifest(world->pool));
	assert_int_equal(picked(world), 0);
	run_until_ready(world, 3);
	expect_heard(world, "manifest 1 2 3 ");
	assert_string_equal(pool_manifest(world->pool)->services[0].name, "a.v1.A");
	assert_int_equal(pool_slot_count(world->pool), 3);
	assert_int_equal(pool_last_failure(world->pool)->code, 0);
	assert_int_equal(pool_restarts(world->pool), 0);
}

static void an_executable_that_is_not_pinned_is_refused(void **state)
{
	struct world *world = *state;
	struct err err = {0};

	whitelist_free(world->whitelist);
	world->whitelist = pin("/some/other/program");
	assert_int_equal(try_start_pool(world, 2, &err), -EACCES);
	assert_int_equal(err.code, ERR_WHITELIST_UNLISTED);
	assert_int_equal(pool_last_failure(world->pool)->code, ERR_WHITELIST_UNLISTED);
	assert_string_equal(pool_last_failure(world->pool)->text, err.text);
	assert_null(pool_image(world->pool));
	assert_int_equal(picked(world), 0);
	for (unsigned i = 0; i < pool_slot_count(world->pool); i++)
		assert_null(pool_slot(world->pool, i));
}

static void who_cannot_be_started_is_tried_again(void **state)
{
	struct world *world = *state;
	const char *directory = world->plugin.fixture->path;

	world->plugin.opts.work_dir = (char *)directory; /* not there yet */
	PLAYS(&world->plugin, GREETS, "end");
	start_pool(world, 1);
	assert_null(pool_slot(world->pool, 0));
	assert_int_equal(pool_last_failure(world->pool)->code, ERR_PLUGIN_START);
	assert_int_equal(mkdir(directory, 0700), 0);
	run_until_ready(world, 1);
	assert_true(pool_restarts(world->pool) >= 1);
	assert_int_equal(rmdir(directory), 0);
}

/* ---- the choice ---- */

static void among_equals_they_take_turns(void **state)
{
	struct world *world = *state;
	unsigned first;

	PLAYS(&world->plugin, GREETS, "end");
	start_pool(world, 3);
	run_until_ready(world, 3);
	first = picked(world);
	for (unsigned i = 1; i < 10; i++)
		assert_int_equal(picked(world), (first - 1 + i) % 3 + 1);
}

static void the_least_busy_is_chosen(void **state)
{
	static const unsigned calls[] = {2, 1, 3};
	struct world *world = *state;

	PLAYS(&world->plugin, GREETS, "end"); /* takes calls and never answers */
	start_pool(world, 3);
	run_until_ready(world, 3);
	for (unsigned number = 1; number <= 3; number++) {
		struct instance *instance = NULL;

		while (!instance || instance_number(instance) != number)
			instance = pool_pick(world->pool, 0);
		for (unsigned i = 0; i < calls[number - 1]; i++)
			call(world, instance);
	}
	assert_int_equal(picked(world), 2); /* 2 1 3 */
	assert_int_equal(picked(world), 2);
	call(world, pool_pick(world->pool, 0)); /* 2 2 3 */
	assert_int_equal(picked(world), 1);
	assert_int_equal(picked(world), 2);
	call(world, pool_pick(world->pool, 0)); /* 3 2 3 */
	assert_int_equal(picked(world), 2);
	assert_int_equal(pool_total_calls(world->pool), 8);
}

static void only_who_is_ready_is_chosen(void **state)
{
	struct world *world = *state;

	PLAYS(&world->plugin, "hello", "if:test/1/2", "end", "welcome:a.v1.A", "start", "ready",
	      "end");
	start_pool(world, 3);
	run_until_ready(world, 2);
	for (int i = 0; i < 6; i++)
		assert_int_not_equal(picked(world), 2);
}

static void who_was_failed_is_not_chosen_any_more(void **state)
{
	struct world *world = *state;
	struct err err = {ERR_PLUGIN_TIMEOUT, "slow"};
	struct instance *failed;

	PLAYS(&world->plugin, GREETS, "stay");
	start_pool(world, 2);
	run_until_ready(world, 2);
	failed = pool_pick(world->pool, 0);
	instance_fail(failed, &err);
	assert_int_equal(pool_ready_count(world->pool), 1);
	for (int i = 0; i < 4; i++)
		assert_ptr_not_equal(pool_pick(world->pool, 0), failed);
}

/* ---- death ---- */

static void a_dead_one_is_started_again(void **state)
{
	struct world *world = *state;
	pid_t first;

	PLAYS(&world->plugin, GREETS, "request", "answer:well", "once:program", "exit:3", "end");
	start_pool(world, 1);
	run_until_ready(world, 1);
	first = instance_pid(pool_slot(world->pool, 0));
	call(world, pool_pick(world->pool, 0));
	run_until_ready(world, 0);
	RUN_UNTIL(world, !pool_slot(world->pool, 0));
	assert_int_equal(picked(world), 0);
	assert_int_equal(pool_last_failure(world->pool)->code, ERR_PLUGIN_GONE);
	assert_string_equal(pool_last_failure(world->pool)->text, "exited with status 3");
	run_until_ready(world, 1);
	expect_heard(world, "manifest 1 answer(well) 0 1 ");
	assert_int_equal(pool_restarts(world->pool), 1);
	assert_int_equal(pool_total_calls(world->pool), 1); /* of the dead one */
	assert_int_equal(picked(world), 1);
	assert_true(is_process_gone(first));
}

static void the_others_serve_on_when_one_dies(void **state)
{
	struct world *world = *state;
	struct instance *dies;
	unsigned number;

	PLAYS(&world->plugin, GREETS, "request", "exit:3");
	start_pool(world, 2);
	run_until_ready(world, 2);
	dies = pool_pick(world->pool, 0);
	number = instance_number(dies);
	call(world, dies);
	run_until_ready(world, 1);
	assert_int_equal(picked(world), 3 - number);
	assert_int_equal(picked(world), 3 - number);
	run_until_ready(world, 2);
}

static void a_later_one_must_tell_the_same_manifest(void **state)
{
	struct world *world = *state;
	const struct instance *first;

	PLAYS(&world->plugin, "hello", "if:test/1/1", "welcome:a.v1.A", "if:test/1/2",
	      "welcome:b.v1.B", "start", "ready", "end");
	start_pool(world, 2);
	RUN_UNTIL(world,
		  pool_last_failure(world->pool)->code != 0 && pool_ready_count(world->pool) == 1);
	expect_heard(world, "manifest 1 ");
	assert_int_equal(pool_last_failure(world->pool)->code, ERR_PROTOCOL_MANIFEST);
	assert_has(pool_last_failure(world->pool)->text,
		   "the instance before it declared it differently");
	first = pool_pick(world->pool, 0);
	assert_string_equal(pool_manifest(world->pool)->services[0].name,
			    instance_number(first) == 1 ? "a.v1.A" : "b.v1.B");
}

static void a_manifest_that_is_refused_is_asked_for_again(void **state)
{
	struct world *world = *state;

	world->refuses = "somebody else has a.v1.A";
	PLAYS(&world->plugin, GREETS, "end");
	start_pool(world, 1);
	RUN_UNTIL(world, pool_last_failure(world->pool)->code != 0);
	assert_string_equal(pool_last_failure(world->pool)->text, "somebody else has a.v1.A");
	assert_null(pool_manifest(world->pool));
	expect_heard(world, "manifest ");
	world->refuses = NULL;
	run_until_ready(world, 1);
	expect_heard(world, "manifest manifest 1 ");
}

static void the_plugins_own_call_names_its_instance(void **state)
{
	struct world *world = *state;

	PLAYS(&world->plugin, GREETS, "call:1", "end");
	start_pool(world, 1);
	RUN_UNTIL(world, world->caller);
	expect_heard(world, "manifest 1 Info ");
	assert_ptr_equal(world->caller, pool_slot(world->pool, 0));
}

/* ---- drain ---- */

static void drained_is_told_once_when_the_last_process_has_ended(void **state)
{
	struct world *world = *state;

	PLAYS(&world->plugin, GREETS, "drain", "bye", "end");
	start_pool(world, 3);
	run_until_ready(world, 3);
	pool_drain(world->pool, HOUR_MS);
	assert_true(pool_is_draining(world->pool));
	assert_int_equal(picked(world), 0);
	assert_int_equal(world->drained, 0);
	pool_drain(world->pool, HOUR_MS);
	RUN_UNTIL(world, world->drained > 0);
	pool_drain(world->pool, HOUR_MS);
	let_a_restart_pass(world);
	expect_heard(world, "manifest 1 2 3 2 1 0 drained ");
	assert_int_equal(pool_restarts(world->pool), 0);
}

static void draining_a_pool_that_waits_for_its_next_start_starts_nothing(void **state)
{
	struct world *world = *state;
	uint64_t restarts;

	PLAYS(&world->plugin, "hello", "exit:3");
	start_pool(world, 2);
	RUN_UNTIL(world, !pool_slot(world->pool, 0) && !pool_slot(world->pool, 1));
	restarts = pool_restarts(world->pool);
	pool_drain(world->pool, HOUR_MS);
	expect_heard(world, "drained ");
	let_a_restart_pass(world);
	assert_int_equal(pool_restarts(world->pool), restarts);
}

static void draining_a_pool_that_never_started_is_done_at_once(void **state)
{
	struct world *world = *state;
	struct err err;

	whitelist_free(world->whitelist);
	world->whitelist = pin("/some/other/program");
	assert_int_equal(try_start_pool(world, 2, &err), -EACCES);
	pool_drain(world->pool, HOUR_MS);
	expect_heard(world, "drained ");
}

static void who_does_not_finish_in_time_is_ended_too(void **state)
{
	struct world *world = *state;

	PLAYS(&world->plugin, GREETS, "stay");
	start_pool(world, 2);
	run_until_ready(world, 2);
	call(world, pool_pick(world->pool, 0));
	pool_drain(world->pool, 5);
	RUN_UNTIL(world, world->drained > 0);
	expect_heard(world, "manifest 1 2 1 0 "
			    "gone(was still busy at the end of its drain timeout) drained ");
}

/* ---- free ---- */

static void free_leaves_no_process(void **state)
{
	struct world *world = *state;
	pid_t pids[3];

	PLAYS(&world->plugin, GREETS, "stay");
	start_pool(world, 3);
	run_until_ready(world, 3);
	for (unsigned i = 0; i < 3; i++)
		pids[i] = instance_pid(pool_slot(world->pool, i));
	pool_free(world->pool);
	world->pool = NULL;
	for (unsigned i = 0; i < 3; i++)
		wait_pid_gone(pids[i]);
	loop_turn(world->loop, false);
	expect_heard(world, "manifest 1 2 3 ");
}

static void free_forgets_the_next_start(void **state)
{
	struct world *world = *state;

	PLAYS(&world->plugin, "hello", "exit:3");
	start_pool(world, 1);
	RUN_UNTIL(world, !pool_slot(world->pool, 0));
	pool_free(world->pool);
	world->pool = NULL;
	let_a_restart_pass(world);
	expect_heard(world, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pool_world_setup, pool_world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(instances_become_ready_and_the_first_one_tells_the_manifest),
		TEST(an_executable_that_is_not_pinned_is_refused),
		TEST(who_cannot_be_started_is_tried_again),
		TEST(among_equals_they_take_turns),
		TEST(the_least_busy_is_chosen),
		TEST(only_who_is_ready_is_chosen),
		TEST(who_was_failed_is_not_chosen_any_more),
		TEST(a_dead_one_is_started_again),
		TEST(the_others_serve_on_when_one_dies),
		TEST(a_later_one_must_tell_the_same_manifest),
		TEST(a_manifest_that_is_refused_is_asked_for_again),
		TEST(the_plugins_own_call_names_its_instance),
		TEST(drained_is_told_once_when_the_last_process_has_ended),
		TEST(draining_a_pool_that_waits_for_its_next_start_starts_nothing),
		TEST(draining_a_pool_that_never_started_is_done_at_once),
		TEST(who_does_not_finish_in_time_is_ended_too),
		TEST(free_leaves_no_process),
		TEST(free_forgets_the_next_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
