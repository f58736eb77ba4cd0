/* The target of a request: taken apart, decoded and normalised, so that what is matched is what was
 * meant. Pure. */
#ifndef PLUGD_NET_TARGET_H
#define PLUGD_NET_TARGET_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"
#include "net/fault.h"

struct target {
	struct str path; /* as message.h describes it */
	struct str query;
	struct str authority;
	bool is_absolute; /* it has its own authority */
};

/* FAULT_NONE, or what is wrong. The result points into `text` where nothing had to be decoded, else
 * into the arena. `method` decides which forms are allowed (RFC 9112, 3.2). */
enum fault target_parse(struct arena *arena, struct str method, struct str text,
			struct target *out);

/* A name, IPv4 or [IPv6] address with an optional port (RFC 3986, 3.2), without user
 * information. */
bool target_is_authority(struct str text);

#endif
