/* Asks one instance how it is.
 *
 *	asleep ──interval──▶ PING sent ──PONG──▶ asleep
 *	                         └──timeout: a silence──▶ asleep
 *
 * One question at a time. An answer is about its own instance and no other: it comes on that
 * instance's channel, with the number of the question. Owns a timer and the judge's counts; part of
 * the instance, which hears of changes and acts. */
#include "plugin/health_check.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/random.h"
#include "observe/errors.h"
#include "plugin/message_frame.h"
#include "proto/plugd.pb-c.h"

static void heed(struct health_check *check, const struct health_report *report)
{
	enum health_condition before = check->health.condition;

	check->report = *report;
	if (health_judge(&check->health, report->news, check->opts->failure_limit) != before)
		check->on_change(check->user, before);
}

static void ask(struct health_check *check)
{
	Plugd__V1__Ping ping = PLUGD__V1__PING__INIT;

	check->seq = check->seq == UINT32_MAX ? 1 : check->seq + 1;
	check->is_asked = true;
	check->asked_ms = loop_now_ms(check->loop);
	ping.seq = check->seq;
	message_frame_put(channel_queue(check->channel), WIRE_PING, &ping.base);
	channel_note(check->channel, WIRE_PING, 0, CHANNEL_NO_PAYLOAD);
	channel_queued(check->channel);
	loop_timer_start(&check->timer, check->opts->timeout_ms);
}

static void wait_for_next(struct health_check *check)
{
	check->is_asked = false;
	loop_timer_start(&check->timer,
			 health_next_wait_ms(check->opts->interval_ms, check->asked_ms,
					     loop_now_ms(check->loop)));
}

static void note_silence(struct health_check *check)
{
	struct health_report silence = {.seq = check->seq, .news = HEALTH_SILENT};

	snprintf(silence.message, sizeof(silence.message),
		 "no answer to PING %" PRIu32 " within %" PRId64 " ms", check->seq,
		 check->opts->timeout_ms);
	heed(check, &silence);
}

static void on_timer(void *user)
{
	struct health_check *check = user;

	if (!check->is_asked) {
		ask(check);
		return;
	}
	wait_for_next(check);
	note_silence(check);
}

void health_check_init(struct health_check *check, struct loop *loop, struct channel *channel,
		       const struct health_check_opts *opts)
{
	*check = (struct health_check){.loop = loop, .channel = channel, .opts = opts};
	loop_timer_init(&check->timer, loop, on_timer, check);
}

void health_check_start(struct health_check *check)
{
	if (check->opts->enabled)
		loop_timer_start(&check->timer,
				 health_first_wait_ms(check->opts->interval_ms, random_u32()));
}

void health_check_ask(struct health_check *check)
{
	if (check->opts->enabled && !check->is_asked)
		ask(check);
}

void health_check_stop(struct health_check *check)
{
	loop_timer_stop(&check->timer);
	check->is_asked = false;
}

int health_check_take(struct health_check *check, struct wire_bytes body, struct err *err)
{
	struct health_report report;
	int r = health_report_take(body, &report, err);

	if (r < 0)
		return r;
	if (report.seq > check->seq)
		return err_set(err, ERR_PROTOCOL_STATE,
			       "its PONG answers PING %" PRIu32 ", which it was never sent",
			       report.seq);
	if (!check->opts->enabled)
		return 0;
	redact_text(check->redactor, report.message, sizeof(report.message));
	redact_text(check->redactor, report.unavailable, sizeof(report.unavailable));
	if (report.seq > 0) {
		if (!check->is_asked || report.seq != check->seq)
			return 0;
		wait_for_next(check);
	}
	heed(check, &report);
	if (report.seq > 0 && !check->has_answered) {
		check->has_answered = true;
		check->on_answered(check->user);
	}
	return 0;
}
