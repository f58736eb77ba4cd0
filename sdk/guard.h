/* The descriptors of the protocol, out of reach of everybody else's code. */
#ifndef PLUG_GUARD_H
#define PLUG_GUARD_H

#include <signal.h>
#include <stdbool.h>

struct guard {
	int in;	 /* where frames come from; not blocking, close-on-exec */
	int out; /* where they go */
	int in_flags;
	int out_flags;
	bool pipe_signal; /* SIGPIPE was set to be ignored */
};

/* Moves descriptors 0 and 1 away, points 1 to 2 and 0 to /dev/null. 0, or -errno: then nothing was
 * moved. */
int guard_open(struct guard *guard);

/* Closes the moved descriptors. 0, 1 and 2 stay as they are. */
void guard_close(struct guard *guard);

#endif
