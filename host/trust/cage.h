/* A cage: the walls around one process, as a flat plan that travels from the host, where it is
 * made, to the keeper, where a child enters it just before it executes its image.
 *
 *	struct sandbox_opts ──cage_new()──▶ struct cage ──cage_pack()──▶ bytes ──cage_unpack()──▶
 *	struct cage ──cage_enter(), in the child──▶ struct cage_report, which walls stand
 *
 * A wall that the kernel doesn't offer, or doesn't grant to who we are, is missing and reported,
 * with errno; where the cage is `required`, it makes the start fail instead. So does, whatever is
 * required, another user that root could not become: it would go on as root. */
#ifndef PLUGD_TRUST_CAGE_H
#define PLUGD_TRUST_CAGE_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "trust/sandbox_opts.h"

enum wall {
#define WALL(name, word, text) WALL_##name,
#include "trust/walls.def"
#undef WALL
	WALL_COUNT
};

#define WALL_BIT(wall) (UINT32_C(1) << (wall))

const char *wall_name(enum wall wall); /* "net_namespace" */
const char *wall_text(enum wall wall); /* what it is, to stand behind "the plugin" */

/* What may be done with what lies at a path. */
enum { CAGE_READ = 1, CAGE_WRITE = 2, CAGE_EXECUTE = 4, CAGE_DEVICE = 8 };

struct cage_rule {
	const char *path; /* absolute */
	unsigned access;  /* of the above */
};

struct cage_port {
	uint16_t port;
	bool bind; /* else: connect */
};

/* A plan of its own for each process: the arrays belong to whoever made it. */
struct cage {
	uint32_t asked; /* bits of walls; 0: no cage at all */
	bool required;
	enum sandbox_violation on_violation;
	uid_t uid; /* with WALL_USER */
	gid_t gid;
	uint64_t limits
		[WALL_COUNT];	  /* of the walls that are limits, as setrlimit() takes them; those
				      * of the group: bytes, percent of one CPU, processes */
	uint64_t temporary_bytes; /* of the private /tmp; 0: the kernel's default */
	struct sock_filter *filter; /* of WALL_CALLS */
	size_t filter_count;
	struct cage_rule *rules; /* of WALL_PATHS */
	size_t rule_count;
	struct cage_port *ports; /* of WALL_PORTS */
	size_t port_count;
};

/* Which walls stand. */
struct cage_report {
	uint32_t enforced;	     /* bits */
	int16_t errnums[WALL_COUNT]; /* of those that were asked for and don't */
};

/* ---- the host's side ---- */

/* What strict lets any program touch, row by row; NULL at the end. */
const struct cage_rule *cage_basic_rule(size_t index);

/* `plugin` is the name, from which a user of its own follows: the same name, the same user.
 * `by_root`: who starts it is root, and can make it another user. Returns 0 and a cage
 * (cage_free()), or -errno and *err with one of ERR_SANDBOX_*. Takes a few milliseconds for the
 * filter: once for each generation, not for each process. */
int cage_new(const struct sandbox_opts *opts, const char *plugin, bool by_root, struct cage **out,
	     struct err *err);
void cage_free(struct cage *cage); /* NULL is fine */

/* A path in /tmp is listed. A /tmp of its own would hide it, so there is none then. */
bool cage_lists_temporary(const struct sandbox_opts *opts);

/* The keeper has to stand in a process namespace of its own, and where we are not root in a user
 * namespace too, before the child is made. */
bool cage_wants_keeper_caged(const struct cage *cage);

/* ---- on the way ---- */

/* Appends it to `out`. */
void cage_pack(const struct cage *cage, struct buf *out);

/* The arrays are owned (cage_deinit()), the paths borrow from the bytes. 0, or -EBADMSG. */
int cage_unpack(const uint8_t *bytes, size_t len, struct cage *out);
void cage_deinit(struct cage *cage);

/* ---- the child's side: system calls only, no memory, no locks; see cage_enter.c ---- */

/* The namespaces as flags for clone(): made at birth they cost a fraction of what each costs later.
 * A child that was made with all of them is told so by cage_note_born(). */
unsigned long cage_clone_flags(const struct cage *cage);
void cage_note_born(const struct cage *cage, struct cage_report *report);

/* The control group, by a descriptor of its file of processes, opened by whoever may write to it;
 * first of all, so that nothing is counted elsewhere. 0, or as below. */
int cage_enter_group(const struct cage *cage, int entry_fd, struct cage_report *report,
		     enum wall *failed);

/* Namespaces (those that it was not born with) and mounts; before the working directory is entered.
 * 0, or -errno and the wall, when a required one is missing. */
int cage_enter_namespaces(const struct cage *cage, struct cage_report *report, enum wall *failed);

/* All else but the filter. The caller has to ask for its parent death signal after this. */
int cage_enter_walls(const struct cage *cage, struct cage_report *report, enum wall *failed);

/* The filter, last. `notify_socket`: one end of a socket pair, over which the descriptor goes that
 * tells of violations. */
int cage_enter_filter(const struct cage *cage, int notify_socket, struct cage_report *report,
		      enum wall *failed);

#endif
