/* The series of handshakes are few and known, so all are there from the beginning: what never
 * happened shows as 0. The listener owns them, and sessions count. */
#include "net/tls_counts.h"

static const char *const versions[TLS_COUNTS_VERSIONS] = {"TLSv1.2", "TLSv1.3"};
static const char *const resumed[] = {"no", "yes"};

void tls_counts_init(struct tls_counts *counts, struct metrics *metrics)
{
	for (size_t version = 0; version < TLS_COUNTS_VERSIONS; version++) {
		for (size_t i = 0; i < 2; i++)
			counts->open[version][i] =
				metrics_counter(metrics, METRIC_TLS_HANDSHAKES,
						(const struct str[]){str_from(versions[version]),
								     str_from(resumed[i])});
	}
	counts->refused = metrics_counter(metrics, METRIC_TLS_FAILURES,
					  (const struct str[]){STR_LITERAL("refused")});
	counts->left = metrics_counter(metrics, METRIC_TLS_FAILURES,
				       (const struct str[]){STR_LITERAL("left")});
	counts->duration = metrics_histogram(metrics, METRIC_TLS_DURATION, NULL);
}

void tls_counts_open(const struct tls_counts *counts, const struct http_tls *facts, int64_t took_us)
{
	size_t version = str_eq(str_from(facts->version), str_from(versions[1]));

	metric_add(counts->open[version][facts->is_resumed], 1);
	if (counts->duration)
		metric_observe(counts->duration, took_us);
}

void tls_counts_fail(const struct tls_counts *counts, bool refused)
{
	metric_add(refused ? counts->refused : counts->left, 1);
}
