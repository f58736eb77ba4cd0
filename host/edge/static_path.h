/* From what a request names to the name of a file. Pure. */
#ifndef PLUGD_EDGE_STATIC_PATH_H
#define PLUGD_EDGE_STATIC_PATH_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

/* The file below the directory that `rest` names: what a pattern's "*rest" has taken, decoded and
 * normalised, with "%2F" and "%25" still in it. "" is the directory itself; a name that ends in '/'
 * is a directory's. Allocated from `arena`, terminated. NULL: no file has that name, or must not be
 * shown: a segment begins with a dot, is empty, or has a slash in it. */
const char *static_path_name(struct arena *arena, struct str rest);

/* Whether it may be the address of a page within an application: its last segment has no dot. */
bool static_path_is_page(struct str rest);

/* "./docs/?q=1": where the directory that this path names without a slash at its end is. It begins
 * from where the client is, so that nobody can make it lead to another host. */
struct str static_path_with_slash(struct arena *arena, struct str path, struct str query);

#endif
