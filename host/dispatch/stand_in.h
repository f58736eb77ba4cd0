/* Whether a call that has ended may be given to the plugin that stands in for the one that was
 * asked. Only when no instance could serve it, never when it may have had an effect that a second
 * plugin would double. Pure. */
#ifndef PLUGD_DISPATCH_STAND_IN_H
#define PLUGD_DISPATCH_STAND_IN_H

#include <stdbool.h>

#include "dispatch/outcome.h"

/* A call that has ended. */
struct stand_in_case {
	enum outcome outcome; /* of its last step, also where an earlier try is what is told */
	bool has_ready;	      /* an instance of the plugin is ready */
	/* some try was delivered, and the plugin has not said that it left it */
	bool may_have_acted;
	bool is_idempotent;
	bool is_begun;	 /* some of an answer was passed on */
	bool is_at_hand; /* all that was asked so far */
};

enum stand_in_answer {
	/* No, because … */
	STAND_IN_NO_CAUSE,  /* the plugin was there: what it answered, or that it is busy, stands */
	STAND_IN_NO_SAFETY, /* it may have had an effect, or the caller has seen some of it */
	STAND_IN_NO_REQUEST, /* some of it has been handed over and is gone */
	STAND_IN_MAY,
};

enum stand_in_answer stand_in_decide(const struct stand_in_case *ended);

#endif
