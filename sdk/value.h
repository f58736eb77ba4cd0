/* MessagePack values as authors read them: by path, with terminated strings. */
#ifndef PLUG_VALUE_H
#define PLUG_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "sdk/plug.h"

struct parsed_value;

/* Parses a copy of the bytes, which must be one MessagePack value; no bytes are an empty map. NULL
 * when they are not, or without memory. */
struct parsed_value *parsed_value_new(const void *data, size_t len);

/* The same, but also NULL when the value is no map. */
struct parsed_value *parsed_map_new(const void *data, size_t len);

void parsed_value_free(struct parsed_value *parsed);

/* The value itself, valid as long as `parsed`; NULL for NULL. */
const struct plug_value *parsed_value_root(const struct parsed_value *parsed);

#endif
