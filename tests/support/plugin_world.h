/* A plugin that is a real child and plays a script (tests/unit/plugin_child.c has the words), and
 * what an operator sets for it; for tests of instances and pools. */
#ifndef PLUGD_TESTS_SUPPORT_PLUGIN_WORLD_H
#define PLUGD_TESTS_SUPPORT_PLUGIN_WORLD_H

#include <stdbool.h>

#include "plugin/call.h"
#include "plugin/plugin_opts.h"
#include "tests/support/process_world.h"

struct plugin_world {
	struct fixture *fixture; /* the child finds its files in fixture->directory */
	struct loop *loop;
	struct spawner *spawner;
	struct plugin_opts opts; /* no time out comes into play until a test makes it shorter */
	char heard[600];	 /* what the owner was told, as words */
};

void plugin_world_init(struct plugin_world *world);
void plugin_world_deinit(struct plugin_world *world);

/* The words of a script that becomes ready. */
#define GREETS "hello", "welcome:a.v1.A", "start", "ready"

/* What the next child does. */
#define PLAYS(world, ...) ((world)->opts.args = (char **)TEXTS(__VA_ARGS__))

void plugin_world_note(struct plugin_world *world, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Of a call whose user is a struct plugin_world; notes "begun(text) ", "answer(text) " or
 * "gone(reason) ". */
extern const struct call_ops plugin_world_call_ops;

/* Turns of the loop until it is so. What never comes is ended by meson's time limit. */
#define RUN_UNTIL(world, condition)                                                                \
	do {                                                                                       \
		while (!(condition))                                                               \
			loop_turn((world)->loop, true);                                            \
	} while (0)

/* It has ended and is reaped. */
bool is_process_gone(pid_t pid);

#endif
