/* A spawner that has stayed root for a host that is not: whatever it is asked for, it starts nobody
 * as root. The test is the host, and stays root itself, as one that was taken over would like
 * to. */
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "observe/errors.h"
#include "tests/support/process_world.h"
#include "tests/support/unit.h"

#define USER  4242
#define GROUP 4343

/* Everything of a process that matters here. */
#define WHO                                                                                        \
	"grep -E '^(Uid|Gid|Groups|CapPrm|CapEff|CapBnd|NoNewPrivs)' /proc/self/status | tr -d "   \
	"'\\t \\n'"
#define POWERLESS "CapPrm:0000000000000000CapEff:0000000000000000"

static void guard_from_now_on(struct fixture *f, bool no_new_privs)
{
	const struct spawner_duty duty = {.host = {.uid = USER, .gid = GROUP, .is_other = true},
					  .stays_root = true,
					  .no_new_privs = no_new_privs};
	struct err err;

	if (geteuid() != 0)
		skip();
	spawner_free(f->spawner);
	f->spawner = spawner_new(&duty, &err);
	if (!f->spawner)
		fail_msg("%s", err.text);
	assert_true(spawner_is_root(f->spawner));
}

static void run_shell(struct fixture *f, const struct cage *cage)
{
	struct exec_image *shell = load("/bin/sh");

	start(f, (struct process_opts){.image = shell, .args = TEXTS("-c", WHO), .cage = cage});
	exec_image_release(shell);
}

static void a_plan_without_a_user_is_for_the_host_s(void **state)
{
	struct fixture *f = *state;
	const char *text;

	guard_from_now_on(f, true);
	run_shell(f, NULL);
	text = read_all(f);
	assert_has(text, "Uid:4242424242424242Gid:4343434343434343Groups:" POWERLESS);
	assert_has(text, "NoNewPrivs:1");
	wait_end(f);
}

static void a_plan_for_another_user_is_obeyed(void **state)
{
	struct fixture *f = *state;
	const struct cage cage = {.asked = WALL_BIT(WALL_USER), .uid = 5555, .gid = 6666};
	const char *text;

	guard_from_now_on(f, false);
	run_shell(f, &cage);
	text = read_all(f);
	assert_has(text, "Uid:5555555555555555Gid:6666666666666666Groups:" POWERLESS);
	assert_has(text, "NoNewPrivs:0");
	wait_end(f);
}

static void a_plan_for_root_is_refused(void **state)
{
	static const struct cage cages[] = {
		{.asked = WALL_BIT(WALL_USER), .uid = 0, .gid = 0},
		{.asked = WALL_BIT(WALL_USER), .uid = 0, .gid = GROUP},
		{.asked = WALL_BIT(WALL_USER), .uid = USER, .gid = 0},
	};
	struct fixture *f = *state;

	guard_from_now_on(f, true);
	for (size_t i = 0; i < sizeof(cages) / sizeof(cages[0]); i++) {
		struct exec_image *shell = load("/bin/sh");
		struct err err = {0};

		assert_int_equal(try_start(f,
					   (struct process_opts){.image = shell,
								 .args = TEXTS("-c", WHO),
								 .cage = &cages[i]},
					   &err),
				 -EPERM);
		assert_has(err.text, "without this part of its sandbox: user");
		exec_image_release(shell);
	}
	run_shell(f, NULL);
	wait_end(f);
}

static void a_keeper_that_is_killed_costs_one_keeper(void **state)
{
	struct fixture *f = *state;
	pid_t keepers[4];
	pid_t before;

	guard_from_now_on(f, true);
	before = spawner_pid();
	while (children_of(before, keepers, 4) != 1)
		continue;
	kill(keepers[0], SIGKILL);
	wait_pid_gone(keepers[0]);
	run_shell(f, NULL);
	wait_end(f);
	assert_int_equal(spawner_pid(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_plan_without_a_user_is_for_the_host_s,
						process_world_setup, process_world_teardown),
		cmocka_unit_test_setup_teardown(a_plan_for_another_user_is_obeyed,
						process_world_setup, process_world_teardown),
		cmocka_unit_test_setup_teardown(a_plan_for_root_is_refused, process_world_setup,
						process_world_teardown),
		cmocka_unit_test_setup_teardown(a_keeper_that_is_killed_costs_one_keeper,
						process_world_setup, process_world_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
