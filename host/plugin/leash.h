/* The leash: what the host and the keeper of one plugin process say to each other, over a
 * SOCK_SEQPACKET socket that they share with nobody.
 *
 *	host ──plan──▶ keeper		how to start the process
 *	host ◀─STARTED or FAILED─ keeper
 *	host ──signal──▶ keeper		any number of them, to the process and its group
 *	host ◀─VIOLATION─ keeper	it made a system call that its cage does not allow, once for
 *					each call
 *	host ◀─ENDED── keeper		nothing of it is left, grandchildren included
 *
 * When the host closes its end, or dies, the keeper kills all that is left. When the keeper's end
 * closes without ENDED, somebody has killed the keeper. Both are the same program, forked: no
 * versions, no byte order. */
#ifndef PLUGD_PLUGIN_LEASH_H
#define PLUGD_PLUGIN_LEASH_H

#include <stdint.h>
#include <sys/types.h>

#include "plugin/spawn.h"

#define LEASH_MAX_STRINGS (UINT32_C(16) << 20) /* of arguments and environment; exec takes less */

/* ---- the host's side ---- */

/* Borrows the plan; its descriptors are copied. 0, or -errno. */
int leash_send_plan(int leash, const struct spawn_plan *plan);

/* 0, or -errno. */
int leash_send_signal(int leash, int signum);

enum leash_kind { LEASH_STARTED = 1, LEASH_FAILED, LEASH_VIOLATION, LEASH_ENDED };

struct leash_news {
	enum leash_kind kind;
	pid_t pid; /* STARTED: as the keeper sees it */
	struct cage_report report;
	enum spawn_step failed; /* FAILED */
	enum wall failed_wall;
	int errnum;
	int call; /* VIOLATION: its number */
	int code; /* ENDED: si_code and si_status of waitid() */
	int status;
	int64_t user_us;
	int64_t system_us;
	int64_t max_rss_bytes;
};

/* *pidfd_out: close-on-exec, owned by the caller; -1: none came. 1, 0 when there is no keeper any
 * more, or -errno (-EAGAIN: nothing yet). */
int leash_recv_news(int leash, struct leash_news *out, int *pidfd_out);

/* ---- the keeper's side ---- */

struct leash_plan {
	struct spawn_plan plan;
	struct cage cage; /* which the plan points to, if it has one */
	uint8_t *strings;
};

/* 1 and a plan (leash_plan_deinit()), 0 when there is no host any more, or -errno. */
int leash_recv_plan(int leash, struct leash_plan *out);
void leash_plan_deinit(struct leash_plan *plan); /* closes its descriptors too */

/* `pidfd` is copied; -1: none. 0, or -errno. */
int leash_send_news(int leash, const struct leash_news *news, int pidfd);

/* 1, 0 when there is no host any more, or -errno. */
int leash_recv_signal(int leash, int *signum_out);

#endif
