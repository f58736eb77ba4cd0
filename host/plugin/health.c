/* How an instance is.
 *
 *	HEALTHY ──degraded, bad, silent──▶ DEGRADED ──failure_limit × bad──────▶ UNHEALTHY
 *	   ▲                                │    └────failure_limit × silent──▶ OFFLINE
 *	   └────────2 × healthy─────────────┘
 *
 * One bad answer makes it serve last; it takes more to come back, and more to be replaced, so that
 * a plugin at the edge doesn't flutter. Owns nothing but counts. */
#include "plugin/health.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "observe/errors.h"
#include "proto/plugd.pb-c.h"

#define HEALTHY_AGAIN 2

static enum health_condition condition_after(const struct health *health, enum health_news news,
					     unsigned failure_limit)
{
	if (health->bad >= failure_limit)
		return HEALTH_UNHEALTHY;
	if (health->silent >= failure_limit)
		return HEALTH_OFFLINE;
	if (news != HEALTH_SAYS_HEALTHY)
		return HEALTH_DEGRADED;
	return health->healthy >= HEALTHY_AGAIN ? HEALTH_HEALTHY : health->condition;
}

enum health_condition health_judge(struct health *health, enum health_news news,
				   unsigned failure_limit)
{
	if (health->condition >= HEALTH_UNHEALTHY)
		return health->condition;
	health->healthy = news == HEALTH_SAYS_HEALTHY ? health->healthy + 1 : 0;
	health->silent = news == HEALTH_SILENT ? health->silent + 1 : 0;
	if (news == HEALTH_SAYS_UNHEALTHY)
		health->bad++;
	else if (news != HEALTH_SILENT)
		health->bad = 0;
	health->condition = condition_after(health, news, failure_limit);
	return health->condition;
}

const char *health_condition_name(enum health_condition condition)
{
	static const char *const names[] = {"healthy", "degraded", "unhealthy", "offline"};

	return names[condition];
}

int64_t health_first_wait_ms(int64_t interval_ms, uint32_t random)
{
	return 1 + (int64_t)random % interval_ms;
}

int64_t health_next_wait_ms(int64_t interval_ms, int64_t asked_ms, int64_t now_ms)
{
	int64_t wait_ms = asked_ms + interval_ms - now_ms;

	return wait_ms > 0 ? wait_ms : 0;
}

/* ---- PONG ---- */

static void join_names(char *out, size_t size, char *const *names, size_t count)
{
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < count && at + 1 < size; i++) {
		snprintf(out + at, size - at, "%s%s", i > 0 ? ", " : "", names[i]);
		at += strlen(out + at);
	}
}

static int take_news(const Plugd__V1__Pong *pong, enum health_news *out, struct err *err)
{
	static const enum health_news by_health[] = {
		[PLUGD__V1__HEALTH__HEALTHY] = HEALTH_SAYS_HEALTHY,
		[PLUGD__V1__HEALTH__DEGRADED] = HEALTH_SAYS_DEGRADED,
		[PLUGD__V1__HEALTH__UNHEALTHY] = HEALTH_SAYS_UNHEALTHY,
	};
	unsigned health = (unsigned)pong->health;

	if (health >= sizeof(by_health) / sizeof(by_health[0]))
		return err_set(err, ERR_PROTOCOL_FRAME,
			       "its PONG says health %u, which means nothing", health);
	*out = by_health[health];
	return 0;
}

int health_report_take(struct wire_bytes body, struct health_report *out, struct err *err)
{
	Plugd__V1__Pong *pong = plugd__v1__pong__unpack(NULL, body.len, body.data);
	int r;

	if (!pong)
		return err_set(err, ERR_PROTOCOL_FRAME, "its PONG is not a valid message");
	*out = (struct health_report){.seq = pong->seq};
	r = take_news(pong, &out->news, err);
	str_copy(out->message, sizeof(out->message), str_from(pong->message));
	join_names(out->unavailable, sizeof(out->unavailable), pong->unavailable,
		   pong->n_unavailable);
	plugd__v1__pong__free_unpacked(pong, NULL);
	return r;
}
