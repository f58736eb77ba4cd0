/* A log-linear histogram. The bucket of a value is its highest bit and the three bits below it;
 * values under eight have a bucket each. */
#include "base/histogram.h"

#define BITS	 3
#define PER_STEP (1u << BITS)

static unsigned bucket_of(uint64_t value)
{
	unsigned shift;
	unsigned bucket;

	if (value < PER_STEP)
		return (unsigned)value;
	shift = 63 - (unsigned)__builtin_clzll(value) - BITS;
	bucket = PER_STEP * (shift + 1) + (unsigned)(value >> shift) - PER_STEP;
	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The largest value that falls into it. */
static int64_t bucket_end(unsigned bucket)
{
	unsigned shift;

	if (bucket < PER_STEP)
		return bucket;
	shift = bucket / PER_STEP - 1;
	return (int64_t)(((uint64_t)(bucket % PER_STEP + PER_STEP + 1) << shift) - 1);
}

void histogram_add(struct histogram *histogram, int64_t value)
{
	histogram->count++;
	histogram->buckets[bucket_of(value > 0 ? (uint64_t)value : 0)]++;
}

int64_t histogram_quantile(const struct histogram *histogram, unsigned permille)
{
	/* rounded up, without overflow for any count that can be reached */
	uint64_t wanted = histogram->count / 1000 * permille +
			  (histogram->count % 1000 * permille + 999) / 1000;
	uint64_t seen = 0;
	unsigned bucket = 0;

	if (histogram->count == 0)
		return 0;
	while (bucket < HISTOGRAM_BUCKETS - 1) {
		seen += histogram->buckets[bucket];
		if (seen >= wanted && seen > 0)
			break;
		bucket++;
	}
	return bucket_end(bucket);
}
