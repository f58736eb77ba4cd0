/* Somebody's text inside one of our sentences: in quotes, cut when it is long, without control
 * characters. Pure. */
#ifndef PLUGD_CONFIG_QUOTE_H
#define PLUGD_CONFIG_QUOTE_H

#include "base/str.h"

#define QUOTE_SIZE 128

struct quote {
	char text[QUOTE_SIZE];
};

/* For printf("%s", quote_of(…).text). */
struct quote quote_of(struct str text);

#endif
