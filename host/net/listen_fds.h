/* What a parent says of the sockets that it hands over: the variables LISTEN_PID, LISTEN_FDS and
 * LISTEN_FDNAMES of sd_listen_fds(3). Pure. */
#ifndef PLUGD_NET_LISTEN_FDS_H
#define PLUGD_NET_LISTEN_FDS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/str.h"

#define LISTEN_FDS_FIRST 3
#define LISTEN_FDS_MAX	 1024

struct listen_fds_texts {
	const char *pid; /* NULL: there is no such variable; of the others too */
	const char *fds;
	const char *names;
};

struct listen_fds {
	unsigned count;	 /* of descriptors, from LISTEN_FDS_FIRST on */
	bool is_another; /* they are for another process, so there are none */
	struct str names;
};

/* For the process `self`. NULL, or what is wrong, as a sentence. Borrows the texts. */
const char *listen_fds_read(const struct listen_fds_texts *texts, pid_t self,
			    struct listen_fds *out);

/* Of the n-th; "unknown" when no names were given. */
struct str listen_fds_name(const struct listen_fds *fds, unsigned n);

#endif
