/* Processes below this one that nobody else answers for. For a child subreaper: whatever is left by
 * its children becomes its own child, so that nothing can get away from it. Only for a process that
 * alone reaps its children, in one thread: until it has reaped one, that one's number means nobody
 * else. */
#ifndef PLUGD_PLUGIN_ORPHANS_H
#define PLUGD_PLUGIN_ORPHANS_H

#include <stddef.h>
#include <sys/types.h>

/* SIGKILL to each child that is not among the known ones. Returns to how many, or -errno when the
 * children can't be listed. What those leave behind becomes ours when they end: again then. */
int orphans_kill(const pid_t *known, size_t known_count);

/* SIGKILL to every child, and what they leave behind, until none is there; reaps them all. */
void orphans_kill_all(void);

#endif
