/* Base64 (RFC 4648), strictly: a text means one run of bytes, and nothing is forgiven that others
 * may read differently. Pure. */
#ifndef PLUGD_BASE_BASE64_H
#define PLUGD_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* Bytes of room that the text of `len` characters needs at most. */
#define BASE64_DECODED(len) ((len) / 4 * 3 + 2)

/* Characters of `len` bytes without padding, and the terminator. */
#define BASE64_TEXT(len) (((len)*4 + 2) / 3 + 1)

/* ---- the alphabet of URLs and tokens (5), without padding ---- */

/* Writes the bytes to `out` (BASE64_DECODED of room) and their number to *len_out. False for
 * padding, blanks, another alphabet, a length that no bytes have, and bits that are left over. */
bool base64url_decode(struct str text, uint8_t *out, size_t *len_out);

/* `out` holds BASE64_TEXT(len) bytes; terminated. Returns the length of the text. */
size_t base64url_encode(const uint8_t *data, size_t len, char *out);

/* ---- the usual alphabet (4) ---- */

/* Likewise; padding is fine, where it is right. False also for more than `size` bytes, which `out`
 * holds. */
bool base64_decode(struct str text, uint8_t *out, size_t size, size_t *len_out);

/* As base64url_encode(). */
size_t base64_encode(const uint8_t *data, size_t len, char *out);

/* The same to and from a buffer, with the padding that belongs there. False: nothing is
 * appended. */
void base64_put(struct buf *out, const uint8_t *data, size_t len);
bool base64_take(struct buf *out, struct str text);

#endif
