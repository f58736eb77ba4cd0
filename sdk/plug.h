/* libplug: turn C functions into a plugin of plugd. This is the whole public interface.
 *
 *	#include <plug.h>
 *
 *	static struct plug_answer say(struct plug_call *call)
 *	{
 *		struct plug_bytes in = plug_request(call);
 *
 *		return plug_reply(call, in.data, in.len);
 *	}
 *
 *	static const struct plug_method methods[] = {
 *		{.name = "Say", .handler = say, .codec = PLUG_BYTES, .idempotent = true},
 *	};
 *	static const struct plug_service services[] = {
 *		{.name = "echo.v1.Echo", .version = "1.0.0", PLUG_METHODS(methods)},
 *	};
 *	static const struct plug_plugin echo = {
 *		.name = "echo", .version = "1.0.0", PLUG_SERVICES(services),
 *	};
 *
 *	int main(void)
 *	{
 *		return plug_serve(&echo);
 *	}
 *
 * A plugin is data: a table of services with methods, a table of HTTP routes, a few callbacks.
 * Names in the tables are not copied: they stay valid while plug_serve() runs (string constants
 * do).
 *
 * Threads. With plug_plugin.threads = 0 everything of yours runs in the thread that called
 * plug_serve(). With N threads, handlers and stream events run in a pool of N; the events of one
 * call never run at the same time. These may be called from any thread at any time: plug_reply*(),
 * plug_fail*(), plug_send*(), plug_finish(), plug_abort(), plug_pause(), plug_resume(),
 * plug_is_cancelled(), plug_deadline_ms(), plug_log*(), plug_health_changed(), plug_host_call().
 * What reads a request (plug_request*(), plug_metadata(), plug_http_*()) or sets what goes out with
 * the answer belongs to one thread at a time.
 *
 * Memory. What the library hands out is borrowed: it belongs to its call, until the call is
 * answered or, for a stream, on_close has returned. What you hand in is copied before the function
 * returns, unless it says "takes".
 *
 * Failure. The library never aborts and never exits. When memory runs out, the call concerned fails
 * with PLUG_RESOURCE_EXHAUSTED and the others go on. */
#ifndef PLUG_H
#define PLUG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PLUG_VERSION "0.1.0"

#define PLUG_API			__attribute__((visibility("default")))
#define PLUG_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))

struct plug;	   /* the running plugin */
struct plug_call;  /* one call to it */
struct plug_value; /* a parsed value: configuration, or a MessagePack request */
struct plug_state; /* what the instance before this one has handed over */
struct plug_state_writer;
struct pb_msgdesc_s; /* nanopb's pb_msgdesc_t */
struct msgpack_object;
struct msgpack_sbuffer;

/* A run of bytes that belongs to somebody else; not terminated. `data` is never NULL in what the
 * library hands out, unless a line says so. */
struct plug_bytes {
	const void *data;
	size_t len;
};

/* Number of elements of an array. */
#define PLUG_COUNT(array) (sizeof(array) / sizeof(*(array)))

/* How a call ended: the canonical codes that gRPC made common. */
enum plug_code {
	PLUG_OK = 0,
	PLUG_CANCELLED = 1,
	PLUG_UNKNOWN = 2,
	PLUG_INVALID_ARGUMENT = 3,
	PLUG_DEADLINE_EXCEEDED = 4,
	PLUG_NOT_FOUND = 5,
	PLUG_ALREADY_EXISTS = 6,
	PLUG_PERMISSION_DENIED = 7,
	PLUG_RESOURCE_EXHAUSTED = 8,
	PLUG_FAILED_PRECONDITION = 9,
	PLUG_ABORTED = 10,
	PLUG_OUT_OF_RANGE = 11,
	PLUG_UNIMPLEMENTED = 12,
	PLUG_INTERNAL = 13,
	PLUG_UNAVAILABLE = 14,
	PLUG_DATA_LOSS = 15,
	PLUG_UNAUTHENTICATED = 16,
};

/* "NOT_FOUND" for PLUG_NOT_FOUND; "UNKNOWN" for a number that is no code. */
PLUG_API const char *plug_code_name(enum plug_code code);

/* ------------------------------------------------------------------------------------- handlers */

/* The proof that a handler has answered. Only plug_reply*(), plug_fail*(), plug_later(),
 * plug_stream() and plug_http_*() make one, so a handler can't forget. */
struct plug_answer {
	struct plug_call *call_; /* private */
};

/* Serves one call. For a method whose client streams it runs when the call begins, before the first
 * message; for any other when the whole request is there. */
typedef struct plug_answer plug_handler(struct plug_call *call);

/* What the payload of a method is. */
enum plug_codec {
	PLUG_PROTOBUF = 0, /* needs .input and .output names: PLUG_INPUT(), PLUG_OUTPUT() */
	PLUG_MSGPACK = 1,
	PLUG_JSON = 2, /* the bytes are yours to read, with the library you like */
	PLUG_BYTES = 3,
};

/* A protobuf message type. With `fields` (PLUG_TYPE) the library decodes and encodes it by nanopb;
 * with only a name you do that yourself on bytes. */
struct plug_type {
	const char *name; /* "kv.v1.GetRequest" */
	const struct pb_msgdesc_s *fields;
	size_t size;
	/* sizeof(pb_size_t) of your build: the library refuses another one than its own */
	size_t pb_size_bytes;
};

/* The nanopb message `c_type` of the protobuf type `type_name`; needs its .pb.h. */
#define PLUG_TYPE(c_type, type_name)                                                               \
	{                                                                                          \
		.name = (type_name), .fields = c_type##_fields, .size = sizeof(c_type),            \
		.pb_size_bytes = sizeof(pb_size_t)                                                 \
	}
#define PLUG_INPUT(c_type, type_name)  .input = PLUG_TYPE(c_type, type_name)
#define PLUG_OUTPUT(c_type, type_name) .output = PLUG_TYPE(c_type, type_name)

struct plug_method {
	const char *name; /* "Get": letters, digits, '_' */
	plug_handler *handler;
	enum plug_codec codec;
	/* the caller sends a stream of messages; the handler answers plug_stream() */
	bool client_streams;
	bool server_streams;	/* the answer is a stream of messages */
	bool idempotent;	/* may be tried again when nobody knows whether it ran */
	struct plug_type input; /* required for PLUG_PROTOBUF */
	struct plug_type output;
};

struct plug_service {
	const char *name;    /* "kv.v1.Kv": letters, digits, '_', '.' */
	const char *version; /* of the service; NULL: the plugin's */
	const struct plug_method *methods;
	size_t method_count;
};
#define PLUG_METHODS(array) .methods = (array), .method_count = PLUG_COUNT(array)

/* ---------------------------------------------------------------------------------- the plugin */

/* Yes, or no with a reason for a human. */
struct plug_verdict {
	bool ok;
	char reason[256];
};
PLUG_API struct plug_verdict plug_ok(void);
PLUG_API struct plug_verdict plug_refuse(const char *format, ...) PLUG_PRINTF(1, 2);

enum plug_health_state { PLUG_HEALTHY = 0, PLUG_DEGRADED = 1, PLUG_UNHEALTHY = 2 };

struct plug_health {
	enum plug_health_state state;
	char message[256]; /* for a human */
	/* NULL-terminated names of what can't be reached, or NULL; valid while the plugin runs */
	const char *const *unavailable;
};
PLUG_API struct plug_health plug_healthy(void);
PLUG_API struct plug_health plug_degraded(const char *format, ...) PLUG_PRINTF(1, 2);
PLUG_API struct plug_health plug_unhealthy(const char *format, ...) PLUG_PRINTF(1, 2);

/* A method of somebody else that this plugin calls: see plug_host_call(). */
struct plug_need {
	const char *service; /* "plugd.host.v1.Host" is what the host itself offers */
	const char *method;
	bool optional; /* start the plugin also when nobody provides the service */
};

/* What this plugin takes. 0 is the default, in brackets. */
struct plug_limits {
	uint32_t max_message_bytes; /* [16 MiB] largest request that is collected for a handler */
	uint32_t max_calls;	    /* [1024] calls at once; more are refused by the host or here */
	uint32_t call_window_bytes; /* [256 KiB] of one call on the way to us */
	uint32_t channel_window_bytes; /* [4 MiB] of all calls together */
	uint32_t max_state_bytes;      /* [64 MiB] largest state that is imported */
};

struct plug_http_route;
struct plug_state_format;

/* A plugin. `name` and `version` are required, and so is at least one method or route. Every
 * callback is optional and runs in the thread of plug_serve(). */
struct plug_plugin {
	const char *name;
	const char *version; /* semantic version: "1.4.0" */

	const struct plug_service *services;
	size_t service_count;
	const struct plug_http_route *routes;
	size_t route_count;
	const struct plug_need *needs;
	size_t need_count;
	const struct plug_state_format *state_formats;
	size_t state_format_count;

	unsigned threads; /* 0: handlers run in plug_serve()'s; otherwise in so many others */
	struct plug_limits limits;
	void *user; /* yours: plug_user(), plug_call_user() */

	/* Get ready to serve (open files, warm up); the configuration is there. A refusal is told
	 * to the operator, and plug_serve() returns. Without it the plugin is ready at once. */
	struct plug_verdict (*on_start)(struct plug *plug);

	/* How are you? Asked every few seconds; answer without waiting. Without it: what
	 * plug_health_changed() said last, or healthy. */
	struct plug_health (*on_health)(struct plug *plug);

	/* Nothing new will come; what is in flight has grace_ms. Streams without an end should end
	 * now: plug_serve() returns when the last call has. */
	void (*on_drain)(struct plug *plug, uint32_t grace_ms);

	/* The operator changed this plugin's configuration. Take all of `config`, or refuse and
	 * keep the old one: then the host's reload is refused. Without it a new generation of the
	 * plugin is started for every change. Strings of the old configuration are freed after it
	 * returned. */
	struct plug_verdict (*on_config)(struct plug *plug, const struct plug_value *config);
};
#define PLUG_SERVICES(array) .services = (array), .service_count = PLUG_COUNT(array)
#define PLUG_ROUTES(array)   .routes = (array), .route_count = PLUG_COUNT(array)
#define PLUG_NEEDS(array)    .needs = (array), .need_count = PLUG_COUNT(array)

/* Serves until the host says goodbye. Returns the exit status of the process: 0 after a drain, 1
 * when the plugin could not start, the host is gone or broke the protocol, 2 when no host is there
 * or the tables are wrong (the reason is on stderr).
 *
 * From its first line on, descriptor 1 is a copy of 2 (printf becomes a log line of the host) and
 * descriptor 0 is /dev/null; the protocol goes on over private descriptors that children of the
 * plugin don't inherit. SIGPIPE is ignored if it was not handled. Only one may run at a time. */
PLUG_API int plug_serve(const struct plug_plugin *plugin);

PLUG_API void *plug_user(const struct plug *plug);	     /* plug_plugin.user */
PLUG_API const char *plug_name(const struct plug *plug);     /* as the operator calls this plugin */
PLUG_API const char *plug_instance(const struct plug *plug); /* "<plugin>/<generation>/<number>" */

/* Tells the host that the health changed, without being asked. */
PLUG_API void plug_health_changed(struct plug *plug, const struct plug_health *health);

/* ------------------------------------------------------------------------------------ the call */

PLUG_API struct plug *plug_call_plug(const struct plug_call *call);
PLUG_API void *plug_call_user(const struct plug_call *call); /* plug_plugin.user */
PLUG_API const struct plug_method *
plug_call_method(const struct plug_call *call);		      /* NULL for a route */
PLUG_API unsigned plug_attempt(const struct plug_call *call); /* 0: the first try */

/* The request. Terminated strings; "" when the caller said nothing. */
PLUG_API const char *plug_idempotency_key(struct plug_call *call);
PLUG_API const char *plug_tenant(struct plug_call *call);
PLUG_API const char *
plug_principal(struct plug_call *call); /* who asks, as the host established it */
PLUG_API const char *plug_trace_parent(struct plug_call *call); /* W3C Trace Context */
PLUG_API const char *plug_trace_state(struct plug_call *call);

/* One value of the caller's metadata; NULL when it is not there. Names are in lower case. */
PLUG_API const char *plug_metadata(struct plug_call *call, const char *name);

/* Milliseconds until nobody waits for the answer any more: 0 when that is past, -1 without a
 * deadline. */
PLUG_API int64_t plug_deadline_ms(const struct plug_call *call);

/* Nobody waits any more: the caller cancelled, the deadline has passed, or the host is gone. Long
 * work asks now and then, and ends early (by plug_fail() with PLUG_CANCELLED: every call is
 * answered). */
PLUG_API bool plug_is_cancelled(const struct plug_call *call);

/* The whole request message (empty for a method whose client streams). */
PLUG_API struct plug_bytes plug_request(struct plug_call *call);

/* The decoded request of a method that has PLUG_INPUT(c_type, ...): `const c_type *`. The library
 * decoded it before the handler ran (a request that does not decode was answered with
 * PLUG_INVALID_ARGUMENT). NULL when the method declares another type. Callback fields are skipped:
 * decode plug_request() yourself to get them. */
#define plug_message(call, c_type) ((const c_type *)plug_request_message(call, c_type##_fields))
PLUG_API const void *plug_request_message(struct plug_call *call,
					  const struct pb_msgdesc_s *fields);

/* The request, parsed as MessagePack; NULL when it is not one MessagePack value. */
PLUG_API const struct plug_value *plug_request_value(struct plug_call *call);

/* -------------------------------------------------------------------------------------- answering
 *
 * Exactly one of these per call (or plug_stream(), below). The call is gone when the handler
 * returns, or after plug_later() when the answering function returns. The returned proof matters
 * only in a handler. */

/* Success, with this payload. In a stream: the last message. */
PLUG_API struct plug_answer plug_reply(struct plug_call *call, const void *data, size_t len);

/* The same without a copy: takes `data`, and calls release(arg) when it is sent or dropped; from
 * the thread of plug_serve(), or before this returns. */
PLUG_API struct plug_answer plug_reply_take(struct plug_call *call, const void *data, size_t len,
					    void (*release)(void *arg), void *arg);

/* Success, with a nanopb message: plug_reply_message(call, kv_v1_GetResponse, &response). */
#define plug_reply_message(call, c_type, message)                                                  \
	plug_reply_encoded(call, c_type##_fields, PLUG_POINTER_TO_(c_type, message))
PLUG_API struct plug_answer
plug_reply_encoded(struct plug_call *call, const struct pb_msgdesc_s *fields, const void *message);
#define PLUG_POINTER_TO_(c_type, message) (1 ? (message) : (const c_type *)0)

/* Success, with what a msgpack_packer wrote into the buffer. */
PLUG_API struct plug_answer plug_reply_msgpack(struct plug_call *call,
					       const struct msgpack_sbuffer *buffer);

/* Failure, with a message for a human (at most 1 KiB of it). */
PLUG_API struct plug_answer plug_fail(struct plug_call *call, enum plug_code code,
				      const char *format, ...) PLUG_PRINTF(3, 4);

struct plug_failure {
	enum plug_code code;
	const char *message;
	struct plug_bytes details; /* for a program */
	uint32_t retry_after_ms;   /* 0: not said */
	bool not_processed; /* nothing happened: it may be tried again, whatever the method */
};
PLUG_API struct plug_answer plug_fail_with(struct plug_call *call,
					   const struct plug_failure *failure);

/* "I will answer later": by plug_reply*() or plug_fail*() on this call, from any thread, also
 * before this handler has returned. The call and its request stay valid until then. */
PLUG_API struct plug_answer plug_later(struct plug_call *call);

/* Adds metadata to the answer; before it, or the first plug_send(). The name in lower case. */
PLUG_API void plug_set_metadata(struct plug_call *call, const char *name, const char *value);

/* ------------------------------------------------------------------------------------- streams */

/* Events of one stream; each may be NULL. One thread serves many slow streams: nobody waits in an
 * event. */
struct plug_stream_ops {
	/* The caller's next message (for an HTTP route: the next piece of the body). The bytes are
	 * valid until the event returns. */
	void (*on_message)(struct plug_call *call, void *state, const void *data, size_t len);
	/* The caller sends no more. Without it the stream goes on until plug_finish(). */
	void (*on_end)(struct plug_call *call, void *state);
	/* There is room to send: once after the stream began, then each time that room is back
	 * after plug_send() said -EAGAIN. */
	void (*on_writable)(struct plug_call *call, void *state);
	/* Nobody waits for the stream any more; the library ends it after this event. */
	void (*on_cancel)(struct plug_call *call, void *state, enum plug_code code);
	/* Always, as the last: the call is gone when it returns. Free `state`, and make sure that
	 * no other thread of yours still uses the call. */
	void (*on_close)(struct plug_call *call, void *state);
};

/* Makes the call a stream. `ops` stays valid while it lives. */
PLUG_API struct plug_answer plug_stream(struct plug_call *call, const struct plug_stream_ops *ops,
					void *state);

/* Sends the next message (for an HTTP route: the next piece of the body). 0, -EAGAIN when the
 * window is full (on_writable comes; nothing was taken), -EPIPE when the stream is over,
 * -ENOMEM. */
PLUG_API int plug_send(struct plug_call *call, const void *data, size_t len);

/* The same with a nanopb message (-EINVAL: it does not encode): plug_send_message(call, T, &m). */
#define plug_send_message(call, c_type, message)                                                   \
	plug_send_encoded(call, c_type##_fields, PLUG_POINTER_TO_(c_type, message))
PLUG_API int plug_send_encoded(struct plug_call *call, const struct pb_msgdesc_s *fields,
			       const void *message);
PLUG_API int plug_send_msgpack(struct plug_call *call, const struct msgpack_sbuffer *buffer);

/* Decodes bytes into the nanopb message `*out`, for on_message: plug_decode(T, data, len, &m).
 * False when they are no such message. */
#define plug_decode(c_type, data, len, out)                                                        \
	plug_decode_into(c_type##_fields, data, len, (1 ? (out) : (c_type *)0))
PLUG_API bool plug_decode_into(const struct pb_msgdesc_s *fields, const void *data, size_t len,
			       void *out);

/* Hold back on_message and on_end, and let them come again. While paused the caller is slowed by
 * its window: credit is given back only for what an event consumed. */
PLUG_API void plug_pause(struct plug_call *call);
PLUG_API void plug_resume(struct plug_call *call);

/* The stream ends well after what was sent; or it ends with a failure (after some messages the
 * caller gets those first). plug_reply() and plug_fail() do the same. on_close follows. */
PLUG_API void plug_finish(struct plug_call *call);
PLUG_API void plug_abort(struct plug_call *call, enum plug_code code, const char *format, ...)
	PLUG_PRINTF(3, 4);

/* ---------------------------------------------------------------------------------------- HTTP */

/* Requests of this method and path go to the handler. Patterns: "/users/:id" (one segment),
 * "/files/" followed by "*rest" (all that follows, may be empty), "/exact". The most exact route
 * wins: segment by segment a constant before ":x" before "*x". No route: 404. A route, but not for
 * this method: 405 with Allow. A route for GET also takes HEAD. */
struct plug_http_route {
	const char *method; /* "GET"; NULL: every method */
	const char *pattern;
	plug_handler *handler;
	bool stream; /* the handler runs when the head is there and answers plug_stream() */
	/* 0: limits.max_message_bytes. A larger body is answered with 413 (not for stream) */
	size_t max_body;
};

/* The request. Terminated strings; "" when it is not there. */
PLUG_API const char *plug_http_method(struct plug_call *call);
/* Begins with '/'; percent-decoded, but for "%2F" and "%25", which plug_http_param() decodes
 * too. */
PLUG_API const char *plug_http_path(struct plug_call *call);
PLUG_API const char *plug_http_query(struct plug_call *call);	  /* as sent, without '?' */
PLUG_API const char *plug_http_scheme(struct plug_call *call);	  /* "http" or "https" */
PLUG_API const char *plug_http_authority(struct plug_call *call); /* the Host */
PLUG_API const char *plug_http_peer(struct plug_call *call);	  /* "192.0.2.7:52311", or "unix" */
PLUG_API const char *plug_http_request_id(struct plug_call *call);

/* What ":name" or "*name" of the route captured, percent-decoded; NULL when the route has no such
 * name. */
PLUG_API const char *plug_http_param(struct plug_call *call, const char *name);

/* The first value of a query parameter, decoded ('+' is a space); NULL when it is not there. */
PLUG_API const char *plug_http_query_param(struct plug_call *call, const char *name);

/* The first header of that name (in lower case); NULL when it is not there. */
PLUG_API const char *plug_http_header(struct plug_call *call, const char *name);

/* Iterates over all headers: start with *cursor = 0. False at the end. */
PLUG_API bool plug_http_next_header(struct plug_call *call, size_t *cursor, const char **name_out,
				    const char **value_out);

/* The body's length as the client announced it; -1 when it did not. */
PLUG_API int64_t plug_http_content_length(struct plug_call *call);

/* The whole body (empty for a `stream` route: there it comes by on_message). */
PLUG_API struct plug_bytes plug_http_body(struct plug_call *call);

/* Adds a header to the answer; before it is sent. A name or value that HTTP forbids makes the
 * answer fail with PLUG_INTERNAL. Content-Length and the like are the host's business. */
PLUG_API void plug_http_set(struct plug_call *call, const char *name, const char *value);

/* Answers with the headers set before. */
PLUG_API struct plug_answer plug_http_reply(struct plug_call *call, unsigned status,
					    const void *body, size_t len);
/* As text/plain; charset=utf-8, and as application/json (the text is yours), unless a Content-Type
 * was set. */
PLUG_API struct plug_answer plug_http_text(struct plug_call *call, unsigned status,
					   const char *format, ...) PLUG_PRINTF(3, 4);
PLUG_API struct plug_answer plug_http_json(struct plug_call *call, unsigned status,
					   const char *json);

/* The head of a streamed answer, with the headers set before; plug_send() and plug_finish() follow.
 * Without it the first plug_send() says 200. Returns as plug_send() does. */
PLUG_API int plug_http_start(struct plug_call *call, unsigned status);

/* ----------------------------------------------------------------------------------- configuration
 *
 * A value is a map, a list, or a scalar. A path goes down into it: "cache.size", "servers.0.host";
 * NULL or "" is the value itself. Functions with a fallback return it when nothing is there; also,
 * with a warning in the log, when what is there is of another type. */

enum plug_value_type {
	PLUG_VALUE_NONE, /* nothing there */
	PLUG_VALUE_NULL,
	PLUG_VALUE_BOOL,
	PLUG_VALUE_INT,
	PLUG_VALUE_DOUBLE,
	PLUG_VALUE_STRING,
	PLUG_VALUE_BYTES,
	PLUG_VALUE_LIST,
	PLUG_VALUE_MAP,
};

/* The plugin's own configuration: a map, empty when the operator wrote none. */
PLUG_API const struct plug_value *plug_config(const struct plug *plug);

PLUG_API const struct plug_value *plug_value_at(const struct plug_value *value, const char *path);
PLUG_API enum plug_value_type plug_value_type(const struct plug_value *value, const char *path);
PLUG_API const char *plug_value_string(const struct plug_value *value, const char *path,
				       const char *fallback);
PLUG_API int64_t plug_value_int(const struct plug_value *value, const char *path, int64_t fallback);
PLUG_API bool plug_value_bool(const struct plug_value *value, const char *path, bool fallback);
/* Also takes a whole number. */
PLUG_API double plug_value_double(const struct plug_value *value, const char *path,
				  double fallback);
/* Of a string or of bytes; {NULL, 0} otherwise. */
PLUG_API struct plug_bytes plug_value_bytes(const struct plug_value *value, const char *path);

/* Elements of a list or a map; 0 for anything else. The n-th of them, and the n-th key of a map (""
 * when that key is no string). NULL beyond the end. */
PLUG_API size_t plug_value_count(const struct plug_value *value, const char *path);
PLUG_API const struct plug_value *plug_value_item(const struct plug_value *value, size_t index);
PLUG_API const char *plug_value_key(const struct plug_value *map, size_t index);

/* The same value as msgpack-c sees it. */
PLUG_API const struct msgpack_object *plug_value_msgpack(const struct plug_value *value);

/* Short for plug_value_...(plug_config(plug), path, fallback). */
PLUG_API const char *plug_config_string(const struct plug *plug, const char *path,
					const char *fallback);
PLUG_API int64_t plug_config_int(const struct plug *plug, const char *path, int64_t fallback);
PLUG_API bool plug_config_bool(const struct plug *plug, const char *path, bool fallback);
PLUG_API double plug_config_double(const struct plug *plug, const char *path, double fallback);

/* --------------------------------------------------------------------------------------- state
 *
 * What a plugin keeps in memory goes to the instance that takes its place in a swap. A row is a
 * version of the format, the layout of the bytes: the host takes the highest one that the old
 * instance writes and the new one reads. Both functions run in the thread of plug_serve(). */

struct plug_state_format {
	uint32_t version; /* >= 1 */
	/* Write all of it, by plug_state_write(). No call is in flight. Stay as you are: if the
	 * swap fails, calls come again. NULL: this version is only read. */
	struct plug_verdict (*on_export)(struct plug *plug, struct plug_state_writer *writer);
	/* Take it, before on_start; all of it has come, unharmed. After a refusal this instance is
	 * ended, and the old one serves on. NULL: this version is only written. */
	struct plug_verdict (*on_import)(struct plug *plug, struct plug_state *state);
};
#define PLUG_STATE(array) .state_formats = (array), .state_format_count = PLUG_COUNT(array)

/* Adds bytes to the state. 0; or -ENOMEM, or -EFBIG when the host takes no state that large: then
 * the export fails, whatever on_export says. */
PLUG_API int plug_state_write(struct plug_state_writer *writer, const void *data, size_t len);

/* The whole state; and parsed as MessagePack (NULL when it is not one value). Until on_import
 * returns. */
PLUG_API struct plug_bytes plug_state_bytes(const struct plug_state *state);
PLUG_API const struct plug_value *plug_state_value(struct plug_state *state);

/* ----------------------------------------------------------------------------------------- log */

enum plug_log_level { PLUG_DEBUG = 0, PLUG_INFO = 1, PLUG_WARN = 2, PLUG_ERROR = 3 };

/* One line in the host's log, under the name of this plugin (before plug_serve() and after it: on
 * stderr). Never waits: lines that the host does not read in time are dropped and counted, and the
 * log says how many. At most 4 KiB of a line are kept. */
PLUG_API void plug_log(enum plug_log_level level, const char *format, ...) PLUG_PRINTF(2, 3);
PLUG_API void plug_vlog(enum plug_log_level level, const char *format, va_list args)
	PLUG_PRINTF(2, 0);

/* The same, about a call. */
PLUG_API void plug_call_log(const struct plug_call *call, enum plug_log_level level,
			    const char *format, ...) PLUG_PRINTF(3, 4);

/* --------------------------------------------------------------------------- calls to the host */

/* How a call to the host ended. */
struct plug_result {
	enum plug_code code;
	const char *message; /* for a human; "" with PLUG_OK */
	const void *data;
	size_t len;
	uint32_t retry_after_ms;
	bool not_processed;
};

struct plug_host_request {
	unsigned need;	  /* index into plug_plugin.needs */
	const void *data; /* the request message */
	size_t len;
	int64_t timeout_ms; /* 0: none of its own */
	/* The call that it serves, or NULL: never outlives its deadline, and carries its trace and
	 * idempotency key on. */
	const struct plug_call *parent;
	/* Once, in the thread of plug_serve(); the result is valid until it returns. */
	void (*done)(void *user, const struct plug_result *result);
	void *user;
};

/* Calls. 0, and `done` will be called; or -EINVAL (no such need), -EPIPE (the plugin is ending),
 * -ENOMEM, and it won't. */
PLUG_API int plug_host_call(struct plug *plug, const struct plug_host_request *request);

/* Calls and waits; only outside of plug_serve()'s thread (-EDEADLK there). `done` and `user` are
 * not used. After 0 *result_out is owned: plug_result_free(). */
PLUG_API int plug_host_call_wait(struct plug *plug, const struct plug_host_request *request,
				 struct plug_result *result_out);
PLUG_API void plug_result_free(struct plug_result *result);

#ifdef __cplusplus
}
#endif

#include "plug_caller.h"
#include "plug_secret.h"
#endif
