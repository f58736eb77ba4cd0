/* A file in a directory of its own is written, renamed over, and reached through links. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/watch.h"
#include "tests/support/unit.h"

struct world {
	struct loop *loop;
	char directory[32];
	struct watch *watch;
	unsigned told;
};

static void on_change(void *user)
{
	((struct world *)user)->told++;
}

static int set_up(void **state)
{
	static struct world world;

	world = (struct world){.loop = loop_new(), .directory = "/tmp/plugd-watch-XXXXXX"};
	assert_non_null(mkdtemp(world.directory));
	assert_int_equal(chdir(world.directory), 0);
	*state = &world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;
	char command[64];

	watch_stop(world->watch);
	loop_free(world->loop);
	snprintf(command, sizeof(command), "rm -r %s", world->directory);
	return system(command);
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	fd_close(&fd);
}

static void watch_file(struct world *world, const char *path)
{
	world->watch = watch_start(world->loop, path, on_change, world);
	assert_non_null(world->watch);
}

static void wait_told(struct world *world, unsigned count)
{
	while (world->told < count)
		loop_turn(world->loop, true);
	assert_int_equal(world->told, count);
}

static void on_passed(void *user)
{
	*(bool *)user = true;
}

/* As long as it takes to tell something, for what must not be told. */
static void let_it_settle(struct world *world)
{
	struct loop_timer timer;
	bool passed = false;

	loop_timer_init(&timer, world->loop, on_passed, &passed);
	loop_timer_start(&timer, 3 * WATCH_SETTLE_MS);
	while (!passed)
		loop_turn(world->loop, true);
}

static void a_file_that_is_written_is_told(void **state)
{
	struct world *world = *state;

	put("file", "one");
	watch_file(world, "file");
	put("file", "other");
	wait_told(world, 1);
	put("file", "another");
	wait_told(world, 2);
}

static void a_file_that_is_renamed_over_it_is_told(void **state)
{
	struct world *world = *state;
	char path[64];

	put("file", "one");
	snprintf(path, sizeof(path), "%s/file", world->directory);
	watch_file(world, path);
	put("new", "one");
	assert_int_equal(rename("new", "file"), 0);
	wait_told(world, 1);
}

static void a_link_that_turns_is_told(void **state)
{
	struct world *world = *state;

	assert_int_equal(mkdir("v1", 0700) + mkdir("v2", 0700), 0);
	put("v1/file", "one");
	put("v2/file", "one");
	assert_int_equal(symlink("v1", "data") + symlink("data/file", "file"), 0);
	watch_file(world, "file");
	assert_int_equal(symlink("v2", "next") + rename("next", "data"), 0);
	wait_told(world, 1);
}

static void neighbours_and_gaps_are_not_told(void **state)
{
	struct world *world = *state;

	put("file", "one");
	watch_file(world, "file");
	put("neighbour", "one");
	let_it_settle(world);
	assert_int_equal(world->told, 0);
	assert_int_equal(unlink("file"), 0);
	let_it_settle(world);
	assert_int_equal(world->told, 0);
	put("file", "two");
	wait_told(world, 1);
}

static void what_is_written_bit_by_bit_is_told_once(void **state)
{
	struct world *world = *state;
	char text[64] = "";

	put("file", text);
	watch_file(world, "file");
	for (int i = 0; i < 5; i++) {
		text[i] = 'x';
		put("file", text);
		loop_turn(world->loop, false);
	}
	wait_told(world, 1);
}

static void a_directory_that_is_missing_can_not_be_watched(void **state)
{
	assert_null(watch_start(((struct world *)*state)->loop, "none/file", on_change, NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_that_is_written_is_told),
		TEST(a_file_that_is_renamed_over_it_is_told),
		TEST(a_link_that_turns_is_told),
		TEST(neighbours_and_gaps_are_not_told),
		TEST(what_is_written_bit_by_bit_is_told_once),
		TEST(a_directory_that_is_missing_can_not_be_watched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
