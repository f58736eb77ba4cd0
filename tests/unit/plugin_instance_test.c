/* An instance against real children that play scripts: how it comes to be ready, what ends it, and
 * what its owner is told, in which order. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "observe/errors.h"
#include "plugin/instance.h"
#include "plugin/process.h"
#include "tests/support/plugin_world.h"
#include "tests/support/unit.h"

struct world {
	struct plugin_world plugin;
	struct loop *loop;
	struct exec_image *image;
	struct instance *instance;
	const char *refuses; /* the manifest, in these words; NULL: takes it */
	int64_t ready_within_ms;
	bool calls_when_fenced;
	bool fenced;
	struct err why; /* it is dead; code 0: not yet */
	uint32_t asked; /* id of the plugin's own call */
};

static struct call *call(struct world *world)
{
	struct wire_request request = {.method = 1, .end = true};

	return instance_call(world->instance, &request, &plugin_world_call_ops, &world->plugin);
}

/* ---- what the owner is told ---- */

static void note(struct world *world, const char *word)
{
	assert_int_equal(world->why.code, 0); /* nothing comes after on_dead */
	plugin_world_note(&world->plugin, "%s ", word);
}

static bool on_manifest(void *user, struct instance *instance, struct err *err)
{
	struct world *world = user;

	note(world, "manifest");
	assert_int_equal(instance_state(instance), INSTANCE_GREETING);
	assert_non_null(instance_manifest(instance));
	world->plugin.opts.handshake_timeout_ms = world->ready_within_ms;
	if (world->refuses)
		err_set(err, ERR_REGISTRY_DUPLICATE, "%s", world->refuses);
	return !world->refuses;
}

static void on_ready(void *user, struct instance *instance)
{
	note(user, "ready");
	assert_int_equal(instance_state(instance), INSTANCE_READY);
}

/* Once more when it stops after it has drained: only the first one is news. */
static void on_fenced(void *user, struct instance *instance)
{
	struct world *world = user;

	assert_true(instance_state(instance) > INSTANCE_READY);
	assert_null(call(world));
	if (!world->fenced)
		note(world, "fenced");
	world->fenced = true;
}

static void on_health(void *user, struct instance *instance, const struct err *why)
{
	note(user, health_condition_name(instance_health(instance)));
}

static void on_call(void *user, struct instance *instance,
		    const struct manifest_requirement *requirement,
		    const struct wire_request *request)
{
	struct world *world = user;

	note(world, requirement->method);
	world->asked = request->id;
}

static void on_dead(void *user, struct instance *instance, const struct err *why)
{
	struct world *world = user;

	note(world, "dead");
	assert_int_equal(instance_state(instance), INSTANCE_DEAD);
	assert_int_not_equal(why->code, 0);
	world->why = *why;
}

static const struct instance_ops ops = {
	.on_manifest = on_manifest,
	.on_ready = on_ready,
	.on_fenced = on_fenced,
	.on_health = on_health,
	.on_call = on_call,
	.on_dead = on_dead,
};

/* ---- the world ---- */

static int set_up(void **state)
{
	struct world *world = mem_new(struct world);

	plugin_world_init(&world->plugin);
	world->loop = world->plugin.loop;
	world->image = load(PLUGIN_CHILD);
	world->ready_within_ms = HOUR_MS;
	world->instance = instance_new(&(struct instance_opts){
		.loop = world->loop,
		.spawner = world->plugin.spawner,
		.plugin = &world->plugin.opts,
		.image = world->image,
		.host_version = "0.1.0",
		.generation = 1,
		.number = 2,
		.ops = &ops,
		.user = world,
	});
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	instance_free(world->instance);
	exec_image_release(world->image);
	plugin_world_deinit(&world->plugin);
	free(world);
	return 0;
}

static void start_instance(struct world *world)
{
	struct err err = {0};

	if (instance_start(world->instance, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(instance_state(world->instance), INSTANCE_GREETING);
}

#define START(world, ...)                                                                          \
	do {                                                                                       \
		PLAYS(&(world)->plugin, __VA_ARGS__);                                              \
		start_instance(world);                                                             \
	} while (0)

static void run_until_state(struct world *world, enum instance_state state)
{
	RUN_UNTIL(world, instance_state(world->instance) >= state);
	assert_int_equal(instance_state(world->instance), state);
}

/* Until it is dead, for this reason; and nothing comes after that. */
static void expect_death(struct world *world, int code, const char *says)
{
	RUN_UNTIL(world, instance_state(world->instance) == INSTANCE_DEAD);
	loop_turn(world->loop, false);
	assert_int_equal(world->why.code, code);
	assert_has(world->why.text, says);
	assert_int_equal(instance_pid(world->instance), 0);
	assert_non_null(instance_end(world->instance));
}

static void expect_heard(const struct world *world, const char *expected)
{
	assert_string_equal(world->plugin.heard, expected);
}

/* ---- the handshake ---- */

static void a_good_handshake_makes_it_ready(void **state)
{
	struct world *world = *state;

	assert_int_equal(instance_state(world->instance), INSTANCE_NEW);
	assert_string_equal(instance_id(world->instance), "test/1/2");
	START(world, "hello", "if:test/1/2", "welcome:a.v1.A", "start", "ready", "end");
	assert_null(instance_manifest(world->instance));
	assert_true(instance_pid(world->instance) > 0);
	run_until_state(world, INSTANCE_READY);
	expect_heard(world, "manifest ready ");
	assert_true(instance_start_us(world->instance) > 0);
	assert_string_equal(instance_manifest(world->instance)->services[0].name, "a.v1.A");
	assert_null(instance_end(world->instance));
}

static void a_call_waits_until_it_is_ready(void **state)
{
	struct world *world = *state;

	assert_null(call(world));
	START(world, "hello", "welcome:a.v1.A", "start", "ready", "end");
	assert_null(call(world));
	run_until_state(world, INSTANCE_PREPARING);
	assert_null(call(world));
	run_until_state(world, INSTANCE_READY);
	assert_non_null(call(world));
	assert_int_equal(instance_live_calls(world->instance), 1);
	assert_int_equal(instance_total_calls(world->instance), 1);
}

static void no_welcome_in_time_is_the_end(void **state)
{
	struct world *world = *state;

	world->plugin.opts.handshake_timeout_ms = 5;
	START(world, "hello", "stay");
	expect_death(world, ERR_PLUGIN_HANDSHAKE, "no WELCOME within 5 ms");
	expect_heard(world, "fenced dead ");
}

static void no_ready_in_time_is_the_end(void **state)
{
	struct world *world = *state;

	world->ready_within_ms = 5;
	START(world, "hello", "welcome:a.v1.A", "stay");
	expect_death(world, ERR_PLUGIN_HANDSHAKE, "no READY within 5 ms");
	expect_heard(world, "manifest fenced dead ");
	assert_int_equal(instance_start_us(world->instance), 0);
}

static void failed_is_taken_at_its_word(void **state)
{
	struct world *world = *state;

	START(world, "hello", "failed:no database", "end");
	expect_death(world, ERR_PLUGIN_FAILED, "it says that it can't work: no database");
	expect_heard(world, "fenced dead ");
}

static void failed_may_still_come_instead_of_ready(void **state)
{
	struct world *world = *state;

	START(world, "hello", "welcome:a.v1.A", "start", "failed:", "end");
	expect_death(world, ERR_PLUGIN_FAILED, "it says that it can't work: (no reason given)");
	expect_heard(world, "manifest fenced dead ");
}

static void a_manifest_that_is_refused_is_the_end(void **state)
{
	struct world *world = *state;

	world->refuses = "somebody else has a.v1.A";
	START(world, GREETS, "end");
	expect_death(world, ERR_REGISTRY_DUPLICATE, "somebody else has a.v1.A");
	expect_heard(world, "manifest fenced dead ");
}

static void a_welcome_that_breaks_a_rule_is_not_shown_to_the_owner(void **state)
{
	struct world *world = *state;

	START(world, "hello", "welcome:not a name", "end");
	expect_death(world, ERR_PROTOCOL_MANIFEST, "not a name");
	expect_heard(world, "fenced dead ");
}

static void who_ends_before_it_is_ready_is_told_by_its_exit(void **state)
{
	struct world *world = *state;

	START(world, "hello", "exit:3");
	expect_death(world, ERR_PLUGIN_GONE, "exited with status 3");
	expect_heard(world, "fenced dead ");
	assert_int_equal(instance_end(world->instance)->status, 3);
}

/* ---- rules broken ---- */

static void a_frame_out_of_turn_is_the_end(void **state)
{
	struct world *world = *state;

	START(world, "hello", "ready", "end");
	expect_death(world, ERR_PROTOCOL_STATE,
		     "it sent ready, which is not allowed while greeting");
	expect_heard(world, "fenced dead ");
}

static void a_second_welcome_is_out_of_turn(void **state)
{
	struct world *world = *state;

	START(world, "hello", "welcome:a.v1.A", "start", "welcome:a.v1.A", "end");
	expect_death(world, ERR_PROTOCOL_STATE,
		     "it sent welcome, which is not allowed while preparing");
	expect_heard(world, "manifest fenced dead ");
}

static void bye_unasked_is_out_of_turn(void **state)
{
	struct world *world = *state;

	START(world, GREETS, "bye", "end");
	expect_death(world, ERR_PROTOCOL_STATE, "it sent bye, which is not allowed while ready");
	expect_heard(world, "manifest ready fenced dead ");
	assert_false(instance_said_bye(world->instance));
}

static void a_print_to_standard_output_is_quoted(void **state)
{
	struct world *world = *state;

	START(world, GREETS, "print:Hello, world\n", "end");
	expect_death(world, ERR_PROTOCOL_FRAME, "\"Hello, world.\"");
	expect_heard(world, "manifest ready fenced dead ");
}

static void the_first_reason_is_the_one_that_is_told(void **state)
{
	struct world *world = *state;
	struct err first = {ERR_PLUGIN_TIMEOUT, "first"};
	struct err second = {ERR_PROTOCOL_CALL, "second"};

	START(world, GREETS, "stay");
	run_until_state(world, INSTANCE_READY);
	instance_fail(world->instance, &first);
	instance_fail(world->instance, &second);
	assert_int_equal(instance_state(world->instance), INSTANCE_STOPPING);
	expect_heard(world, "manifest ready fenced ");
	expect_death(world, ERR_PLUGIN_TIMEOUT, "first");
	instance_fail(world->instance, &second);
	expect_heard(world, "manifest ready fenced dead ");
}

/* ---- calls ---- */

static void a_call_is_answered(void **state)
{
	struct world *world = *state;

	START(world, GREETS, "request", "answer:well", "end");
	run_until_state(world, INSTANCE_READY);
	call(world);
	RUN_UNTIL(world, instance_live_calls(world->instance) == 0);
	expect_heard(world, "manifest ready answer(well) ");
	assert_int_equal(instance_total_calls(world->instance), 1);
}

static void the_plugin_calls_what_its_manifest_requires(void **state)
{
	struct world *world = *state;

	START(world, GREETS, "call:1", "response", "exit:5");
	RUN_UNTIL(world, world->asked != 0);
	expect_heard(world, "manifest ready Info ");
	instance_answer(world->instance, world->asked, &(struct incoming_answer){0});
	expect_death(world, ERR_PLUGIN_GONE, "exited with status 5");
	instance_answer(world->instance, world->asked, &(struct incoming_answer){0});
}

static void what_its_manifest_does_not_require_it_may_not_call(void **state)
{
	struct world *world = *state;

	START(world, GREETS, "call:7", "end");
	expect_death(world, ERR_PROTOCOL_CALL,
		     "it calls number 7, which its manifest does not require");
	assert_int_equal(world->asked, 0);
}

static void the_fence_is_told_before_the_calls_break_and_death_comes_last(void **state)
{
	struct world *world = *state;

	START(world, GREETS, "request", "request", "exit:3");
	run_until_state(world, INSTANCE_READY);
	call(world);
	call(world);
	expect_death(world, ERR_PLUGIN_GONE, "exited with status 3");
	expect_heard(world, "manifest ready fenced gone(it closed its output) "
			    "gone(it closed its output) dead ");
}

static void a_rule_broken_breaks_the_calls_with_its_reason(void **state)
{
	struct world *world = *state;

	START(world, GREETS, "request", "bye", "end");
	run_until_state(world, INSTANCE_READY);
	call(world);
	expect_death(world, ERR_PROTOCOL_STATE, "it sent bye");
	expect_heard(world, "manifest ready fenced "
			    "gone(it sent bye, which is not allowed while ready) dead ");
}

static void the_last_answer_of_a_plugin_that_has_ended_is_heard(void **state)
{
	struct world *world = *state;

	const char *fifo = world->plugin.fixture->path;

	assert_int_equal(mkfifo(fifo, 0600), 0);
	START(world, GREETS, "request", "wait:program", "answer:last", "exit:0");
	run_until_state(world, INSTANCE_READY);
	call(world);
	loop_turn(world->loop, false); /* the request goes out */
	close(open(fifo, O_WRONLY | O_CLOEXEC));
	wait_pid_gone(instance_pid(world->instance)); /* the host does not know yet */
	call(world);				      /* can't be written any more */
	expect_death(world, ERR_PLUGIN_GONE, "exited with status 0");
	expect_heard(world, "manifest ready answer(last) fenced gone(it closed its output) dead ");
}

/* ---- drain ---- */

static void an_idle_one_says_bye_and_ends(void **state)
{
	struct world *world = *state;

	START(world, GREETS, "drain", "bye", "end");
	run_until_state(world, INSTANCE_READY);
	instance_drain(world->instance, HOUR_MS);
	assert_int_equal(instance_state(world->instance), INSTANCE_DRAINING);
	expect_heard(world, "manifest ready fenced ");
	expect_death(world, ERR_PLUGIN_GONE, "");
	expect_heard(world, "manifest ready fenced dead ");
	assert_true(instance_said_bye(world->instance));
}

static void what_is_in_flight_is_finished_first(void **state)
{
	struct world *world = *state;

	START(world, GREETS, "request", "drain", "answer:done", "bye", "end");
	run_until_state(world, INSTANCE_READY);
	call(world);
	instance_drain(world->instance, HOUR_MS);
	assert_null(call(world));
	expect_death(world, ERR_PLUGIN_GONE, "");
	expect_heard(world, "manifest ready fenced answer(done) dead ");
}

static void who_is_still_busy_at_the_end_of_the_drain_is_ended(void **state)
{
	struct world *world = *state;

	START(world, GREETS, "request", "drain", "stay");
	run_until_state(world, INSTANCE_READY);
	call(world);
	instance_drain(world->instance, 5);
	expect_death(world, ERR_PLUGIN_TIMEOUT, "was still busy at the end of its drain timeout");
	expect_heard(world, "manifest ready fenced "
			    "gone(was still busy at the end of its drain timeout) dead ");
	assert_false(instance_said_bye(world->instance));
	assert_true(instance_end(world->instance)->by_host);
}

static void what_is_still_in_flight_then_is_cancelled_before(void **state)
{
	struct world *world = *state;

	START(world, GREETS, "request", "drain", "cancel", "answer:late", "bye", "end");
	run_until_state(world, INSTANCE_READY);
	call(world);
	instance_drain(world->instance, 5);
	expect_death(world, ERR_PLUGIN_TIMEOUT, "was still busy at the end of its drain timeout");
	expect_heard(world, "manifest ready fenced "
			    "gone(was still busy at the end of its drain timeout) dead ");
	assert_true(instance_said_bye(world->instance));
	assert_false(instance_end(world->instance)->by_host);
}

static void draining_before_it_is_ready_ends_it(void **state)
{
	struct world *world = *state;

	START(world, "stay");
	instance_drain(world->instance, HOUR_MS);
	expect_death(world, ERR_PLUGIN_GONE, "because: stopped before it was ready");
	expect_heard(world, "fenced dead ");
}

/* ---- start and free ---- */

static void one_that_cannot_start_is_dead_at_once(void **state)
{
	struct world *world = *state;
	struct err err = {0};

	world->plugin.opts.work_dir = (char *)"/no/such/directory";
	PLAYS(&world->plugin, GREETS, "end");
	assert_int_equal(instance_start(world->instance, &err), -ENOENT);
	assert_int_equal(err.code, ERR_PLUGIN_START);
	assert_int_equal(instance_state(world->instance), INSTANCE_DEAD);
	assert_null(instance_end(world->instance));
	loop_turn(world->loop, false);
	expect_heard(world, "");
}

static void free_stops_the_timer_of_the_handshake(void **state)
{
	struct world *world = *state;

	world->plugin.opts.handshake_timeout_ms = 0;
	START(world, "hello", "stay");
	instance_free(world->instance);
	world->instance = NULL;
	loop_turn(world->loop, false);
	expect_heard(world, "");
}

/* In each state that has a process. */
static void free_leaves_no_process_and_tells_nobody(void **state)
{
	static const char *const heard[] = {
		[INSTANCE_GREETING] = "",
		[INSTANCE_PREPARING] = "manifest ",
		[INSTANCE_READY] = "manifest ready ",
		[INSTANCE_DRAINING] = "manifest ready fenced ",
	};
	struct world *world = *state;

	for (enum instance_state at = INSTANCE_GREETING; at <= INSTANCE_DRAINING; at++) {
		pid_t pid;

		START(world, "hello", "welcome:a.v1.A", "start", "ready", "stay");
		pid = instance_pid(world->instance);
		run_until_state(world, at < INSTANCE_DRAINING ? at : INSTANCE_READY);
		if (at == INSTANCE_READY)
			call(world);
		if (at == INSTANCE_DRAINING)
			instance_drain(world->instance, HOUR_MS);
		instance_free(world->instance);
		world->instance = NULL;
		wait_pid_gone(pid);
		loop_turn(world->loop, false);
		expect_heard(world, heard[at]);
		tear_down(state);
		set_up(state);
		world = *state;
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_good_handshake_makes_it_ready),
		TEST(a_call_waits_until_it_is_ready),
		TEST(no_welcome_in_time_is_the_end),
		TEST(no_ready_in_time_is_the_end),
		TEST(failed_is_taken_at_its_word),
		TEST(failed_may_still_come_instead_of_ready),
		TEST(a_manifest_that_is_refused_is_the_end),
		TEST(a_welcome_that_breaks_a_rule_is_not_shown_to_the_owner),
		TEST(who_ends_before_it_is_ready_is_told_by_its_exit),
		TEST(a_frame_out_of_turn_is_the_end),
		TEST(a_second_welcome_is_out_of_turn),
		TEST(bye_unasked_is_out_of_turn),
		TEST(a_print_to_standard_output_is_quoted),
		TEST(the_first_reason_is_the_one_that_is_told),
		TEST(a_call_is_answered),
		TEST(the_plugin_calls_what_its_manifest_requires),
		TEST(what_its_manifest_does_not_require_it_may_not_call),
		TEST(the_fence_is_told_before_the_calls_break_and_death_comes_last),
		TEST(a_rule_broken_breaks_the_calls_with_its_reason),
		TEST(the_last_answer_of_a_plugin_that_has_ended_is_heard),
		TEST(an_idle_one_says_bye_and_ends),
		TEST(what_is_in_flight_is_finished_first),
		TEST(who_is_still_busy_at_the_end_of_the_drain_is_ended),
		TEST(what_is_still_in_flight_then_is_cancelled_before),
		TEST(draining_before_it_is_ready_ends_it),
		TEST(one_that_cannot_start_is_dead_at_once),
		TEST(free_stops_the_timer_of_the_handshake),
		TEST(free_leaves_no_process_and_tells_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
