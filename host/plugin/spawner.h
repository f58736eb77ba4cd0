/* The spawner, seen from the host: a small process that starts the plugins, so that a start never
 * copies the host, and that sees to it that nothing of a plugin lives on, also when the host itself
 * is killed. spawner_main.h is its own side, keeper.h what it starts for each plugin process. */
#ifndef PLUGD_PLUGIN_SPAWNER_H
#define PLUGD_PLUGIN_SPAWNER_H

#include "base/err.h"
#include "base/loop.h"
#include "observe/log.h"
#include "plugin/spawn.h"
#include "plugin/spawner_main.h"

struct spawner;

/* Forks it. As early as possible, because its size is that of the caller now; and before the caller
 * gives up what the spawner shall keep. Copies the duty. Returns owned; NULL with *err. */
struct spawner *spawner_new(const struct spawner_duty *duty, struct err *err);

/* It can make plugins other users. */
bool spawner_is_root(const struct spawner *spawner);

/* From now on its death is noticed at once and logged. Without, and also then, the next
 * spawner_start() starts another: plugins that run are not harmed. One that stayed root for a
 * host that is not can't be had again; then starts fail. Borrows both until spawner_free(); the
 * log may be NULL. */
void spawner_watch(struct spawner *spawner, struct loop *loop, struct log *log);

/* As spawn(), with a keeper as the parent of the new process; *leash_out (leash.h) is the host's
 * end of its leash, blocking, close-on-exec, owned by the caller. Waits for the exec, a few seconds
 * at most; errors are those of spawn() and SPAWN_KEEPER. */
int spawner_start(struct spawner *spawner, const struct spawn_plan *plan, struct spawn_result *out,
		  int *leash_out);

/* Kills everything that was started and still runs, and waits for its end, a few seconds at most.
 * NULL is fine. */
void spawner_free(struct spawner *spawner);

#endif
