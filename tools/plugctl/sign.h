/* The signature of the whitelist, for `plugctl whitelist verify`. */
#ifndef PLUGCTL_SIGN_H
#define PLUGCTL_SIGN_H

#include <stdbool.h>

#include "args.h"

/* Whether one of the --key options' keys has signed the file; true when there are none. Says either
 * on standard error. */
bool sign_verify(const char *file, const struct args *args);

#endif
