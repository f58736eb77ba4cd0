/* HTTP messages as everybody above net/ sees them: a request that arrived, and the stream on which
 * it is answered, whatever the version of the protocol. One connection carries one stream at a time
 * (HTTP/1.1) or many (HTTP/2).
 *
 * The life of a stream:
 *
 *	on_request ─▶ { http_stream_want_body ─▶ on_body … on_body_end }   only if asked for
 *	           └▶ http_stream_respond ─▶ http_stream_send … (end)      now, or any time later
 *	                                      on_writable when there is room again
 *	⇒ on_closed: always, once, last
 *
 * Calls down are allowed in every upcall but on_closed, and at any time between on_request and
 * on_closed. No downcall calls up before it has returned: what it causes (on_body, on_closed) comes
 * after the upcall that made it, or at the end of the loop's turn. After on_closed the stream and
 * everything in its arena are gone.
 *
 * The message types are pure; streams belong to the protocol that made them (http1_stream.c). */
#ifndef PLUGD_NET_MESSAGE_H
#define PLUGD_NET_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct http_stream;
struct ip;

struct http_field {
	struct str name;
	struct str value;
	bool is_unique; /* of an answer: hardly any other has this value, so HPACK shan't keep it */
};

/* A client that showed a certificate which OpenSSL verified against tls.client_ca. */
struct http_client {
	const char *subject; /* as RFC 2253 writes it: "CN=batch,O=Example" */
	/* Its alternative names that are printable ASCII, NULL-terminated: "dns:a.example",
	 * "email:a@b", "uri:spiffe://a/b", "ip:192.0.2.7". */
	const char *const *names;
	const char *fingerprint; /* SHA-256 of the certificate, 64 hex digits */
};

/* What TLS says about a connection. */
struct http_tls {
	const char *version; /* "TLSv1.2", "TLSv1.3" */
	const char *cipher;  /* "TLS_AES_256_GCM_SHA384" */
	const char *name;    /* that the client asked for (SNI), as it wrote it; NULL: none */
	bool is_resumed;
	const struct http_client *client; /* NULL: nobody that was verified */
};

/* What a client asked. Everything in it lives until on_closed returns.
 *
 * It has been checked: names are tokens, values hold no control character but TAB (they may hold
 * bytes that are not UTF-8), there is one Host, and the framing is beyond doubt. */
struct http_request {
	struct str method;    /* a token, as sent: methods are case-sensitive */
	struct str target;    /* the request target as sent, for logs */
	struct str path;      /* see below; "*" for OPTIONS * */
	struct str query;     /* as sent, without '?'; empty when there is none */
	struct str scheme;    /* "http" or "https": what the connection speaks */
	struct str authority; /* of an absolute target, else of Host; "name:port", may be empty */
	struct str peer;      /* "192.0.2.7:52311", "[2001:db8::1]:52311", "unix" */
	const struct ip *ip;  /* of peer: who asks */
	unsigned version;     /* 10, 11, 20 */
	const struct http_tls *tls; /* of the connection; NULL: there is none */

	/* In the order received, names in lower case. Hop-by-hop fields are still among them
	 * (http_field_is_hop() tells); `host` has the value of `authority`. */
	const struct http_field *fields;
	size_t field_count;

	bool has_body; /* one was announced, perhaps empty: if asked for, on_body_end comes */
	bool has_content_length;
	uint64_t content_length; /* 0 unless has_content_length */
	bool expect_continue;	 /* the client waits for 100 (Continue) before it sends the body */
	bool keep_alive;	 /* false: the connection closes after this answer anyway */

	struct arena *arena; /* of this stream: the answerer may allocate from it */
};

/* `path` begins with '/', is UTF-8 without control characters, and has its percent escapes decoded
 * and its "." and ".." segments resolved, so that what is matched is what was meant. Two escapes
 * stay as they are, in upper case, because they would change the meaning of the path: "%2F" (a
 * slash that does not separate segments) and "%25" (so that what remains encoded is unambiguous).
 * Take a segment out of the path, then decode it with http_segment_decode(). Refused with 400
 * before anybody sees them: "%00" and other control characters, bad escapes, what is not UTF-8, and
 * ".." above the root. Empty segments ("//") are kept. */

/* The segment, or any run of segments, with "%2F" and "%25" decoded too. Allocates only if there is
 * one. */
struct str http_segment_decode(struct arena *arena, struct str segment);

/* The first field of that name (lower case), or NULL. */
const struct http_field *http_field_find(const struct http_field *fields, size_t count,
					 const char *name);

/* The same in any case: in answers, names are as plugins write them. */
const struct http_field *http_field_find_nocase(const struct http_field *fields, size_t count,
						struct str name);

/* Whether one of the fields of that name, in any case, has this member in its list. */
bool http_fields_list(const struct http_field *fields, size_t count, struct str name,
		      struct str member);

/* The value of the request's first field of that name (lower case); empty: there is none. */
struct str http_request_value(const struct http_request *request, const char *name);

/* A copy of the request that may tell something else, in the same arena; what it points to is
 * shared. */
struct http_request *http_request_copy(const struct http_request *request);

/* Gives such a copy a list of its own, of the fields that `keeps` says true about, which may change
 * them. */
void http_request_filter(struct http_request *copy,
			 bool (*keeps)(const void *user, struct http_field *field),
			 const void *user);

/* Fields about this connection and not about the message (RFC 9110, 7.6.1): never forwarded in
 * either direction. */
bool http_field_is_hop(struct str name); /* any case */

/* May be sent in a response: the name is a token, the value has no CR, LF, NUL or other control
 * character but TAB. */
bool http_field_is_valid(const struct http_field *field);

const char *http_status_reason(unsigned status); /* "Not Found"; "" when unknown */

/* ---- the answer ---- */

struct http_response {
	unsigned status; /* 200..599 */
	const struct http_field *fields;
	size_t field_count;
	bool has_content_length;
	uint64_t content_length; /* of the whole body, when it is known before it is there */
	bool close;		 /* don't keep the connection (HTTP/1) */
};

/* Begins the answer with its head and the first (or all) of its body; `end`: that is all. Borrows
 * everything.
 *
 * The framing is made here, from `end` and content_length: Content-Length and hop-by-hop fields
 * among `fields` are dropped. Date is added when it is missing. What must not have a body (HEAD,
 * 204, 205, 304) is sent without one, whatever comes.
 *
 * Returns 0; -EINVAL when the status or a field is not one that may be sent: nothing was sent, and
 * the caller answers with something else. Answering twice is a bug (assert). After the stream has
 * broken, but before on_closed, it is 0 and nothing happens. */
int http_stream_respond(struct http_stream *stream, const struct http_response *response,
			const void *body, size_t len, bool end);

/* More of the body, after http_stream_respond() without `end`. Borrows. Takes everything; ask
 * http_stream_room() first. Bytes over a promised content_length are dropped, and an end that falls
 * short of it closes the connection, so that the client sees that something is missing. */
void http_stream_send(struct http_stream *stream, const void *data, size_t len, bool end);

/* Whether http_stream_send_file() may be called: this connection can take bytes from a file without
 * their being read here. */
bool http_stream_takes_files(const struct http_stream *stream);

/* The same for `len` bytes (not 0) of a regular file from `offset` on, of an answer that has a body
 * and a content_length. Borrows fd until on_writable, which comes when they are out unless this is
 * the `end`, or on_closed; until then nothing else may be sent. A file that ends before them is an
 * answer that falls short of its length. */
void http_stream_send_file(struct http_stream *stream, int fd, uint64_t offset, size_t len,
			   bool end);

/* Bytes that may be sent before the buffer is full [256 KiB]. When it was 0, on_writable tells when
 * it is half empty. One piece (of a chunk's size) more than fits is all right, a second is not. */
size_t http_stream_room(const struct http_stream *stream);

/* The answer can't be completed after its head was sent: the client must see that it is cut. Closes
 * the connection (HTTP/1) or resets the stream (HTTP/2); on_closed(HTTP_CLOSED_ABORTED) follows.
 * Before the head it is the same; answer instead. */
void http_stream_abort(struct http_stream *stream);

/* Whether on_body may come now. False at first: nothing of the body is read, and no 100 (Continue)
 * is sent, until somebody wants it. While false the client is held back by TCP; what was read
 * already stays in the connection. A body that nobody wanted when the answer ends is dropped if
 * little is left, else the connection closes. */
void http_stream_want_body(struct http_stream *stream, bool want);

/* Whose upcalls: comes back as stream_user. NULL until it is set, usually in on_request. */
void http_stream_set_user(struct http_stream *stream, void *stream_user);

/* ---- the rules of an answer's framing, for every version of the protocol ---- */

/* What the protocol says itself: Content-Length and hop-by-hop fields. Any case. */
bool http_field_is_framing(struct str name);

/* Whether an answer of that status to that method has a body (RFC 9110, 6.4.1). */
bool http_response_has_body(struct str method, unsigned status);

/* What its Content-Length says, when `len` bytes of the body are there, and are all if `end`.
 * False: it has none, because nobody knows yet or because it must not (RFC 9110, 8.6). */
bool http_response_tells_length(const struct http_response *response, size_t len, bool end,
				uint64_t *length_out);

/* ---- news from streams ---- */

enum http_closed {
	HTTP_CLOSED_DONE,    /* the answer is with the kernel, up to a last piece in the buffer */
	HTTP_CLOSED_LEFT,    /* the client left before it had its answer */
	HTTP_CLOSED_TIMEOUT, /* the body did not come, or the answer was not taken, in time */
	HTTP_CLOSED_ERROR,   /* a malformed body, a failed connection, or the host is going */
	HTTP_CLOSED_ABORTED, /* by http_stream_abort(), or the answer fell short of its length */
};

/* A request that net refuses by itself: malformed, too large, too slow. Anything here may be
 * empty. */
struct http_refusal {
	unsigned status;    /* 400, 408, 413, 414, 417, 431, 501, 505 */
	const char *why;    /* a sentence for the client, without a full stop */
	const char *reason; /* the name of the rule: "HEAD_LONG" */
	struct str peer;
	unsigned version; /* 10, 11, 20; 0: it can't be told */
	bool is_https;
	struct str method; /* of the request, as far as there is one */
	struct str target;
	bool ends_stream;  /* the request had begun: */
	void *stream_user; /* its user, whose on_closed follows */
	bool is_sent;	   /* else the answer had begun, and this one goes nowhere */
};

struct http_upcalls {
	/* A request is there. Answer with http_stream_respond(), now or later. `user` is the
	 * listener's. */
	void (*on_request)(void *user, struct http_stream *stream,
			   const struct http_request *request);

	/* Bytes of the body, only while it is wanted; borrows until return. */
	void (*on_body)(void *stream_user, const uint8_t *data, size_t len);

	/* The body is complete (trailers are dropped). */
	void (*on_body_end)(void *stream_user);

	/* After http_stream_room() was 0: there is room again. May come once more than needed. */
	void (*on_writable)(void *stream_user);

	/* The stream is over; forget it. */
	void (*on_closed)(void *stream_user, enum http_closed how);

	/* The answer to a request that is refused: fill `response_out` (its status and close are
	 * set already) and return the body, both from `arena`. Also the place to log it. NULL: the
	 * sentence as text. A refusal ends the connection; when it hits a stream (its body was
	 * malformed), the answer is sent only if none has begun, and on_closed follows; the refusal
	 * says so. */
	struct str (*on_refused)(void *user, const struct http_refusal *refusal,
				 struct arena *arena, struct http_response *response_out);
};

/* ---- for protocols, and for tests that play one ---- */

/* What a protocol does for the downcalls above. */
struct http_stream_ops {
	void (*respond)(struct http_stream *stream, const struct http_response *response,
			const void *body, size_t len, bool end); /* it is one that may be sent */
	void (*send)(struct http_stream *stream, const void *data, size_t len, bool end);
	size_t (*room)(const struct http_stream *stream);
	void (*abort)(struct http_stream *stream);
	void (*want_body)(struct http_stream *stream, bool want);
	bool (*takes_files)(const struct http_stream *stream); /* NULL: never */
	void (*send_file)(struct http_stream *stream, int fd, uint64_t offset, size_t len,
			  bool end);
};

/* The base that a protocol's own stream embeds. Others treat it as opaque. */
struct http_stream {
	const struct http_stream_ops *ops;
	void *user;
};

#endif
