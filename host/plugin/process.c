/* One child process of an instance. Owns the pidfd, the watcher on it and the timer of the ladder;
 * the pipes' ends belong to the caller. Instances call it; it calls back once, when the process has
 * ended. It never reads a frame, never decides whether to start again, and never signals a number
 * that could mean somebody else: the process by its pidfd, its group only while the leader is not
 * reaped, because until then the kernel gives the number to nobody.
 *
 *	RUNNING ──stop──▶ CLOSING ──term_after──▶ TERMINATING ──kill_after──▶ KILLED
 *	   │  input is closed │     SIGTERM to the group │   SIGKILL to the group │
 *	   └──────────────────┴────────────┬─────────────┴────────────────────────┘
 *	                      pidfd readable: kill the group, reap ──▶ ENDED, on_exit */
#include "plugin/process.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/sm.h"
#include "observe/errors.h"
#include "plugin/spawn.h"
#include "plugin/wires.h"

enum process_state {
	PROCESS_RUNNING,
	PROCESS_CLOSING,
	PROCESS_TERMINATING,
	PROCESS_KILLED,
	PROCESS_ENDED
};

static const struct sm_state process_states[] = {
	[PROCESS_RUNNING] = {"RUNNING", SM_BIT(PROCESS_CLOSING) | SM_BIT(PROCESS_KILLED) |
						SM_BIT(PROCESS_ENDED)},
	[PROCESS_CLOSING] = {"CLOSING", SM_BIT(PROCESS_TERMINATING) | SM_BIT(PROCESS_KILLED) |
						SM_BIT(PROCESS_ENDED)},
	[PROCESS_TERMINATING] = {"TERMINATING", SM_BIT(PROCESS_KILLED) | SM_BIT(PROCESS_ENDED)},
	[PROCESS_KILLED] = {"KILLED", SM_BIT(PROCESS_ENDED)},
	[PROCESS_ENDED] = {"ENDED", 0},
};

struct process {
	enum process_state state;
	pid_t pid;
	int pidfd;
	int64_t kill_after_ms; /* for the rung after SIGTERM */
	struct loop_io watcher;
	struct loop_timer ladder;
	process_exit_fn *on_exit;
	void *user;
};

static void process_move(struct process *process, enum process_state next)
{
	assert(sm_may_move(process_states, process->state, next));
	process->state = next;
}

/* ---- signals ---- */

static int wait_for(const struct process *process, siginfo_t *info, int options,
		    struct rusage *usage)
{
	long rc;

	info->si_pid = 0;
	do
		rc = syscall(SYS_waitid, P_PIDFD, process->pidfd, info, WEXITED | options, usage);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : 0;
}

/* The group's signal reaches the process too, unless it has left its group. Its number means this
 * group as long as the process isn't reaped; if something else did that, nobody is signalled. */
static void signal_group(const struct process *process, int signum)
{
	siginfo_t info;

	assert(process->pid > 1 && process->state != PROCESS_ENDED);
	if (wait_for(process, &info, WNOWAIT | WNOHANG, NULL) < 0)
		return;
	kill(-process->pid, signum);
	if (getpgid(process->pid) != process->pid)
		syscall(SYS_pidfd_send_signal, process->pidfd, signum, NULL, 0);
}

static void kill_all(const struct process *process)
{
	signal_group(process, SIGKILL);
	syscall(SYS_pidfd_send_signal, process->pidfd, SIGKILL, NULL, 0);
}

/* ---- the end ---- */

static void describe_end(const siginfo_t *info, struct process_end *end)
{
	const char *name = end->by_signal ? sigabbrev_np(end->status) : NULL;

	if (!end->by_signal)
		snprintf(end->text, sizeof(end->text), "exited with status %d", end->status);
	else if (name)
		snprintf(end->text, sizeof(end->text), "killed by signal %d (SIG%s)%s", end->status,
			 name, end->core_dumped ? ", core dumped" : "");
	else
		snprintf(end->text, sizeof(end->text), "killed by signal %d", end->status);
}

static int64_t timeval_us(const struct timeval *time)
{
	return (int64_t)time->tv_sec * 1000000 + time->tv_usec;
}

static void fill_end(const siginfo_t *info, const struct rusage *usage, struct process_end *end)
{
	end->by_signal = info->si_code != CLD_EXITED;
	end->core_dumped = info->si_code == CLD_DUMPED;
	end->status = info->si_status;
	end->user_us = timeval_us(&usage->ru_utime);
	end->system_us = timeval_us(&usage->ru_stime);
	end->max_rss_bytes = (int64_t)usage->ru_maxrss * 1024;
	describe_end(info, end);
}

/* What is left of the group dies while the leader's number is still taken; only then is the leader
 * reaped. Grandchildren hold the pipes open otherwise, and their death would be nobody's. */
static void reap(struct process *process, struct process_end *end)
{
	struct rusage usage = {0};
	siginfo_t info;

	signal_group(process, SIGKILL);
	if (wait_for(process, &info, 0, &usage) == 0) {
		fill_end(&info, &usage, end);
		return;
	}
	end->status = -1;
	snprintf(end->text, sizeof(end->text), "ended, and something else took its exit status");
}

static void process_disarm(struct process *process)
{
	loop_timer_stop(&process->ladder);
	loop_io_want(&process->watcher, false, false);
	fd_close(&process->pidfd);
}

static void on_pidfd_ready(void *user, bool readable, bool writable)
{
	struct process *process = user;
	struct process_end end = {.by_host = process->state != PROCESS_RUNNING};
	siginfo_t info;

	if (wait_for(process, &info, WNOWAIT | WNOHANG, NULL) == 0 && info.si_pid == 0)
		return; /* not yet */
	reap(process, &end);
	process_disarm(process);
	process_move(process, PROCESS_ENDED);
	process->on_exit(process->user, &end); /* may free the process */
}

/* ---- the ladder ---- */

static void on_ladder_due(void *user)
{
	struct process *process = user;

	if (process->state == PROCESS_CLOSING) {
		process_move(process, PROCESS_TERMINATING);
		signal_group(process, SIGTERM);
		loop_timer_start(&process->ladder, process->kill_after_ms);
	} else {
		process_kill(process);
	}
}

void process_stop(struct process *process, int64_t term_after_ms, int64_t kill_after_ms)
{
	switch (process->state) {
	case PROCESS_RUNNING:
		process_move(process, PROCESS_CLOSING);
		process->kill_after_ms = kill_after_ms;
		loop_timer_start(&process->ladder, term_after_ms);
		break;
	case PROCESS_CLOSING:
		process->kill_after_ms = kill_after_ms;
		loop_timer_start(&process->ladder, term_after_ms);
		break;
	case PROCESS_TERMINATING:
		loop_timer_start(&process->ladder, kill_after_ms);
		break;
	case PROCESS_KILLED:
	case PROCESS_ENDED:
		break;
	}
}

void process_kill(struct process *process)
{
	if (process->state == PROCESS_KILLED || process->state == PROCESS_ENDED)
		return;
	process_move(process, PROCESS_KILLED);
	loop_timer_stop(&process->ladder);
	kill_all(process);
}

/* ---- the start ---- */

static const char *const failed_steps[] = {
	[SPAWN_CLONE] = "no new process can be made",
	[SPAWN_GROUP] = "it can't have a group of its own",
	[SPAWN_DEATH_SIGNAL] = "it can't be tied to the host's life",
	[SPAWN_DESCRIPTORS] = "its descriptors can't be set (Linux 5.11 or newer is needed)",
	[SPAWN_WORK_DIR] = "its work_dir can't be entered",
	[SPAWN_SIGNALS] = "its signals can't be reset",
	[SPAWN_EXEC] = "it can't be executed",
};

static int start_failed(const struct process_opts *opts, enum spawn_step step, int errnum,
			struct err *err)
{
	const char *what = opts->image->file.path;
	char why[256];

	if (step == SPAWN_WORK_DIR)
		what = opts->work_dir ? opts->work_dir : "/";
	if (step == SPAWN_EXEC)
		exec_image_explain(opts->image, errnum, why, sizeof(why));
	else
		snprintf(why, sizeof(why), "%s", strerror(errnum));
	err_set(err, ERR_PLUGIN_START, "plugin '%s': '%s': %s: %s", opts->name, what,
		failed_steps[step], why);
	return -errnum;
}

static int spawn_image(const struct process_opts *opts, const struct wires *wires,
		       struct spawn_result *result, struct err *err)
{
	char **argv = exec_image_argv(opts->image, opts->args);
	int rc = spawn(&(struct spawn_plan){.input_fd = wires->input_fd,
					    .output_fd = wires->output_fd,
					    .error_fd = wires->error_fd,
					    .exec_fd = exec_image_fd(opts->image),
					    .script_fd = exec_image_script_fd(opts->image),
					    .script_target = EXEC_SCRIPT_FD,
					    .argv = argv,
					    .env = opts->env,
					    .work_dir = opts->work_dir ? opts->work_dir : "/"},
		       result);

	free(argv);
	return rc < 0 ? start_failed(opts, result->failed_step, -rc, err) : 0;
}

static struct process *process_new(struct loop *loop, const struct process_opts *opts,
				   const struct spawn_result *spawned)
{
	struct process *process = mem_new(struct process);

	process->pid = spawned->pid;
	process->pidfd = spawned->pidfd;
	process->on_exit = opts->on_exit;
	process->user = opts->user;
	loop_timer_init(&process->ladder, loop, on_ladder_due, process);
	loop_io_init(&process->watcher, loop, process->pidfd, on_pidfd_ready, process);
	loop_io_want(&process->watcher, true, false);
	return process;
}

int process_start(struct loop *loop, const struct process_opts *opts, struct process **out,
		  struct process_fds *fds_out, struct err *err)
{
	struct wires wires;
	struct spawn_result spawned;
	int rc = wires_open(&wires, opts->transport, opts->pipe_bytes);

	if (rc < 0)
		return err_set_errno(err, ERR_PLUGIN_START, -rc, "plugin '%s': no pipes",
				     opts->name);
	rc = spawn_image(opts, &wires, &spawned, err);
	if (rc < 0) {
		wires_close(&wires);
		return rc;
	}
	wires_close_child_ends(&wires);
	*out = process_new(loop, opts, &spawned);
	*fds_out = (struct process_fds){wires.write_fd, wires.read_fd, wires.stderr_fd};
	return 0;
}

pid_t process_pid(const struct process *process)
{
	return process->pid;
}

bool process_is_running(const struct process *process)
{
	return process->state != PROCESS_ENDED;
}

void process_free(struct process *process)
{
	struct process_end end = {0};

	if (!process)
		return;
	if (process->state != PROCESS_ENDED) {
		kill_all(process);
		reap(process, &end);
		process_disarm(process);
	}
	free(process);
}
