/* The highest serial of a signed whitelist that was ever accepted here, in a small file, so that an
 * older list with a good signature is refused after a restart too. The file is two lines:
 *
 *	serial: 7
 *	sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
 *
 * Where there is no file, the first signed list is believed and remembered. Whoever may write or
 * remove the file may go back to an older list: it belongs where only the host may write. */
#ifndef PLUGD_TRUST_SERIAL_H
#define PLUGD_TRUST_SERIAL_H

#include <stdint.h>

#include "base/err.h"
#include "trust/digest.h"

/* Refuses a serial below the one remembered, and the same serial of another text; remembers a
 * higher one durably before it returns. 0, or -errno and *err with ERR_SIGNATURE_SERIAL (refused)
 * or ERR_SERIAL_FILE (the file can't be read, understood or written). */
int serial_accept(const char *file, uint64_t serial, const struct digest *digest, struct err *err);

#endif
