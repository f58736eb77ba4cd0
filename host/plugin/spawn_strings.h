/* The strings of a spawn plan as bytes, so that they can travel to another process: the directory,
 * the arguments, the environment, each with its NUL. Pure. */
#ifndef PLUGD_PLUGIN_SPAWN_STRINGS_H
#define PLUGD_PLUGIN_SPAWN_STRINGS_H

#include <stdint.h>

#include "base/buf.h"
#include "plugin/spawn.h"

struct spawn_counts {
	uint32_t arguments;
	uint32_t variables;
};

/* Appends them to `out`. */
void spawn_strings_pack(const struct spawn_plan *plan, struct buf *out,
			struct spawn_counts *counts_out);

/* Fills in argv, env and work_dir of the plan: the vectors are owned (free argv and env), the
 * strings borrow from `bytes`. 0, or -EBADMSG when the bytes are not exactly so many strings. */
int spawn_strings_unpack(const uint8_t *bytes, size_t len, const struct spawn_counts *counts,
			 struct spawn_plan *plan);

#endif
