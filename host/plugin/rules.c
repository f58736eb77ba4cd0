/* Who may say what in which state.
 *
 * Two tables: the states with their followers, and the frames that a plugin may send in each. The
 * instance asks before it looks into a frame. Frames that only the host sends are in no row. */
#include "plugin/rules.h"

#include <string.h>

#define BIT(kind) (1u << (kind))

#define CALL_FRAMES                                                                                \
	(BIT(WIRE_REQUEST) | BIT(WIRE_RESPONSE) | BIT(WIRE_DATA) | BIT(WIRE_CANCEL) |              \
	 BIT(WIRE_CREDIT))

/* Of an export that the host has asked for. */
#define STATE_FRAMES (BIT(WIRE_STATE) | BIT(WIRE_STATE_END))

static const struct sm_state states[] = {
	[INSTANCE_NEW] = {"new", SM_BIT(INSTANCE_GREETING) | SM_BIT(INSTANCE_DEAD)},
	[INSTANCE_GREETING] = {"greeting", SM_BIT(INSTANCE_PREPARING) | SM_BIT(INSTANCE_STOPPING) |
						   SM_BIT(INSTANCE_DEAD)},
	[INSTANCE_PREPARING] = {"preparing", SM_BIT(INSTANCE_READY) | SM_BIT(INSTANCE_STOPPING) |
						     SM_BIT(INSTANCE_DEAD)},
	[INSTANCE_READY] = {"ready", SM_BIT(INSTANCE_DRAINING) | SM_BIT(INSTANCE_STOPPING) |
					     SM_BIT(INSTANCE_DEAD)},
	[INSTANCE_DRAINING] = {"draining", SM_BIT(INSTANCE_STOPPING) | SM_BIT(INSTANCE_DEAD)},
	[INSTANCE_STOPPING] = {"stopping", SM_BIT(INSTANCE_DEAD)},
	[INSTANCE_DEAD] = {"dead", 0},
};

/* While it prepares, a plugin may already call the host, but nobody calls it, so it has nothing to
 * answer: RESPONSE is missing there. */
static const uint32_t may_send[] = {
	[INSTANCE_NEW] = 0,
	[INSTANCE_GREETING] = BIT(WIRE_WELCOME) | BIT(WIRE_FAILED) | BIT(WIRE_LOG),
	[INSTANCE_PREPARING] = BIT(WIRE_READY) | BIT(WIRE_FAILED) | BIT(WIRE_LOG) | BIT(WIRE_PONG) |
			       BIT(WIRE_IMPORTED) | (CALL_FRAMES & ~BIT(WIRE_RESPONSE)),
	[INSTANCE_READY] = CALL_FRAMES | BIT(WIRE_LOG) | BIT(WIRE_PONG) | STATE_FRAMES |
			   BIT(WIRE_CONFIG_RESULT),
	[INSTANCE_DRAINING] = CALL_FRAMES | BIT(WIRE_LOG) | BIT(WIRE_PONG) | BIT(WIRE_BYE) |
			      STATE_FRAMES | BIT(WIRE_CONFIG_RESULT),
	[INSTANCE_STOPPING] = 0,
	[INSTANCE_DEAD] = 0,
};

enum rules_verdict rules_check(enum instance_state state, enum wire_kind kind, uint32_t features)
{
	if (state >= INSTANCE_STOPPING)
		return RULES_IGNORE;
	if (kind == WIRE_NONE || kind >= WIRE_KIND_END)
		return features & FEATURE_UNKNOWN_FRAMES ? RULES_IGNORE : RULES_REFUSE;
	if (BIT(kind) & (STATE_FRAMES | BIT(WIRE_IMPORTED)) && !(features & FEATURE_STATE))
		return RULES_REFUSE;
	if (kind == WIRE_CONFIG_RESULT && !(features & FEATURE_CONFIG))
		return RULES_REFUSE;
	return may_send[state] & BIT(kind) ? RULES_ACCEPT : RULES_REFUSE;
}

const char *rules_state_name(enum instance_state state)
{
	return states[state].name;
}

bool rules_may_move(enum instance_state from, enum instance_state to)
{
	return sm_may_move(states, from, to);
}

uint32_t rules_feature(const char *name)
{
	static const struct {
		const char *name;
		uint32_t bit;
	} features[] = {{"unknown-frames", FEATURE_UNKNOWN_FRAMES},
			{"state", FEATURE_STATE},
			{"config", FEATURE_CONFIG}};

	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		if (strcmp(features[i].name, name) == 0)
			return features[i].bit;
	}
	return 0;
}
