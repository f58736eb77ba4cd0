/* Durations and sizes as people write them: "250ms", "10MiB". Pure. */
#ifndef PLUGD_BASE_UNITS_H
#define PLUGD_BASE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* "250ms", "5s", "1m30s", "2h", "1d"; "0" alone needs no unit. No sign, no fraction, units at most
 * once and from large to small. False for anything else, also above 100 years. */
bool units_parse_duration_ms(struct str text, int64_t *out_ms);

/* "512", "64KiB", "10MiB", "1GiB", "500kB", "2MB", "1GB"; "B" is allowed. False for anything else,
 * also above 2^62. */
bool units_parse_bytes(struct str text, uint64_t *out_bytes);

/* Text that parses to the value: a duration from its largest unit down ("1m30s"), a size in the
 * unit that makes it shortest ("10MiB"). A negative duration gets a sign. `out` holds UNITS_TEXT
 * bytes. */
#define UNITS_TEXT 40
void units_format_duration_ms(char *out, int64_t ms);
void units_format_bytes(char *out, uint64_t bytes);

#endif
