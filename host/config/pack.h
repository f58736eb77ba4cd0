/* A plugin's own section, which plugd doesn't interpret, as MessagePack. Scalars mean what YAML's
 * core schema says: null, true and false, integers, floats; all else, and what is in quotes, is a
 * string. Pure. */
#ifndef PLUGD_CONFIG_PACK_H
#define PLUGD_CONFIG_PACK_H

#include "base/buf.h"
#include "base/yaml.h"
#include "config/problems.h"

/* Packs the map `node` into the arena. 0, or -EINVAL and one error for each value that can't be
 * packed, with `place` as the place of the section. */
int pack_map(const struct yaml_node *node, struct place place, struct config_errors *errors,
	     struct arena *arena, struct str *out);

/* Appends what was packed as YAML on one line: "{greeting: hello, limits: [1, 2]}". What is not
 * MessagePack becomes "?". */
void pack_print(struct str packed, struct buf *out);

#endif
