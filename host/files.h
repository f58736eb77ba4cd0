/* The files that a configuration names beside itself. Part of the composition root. */
#ifndef PLUGD_FILES_H
#define PLUGD_FILES_H

#include <stdio.h>

#include "config/config.h"

/* Opens each as a start does, makes none and keeps none. Prints what a start would say, a line for
 * each kind of file. 0, or -EINVAL when something is wrong. */
int files_check(const struct config *config, FILE *out);

#endif
