/* How often which value came: a log-linear histogram, eight buckets for each power of two, so a
 * quantile is never more than an eighth too high. Pure. The scheme is that of HdrHistogram (Gil
 * Tene), with three bits of precision. */
#ifndef PLUGD_BASE_HISTOGRAM_H
#define PLUGD_BASE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BUCKETS 312 /* up to 2^41: 25 days in microseconds; what is above counts there */

struct histogram {
	uint64_t count;
	uint32_t buckets[HISTOGRAM_BUCKETS];
};

/* Zeroed is empty. Negative values count as 0. */
void histogram_add(struct histogram *histogram, int64_t value);

/* The least value that so many permille of all are not above, rounded up to its bucket's end. 0 for
 * an empty one. */
int64_t histogram_quantile(const struct histogram *histogram, unsigned permille);

#endif
