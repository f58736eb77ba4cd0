/* The `secrets` of a plugin in the configuration: names, and where their values are. The values
 * themselves are not read here. Pure. */
#ifndef PLUGD_CONFIG_SOURCES_H
#define PLUGD_CONFIG_SOURCES_H

#include "base/yaml.h"
#include "config/problems.h"
#include "config/settings.h"

struct sources {
	const struct setting *setting;
	struct place place;    /* of the setting */
	const char *directory; /* where relative paths begin */
	struct config_errors *errors;
	struct arena *arena; /* of what is returned */
};

/* From the map `node`: a NULL-terminated list of "name=file:/path", "name=env:VARIABLE" and
 * "name=credential:name". What is wrong is added to the errors and left out. */
char **sources_take(const struct sources *sources, const struct yaml_node *node);

#endif
