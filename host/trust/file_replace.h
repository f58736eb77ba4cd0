/* Files that are written as a whole: a reader meets the old text or the new one, also after a loss
 * of power (temporary file, fsync, rename, fsync of the directory). */
#ifndef PLUGD_TRUST_FILE_REPLACE_H
#define PLUGD_TRUST_FILE_REPLACE_H

#include "base/str.h"

/* Opens the directory of the file and waits until no other writer holds it. The descriptor, which
 * close() unlocks, or -errno. */
int file_lock_directory(const char *file);

/* Puts the text in the place of the file, in the locked directory. Keeps owner and mode of a file
 * that is there; a new one gets `mode`. 0, or -errno: the old text stands. */
int file_replace(const char *file, int directory, struct str text, unsigned mode);

/* Both of it, and unlocks. */
int file_write(const char *file, struct str text, unsigned mode);

#endif
