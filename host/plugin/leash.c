/* The messages of a leash. Each is one datagram of a fixed size; the strings of a plan may be
 * longer than a datagram, so they always travel in a memfd beside it. The host's side is called by
 * spawner.c and process.c, the keeper's side by keeper.c. */
#include "plugin/leash.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fdpass.h"
#include "base/mem.h"
#include "plugin/spawn_strings.h"

struct plan_head {
	struct spawn_counts counts;
	uint32_t string_bytes; /* of the strings; the cage is behind them */
	uint32_t cage_bytes;   /* 0: none */
	int script_target;
	bool has_script;
	bool has_group;
};

/* The descriptors of a plan, in this order; behind them those that not every plan has: the script,
 * the control group. */
enum { PLAN_STRINGS, PLAN_INPUT, PLAN_OUTPUT, PLAN_ERROR, PLAN_EXEC, PLAN_ALWAYS, PLAN_FDS = 7 };

/* ---- plans ---- */

static int make_memfd(const struct buf *bytes)
{
	int fd = memfd_create("plugd-plan", MFD_CLOEXEC);
	int rc = fd < 0 ? -errno : fd_write_all(fd, buf_front(bytes), buf_len(bytes));

	if (rc < 0)
		fd_close(&fd);
	return rc < 0 ? rc : fd;
}

static int send_plan(int leash, const struct spawn_plan *plan, const struct plan_head *head,
		     const struct buf *strings)
{
	int fds[PLAN_FDS] = {
		[PLAN_STRINGS] = make_memfd(strings), [PLAN_INPUT] = plan->input_fd,
		[PLAN_OUTPUT] = plan->output_fd,      [PLAN_ERROR] = plan->error_fd,
		[PLAN_EXEC] = plan->exec_fd,
	};
	size_t count = PLAN_ALWAYS;
	int rc = fds[PLAN_STRINGS];

	if (head->has_script)
		fds[count++] = plan->script_fd;
	if (head->has_group)
		fds[count++] = plan->group_fd;
	if (rc >= 0)
		rc = fdpass_send(leash, head, sizeof(*head), fds, count);
	fd_close(&fds[PLAN_STRINGS]);
	return rc;
}

int leash_send_plan(int leash, const struct spawn_plan *plan)
{
	struct plan_head head = {.script_target = plan->script_target,
				 .has_script = plan->script_fd >= 0,
				 .has_group = plan->group_fd >= 0};
	size_t before;
	struct buf strings = {0};
	int rc = -E2BIG;

	spawn_strings_pack(plan, &strings, &head.counts);
	if (buf_len(&strings) <= LEASH_MAX_STRINGS) {
		head.string_bytes = (uint32_t)buf_len(&strings);
		before = buf_len(&strings);
		if (plan->cage)
			cage_pack(plan->cage, &strings);
		head.cage_bytes = (uint32_t)(buf_len(&strings) - before);
		rc = send_plan(leash, plan, &head, &strings);
	}
	buf_deinit(&strings);
	return rc;
}

static int read_strings(const struct plan_head *head, int fd, struct leash_plan *out)
{
	int rc;

	if (head->string_bytes > LEASH_MAX_STRINGS || head->cage_bytes > LEASH_MAX_STRINGS)
		return -EBADMSG;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	out->strings = mem_alloc((size_t)head->string_bytes + head->cage_bytes);
	rc = fd_read_all(fd, out->strings, (size_t)head->string_bytes + head->cage_bytes);
	if (rc == 0)
		rc = spawn_strings_unpack(out->strings, head->string_bytes, &head->counts,
					  &out->plan);
	if (rc == 0 && head->cage_bytes > 0) {
		rc = cage_unpack(out->strings + head->string_bytes, head->cage_bytes, &out->cage);
		out->plan.cage = &out->cage;
	}
	return rc;
}

int leash_recv_plan(int leash, struct leash_plan *out)
{
	int fds[PLAN_FDS] = {-1, -1, -1, -1, -1, -1, -1};
	size_t fd_count = PLAN_FDS;
	size_t next = PLAN_ALWAYS;
	struct plan_head head;
	int rc = fdpass_recv(leash, &head, sizeof(head), fds, &fd_count);

	if (rc <= 0)
		return rc;
	*out = (struct leash_plan){.plan = {.input_fd = fds[PLAN_INPUT],
					    .output_fd = fds[PLAN_OUTPUT],
					    .error_fd = fds[PLAN_ERROR],
					    .exec_fd = fds[PLAN_EXEC],
					    .script_fd = head.has_script ? fds[next++] : -1,
					    .script_target = head.script_target,
					    .group_fd = head.has_group ? fds[next++] : -1}};
	rc = fd_count < next ? -EBADMSG : read_strings(&head, fds[PLAN_STRINGS], out);
	fd_close(&fds[PLAN_STRINGS]);
	if (rc < 0)
		leash_plan_deinit(out);
	return rc < 0 ? rc : 1;
}

void leash_plan_deinit(struct leash_plan *plan)
{
	fd_close(&plan->plan.input_fd);
	fd_close(&plan->plan.output_fd);
	fd_close(&plan->plan.error_fd);
	fd_close(&plan->plan.exec_fd);
	fd_close(&plan->plan.script_fd);
	fd_close(&plan->plan.group_fd);
	free((char **)plan->plan.argv);
	free((char **)plan->plan.env);
	cage_deinit(&plan->cage);
	free(plan->strings);
}

/* ---- news ---- */

int leash_send_news(int leash, const struct leash_news *news, int pidfd)
{
	return fdpass_send(leash, news, sizeof(*news), &pidfd, pidfd >= 0);
}

int leash_recv_news(int leash, struct leash_news *out, int *pidfd_out)
{
	size_t fd_count = 1;

	*pidfd_out = -1;
	return fdpass_recv(leash, out, sizeof(*out), pidfd_out, &fd_count);
}

/* ---- signals ---- */

int leash_send_signal(int leash, int signum)
{
	return fdpass_send(leash, &signum, sizeof(signum), NULL, 0);
}

int leash_recv_signal(int leash, int *signum_out)
{
	size_t fd_count = 0;

	return fdpass_recv(leash, signum_out, sizeof(*signum_out), NULL, &fd_count);
}
