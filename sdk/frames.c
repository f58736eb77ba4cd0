/* Which frame may come when. The table is the whole rule; life.c and receive.c do the rest. Called
 * by serve.c for each frame. */
#include "sdk/frames.h"

#include "sdk/life.h"
#include "sdk/receive.h"
#include "sdk/runtime.h"

struct frame_rule {
	const char *name;
	unsigned states; /* in which it may come */
	void (*receive)(struct plug *plug, struct wire_bytes body);
	bool of_state; /* only with the feature "state" */
};

#define IN(state) (1u << STATE_##state)
#define CALLS	  (IN(SERVING) | IN(DRAINING))
#define PREPARING (IN(STARTING) | IN(IMPORTING) | IN(IMPORTED) | IN(REFUSED))
#define OURS	  (PREPARING | IN(SERVING) | IN(DRAINING))

/* Frames without a function are the plugin's to send, or belong to features that were not taken. */
static const struct frame_rule rules[WIRE_KIND_END] = {
	[WIRE_HELLO] = {"HELLO", IN(GREETING), life_hello},
	[WIRE_WELCOME] = {"WELCOME", 0, NULL},
	[WIRE_START] = {"START", IN(STARTING) | IN(IMPORTED), life_start},
	[WIRE_READY] = {"READY", 0, NULL},
	[WIRE_FAILED] = {"FAILED", 0, NULL},
	[WIRE_DRAIN] = {"DRAIN", PREPARING | CALLS, life_drain},
	[WIRE_BYE] = {"BYE", 0, NULL},
	[WIRE_REQUEST] = {"REQUEST", CALLS, receive_request},
	[WIRE_RESPONSE] = {"RESPONSE", OURS, host_call_response},
	[WIRE_DATA] = {"DATA", OURS, receive_data},
	[WIRE_CANCEL] = {"CANCEL", OURS, receive_cancel},
	[WIRE_CREDIT] = {"CREDIT", OURS, receive_credit},
	[WIRE_PING] = {"PING", OURS, life_ping},
	[WIRE_PONG] = {"PONG", 0, NULL},
	[WIRE_LOG] = {"LOG", 0, NULL},
	[WIRE_PUBLISH] = {"PUBLISH", 0, NULL},
	[WIRE_DELIVER] = {"DELIVER", 0, NULL},
	[WIRE_ACK] = {"ACK", 0, NULL},
	[WIRE_EXPORT] = {"EXPORT", IN(SERVING), export_receive, true},
	[WIRE_STATE] = {"STATE", IN(IMPORTING), import_receive_state, true},
	[WIRE_STATE_END] = {"STATE_END", IN(IMPORTING), import_receive_end, true},
	[WIRE_IMPORT] = {"IMPORT", IN(STARTING), import_receive, true},
	[WIRE_IMPORTED] = {"IMPORTED", 0, NULL},
	[WIRE_CONFIG] = {"CONFIG", OURS, life_config},
	[WIRE_CONFIG_RESULT] = {"CONFIG_RESULT", 0, NULL},
};

static const char *const state_names[] = {
	[STATE_GREETING] = "before HELLO",
	[STATE_STARTING] = "before START",
	[STATE_IMPORTING] = "in the middle of a state",
	[STATE_IMPORTED] = "before START, with a state",
	[STATE_REFUSED] = "after a state was refused",
	[STATE_SERVING] = "while serving",
	[STATE_DRAINING] = "while draining",
	[STATE_ENDED] = "after the end",
};

void frame_receive(struct plug *plug, struct wire_bytes frame)
{
	const struct frame_rule *rule;
	struct wire_bytes body;
	const char *why = NULL;
	enum wire_kind kind = wire_frame_kind(frame, &body, &why);

	if (kind == WIRE_NONE) {
		if (why != NULL)
			plug_break(plug, "a frame can't be read: %s", why);
		else if (!plug->unknown_frames)
			plug_break(plug, "a frame of an unknown kind");
		return;
	}
	rule = &rules[kind];
	if ((rule->states & (1u << plug->state)) == 0) {
		plug_break(plug, "%s may not come %s", rule->name, state_names[plug->state]);
		return;
	}
	if (rule->of_state && !plug->hands_over) {
		plug_break(plug, "%s may not come without the feature \"state\"", rule->name);
		return;
	}
	rule->receive(plug, body);
}
