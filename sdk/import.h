/* The state of the instance before this one, as it comes. */
#ifndef PLUG_IMPORT_H
#define PLUG_IMPORT_H

#include <stdint.h>

#include "proto/wire.h"
#include "sdk/grow.h"
#include "sdk/plug.h"
#include "sdk/sha256.h"

/* Zeroed is valid. */
struct import {
	uint32_t format;
	struct grow bytes;
	uint64_t total_bytes; /* that came, whether they were kept or not */
	struct sha256 sha;
	struct plug_verdict verdict; /* not ok: it will be refused, and nothing more is kept */
};

void import_deinit(struct import *import);

/* The frames IMPORT, STATE and STATE_END. */
void import_receive(struct plug *plug, struct wire_bytes body);
void import_receive_state(struct plug *plug, struct wire_bytes body);
void import_receive_end(struct plug *plug, struct wire_bytes body);

#endif
