/* What a plugin declares: checked, numbered, and told to the host. */
#ifndef PLUG_MANIFEST_H
#define PLUG_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>

#include "sdk/plug.h"

struct plug;

/* Whether the author's tables make a plugin. */
struct plug_verdict manifest_check(const struct plug_plugin *plugin);

/* Numbers the methods into plug->methods and sorts the routes. Not ok: the routes are none, or no
 * memory. */
struct plug_verdict manifest_number(struct plug *plug);

/* The row of that version; NULL: there is none. */
const struct plug_state_format *manifest_format(const struct plug_plugin *plugin, uint32_t version);

/* Stages WELCOME with these features. False without memory. */
bool manifest_say(struct plug *plug, const char *const *features);

#endif
