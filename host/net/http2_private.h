/* What the files of HTTP/2 share: the session of a connection, and its streams. Nobody else
 * includes it. */
#ifndef PLUGD_NET_HTTP2_PRIVATE_H
#define PLUGD_NET_HTTP2_PRIVATE_H

#include <nghttp2/nghttp2.h>
#include <sys/queue.h>

#include "net/conn.h"
#include "net/http2_guard.h"
#include "net/http2_head.h"

enum http2_phase {
	HTTP2_OPEN,
	HTTP2_LEAVING, /* the client was told that we go; what is under way still counts */
	HTTP2_LEFT,    /* it was told the last stream that counts */
	HTTP2_OVER,
};

enum http2_stream_state {
	STREAM_HEAD,	 /* fields are gathered */
	STREAM_OPEN,	 /* somebody above answers */
	STREAM_REFUSED,	 /* we answer; nobody above knows it, or not any more */
	STREAM_DROPPING, /* answered, and nobody knows it; the rest of its body is dropped */
};

struct http2_stream {
	struct http_stream stream; /* the first member: both are one */
	TAILQ_ENTRY(http2_stream) link;
	struct http2_session *session;
	int32_t id;
	enum http2_stream_state state;
	bool is_cut;	      /* we end it */
	enum http_closed how; /* it is told to be closed, unless its answer is complete */

	struct arena arena;
	struct http2_head head;
	struct http_request request;

	/* the body of the request */
	struct buf in; /* what came and is not wanted yet; at most a window */
	bool is_body_wanted;
	bool is_body_received; /* all of it, though some may still be in `in` */
	bool is_body_done;     /* and passed on */
	bool was_continued;

	/* the answer */
	struct buf out; /* what the client's window has no room for yet */
	bool is_answered;
	bool is_ended; /* by whoever answers: nothing more goes to `out` */
	bool is_sent;  /* all of it is in the connection's output */
	bool is_deferred;
	bool is_full; /* on_writable is owed */
	bool has_body;
	bool has_left;
	uint64_t left;		 /* of a body with a known length */
	int64_t stalled_from_ms; /* since then `out` doesn't get shorter, or the body is dropped;
				    0: neither */
};

TAILQ_HEAD(http2_stream_list, http2_stream);

struct http2_session {
	struct conn *conn;
	nghttp2_session *engine;
	enum http2_phase phase;
	struct http2_stream_list streams;
	size_t stream_count;
	struct http2_guard guard;
	struct loop_timer stall;
	int32_t head_id;    /* of the stream whose block of fields is not complete; 0: none is */
	bool is_wait_stale; /* a stream has ended since the wait began */
	bool is_flooded;    /* it was sent away, and is not heard any more */
};

/* ---- http2_stream.c ---- */

/* One whose fields begin; it belongs to the session. */
struct http2_stream *http2_stream_new(struct http2_session *session, int32_t id);

/* All fields are there: tells whoever answers, or refuses. */
void http2_stream_begin(struct http2_stream *stream, bool has_body);

/* Some of the body, or that it is complete. */
void http2_stream_take(struct http2_stream *stream, const uint8_t *data, size_t len);
void http2_stream_take_end(struct http2_stream *stream);

/* Upcalls that are owed. True: there were some. */
bool http2_stream_serve(struct http2_stream *stream);

/* Answers in place of whoever was asked, who hears `how`. */
void http2_stream_refuse(struct http2_stream *stream, enum fault fault, enum http_closed how);

/* The answer is out before all of the body is here: the rest is dropped. */
void http2_stream_drop_body(struct http2_stream *stream);

/* Ends it towards the client; on_closed(how) follows. */
void http2_stream_cut(struct http2_stream *stream, uint32_t error, enum http_closed how);

/* It is gone: on_closed() for whoever answers, and everything of it is freed. */
void http2_stream_free(struct http2_stream *stream, enum http_closed how);

bool http2_stream_awaits_body(const struct http2_stream *stream);

#endif
