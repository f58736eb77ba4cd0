/* One plugin process of an instance. Owns its pidfd, its control group, the host's end of its
 * keeper's leash, the watcher on that and the timer of the ladder; the pipes' ends belong to the
 * caller. Instances call it; it calls back once, when nothing of the process is left. It never
 * reads a frame, never decides whether to start again, and never signals a number: the process by
 * its pidfd, the group (and whom only root may signal) through the keeper, which is the parent and
 * so the only one that knows what the number means.
 *
 *	RUNNING ──stop──▶ CLOSING ──term_after──▶ TERMINATING ──kill_after──▶ KILLED
 *	   │  input is closed │     SIGTERM to the group │  SIGKILL to the process │
 *	   └──────────────────┴────────────┬─────────────┴─────────────────────────┘
 *	                 the leash says so, or has broken ──▶ ENDED, on_exit */
#include "plugin/process.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/sm.h"
#include "observe/errors.h"
#include "plugin/leash.h"
#include "plugin/wires.h"
#include "trust/call_filter.h"
#include "trust/control_group.h"

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
	pid_t pid; /* for messages */
	int pidfd;
	int leash;
	struct control_group *group; /* NULL: none */
	int64_t kill_after_ms;	     /* for the rung after SIGTERM */
	struct loop_io watcher;
	struct loop_timer ladder;
	struct cage_report cage_report;
	process_exit_fn *on_exit;
	process_violation_fn *on_violation;
	void *user;
};

static void process_move(struct process *process, enum process_state next)
{
	assert(sm_may_move(process_states, process->state, next));
	process->state = next;
}

/* The keeper kills everything else below it when the process has ended; the group does so now. It
 * also kills for us whom we may not: a plugin of another user, when we are not root. */
static void kill_now(const struct process *process)
{
	control_group_kill(process->group);
	if (syscall(SYS_pidfd_send_signal, process->pidfd, SIGKILL, NULL, 0) < 0 && errno == EPERM)
		leash_send_signal(process->leash, SIGKILL);
}

/* ---- the end ---- */

static void describe_end(struct process_end *end)
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

/* The kernel's choice, which would look like anybody's SIGKILL. */
static void tell_memory_kill(const struct process *process, struct process_end *end)
{
	size_t len = strlen(end->text);

	if (process->group && end->by_signal && end->status == SIGKILL &&
	    control_group_memory_kills(process->group) > 0)
		snprintf(end->text + len, sizeof(end->text) - len,
			 ": the memory of its control group was used up");
}

static void take_end(const struct leash_news *news, struct process_end *end)
{
	end->by_signal = news->code != CLD_EXITED;
	end->core_dumped = news->code == CLD_DUMPED;
	end->status = news->status;
	end->user_us = news->user_us;
	end->system_us = news->system_us;
	end->max_rss_bytes = news->max_rss_bytes;
	describe_end(end);
}

/* The death of its keeper is the process's too. */
static void take_lost_keeper(const struct process *process, struct process_end *end)
{
	kill_now(process);
	end->status = -1;
	snprintf(end->text, sizeof(end->text), "killed, because its keeper was killed");
}

static void process_disarm(struct process *process)
{
	loop_timer_stop(&process->ladder);
	loop_io_want(&process->watcher, false, false);
	fd_close(&process->leash);
	fd_close(&process->pidfd);
	control_group_free(process->group);
	process->group = NULL;
}

static void take_violation(const struct process *process, int call)
{
	char name[48];

	if (process->on_violation)
		process->on_violation(process->user, call_filter_name(call, name, sizeof(name)));
}

static void on_leash_ready(void *user, bool readable, bool writable)
{
	struct process *process = user;
	struct process_end end = {.by_host = process->state >= PROCESS_TERMINATING};
	struct leash_news news;
	int no_pidfd;
	int rc = leash_recv_news(process->leash, &news, &no_pidfd);

	if (rc == -EAGAIN)
		return;
	if (rc > 0 && news.kind == LEASH_VIOLATION) {
		take_violation(process, news.call);
		return;
	}
	if (rc > 0)
		take_end(&news, &end);
	else
		take_lost_keeper(process, &end);
	tell_memory_kill(process, &end);
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
		leash_send_signal(process->leash, SIGTERM);
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
	kill_now(process);
}

/* ---- the start ---- */

static const char *const failed_steps[] = {
	[SPAWN_KEEPER] = "the spawner gives no answer",
	[SPAWN_CLONE] = "no new process can be made",
	[SPAWN_GROUP] = "it can't have a group of its own",
	[SPAWN_DEATH_SIGNAL] = "it can't be tied to its keeper's life",
	[SPAWN_DESCRIPTORS] = "its descriptors can't be set (Linux 5.11 or newer is needed)",
	[SPAWN_SIGNALS] = "its signals can't be reset",
	[SPAWN_CAGE] = "its sandbox can't be made",
	[SPAWN_WORK_DIR] = "its work_dir can't be entered",
	[SPAWN_EXEC] = "it can't be executed",
};

static int cage_failed(const struct process_opts *opts, enum wall wall, int errnum, struct err *err)
{
	return err_set_errno(err, ERR_SANDBOX_MISSING, errnum,
			     "plugin '%s': it is not started without this part of its sandbox: %s",
			     opts->name, wall_name(wall));
}

static int start_failed(const struct process_opts *opts, const struct spawn_result *result,
			int errnum, struct err *err)
{
	enum spawn_step step = result->failed_step;
	const char *what = opts->image->file.path;
	char why[256];

	if (step == SPAWN_KEEPER && errnum == EKEYREVOKED) {
		err_set(err, ERR_SPAWNER_LOST,
			"plugin '%s': it can't be started, because the spawner that had stayed "
			"root was "
			"killed; restart plugd",
			opts->name);
		return -errnum;
	}
	if (step == SPAWN_CAGE)
		return cage_failed(opts, result->failed_wall, errnum, err);
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
		       const struct control_group *group, struct spawn_result *result,
		       int *leash_out, struct err *err)
{
	char **argv = exec_image_argv(opts->image, opts->args);
	struct spawn_plan plan = {.input_fd = wires->input_fd,
				  .output_fd = wires->output_fd,
				  .error_fd = wires->error_fd,
				  .exec_fd = exec_image_fd(opts->image),
				  .script_fd = exec_image_script_fd(opts->image),
				  .script_target = EXEC_SCRIPT_FD,
				  .argv = argv,
				  .env = opts->env,
				  .work_dir = opts->work_dir ? opts->work_dir : "/",
				  .cage = opts->cage,
				  .group_fd = group ? control_group_entry_fd(group) : -1};
	int rc = spawner_start(opts->spawner, &plan, result, leash_out);

	free(argv);
	return rc < 0 ? start_failed(opts, result, -rc, err) : 0;
}

/* Walls of the group stand only for who has entered it. */
static void add_report(const struct cage_report *of_group, struct cage_report *report)
{
	for (enum wall wall = WALL_GROUP_MEMORY; wall <= WALL_GROUP_PROCESSES; wall++) {
		report->errnums[wall] = of_group->errnums[wall];
		if (!(of_group->enforced & WALL_BIT(wall)))
			continue;
		if (report->enforced & WALL_BIT(WALL_GROUP))
			report->enforced |= WALL_BIT(wall);
		else
			report->errnums[wall] = report->errnums[WALL_GROUP];
	}
	if (of_group->errnums[WALL_GROUP])
		report->errnums[WALL_GROUP] = of_group->errnums[WALL_GROUP];
}

static int spawn_in_group(const struct process_opts *opts, const struct wires *wires,
			  struct spawn_result *result, int *leash_out,
			  struct control_group **group_out, struct err *err)
{
	struct cage_report report = {0};
	enum wall failed;
	int rc = 0;

	*group_out = NULL;
	if (opts->groups && opts->cage)
		rc = control_group_new(opts->groups, opts->name, opts->cage, &report, &failed,
				       group_out);
	if (rc < 0)
		return cage_failed(opts, failed, -rc, err);
	rc = spawn_image(opts, wires, *group_out, result, leash_out, err);
	if (rc < 0)
		control_group_free(*group_out);
	else
		add_report(&report, &result->report);
	return rc;
}

static struct process *process_new(struct loop *loop, const struct process_opts *opts,
				   const struct spawn_result *spawned, int leash,
				   struct control_group *group)
{
	struct process *process = mem_new(struct process);

	process->pid = spawned->pid;
	process->pidfd = spawned->pidfd;
	process->leash = leash;
	process->group = group;
	process->cage_report = spawned->report;
	process->on_exit = opts->on_exit;
	process->on_violation = opts->on_violation;
	process->user = opts->user;
	loop_timer_init(&process->ladder, loop, on_ladder_due, process);
	fd_set_nonblock(leash, true);
	loop_io_init(&process->watcher, loop, leash, on_leash_ready, process);
	loop_io_want(&process->watcher, true, false);
	return process;
}

int process_start(struct loop *loop, const struct process_opts *opts, struct process **out,
		  struct process_fds *fds_out, struct err *err)
{
	struct wires wires;
	struct spawn_result spawned;
	struct control_group *group;
	int leash;
	int rc = wires_open(&wires, opts->transport, opts->pipe_bytes);

	if (rc < 0)
		return err_set_errno(err, ERR_PLUGIN_START, -rc, "plugin '%s': no pipes",
				     opts->name);
	rc = spawn_in_group(opts, &wires, &spawned, &leash, &group, err);
	if (rc < 0) {
		wires_close(&wires);
		return rc;
	}
	wires_close_child_ends(&wires);
	*out = process_new(loop, opts, &spawned, leash, group);
	*fds_out = (struct process_fds){wires.write_fd, wires.read_fd, wires.stderr_fd};
	return 0;
}

pid_t process_pid(const struct process *process)
{
	return process->pid;
}

const struct cage_report *process_cage_report(const struct process *process)
{
	return &process->cage_report;
}

bool process_is_running(const struct process *process)
{
	return process->state != PROCESS_ENDED;
}

void process_free(struct process *process)
{
	if (!process)
		return;
	if (process->state != PROCESS_ENDED) {
		kill_now(process);
		process_disarm(process); /* the leash too: the keeper kills the rest */
	}
	free(process);
}
