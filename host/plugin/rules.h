/* Who may say what in which state: the states of an instance, and for each the frames that its
 * plugin may send. One table; anything else is a violation that fails this instance and nobody
 * else. Pure. */
#ifndef PLUGD_PLUGIN_RULES_H
#define PLUGD_PLUGIN_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sm.h"
#include "proto/wire.h"

/* The drawing is in instance.c. */
enum instance_state {
	INSTANCE_NEW,	    /* no process yet */
	INSTANCE_GREETING,  /* HELLO sent, waits for WELCOME */
	INSTANCE_PREPARING, /* START sent, waits for READY */
	INSTANCE_READY,	    /* serves calls */
	INSTANCE_DRAINING,  /* DRAIN sent, finishes what is in flight, waits for BYE */
	INSTANCE_STOPPING,  /* said BYE or was failed; its process is being ended */
	INSTANCE_DEAD,	    /* the process has ended and is reaped */
};

/* Features, as taken in WELCOME. */
enum rules_feature {
	FEATURE_UNKNOWN_FRAMES = 1u << 0, /* frames of unknown kinds are ignored */
	FEATURE_STATE = 1u << 1,	  /* it can hand its state over, or take one */
	FEATURE_CONFIG = 1u << 2,	  /* its configuration may change while it runs */
};

enum rules_verdict { RULES_ACCEPT, RULES_IGNORE, RULES_REFUSE };

/* May the plugin send a frame of this kind now? */
enum rules_verdict rules_check(enum instance_state state, enum wire_kind kind, uint32_t features);

const char *rules_state_name(enum instance_state state);
bool rules_may_move(enum instance_state from, enum instance_state to);

/* A feature by its name in HELLO; 0: not one of ours. */
uint32_t rules_feature(const char *name);

#endif
