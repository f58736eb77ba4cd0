/* Who asks, as REQUEST carries it beside tenant and principal: the message Caller. Pure; the host
 * writes it, the SDK reads it. Decoded structs borrow from the input. */
#ifndef PLUGD_PROTO_WIRE_CALLER_H
#define PLUGD_PROTO_WIRE_CALLER_H

#include "proto/wire.h"

#define WIRE_CALLER_ROLES_FIELD	 2
#define WIRE_CALLER_SCOPES_FIELD 3

struct wire_caller {
	struct wire_bytes method; /* how it was found out: "jwt" */
	struct wire_bytes roles;  /* encoded texts: wire_next_text() reads them */
	struct wire_bytes scopes;
	struct wire_bytes claims; /* one JSON object, or empty */
};

/* One text of a list, under the field number `field`, at most 15. Empty ones are written too. */
size_t wire_text_bytes(size_t len);
size_t wire_put_text(uint8_t *out, unsigned field, struct wire_bytes text);

/* Takes the next text of that field off `*texts`, skipping other fields. False at the end, and for
 * malformed bytes (which wire_get_*() have refused before). */
bool wire_next_text(struct wire_bytes *texts, unsigned field, struct wire_bytes *out);

/* Encodes the message's body. `out` holds what wire_caller_bytes() says; returns that. */
size_t wire_caller_bytes(const struct wire_caller *caller);
size_t wire_put_caller(uint8_t *out, const struct wire_caller *caller);

/* True, or false with *why_out set to a constant sentence. */
bool wire_get_caller(struct wire_bytes body, struct wire_caller *out, const char **why_out);

#endif
