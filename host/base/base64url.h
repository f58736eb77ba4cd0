/* The alphabet of URLs and tokens (RFC 4648, 5), without padding. One run of bytes has one text:
 * whatever else a decoder might forgive is refused. Pure. */
#ifndef PLUGD_BASE_BASE64URL_H
#define PLUGD_BASE_BASE64URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Bytes of room that the text of `len` characters needs at most. */
#define BASE64URL_DECODED(len) ((len) / 4 * 3 + 2)

/* Characters of `len` bytes, and the terminator. */
#define BASE64URL_TEXT(len) (((len)*4 + 2) / 3 + 1)

/* Writes the bytes to `out` (BASE64URL_DECODED of room) and their number to *len_out. False for
 * padding, blanks, another alphabet, a length that no bytes have, and bits that are left over. */
bool base64url_decode(struct str text, uint8_t *out, size_t *len_out);

/* `out` holds BASE64URL_TEXT(len) bytes; terminated. Returns the length of the text. */
size_t base64url_encode(const uint8_t *data, size_t len, char *out);

#endif
