/* Dates in fields of HTTP. Pure. */
#ifndef PLUGD_NET_DATE_H
#define PLUGD_NET_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* "Sun, 06 Nov 1994 08:49:37 GMT" and its terminator. */
#define DATE_TEXT 30

/* The preferred form of RFC 9110, 5.6.7, for seconds since 1970. */
void date_format(char out[DATE_TEXT], int64_t wall_s);

/* Seconds since 1970 from any of the three forms of RFC 9110, 5.6.7. False: it is none of them. */
bool date_parse(struct str text, int64_t *wall_s_out);

#endif
