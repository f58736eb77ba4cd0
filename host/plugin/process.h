/* One plugin process: started from an image, watched until its end, taken down by a ladder. It
 * knows nothing of frames.
 *
 * The process gets descriptors 0, 1, 2 (and the script in 3, see trust/exec.h) and nothing else,
 * a process group of its own, no controlling terminal, the environment of the options and no
 * other, default signals and umask 077. Its parent is a keeper (keeper.h), which the host has on a
 * leash: when the process has ended, however, or the host is gone, however, the keeper kills
 * everything below it; when the keeper is gone, the process gets SIGKILL, and the spawner sees to
 * the rest. Nothing is ever killed by a remembered number. */
#ifndef PLUGD_PLUGIN_PROCESS_H
#define PLUGD_PLUGIN_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/loop.h"
#include "plugin/plugin_opts.h"
#include "plugin/spawner.h"
#include "trust/control_group.h"
#include "trust/exec.h"

struct process;

/* How it ended. */
struct process_end {
	bool by_signal;
	bool core_dumped;
	int status; /* exit status, or the signal's number; -1: not known, its keeper was killed */
	bool by_host; /* a signal of process_stop() or process_kill() came first */
	int64_t user_us;
	int64_t system_us;
	int64_t max_rss_bytes;
	char text[112]; /* "exited with status 3", "killed by signal 9 (SIGKILL)" */
};

/* Called once, from the loop, never inside process_start(), when nothing is left of the process and
 * of whatever it had started. What they wrote before is still in the pipes. The callee may
 * process_free() it. */
typedef void process_exit_fn(void *user, const struct process_end *end);

/* It made a system call that its cage does not allow, which was refused. From the loop, once for
 * each call. */
typedef void process_violation_fn(void *user, const char *call);

struct process_opts {
	struct spawner *spawner;
	const char *name; /* of the plugin, for messages */
	const struct exec_image *image;
	char *const *args;    /* without argv[0], NULL-terminated; may be NULL */
	char *const *env;     /* "NAME=value", NULL-terminated; may be NULL: no environment */
	const char *work_dir; /* NULL: "/" */
	enum plugin_transport transport;
	uint32_t pipe_bytes;	       /* asked for; 0: the kernel's. Its limits per user win */
	const struct cage *cage;       /* NULL: none */
	struct control_groups *groups; /* NULL, or without a cage: it gets none of its own */
	process_exit_fn *on_exit;
	process_violation_fn *on_violation; /* may be NULL */
	void *user;
};

/* The host's ends: close-on-exec, non-blocking, owned by the caller. */
struct process_fds {
	int write_fd; /* to the child's 0 */
	int read_fd;  /* from the child's 1; the same as write_fd for a socketpair */
	int stderr_fd;
};

/* Starts it; returns when the child has executed the image. Borrows all of opts until return. 0 and
 * *out (returns owned), or -errno and *err with ERR_PLUGIN_START and the step that failed. */
int process_start(struct loop *loop, const struct process_opts *opts, struct process **out,
		  struct process_fds *fds_out, struct err *err);

pid_t process_pid(const struct process *process); /* for messages only */
/* Which walls of its cage stand. */
const struct cage_report *process_cage_report(const struct process *process);

bool process_is_running(const struct process *process);

/* The kill ladder. The caller has closed (or shut down) its write end before: the child reads the
 * end of its input. After term_after_ms the group gets SIGTERM, after kill_after_ms more SIGKILL.
 * Again: takes the new times if the rung isn't climbed yet. Ended is fine. */
void process_stop(struct process *process, int64_t term_after_ms, int64_t kill_after_ms);

/* The last rung at once. on_exit still comes. */
void process_kill(struct process *process);

/* Kills what still runs, grandchildren included, without on_exit and without waiting. NULL is
 * fine. */
void process_free(struct process *process);

#endif
