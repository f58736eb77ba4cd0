/* Asks one instance how it is, again and again, and judges the answers. */
#ifndef PLUGD_PLUGIN_HEALTH_CHECK_H
#define PLUGD_PLUGIN_HEALTH_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/loop.h"
#include "plugin/channel.h"
#include "plugin/health.h"
#include "plugin/plugin_opts.h"
#include "plugin/redact.h"

struct health_check;

/* Its condition was `before` and has changed. It may stop the check. */
typedef void health_change_fn(void *user, enum health_condition before);

struct health_check {
	struct loop *loop;
	struct channel *channel;	      /* borrows; for PING */
	const struct health_check_opts *opts; /* borrows */
	struct health health;
	struct health_report report; /* the last one that was heeded; or why it is silent */
	struct loop_timer timer;     /* to the next PING, or to the end of the wait for PONG */
	uint32_t seq;		     /* of the last PING; 0: none yet */
	bool is_asked;		     /* its PONG is awaited */
	bool has_answered;	     /* once at least */
	int64_t asked_ms;
	health_change_fn *on_change;
	void (*on_answered)(void *user); /* the first answer came; after on_change */
	void *user;
	const struct redactor *redactor; /* of the plugin's secrets; NULL: it has none */
};

void health_check_init(struct health_check *check, struct loop *loop, struct channel *channel,
		       const struct health_check_opts *opts);

/* The plugin is ready: from now on it is asked, if the options want it. */
void health_check_start(struct health_check *check);

/* Asks now, if the options want it at all and no answer is awaited. Only after
 * health_check_start(). */
void health_check_ask(struct health_check *check);

/* No more questions. Stopped is fine. */
void health_check_stop(struct health_check *check);

/* A PONG came. What was not asked counts, what comes too late doesn't. 0, or -EINVAL with *err: it
 * answers what was never asked, or says nothing that can be read. */
int health_check_take(struct health_check *check, struct wire_bytes body, struct err *err);

#endif
