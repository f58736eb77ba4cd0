/* Reads the variables of systemd's protocol. libsystemd could, but it is a library with a good deal
 * of the system behind it, in a process that may start as root, for three variables. What was meant
 * for another process is no error: a shell or a supervisor in between passes the environment on,
 * and LISTEN_PID is there to tell. inherited.c calls it. */
#include "net/listen_fds.h"

#define PID_MAX 4194304 /* of Linux */

static unsigned count_names(struct str names)
{
	unsigned count = 1;

	for (size_t i = 0; i < names.len; i++)
		count += names.data[i] == ':';
	return count;
}

const char *listen_fds_read(const struct listen_fds_texts *texts, pid_t self,
			    struct listen_fds *out)
{
	uint64_t pid, count;

	*out = (struct listen_fds){.names = str_from(texts->names)};
	if (!texts->pid || !texts->fds)
		return NULL;
	if (!str_to_u64(str_from(texts->pid), PID_MAX, &pid) || pid == 0)
		return "LISTEN_PID is not the number of a process";
	if (pid != (uint64_t)self) {
		out->is_another = true;
		return NULL;
	}
	if (!str_to_u64(str_from(texts->fds), LISTEN_FDS_MAX, &count))
		return "LISTEN_FDS is not a number of descriptors from 0 to 1024";
	if (texts->names && count > 0 && count_names(out->names) != count)
		return "LISTEN_FDNAMES has not as many names as LISTEN_FDS has descriptors";
	out->count = (unsigned)count;
	return NULL;
}

struct str listen_fds_name(const struct listen_fds *fds, unsigned n)
{
	struct str rest = fds->names;
	const char *colon;

	if (!rest.data)
		return STR_LITERAL("unknown");
	for (; n > 0; n--) {
		colon = memchr(rest.data, ':', rest.len);
		rest = (struct str){colon + 1, rest.len - (size_t)(colon + 1 - rest.data)};
	}
	colon = rest.len > 0 ? memchr(rest.data, ':', rest.len) : NULL;
	return (struct str){rest.data, colon ? (size_t)(colon - rest.data) : rest.len};
}
