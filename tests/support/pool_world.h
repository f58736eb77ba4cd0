/* A pool of real children that play scripts, with an owner that notes what it is told. */
#ifndef PLUGD_TESTS_SUPPORT_POOL_WORLD_H
#define PLUGD_TESTS_SUPPORT_POOL_WORLD_H

#include "plugin/pool.h"
#include "tests/support/plugin_world.h"

struct world {
	struct plugin_world plugin;
	struct loop *loop;
	struct whitelist *whitelist;
	struct pool *pool;
	const char *refuses; /* the manifest, in these words; NULL: takes it */
	unsigned drained;
	struct instance *caller; /* the plugin that called the host last */
	unsigned concluded;	 /* offers of a configuration */
	struct err config_why;	 /* of the last one; code 0: taken */
};

/* For cmocka; *state is a struct world. */
int pool_world_setup(void **state);
int pool_world_teardown(void **state);

/* Pins the child's program, or another path with its bytes. Returns owned. */
struct whitelist *pin(const char *path);

int try_start_pool(struct world *world, unsigned instances, struct err *err);
void start_pool(struct world *world, unsigned instances);
void run_until_ready(struct world *world, unsigned count);

/* A call that nobody waits for. */
void call(struct world *world, struct instance *instance);

unsigned picked(struct world *world); /* the number of the one that is chosen; 0: none */
void expect_heard(const struct world *world, const char *expected);

/* Until a restart would have come, for what must not happen. */
void let_a_restart_pass(struct world *world);

#endif
