/* How many calls of one plugin run at once, and how many may wait for their turn. Pure: counts
 * only; who waits is kept by the dispatcher. */
#ifndef PLUGD_DISPATCH_LIMIT_H
#define PLUGD_DISPATCH_LIMIT_H

#include <stdbool.h>

struct limit {
	unsigned max_running;
	unsigned max_waiting;
	unsigned running;
	unsigned waiting;
	bool held; /* nobody starts, all wait */
};

enum limit_verdict { LIMIT_RUN, LIMIT_WAIT, LIMIT_REFUSE };

/* A call comes. It is counted by the verdict. Nobody overtakes those who wait. */
enum limit_verdict limit_enter(struct limit *limit);

/* One that was let in can't run now, and goes back to the front of those who wait. False: there is
 * no room, and it has left. */
bool limit_go_back(struct limit *limit);

/* One that waited gives up. */
void limit_abandon(struct limit *limit);

/* One that ran has ended. */
void limit_leave(struct limit *limit);

/* True: the first of those who wait runs now, and is counted so. */
bool limit_next(struct limit *limit);

#endif
