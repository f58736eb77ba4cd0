/* The system's list of shared libraries, /etc/ld.so.cache, as glibc 2.32 and newer write it.
 * Pure. */
#ifndef PLUGD_TRUST_LD_CACHE_H
#define PLUGD_TRUST_LD_CACHE_H

#include <stddef.h>

#include "base/str.h"

/* The next path that the bytes of a cache name for the library; *at begins at 0. An empty text: no
 * more, or this is no such cache. Valid as long as the bytes are. */
struct str ld_cache_next(struct str bytes, struct str library, size_t *at);

#endif
