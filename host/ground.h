/* What everything in the host stands on, made before anything else: inherited sockets, control
 * groups, the spawner, the loop, the log. */
#ifndef PLUGD_GROUND_H
#define PLUGD_GROUND_H

#include "base/loop.h"
#include "config/config.h"
#include "net/inherited.h"
#include "observe/log.h"
#include "plugin/spawner.h"
#include "rights.h"
#include "trust/control_group.h"

struct ground {
	struct inherited *inherited; /* sockets that we were started with */
	struct rights rights;
	struct socket_file_opts socket_files; /* of Unix sockets for clients */
	struct control_groups *groups;	      /* NULL: none were given */
	struct spawner *spawner;
	struct loop *loop;
	struct log *log;
};

/* 0, or -1 after it has said why on standard error. */
int ground_lay(const struct config *config, struct ground *out);

/* As rights_give_up(); the control groups go with it. */
int ground_give_up_rights(struct ground *ground, const char *config_file, struct err *err);

/* Waits for the end of the spawner, which is that of all plugins. */
void ground_release_processes(struct ground *ground);
void ground_release(struct ground *ground);

/* The settings of the log, for a log that writes on this loop. */
struct log_opts ground_log_opts(const struct config *config, struct loop *loop);

#endif
