/* Payloads as people write and read them: JSON in place of MessagePack. Pure. */
#ifndef PLUGCTL_PAYLOAD_H
#define PLUGCTL_PAYLOAD_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* Parses JSON text (any value; no key twice) and appends it as one MessagePack value. 0, or -EINVAL
 * and *err. */
int payload_from_json(struct str text, struct buf *out, struct err *err);

/* One MessagePack value as JSON. Bytes become base64 text, keys that aren't text become the text of
 * their JSON, what JSON has no word for (not a number, extensions) becomes null. 0 and *out
 * (returns owned), or -EINVAL and *err. */
int payload_to_json(const uint8_t *data, size_t len, json_t **out, struct err *err);

#endif
