/* Paths as text: whether one is written plainly, and whether one lies below another. Pure. */
#ifndef PLUGD_TRUST_PLACE_H
#define PLUGD_TRUST_PLACE_H

#include <stdbool.h>

#include "base/str.h"

/* True for a path that names its file in one way only: absolute, no ".", "..", "//", no slash at
 * the end. */
bool place_is_plain(struct str path);

/* Whether the path is `top`, or lies below it; both are plain, `top` may be "/" too. */
bool place_is_below(const char *path, const char *top);

/* The first of a NULL-terminated list (NULL: an empty one) that the path is or lies below; NULL:
 * none. */
const char *place_find_top(const char *path, char *const *tops);

#endif
