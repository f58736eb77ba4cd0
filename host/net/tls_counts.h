/* What is counted of handshakes. */
#ifndef PLUGD_NET_TLS_COUNTS_H
#define PLUGD_NET_TLS_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "net/message.h"
#include "observe/metrics.h"

/* TLS 1.2 and 1.3; there is no other. */
#define TLS_COUNTS_VERSIONS 2

/* Series, all NULL when nothing is counted. */
struct tls_counts {
	uint64_t *open[TLS_COUNTS_VERSIONS][2]; /* the second: resumed */
	uint64_t *refused;
	uint64_t *left;
	struct metric_histogram *duration;
};

/* `metrics` NULL: nothing is counted. */
void tls_counts_init(struct tls_counts *counts, struct metrics *metrics);

/* A handshake is complete. */
void tls_counts_open(const struct tls_counts *counts, const struct http_tls *facts,
		     int64_t took_us);

/* One will not be: `refused` by either side; else the connection has ended before. */
void tls_counts_fail(const struct tls_counts *counts, bool refused);

#endif
