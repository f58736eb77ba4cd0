/* What is different between two configurations, setting by setting, with what a reload has to do
 * about each. Walks the table of settings, so that none can be forgotten. Pure. */
#ifndef PLUGD_CONFIG_DIFF_H
#define PLUGD_CONFIG_DIFF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "config/config.h"
#include "config/settings.h"

struct change {
	enum setting_apply apply;
	const char *plugin; /* NULL: it is not about a plugin */
	const char
		*setting; /* "http.body_limit", "plugins[users].instances", "routes[GET /users]" */
	const char *before; /* as one would write it; NULL: there was none */
	const char *after;  /* NULL: there is none any more */
};

struct diff {
	struct arena arena;	/* owns the texts */
	struct change *changes; /* settings that exist once, then plugins, then routes */
	size_t count;
	size_t room;
};

/* Both are complete and without errors, and may be freed before the diff. */
void diff_init(struct diff *diff, const struct config *before, const struct config *after);
void diff_deinit(struct diff *diff);

/* Bits (1 << enum setting_apply) of the plugin's changes; 0: it is the same. */
unsigned diff_of_plugin(const struct diff *diff, const char *plugin);

/* Copies the plugin's settings whose class is one of these bits; texts stay where they are. */
void plugin_opts_take(struct plugin_opts *into, const struct plugin_opts *from, unsigned bits);

#endif
