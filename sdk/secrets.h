/* The secrets that came in HELLO. */
#ifndef PLUG_SECRETS_H
#define PLUG_SECRETS_H

#include <pb.h>
#include <stdbool.h>

#include "proto/wire.h"

struct secret_value;

/* Zeroed has none. */
struct secrets {
	struct secret_value *first;
};

/* A field of HELLO that is read into *secrets. */
void secrets_get(pb_callback_t *field, struct secrets *secrets);

/* Zeroes and frees all of them. */
void secrets_deinit(struct secrets *secrets);

/* Overwrites what a frame was read from. */
void secrets_forget(struct wire_bytes frame);

#endif
