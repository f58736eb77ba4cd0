/* The plugin's own configuration: the one in force, and those that calls may still read. */
#ifndef PLUG_CONFIG_H
#define PLUG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/wire.h"
#include "sdk/plug.h"

/* One version of the configuration. */
struct config_value;

/* Zeroed is valid: nothing is there. */
struct config {
	struct config_value *now; /* in force; any thread reads it */
	struct config_value *old; /* replaced; the latest first */
	uint32_t version;	  /* of the one in force; every call notes the one it began with */
};

/* What HELLO brought. False: it is no MessagePack map, or there is no memory. */
bool config_begin(struct plug *plug, struct wire_bytes packed);

/* Asks the author about another one. Only at home. */
struct plug_verdict config_change(struct plug *plug, struct wire_bytes packed);

/* Frees the old ones as soon as no call is live. Only at home, once per turn. */
void config_tidy(struct plug *plug);

void config_deinit(struct config *config);

#endif
