/* The edge between a client and a plugin that the test plays. Above it is a stream that writes down
 * what it is told; below it, in the place of dispatch, calls that do the same. The request is read
 * by the host's own parser, so it is what net would hand over. One request at a time. */
#ifndef PLUGD_TESTS_SUPPORT_EDGE_WORLD_H
#define PLUGD_TESTS_SUPPORT_EDGE_WORLD_H

#include "base/buf.h"
#include "edge/edge.h"
#include "proto/wire_http.h"
#include "tests/support/unit.h"

/* Limits of this plugin and this edge. */
#define MAX_MESSAGE   100
#define EDGE_BODY     1000
#define SMALL_BODY    10 /* of the route /small */
#define PLUGIN_TIME   5000
#define SLOW_TIME     1234 /* of the route /slow */
#define HANDLE_NUMBER 7	   /* of the raw HTTP service's method */

struct edge_world {
	struct loop *loop;
	struct log *log;
	int log_fd;
	struct registry *registry;
	struct metrics *metrics;
	struct plugin_opts plugin;
	struct target target;
	struct target *targets[1];
	struct edge_opts opts;
	struct identity *identity;
	struct edge *edge;
	unsigned routes_gone;	   /* that nobody uses any more */
	struct dispatch *dispatch; /* the edge takes it for one */

	/* The client. */
	struct http_stream stream;
	struct arena arena;
	struct http_request request;
	struct ip ip; /* of its client */
	bool is_open;
	bool is_answered;
	bool is_ended;
	bool wants_body;
	size_t room;	   /* in its buffer; the test sets it */
	struct buf client; /* it heard: "want hold answer(200,5) send(3)! abort " */
	struct buf fields; /* of the answer: "content-type: text/plain\n" */
	struct buf body;   /* of the answer */

	/* The plugin. */
	struct dispatch_call *call; /* the open one; NULL: none */
	bool call_waits;	    /* of the next call: it doesn't run at once */
	bool call_is_full;	    /* of the next call: it isn't writable at once */
	enum outcome refuse;	    /* how the next call ends at once; OUTCOME_OK: it doesn't */
	bool fills_up;		    /* one piece, and the call isn't writable any more */
	struct buf heard;	    /* "call(5)+ send(3)! consumed(8) cancel(CANCELLED) " */
	struct buf payload;	    /* all of it */
	struct buf messages;	    /* the same, with '|' after each message and '.' at the end */
	struct wire_request asked;  /* of the last call, without payload */
	struct buf metadata;
	struct buf trace_parent;
	struct buf trace_state;
	int64_t timeout_ms; /* of the last call */
};

/* For cmocka; *state is a struct edge_world. The teardown fails if a request or a call is open, or
 * if the transcripts hold something that the test has not expected. */
int edge_world_setup(void **state);
int edge_world_teardown(void **state);

/* Routes made from the options as they are now, for edge_apply(). */
struct edge_routes *edge_world_routes(struct edge_world *world);

/* These compare what was heard since the last time, and forget it. */
void client_hears(struct edge_world *world, const char *text);
void plugin_hears(struct edge_world *world, const char *text);

/* The client has heard `before`, and then a whole answer: the edge's own JSON with this code. */
void client_hears_error(struct edge_world *world, const char *before, unsigned status,
			const char *code);

/* "call(n)" and the flags, with as many bytes as there were. */
void plugin_hears_call(struct edge_world *world, const char *flags);

/* ---- the client ---- */

/* "POST /small", and lines that end in CR LF. */
void client_asks(struct edge_world *world, const char *line, const char *fields);

/* GET /raw, and its call runs. */
void client_begins(struct edge_world *world);

/* A piece of the body, which must be wanted; and its end. */
void client_sends(struct edge_world *world, const char *text);
void client_sends_bytes(struct edge_world *world, const void *data, size_t len);
void client_ends_body(struct edge_world *world);

/* There is room in its buffer again. */
void client_takes(struct edge_world *world, size_t room);

/* The stream is over. */
void client_closes(struct edge_world *world, enum http_closed how);

void assert_answer(const struct edge_world *world, const char *body);
void assert_answer_has(const struct edge_world *world, const char *part);
void assert_answer_field(const struct edge_world *world, const char *line);
void assert_no_answer_field(const struct edge_world *world, const char *name);

/* ---- the plugin ---- */

/* As dispatch does: with `end` the call is over, with a code there is no on_response. They return
 * whether the payload was consumed. */
bool plugin_responds(struct edge_world *world, const struct wire_response *response);
bool plugin_answers(struct edge_world *world, struct wire_bytes payload, bool end);
bool plugin_sends(struct edge_world *world, struct wire_bytes payload, bool more, bool end);
void plugin_fails(struct edge_world *world, enum outcome outcome, const char *message,
		  uint32_t retry_after_ms);

/* The call's turn has come, or there is credit again. */
void plugin_takes_more(struct edge_world *world, bool is_writable);

/* A message of plugd.http.v1 as the plugin says it: field lines "name: value\n". Valid until the
 * next. */
struct wire_bytes http_message(uint32_t status, const char *fields, const char *body);

/* Takes it apart. Valid until the next call. */
struct wire_http_request asked_http(const struct edge_world *world);

/* All lines of the log. Valid until the next call. */
const char *world_log(const struct edge_world *world);

static inline struct wire_bytes wire_text(const char *text)
{
	return (struct wire_bytes){(const uint8_t *)text, strlen(text)};
}

static inline void assert_wire(struct wire_bytes bytes, const char *text)
{
	assert_str((struct str){(const char *)bytes.data, bytes.len}, text);
}

#endif
