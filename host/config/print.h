/* A value in a C struct as one would write it, by the row of its setting; and whether two are
 * equal. The way back from value.h. Pure. */
#ifndef PLUGD_CONFIG_PRINT_H
#define PLUGD_CONFIG_PRINT_H

#include <stdbool.h>

#include "base/buf.h"
#include "config/settings.h"

/* Appends the value in `target`, the struct that the setting's offset counts from. False: there is
 * none, and nothing is appended. */
bool value_print(const struct setting *setting, const void *target, struct buf *out);

bool value_equal(const struct setting *setting, const void *a, const void *b);

#endif
