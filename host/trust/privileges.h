/* Giving privileges up, for good: what the host and its spawner do once they have what only root
 * gets. Each function changes the calling process, which has one thread. */
#ifndef PLUGD_TRUST_PRIVILEGES_H
#define PLUGD_TRUST_PRIVILEGES_H

#include <stdint.h>

#include "base/err.h"
#include "trust/identity.h"

#define CAPABILITY_BIT(number) (UINT64_C(1) << (number))

/* Root becomes that user: no capability is left, none can be had again, by exec neither, and there
 * will be no core. That it can't be undone is tried. 0, or -errno with *err (ERR_PRIVILEGES): what
 * is done is done, so the process has to end. */
int privileges_drop(const struct identity *identity, struct err *err);

/* Root stays root, with these capabilities (bits) at most, also after an exec. 0 or -errno. */
int privileges_keep(uint64_t capabilities);

/* Nothing that is executed from here on, by whomever below us, gains anything by it. 0, or -errno
 * with *err (ERR_PRIVILEGES). */
int privileges_forbid_new(struct err *err);

#endif
