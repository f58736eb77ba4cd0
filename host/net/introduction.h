/* The beginning of a connection through a proxy that says, before anything else, for whom it
 * connects. */
#ifndef PLUGD_NET_INTRODUCTION_H
#define PLUGD_NET_INTRODUCTION_H

#include "net/proxy_header.h"
#include "net/transport.h"
#include "observe/log.h"

/* Reads the header and not a byte more. Then it receives RECEIVED_INTRODUCED, once, and has done
 * its work. `peer`: a text for the log that outlives it; `log` may be NULL. Returns owned. */
struct transport *introduction_new(struct str peer, struct log *log);

/* What it has read; valid as long as it is. */
const struct proxy_header *introduction_header(const struct transport *introduction);

#endif
