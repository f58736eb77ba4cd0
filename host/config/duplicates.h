/* Keys that a map has twice. Pure. */
#ifndef PLUGD_CONFIG_DUPLICATES_H
#define PLUGD_CONFIG_DUPLICATES_H

#include "base/yaml.h"
#include "config/problems.h"

/* Adds an error for each key that came before in the same map; `place` is the map's. Returns their
 * number. */
size_t duplicates_report(const struct yaml_node *map, struct place place,
			 struct config_errors *errors);

#endif
