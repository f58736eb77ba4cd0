/* Making a child process without copying the parent, which is the keeper: the child borrows its
 * memory until it executes the image. Knows descriptors and arguments, nothing of plugins. */
#ifndef PLUGD_PLUGIN_SPAWN_H
#define PLUGD_PLUGIN_SPAWN_H

#include <sys/types.h>

#include "trust/cage.h"

/* Everything is borrowed until return. */
struct spawn_plan {
	int input_fd; /* become 0, 1 and 2 of the child; two may be the same */
	int output_fd;
	int error_fd;
	int exec_fd;   /* the image */
	int script_fd; /* becomes `script_target`; -1: none */
	int script_target;
	char *const *argv;
	char *const *env; /* NULL: empty */
	const char *work_dir;
	const struct cage *cage; /* NULL: none */
	int group_fd;		 /* of its control group, see cage_enter_group(); -1: none */
};

/* The step at which a start failed; from SPAWN_GROUP on the child's. */
enum spawn_step {
	SPAWN_KEEPER, /* spawner_start() alone: nobody is there to start it */
	SPAWN_CLONE,
	SPAWN_GROUP,
	SPAWN_DEATH_SIGNAL,
	SPAWN_DESCRIPTORS,
	SPAWN_SIGNALS,
	SPAWN_CAGE,
	SPAWN_WORK_DIR,
	SPAWN_EXEC
};

struct spawn_result {
	pid_t pid;
	int pidfd; /* close-on-exec, owned by the caller */
	enum spawn_step failed_step;
	enum wall failed_wall; /* at SPAWN_CAGE */
	struct cage_report report;
	int notify_fd; /* tells of violations; close-on-exec, owned by the caller; -1: none */
};

/* Returns when the child has executed the image: 0 and *out, or -errno and the step; then the child
 * is gone already. */
int spawn(const struct spawn_plan *plan, struct spawn_result *out);

#endif
