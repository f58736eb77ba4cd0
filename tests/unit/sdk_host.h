/* A host for the tests of libplug: it starts a plugin in a child process, over pipes, and says and
 * hears frames one by one. Every wait has an end: a plugin that stays silent fails the test. */
#ifndef PLUGD_TESTS_SDK_HOST_H
#define PLUGD_TESTS_SDK_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/plugd.pb.h"
#include "proto/wire.h"
#include "sdk/grow.h"
#include "sdk/plug.h"

struct host {
	struct host *next;
	pid_t pid;
	int to;	    /* the plugin's stdin */
	int from;   /* its stdout */
	int errors; /* its stderr */
	struct grow heard;
	size_t taken; /* of heard */
};

struct host_secret {
	const char *name; /* NULL: the end of a list */
	const void *data;
	size_t len;
};

/* What HELLO says beside the usual. Zero is the default of each. */
struct host_hello {
	plugd_v1_Limits limits;
	const void *config;
	size_t config_len;
	const struct host_secret *secrets;
	const char *const *features;
};

/* Starts the child; it runs plug_serve(plugin) and exits with what that returns. */
struct host *host_start(const struct plug_plugin *plugin);

/* The same with any function as the child's main. */
struct host *host_start_main(int (*child_main)(const void *arg), const void *arg);

/* HELLO, WELCOME, START, READY. */
void host_greet(struct host *host, const struct host_hello *hello);
struct host *host_start_ready(const struct plug_plugin *plugin);

void host_say_hello(struct host *host, const struct host_hello *hello);
void host_say(struct host *host, enum wire_kind kind, const pb_msgdesc_t *fields,
	      const void *message);
void host_say_request(struct host *host, const struct wire_request *request);
void host_say_data(struct host *host, const struct wire_data *data);
void host_say_cancel(struct host *host, uint32_t id, uint32_t code);
void host_say_credit(struct host *host, uint32_t id, uint32_t bytes);
void host_say_bytes(struct host *host, const void *data, size_t len);

/* Writes without reading until the pipe is full, and waits until the plugin's pipe is full as well;
 * then writes the rest and reads meanwhile. */
void host_fill(struct host *host, const void *data, size_t len);

/* Waits until the plugin has read all that was said. */
void host_wait_taken(struct host *host);

/* Says a message of `len` times `c` in chunks, as the window of the call allows. */
void host_say_large(struct host *host, uint32_t id, uint32_t method, size_t len, char c);

/* Hears frames until the plugin has given `bytes` back for the call. */
void host_hear_credit(struct host *host, uint32_t id, uint32_t bytes);

/* The next frame, which must be of that kind; its body is valid until the next one. LOG and CREDIT
 * are passed over unless they are expected. */
struct wire_bytes host_hear(struct host *host, enum wire_kind kind);
struct wire_response host_hear_response(struct host *host, uint32_t id);
struct wire_data host_hear_data(struct host *host, uint32_t id);

/* The next frame, of whatever kind. WIRE_NONE at the end. */
enum wire_kind host_hear_any(struct host *host, struct wire_bytes *body_out);

/* Nothing but LOG is there to be heard: a PING is answered before anything else, even CREDIT. */
void host_hear_nothing(struct host *host);

/* Calls and compares the answer. */
void host_call(struct host *host, uint32_t id, uint32_t method, const char *payload,
	       const char *answer);

/* Closes the pipes if `drain` is false, else says DRAIN and hears BYE; returns the exit status.
 * Frees. */
int host_end(struct host *host, bool drain);

/* Waits for the child without closing anything first. Frees. */
int host_wait(struct host *host);

/* What came on stderr so far; terminated, owned. */
char *host_errors(struct host *host);

struct wire_bytes bytes_of(const char *text);

#endif
