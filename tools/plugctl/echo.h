/* What a plugin says while it is checked, line by line on standard error: its own standard error,
 * and its LOG frames. */
#ifndef PLUGCTL_ECHO_H
#define PLUGCTL_ECHO_H

#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"
#include "observe/log.h"

struct echo {
	struct log *log; /* give this to an instance */
	int read_fd;
	int write_fd;
	struct loop_io io;
	struct buf in;
};

/* 0, or -errno and *err. */
int echo_open(struct echo *echo, struct loop *loop, struct err *err);

/* Shows what is left. */
void echo_close(struct echo *echo);

#endif
