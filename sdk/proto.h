/* The frames beside the hot path, by nanopb. */
#ifndef PLUG_PROTO_H
#define PLUG_PROTO_H

#include <pb.h>
#include <stdbool.h>
#include <stddef.h>

#include "proto/wire.h"
#include "sdk/grow.h"

struct plug;

/* A field that is written from a terminated string; NULL writes nothing. Borrows it. */
void proto_set_string(pb_callback_t *field, const char *text);

/* A repeated string field, from a NULL-terminated list. Borrows it. */
void proto_set_strings(pb_callback_t *field, const char *const *list);

/* A field that is read into *text: owned, terminated; NULL when it did not come. */
void proto_get_string(pb_callback_t *field, char **text);

/* A bytes field that is read into a grow. */
void proto_get_bytes(pb_callback_t *field, struct grow *bytes);

/* Appends a whole frame. False without memory; then nothing was added. */
bool proto_put_frame(struct grow *out, enum wire_kind kind, const pb_msgdesc_t *fields,
		     const void *message);

/* Stages a whole frame. False without memory. */
bool proto_say(struct plug *plug, enum wire_kind kind, const pb_msgdesc_t *fields,
	       const void *message);

/* Reads a frame's message. */
bool proto_read(struct wire_bytes body, const pb_msgdesc_t *fields, void *message_out);

#endif
