/* Which frame may come when, and who deals with it. */
#ifndef PLUG_FRAMES_H
#define PLUG_FRAMES_H

#include "proto/wire.h"

struct plug;

/* Deals with one frame from the host. One that is not allowed now ends the plugin. */
void frame_receive(struct plug *plug, struct wire_bytes frame);

#endif
