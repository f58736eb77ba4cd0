/* MessagePack on the wire: configurations, and the payloads of methods with that codec. */
#ifndef PLUGD_WIRE_MSGPACK_H
#define PLUGD_WIRE_MSGPACK_H

#include <stdbool.h>

#include "proto/wire.h"

/* Whether the bytes are one whole MessagePack value and nothing else. Ask it before a library
 * parses what a peer sent: a list or map may claim four billion elements in five bytes, and
 * libraries allocate for the claim. Of a value that passes, all lists and maps together have less
 * elements than there are bytes. How deep they nest is not checked. */
bool wire_msgpack_is_value(struct wire_bytes bytes);

#endif
