/* A circuit breaker. The window is a ring of buckets: a tenth of its time each, and a sum that is
 * kept true, so that a call costs two additions. What is older than the window has fallen out; so
 * failures count only as long as they are young, and successes among them lower their share. */
#include "dispatch/breaker.h"

#include <string.h>

void breaker_init(struct breaker *breaker, const struct breaker_opts *opts)
{
	*breaker = (struct breaker){.opts = opts, .epoch = 1};
}

/* ---- the window ---- */

static int64_t bucket_ms(const struct breaker *breaker)
{
	int64_t span_ms = breaker->opts->window_ms / BREAKER_BUCKETS;

	return span_ms > 0 ? span_ms : 1;
}

static void empty_window(struct breaker *breaker)
{
	breaker->sum = (struct breaker_count){0, 0};
	memset(breaker->buckets, 0, sizeof(breaker->buckets));
	breaker->bucket_end_ms = 0;
}

/* The oldest bucket falls out and is filled next. */
static void turn_ring(struct breaker *breaker)
{
	struct breaker_count *oldest;

	breaker->bucket = (breaker->bucket + 1) % BREAKER_BUCKETS;
	oldest = &breaker->buckets[breaker->bucket];
	breaker->sum.calls -= oldest->calls;
	breaker->sum.failures -= oldest->failures;
	*oldest = (struct breaker_count){0, 0};
}

static void bring_up_to_date(struct breaker *breaker, int64_t now_ms)
{
	int64_t span_ms = bucket_ms(breaker);

	if (now_ms < breaker->bucket_end_ms)
		return;
	if (now_ms - breaker->bucket_end_ms >= span_ms * BREAKER_BUCKETS) {
		empty_window(breaker);
		breaker->bucket_end_ms = now_ms + span_ms;
		return;
	}
	while (now_ms >= breaker->bucket_end_ms) {
		turn_ring(breaker);
		breaker->bucket_end_ms += span_ms;
	}
}

static void count_call(struct breaker *breaker, bool failed, int64_t now_ms)
{
	struct breaker_count *bucket;

	bring_up_to_date(breaker, now_ms);
	bucket = &breaker->buckets[breaker->bucket];
	bucket->calls++;
	bucket->failures += failed;
	breaker->sum.calls++;
	breaker->sum.failures += failed;
}

static bool has_failed_too_often(const struct breaker *breaker)
{
	const struct breaker_opts *opts = breaker->opts;
	struct breaker_count sum = breaker->sum;

	return sum.failures >= opts->failure_threshold && sum.calls >= opts->min_calls &&
	       sum.failures * UINT64_C(100) >= (uint64_t)opts->failure_percent * sum.calls;
}

/* ---- states ---- */

static void move(struct breaker *breaker, enum breaker_state next)
{
	breaker->state = next;
	breaker->epoch++;
	breaker->probes = 0;
	breaker->successes = 0;
	empty_window(breaker);
}

static void open(struct breaker *breaker, int64_t now_ms)
{
	move(breaker, BREAKER_OPEN);
	breaker->openings++;
	breaker->recovery_ms = now_ms + breaker->opts->recovery_ms;
}

bool breaker_is_shut(const struct breaker *breaker, int64_t now_ms)
{
	switch (breaker->state) {
	case BREAKER_CLOSED:
		return false;
	case BREAKER_OPEN:
		return breaker->opts->enabled && now_ms < breaker->recovery_ms;
	case BREAKER_HALF_OPEN:
		return breaker->opts->enabled && breaker->probes >= breaker->opts->probes;
	}
	return false;
}

bool breaker_enter(struct breaker *breaker, int64_t now_ms, uint32_t *ticket_out)
{
	if (breaker_is_shut(breaker, now_ms))
		return false;
	if (breaker->state == BREAKER_OPEN)
		move(breaker, BREAKER_HALF_OPEN);
	if (breaker->state == BREAKER_HALF_OPEN)
		breaker->probes++;
	*ticket_out = breaker->epoch;
	return true;
}

static void take_probe(struct breaker *breaker, enum breaker_report report, int64_t now_ms)
{
	switch (report) {
	case BREAKER_SUCCESS:
		breaker->successes++;
		if (breaker->successes >= breaker->opts->probes)
			move(breaker, BREAKER_CLOSED);
		break;
	case BREAKER_FAILURE:
		open(breaker, now_ms);
		break;
	case BREAKER_NEUTRAL:
		breaker->probes--;
		break;
	}
}

void breaker_leave(struct breaker *breaker, uint32_t ticket, enum breaker_report report,
		   int64_t now_ms)
{
	if (!breaker->opts->enabled || ticket != breaker->epoch)
		return;
	if (breaker->state == BREAKER_HALF_OPEN) {
		take_probe(breaker, report, now_ms);
	} else if (report != BREAKER_NEUTRAL) {
		count_call(breaker, report == BREAKER_FAILURE, now_ms);
		if (report == BREAKER_FAILURE && has_failed_too_often(breaker))
			open(breaker, now_ms);
	}
}

struct breaker_count breaker_count(const struct breaker *breaker, int64_t now_ms)
{
	struct breaker seen = *breaker;

	bring_up_to_date(&seen, now_ms);
	return seen.sum;
}

int64_t breaker_left_ms(const struct breaker *breaker, int64_t now_ms)
{
	if (breaker->state != BREAKER_OPEN || now_ms >= breaker->recovery_ms)
		return 0;
	return breaker->recovery_ms - now_ms;
}

const char *breaker_state_name(enum breaker_state state)
{
	switch (state) {
	case BREAKER_CLOSED:
		return "closed";
	case BREAKER_OPEN:
		return "open";
	case BREAKER_HALF_OPEN:
		return "half-open";
	}
	return "";
}
