/* When something ends: a day or a time, in UTC, as ISO 8601 writes it. Pure. */
#ifndef PLUGD_IDENTITY_EXPIRY_H
#define PLUGD_IDENTITY_EXPIRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* "2027-01-31" (its first second) or "2027-01-31T12:00:00Z". False: it is neither, or there is no
 * such day or time. */
bool expiry_parse(struct str text, int64_t *wall_s_out);

#endif
