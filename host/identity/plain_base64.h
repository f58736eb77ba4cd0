/* Base64 (RFC 4648, 4) of small things: what Basic carries, and the parts of a password's hash,
 * which are without padding. Pure. */
#ifndef PLUGD_IDENTITY_PLAIN_BASE64_H
#define PLUGD_IDENTITY_PLAIN_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* With or without padding, and nothing else: no blanks, no bits left over. False: it is not that,
 * or more than `size` bytes. */
bool plain_base64_read(struct str text, uint8_t *out, size_t size, size_t *len_out);

/* Without padding, terminated. `out` holds PLAIN_BASE64_TEXT(len) bytes. */
#define PLAIN_BASE64_TEXT(len) (((len)*4 + 2) / 3 + 1)
void plain_base64_write(char *out, const uint8_t *data, size_t len);

#endif
