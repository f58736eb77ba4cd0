/* Whether a call that has ended may be given to a stand-in.
 *
 * A limit that is reached is no cause: a stand-in would defeat the limit. But a queue that is full
 * of those who wait for a dead plugin's next instance is no limit on what a plugin does. */
#include "dispatch/stand_in.h"

static bool is_unserved(const struct stand_in_case *ended)
{
	switch (ended->outcome) {
	case OUTCOME_PLUGIN_NOT_READY:
	case OUTCOME_BREAKER_OPEN:
	case OUTCOME_PLUGIN_GONE:
		return true;
	case OUTCOME_PLUGIN_OVERLOADED:
		return !ended->has_ready;
	case OUTCOME_OK:
	case OUTCOME_CANCELLED:
	case OUTCOME_UNKNOWN:
	case OUTCOME_INVALID_ARGUMENT:
	case OUTCOME_DEADLINE_EXCEEDED:
	case OUTCOME_NOT_FOUND:
	case OUTCOME_ALREADY_EXISTS:
	case OUTCOME_PERMISSION_DENIED:
	case OUTCOME_RESOURCE_EXHAUSTED:
	case OUTCOME_FAILED_PRECONDITION:
	case OUTCOME_ABORTED:
	case OUTCOME_OUT_OF_RANGE:
	case OUTCOME_UNIMPLEMENTED:
	case OUTCOME_INTERNAL:
	case OUTCOME_UNAVAILABLE:
	case OUTCOME_DATA_LOSS:
	case OUTCOME_UNAUTHENTICATED:
	case OUTCOME_RATE_LIMITED:
	case OUTCOME_BAD_ANSWER:
	case OUTCOME_POISON_REQUEST: /* would be the stand-in's death too */
	case OUTCOME_COUNT:
		break;
	}
	return false;
}

enum stand_in_answer stand_in_decide(const struct stand_in_case *ended)
{
	if (!is_unserved(ended))
		return STAND_IN_NO_CAUSE;
	if (ended->is_begun || (ended->may_have_acted && !ended->is_idempotent))
		return STAND_IN_NO_SAFETY;
	return ended->is_at_hand ? STAND_IN_MAY : STAND_IN_NO_REQUEST;
}
