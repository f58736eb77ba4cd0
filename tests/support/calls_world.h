/* Both ends of one channel: the host's side as it is, and a plugin that the test plays. */
#ifndef PLUGD_TESTS_SUPPORT_CALLS_WORLD_H
#define PLUGD_TESTS_SUPPORT_CALLS_WORLD_H

#include "base/loop.h"
#include "plugin/calls.h"
#include "plugin/channel.h"

/* Small windows, the same for both sides, so that a test reaches their ends. */
#define CHUNK	       1000u
#define CALL_WINDOW    4000u
#define CHANNEL_WINDOW 6000u

struct world {
	struct loop *loop;
	struct channel channel;
	struct calls calls;
	struct err violation; /* code 0: none */
	int peer;	      /* the plugin's end */
	struct frame_reader from_host;
	char heard[400]; /* by the owner of a call, as words */
	bool consumes;
	struct call *call;
	uint32_t incoming_id; /* of the plugin's last whole request */
};

/* For cmocka; *state is a struct world. */
int calls_world_setup(void **state);
int calls_world_teardown(void **state);

/* The windows are the usual ones from now on, and the socket holds more than a pipe. Before the
 * first call. */
void widen(struct world *world);

/* The host calls, with so much payload. */
struct call *start(struct world *world, size_t payload_bytes, bool end);

/* Everything that the host has said since the last time, as words: "request(64!) credit(call 2000)
 * ". */
const char *host_said(struct world *world);

/* What the plugin says; the host has heard it when these return. */
void plugin_sends(struct world *world, const void *bytes, size_t len);
void plugin_responds(struct world *world, uint32_t id, uint32_t code, size_t len, bool end);
void plugin_sends_data(struct world *world, uint32_t id, size_t len, bool end);
void plugin_cancels(struct world *world, uint32_t id, uint32_t code);
void plugin_gives_credit(struct world *world, uint32_t id, uint32_t bytes);
void plugin_calls(struct world *world, uint32_t id, size_t len, bool more, bool end);

/* Calls that are open at the host. */
uint32_t live(const struct world *world);

#endif
