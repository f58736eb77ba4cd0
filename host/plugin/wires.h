/* The pipes, or the socketpair, between the host and one child. */
#ifndef PLUGD_PLUGIN_WIRES_H
#define PLUGD_PLUGIN_WIRES_H

#include <stdint.h>

#include "plugin/plugin_opts.h"

/* -1: closed, or somebody else's by now. */
struct wires {
	int write_fd; /* the host's ends, non-blocking; the first two are one socket or two pipes */
	int read_fd;
	int stderr_fd;
	int input_fd; /* the child's ends, blocking; likewise */
	int output_fd;
	int error_fd;
};

/* All close-on-exec. `bytes` is the capacity asked for each way, 0: the kernel's; its limits per
 * user win. 0, or -errno with all closed. */
int wires_open(struct wires *wires, enum plugin_transport transport, uint32_t bytes);

void wires_close_child_ends(struct wires *wires);
void wires_close(struct wires *wires); /* what is not closed yet */

#endif
