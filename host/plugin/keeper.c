/* One plugin process's keeper, from the plan to the end. The spawner forks it; it shares only its
 * leash with the host. It is small because the spawner is: it owns the leash, a signalfd, and the
 * descriptor by which the kernel asks about system calls that the plugin's cage does not allow: it
 * tells the host once for each, and refuses them.
 *
 *	waits for the plan ──▶ starts ──▶ keeps ──plugin ended──▶ kills the rest, ENDED ──▶ exit
 *	                         │          └──leash closed──▶ kills all ───────────────────▶ exit
 *	                         └─fails──▶ FAILED ─────────────────────────────────────────▶ exit
 *
 * It signals numbers, but only its own children's before it has reaped them, and the group of the
 * plugin before it has reaped the plugin: until then the kernel gives them to nobody. If it is
 * killed itself, the plugin dies by its death signal, and the rest becomes the spawner's. */
#include "plugin/keeper.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plugin/leash.h"
#include "plugin/orphans.h"
#include "plugin/spawner_main.h"
#include "trust/call_filter.h"

#define CALL_NUMBERS 1024 /* more than there are */

struct keeper {
	const struct spawner_duty *duty;
	int leash;
	int child_events; /* a signalfd of SIGCHLD */
	pid_t pid;	  /* of the plugin; a zombie until finish() */
	int notify_fd;	  /* -1: no filter */
	enum sandbox_violation on_violation;
	uint8_t told[CALL_NUMBERS / 8]; /* calls that the host has heard of, a bit each */
};

/* ---- the start ---- */

/* As root for a host that is not. The walls that a plan asks for are the host's to choose; who runs
 * is not. */
static int guard_user(const struct spawner_duty *duty, struct leash_plan *plan)
{
	struct cage *cage = &plan->cage;

	if (!spawner_is_guard(duty) || geteuid() != 0)
		return 0;
	if (!(cage->asked & WALL_BIT(WALL_USER))) {
		cage->asked |= WALL_BIT(WALL_USER);
		cage->uid = duty->host.uid;
		cage->gid = duty->host.gid;
	}
	plan->plan.cage = cage;
	return cage->uid == 0 || cage->gid == 0 ? -EPERM : 0;
}

static struct spawn_result refused(void)
{
	return (struct spawn_result){.pid = -1,
				     .pidfd = -1,
				     .failed_step = SPAWN_CAGE,
				     .failed_wall = WALL_USER,
				     .notify_fd = -1};
}

static void start(struct keeper *keeper)
{
	struct leash_plan plan;
	struct spawn_result result;
	struct leash_news news = {.kind = LEASH_STARTED};
	int rc = leash_recv_plan(keeper->leash, &plan);

	if (rc == 0)
		_exit(0);
	if (rc > 0) {
		rc = guard_user(keeper->duty, &plan);
		if (rc == 0)
			rc = spawn(&plan.plan, &result);
		else
			result = refused();
		keeper->on_violation = plan.cage.on_violation;
		leash_plan_deinit(&plan);
	} else {
		result = (struct spawn_result){
			.pidfd = -1, .failed_step = SPAWN_KEEPER, .notify_fd = -1};
	}
	keeper->pid = news.pid = result.pid;
	keeper->notify_fd = result.notify_fd;
	news.report = result.report;
	if (rc < 0)
		news = (struct leash_news){.kind = LEASH_FAILED,
					   .failed = result.failed_step,
					   .failed_wall = result.failed_wall,
					   .errnum = -rc};
	leash_send_news(keeper->leash, &news, result.pidfd);
	if (rc < 0)
		_exit(0);
	close(result.pidfd);
}

/* ---- the end ---- */

/* Everything, now. */
static void give_up(void)
{
	orphans_kill_all();
	_exit(0);
}

static int64_t timeval_us(const struct timeval *time)
{
	return (int64_t)time->tv_sec * 1000000 + time->tv_usec;
}

/* The plugin is a zombie. First its group, which is quickest done at once while the number is
 * taken; then, after it has been reaped, all that it has left behind. */
static void finish(struct keeper *keeper)
{
	struct leash_news news = {.kind = LEASH_ENDED};
	struct rusage usage = {0};
	siginfo_t info = {0};

	kill(-keeper->pid, SIGKILL);
	syscall(SYS_waitid, P_PID, keeper->pid, &info, WEXITED, &usage);
	orphans_kill_all();
	news.code = info.si_code;
	news.status = info.si_status;
	news.user_us = timeval_us(&usage.ru_utime);
	news.system_us = timeval_us(&usage.ru_stime);
	news.max_rss_bytes = (int64_t)usage.ru_maxrss * 1024;
	leash_send_news(keeper->leash, &news, -1);
	_exit(0);
}

/* ---- violations ---- */

/* What the kernel asks and is answered may be longer than what this was built with. */
union notification {
	struct seccomp_notif asked;
	struct seccomp_notif_resp answer;
	uint8_t room[512];
};

static void tell_violation(struct keeper *keeper, int call)
{
	struct leash_news news = {.kind = LEASH_VIOLATION, .call = call};
	unsigned number = (unsigned)call % CALL_NUMBERS;

	if (keeper->told[number / 8] & 1u << number % 8)
		return;
	keeper->told[number / 8] |= (uint8_t)(1u << number % 8);
	leash_send_news(keeper->leash, &news, -1);
}

/* A call is refused as if the caller had no right to it, and one that this plugd doesn't know as if
 * the kernel didn't either: libraries have another way then. */
static void serve_violation(struct keeper *keeper)
{
	union notification notification = {.room = {0}};
	uint64_t id;
	int call;

	if (ioctl(keeper->notify_fd, SECCOMP_IOCTL_NOTIF_RECV, &notification) < 0)
		return; /* who called has died */
	id = notification.asked.id;
	call = notification.asked.data.nr;
	if (!call_filter_is_new(call)) {
		tell_violation(keeper, call);
		if (keeper->on_violation == SANDBOX_KILL)
			kill(keeper->pid, SIGKILL);
	}
	notification = (union notification){.room = {0}};
	notification.answer.id = id;
	notification.answer.error = call_filter_is_new(call) ? -ENOSYS : -EPERM;
	ioctl(keeper->notify_fd, SECCOMP_IOCTL_NOTIF_SEND, &notification);
}

/* The kernel hangs up when nobody is left who has the filter. */
static void on_notify(struct keeper *keeper, short events)
{
	if (events & POLLIN)
		serve_violation(keeper);
	else
		keeper->notify_fd = -1;
}

/* ---- between them ---- */

/* The group's signal reaches the plugin too, unless it has left its group. */
static void signal_group(const struct keeper *keeper, int signum)
{
	kill(-keeper->pid, signum);
	if (getpgid(keeper->pid) != keeper->pid)
		kill(keeper->pid, signum);
}

static void serve_host(const struct keeper *keeper)
{
	int signum;
	int rc = leash_recv_signal(keeper->leash, &signum);

	if (rc == 0)
		give_up();
	if (rc > 0)
		signal_group(keeper, signum);
}

/* The ends of its grandchildren, which it left to us, are nobody's news. */
static void reap(struct keeper *keeper)
{
	struct signalfd_siginfo seen;
	siginfo_t info = {0};

	if (read(keeper->child_events, &seen, sizeof(seen)) < 0)
		give_up();
	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid > 0) {
		if (info.si_pid == keeper->pid)
			finish(keeper);
		waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG);
		info.si_pid = 0;
	}
}

static int open_child_events(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

void keeper_run(int leash, const struct spawner_duty *duty)
{
	struct keeper keeper = {.duty = duty, .leash = leash, .child_events = open_child_events()};
	struct pollfd polled[] = {{.fd = leash, .events = POLLIN},
				  {.fd = keeper.child_events, .events = POLLIN},
				  {.events = POLLIN}};

	prctl(PR_SET_NAME, KEEPER_NAME);
	if (keeper.child_events < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		_exit(1); /* the host hears that its leash has no other end */
	start(&keeper);
	for (;;) {
		polled[2].fd = keeper.notify_fd;
		if (poll(polled, 3, -1) < 0 && errno != EINTR)
			give_up();
		if (polled[2].revents)
			on_notify(&keeper, polled[2].revents);
		if (polled[1].revents)
			reap(&keeper);
		if (polled[0].revents)
			serve_host(&keeper);
	}
}
