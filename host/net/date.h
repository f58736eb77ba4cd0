/* The Date field of responses. Pure. */
#ifndef PLUGD_NET_DATE_H
#define PLUGD_NET_DATE_H

#include <stdint.h>

/* "Sun, 06 Nov 1994 08:49:37 GMT" and its terminator. */
#define DATE_TEXT 30

/* The preferred form of RFC 9110, 5.6.7, for seconds since 1970. */
void date_format(char out[DATE_TEXT], int64_t wall_s);

#endif
