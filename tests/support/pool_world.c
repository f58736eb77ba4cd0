/* A pool of real children that play scripts, with an owner that notes what it is told. */
#include "tests/support/pool_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "observe/errors.h"
#include "tests/support/unit.h"
#include "trust/digest.h"

/* ---- what the owner is told ---- */

static void note(struct world *world, const char *word)
{
	assert_int_equal(world->drained, 0); /* nothing comes after on_drained */
	plugin_world_note(&world->plugin, "%s ", word);
}

static bool on_manifest(void *user, struct pool *pool, const struct manifest *manifest,
			struct err *err)
{
	struct world *world = user;

	note(world, "manifest");
	if (world->refuses)
		err_set(err, ERR_REGISTRY_DUPLICATE, "%s", world->refuses);
	return !world->refuses;
}

static void on_change(void *user, struct pool *pool)
{
	char word[16];

	snprintf(word, sizeof(word), "%u", pool_ready_count(pool));
	note(user, word);
}

static void on_call(void *user, struct pool *pool, struct instance *instance,
		    const struct manifest_requirement *requirement,
		    const struct wire_request *request)
{
	struct world *world = user;

	note(world, requirement->method);
	world->caller = instance;
}

static void on_config(void *user, struct pool *pool, const struct err *why)
{
	struct world *world = user;

	world->concluded++;
	world->config_why = why ? *why : (struct err){0};
}

static void on_drained(void *user, struct pool *pool)
{
	struct world *world = user;

	note(world, "drained");
	world->drained++;
	for (unsigned i = 0; i < pool_slot_count(pool); i++)
		assert_null(pool_slot(pool, i));
}

static const struct pool_ops ops = {.on_manifest = on_manifest,
				    .on_change = on_change,
				    .on_call = on_call,
				    .on_config = on_config,
				    .on_drained = on_drained};

/* ---- the world ---- */

/* Pins the child's program, or another path with its bytes. */
struct whitelist *pin(const char *path)
{
	struct exec_image *image = load(PLUGIN_CHILD);
	struct whitelist_problems problems = {0};
	struct whitelist *whitelist = NULL;
	char digest[DIGEST_TEXT];
	char *text = mem_printf("version: 1\nplugins:\n  - path: %s\n    hash: \"%s\"\n", path,
				digest_format(digest, &image->file.digest));

	assert_int_equal(whitelist_parse(str_from(text), "whitelist", &whitelist, &problems), 0);
	whitelist_problems_deinit(&problems);
	exec_image_release(image);
	free(text);
	return whitelist;
}

int pool_world_setup(void **state)
{
	struct world *world = mem_new(struct world);

	plugin_world_init(&world->plugin);
	world->loop = world->plugin.loop;
	world->whitelist = pin(PLUGIN_CHILD);
	*state = world;
	return 0;
}

int pool_world_teardown(void **state)
{
	struct world *world = *state;

	pool_free(world->pool);
	whitelist_free(world->whitelist);
	plugin_world_deinit(&world->plugin);
	free(world);
	return 0;
}

int try_start_pool(struct world *world, unsigned instances, struct err *err)
{
	world->plugin.opts.instances = instances;
	world->pool = pool_new(&(struct pool_opts){
		.loop = world->loop,
		.spawner = world->plugin.spawner,
		.plugin = &world->plugin.opts,
		.guard = &(struct guard){.whitelist = world->whitelist},
		.host_version = "0.1.0",
		.generation = 1,
		.may_sleep = true,
		.ops = &ops,
		.user = world,
	});
	return pool_start(world->pool, err);
}

void start_pool(struct world *world, unsigned instances)
{
	struct err err = {0};

	if (try_start_pool(world, instances, &err) < 0)
		fail_msg("%s", err.text);
}

void run_until_ready(struct world *world, unsigned count)
{
	RUN_UNTIL(world, pool_ready_count(world->pool) == count);
}

void call(struct world *world, struct instance *instance)
{
	struct wire_request request = {.method = 1, .end = true};

	assert_non_null(instance_call(instance, &request, &plugin_world_call_ops, &world->plugin));
}

unsigned picked(struct world *world)
{
	struct instance *instance = pool_pick(world->pool, 0);

	return instance ? instance_number(instance) : 0;
}

void expect_heard(const struct world *world, const char *expected)
{
	assert_string_equal(world->plugin.heard, expected);
}

static void on_passed(void *user)
{
	*(bool *)user = true;
}

/* Until the first restart would have come, for what must not happen: it is due 100 ms after the
 * death at the latest, and timers of a loop keep their order. */
void let_a_restart_pass(struct world *world)
{
	struct loop_timer timer;
	bool passed = false;

	loop_timer_init(&timer, world->loop, on_passed, &passed);
	loop_timer_start(&timer, 101);
	RUN_UNTIL(world, passed);
}
