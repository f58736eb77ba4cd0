/* The frames of a plugin's life: greeting, start, health, configuration, end. */
#ifndef PLUG_LIFE_H
#define PLUG_LIFE_H

#include "proto/wire.h"

struct plug;

void life_hello(struct plug *plug, struct wire_bytes body);
void life_start(struct plug *plug, struct wire_bytes body);
void life_drain(struct plug *plug, struct wire_bytes body);
void life_ping(struct plug *plug, struct wire_bytes body);
void life_config(struct plug *plug, struct wire_bytes body);

/* Stages BYE. False without memory. */
bool life_bye(struct plug *plug);

#endif
