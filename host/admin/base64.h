/* Payloads inside JSON: base64 of RFC 4648, section 4. Pure. */
#ifndef PLUGD_ADMIN_BASE64_H
#define PLUGD_ADMIN_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* Append. Lengths up to 512 MiB. */
void base64_encode(struct buf *out, const uint8_t *data, size_t len);

/* False, and nothing appended, unless the text is whole groups of four with the padding at its end
 * alone. */
bool base64_decode(struct buf *out, struct str text);

#endif
