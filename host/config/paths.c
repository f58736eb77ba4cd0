/* The list of paths and their places. Owned by the configuration's arena. */
#include "config/paths.h"

#include "base/err.h"

struct config_path {
	const char *value;
	const char *place; /* "plugd.yaml:3: tls.client_ca" */
	struct config_path *next;
};

void paths_add(struct config *config, const char *value, const struct place *place)
{
	struct config_path *path = arena_new(&config->arena, struct config_path);
	char line[16];

	*path = (struct config_path){
		.value = value,
		.place = arena_printf(&config->arena, "%s%s: %s", place->where,
				      place_line(place, line), place->key),
		.next = config->paths,
	};
	config->paths = path;
}

bool config_place_err(const struct config *config, struct err *err)
{
	/* A path that is none has no value either. */
	const struct config_path *path = err->about ? config->paths : NULL;

	while (path && path->value != err->about)
		path = path->next;
	if (path)
		err_prefix(err, "%s", path->place);
	return path != NULL;
}
