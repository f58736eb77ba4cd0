/* A plugin behind dispatch: a real pool with a real process, and callers whose news are written
 * down. The process is either an example plugin or a puppet, for which the test speaks.
 *
 * A caller is a small letter, and that is also the number of the method that it calls: so the
 * transcripts of both sides name the same call. */
#ifndef PLUGD_TESTS_SUPPORT_DISPATCH_WORLD_H
#define PLUGD_TESTS_SUPPORT_DISPATCH_WORLD_H

#include "base/buf.h"
#include "dispatch/dispatch.h"
#include "plugin/frame.h"
#include "tests/support/unit.h"

/* Of one call, as the plugin sees it. */
struct asked {
	uint32_t id;		    /* 0: not called */
	struct wire_request header; /* without what it points to */
	struct buf payload;	    /* of all its frames */
};

struct dispatch_world {
	struct spawner *spawner;
	struct loop *loop;
	struct dispatch *dispatch;
	struct target target;
	struct pool *pool;
	struct plugin_opts plugin; /* the test may change it before world_start() */
	struct whitelist *whitelist;
	struct loop_timer tick;
	struct buf news; /* of the callers: "a:response(5)! a:done(OK) " */

	/* The puppet. */
	uint32_t max_calls; /* of its WELCOME; 0: the default */
	char directory[64];
	char path[96]; /* of the socket */
	char *args[2];
	int listener;
	int string; /* -1: no puppet hangs on it */
	struct loop_io listener_io;
	struct loop_io string_io;
	struct frame_reader from_host;
	struct buf said; /* by the host: "request a(5!) data a(3+) cancel a(4) credit a(7) " */
	struct asked asked[26];
	struct buf last_request; /* the whole body of the last REQUEST */
};

struct caller {
	struct dispatch_world *world;
	char name;
	struct dispatch_call *call; /* NULL: it has none */
	bool holds;		    /* payload isn't consumed when it comes */
	bool refuses;		    /* the answer, when its last word has come */
	struct buf answer;	    /* all payload */
	struct buf metadata;	    /* of the response */
	struct buf message;	    /* of the result */
	struct buf instance;	    /* of the result */
	struct dispatch_result result;
	void (*then)(struct caller *caller); /* runs in on_done; NULL: nothing */
	struct caller *other;		     /* for `then` */
};

/* For cmocka; *state is a struct dispatch_world with the options of a puppet: no call is limited,
 * and nothing runs yet. The teardown fails if a call is open, or if there was news that the test
 * has not expected. */
int dispatch_world_setup(void **state);
int dispatch_world_teardown(void **state);

/* Makes the pool and starts it; the first waits until it serves. */
void world_start(struct dispatch_world *world);
void world_start_unready(struct dispatch_world *world);

/* One turn of the loop, of those that began at `since_ms` (loop_now_ms()). Fails the test after
 * half a minute. */
void world_turn(struct dispatch_world *world, int64_t since_ms);

/* Until there is so much news, which must be this; then it is forgotten. */
void world_expect_news(struct dispatch_world *world, const char *text);

/* The same for what the host has said to the puppet. */
void world_expect_said(struct dispatch_world *world, const char *text);

/* Until so many instances are ready. */
void world_wait_ready(struct dispatch_world *world, unsigned count);

/* Goes to the plugin and back, and forgets all that has been said and heard on the way. */
void world_forget(struct dispatch_world *world);

/* ---- callers ---- */

struct caller caller_new(struct dispatch_world *world, char name);
void caller_deinit(struct caller *caller);

/* A method that is 0 becomes the caller's name. False: it was over at once. */
bool caller_start(struct caller *caller, const struct wire_request *request, int64_t timeout_ms);

/* A whole unary request, without a deadline. */
bool caller_asks(struct caller *caller, const char *payload);
void caller_cancels(struct caller *caller, enum outcome outcome);
void assert_result(const struct caller *caller, enum outcome outcome, const char *message);

/* ---- the plugin ---- */

/* Until the host has sent so much payload for this call. */
void plugin_wait_payload(struct dispatch_world *world, char name, size_t bytes);

/* The id is filled in. */
void plugin_responds(struct dispatch_world *world, char name, struct wire_response response);
void plugin_replies(struct dispatch_world *world, char name, const char *payload); /* a whole one */
void plugin_sends(struct dispatch_world *world, char name, struct wire_bytes payload, bool end);
void plugin_cancels(struct dispatch_world *world, char name, uint32_t code, const char *reason);
void plugin_gives_credit(struct dispatch_world *world, char name, uint32_t bytes);
void plugin_dies(struct dispatch_world *world);

static inline struct wire_bytes wire_text(const char *text)
{
	return (struct wire_bytes){(const uint8_t *)text, strlen(text)};
}

#endif
