/* Control groups (cgroup v2): one for each plugin process, below a directory that was given to
 * plugd. They are the limits that hold for a process and all that it starts, together, and the one
 * way to kill them all at once.
 *
 *	ROOT/host		plugd itself, if ROOT is the group that it was started in
 *	ROOT/plugin-NAME-1, …	one process and what it has started, each
 *
 * A control group is made before its process is born, which enters it before it is executed. What
 * the kernel refuses is a missing wall, with its errno, as in cage.h. Not thread-safe. */
#ifndef PLUGD_TRUST_CONTROL_GROUP_H
#define PLUGD_TRUST_CONTROL_GROUP_H

#include <sys/types.h>

#include "base/err.h"
#include "trust/cage.h"

#define CONTROL_GROUPS_NONE "none" /* as a setting */
#define CONTROL_GROUPS_OWN  "own"  /* the group in which plugd was started */

struct control_groups;
struct control_group;

/* `where`: CONTROL_GROUPS_OWN, or a directory of a cgroup2 file system, which belongs to this plugd
 * alone: what an earlier one left there is killed and removed, and another one that has it is an
 * error. The calling process moves to ROOT/host if it is in ROOT, so its children are made later.
 * 0 and *out, or -errno and *err with ERR_CONTROL_GROUPS. */
int control_groups_open(const char *where, struct control_groups **out, struct err *err);

/* The same for a directory of any kind, whose files are there already: for tests. Takes the
 * descriptor. */
struct control_groups *control_groups_adopt(int dir);

/* To whom the process becomes, while it is root. What can't be given shows when a group is made. */
void control_groups_give(const struct control_groups *groups, uid_t uid, gid_t gid);

/* Removes what is left of groups; none may be in use. NULL is fine. */
void control_groups_close(struct control_groups *groups);

/* Makes one with the limits that the cage asks for (WALL_GROUP_*): those that stand are added to
 * the report, and so is why others don't. 0 and *out; or -errno and the wall, when a required one
 * is missing. When the group itself can't be made and isn't required, it is 0 and *out is NULL. */
int control_group_new(struct control_groups *groups, const char *plugin, const struct cage *cage,
		      struct cage_report *report, enum wall *failed, struct control_group **out);

/* Whoever writes "0" there enters. Owned by the group. */
int control_group_entry_fd(const struct control_group *group);

/* Kills all that is in it, whatever they do meanwhile. NULL is fine. */
void control_group_kill(struct control_group *group);

/* The same for kernels before 5.14, which have no file for it: stops them, so that none can escape
 * by forking, and kills each. Waits for the stop, a tenth of a second at most. */
void control_group_kill_frozen(struct control_group *group);

/* How many of its processes the kernel has killed because the group's memory was used up. */
unsigned long control_group_memory_kills(const struct control_group *group);

/* Kills what is left in it and removes it, at once or, while the kernel is not done with it, before
 * the next one is made. NULL is fine. */
void control_group_free(struct control_group *group);

#endif
