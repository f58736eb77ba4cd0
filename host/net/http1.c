/* HTTP/1.1 as a server reads it.
 *
 *	HEAD ─▶ LENGTH_BODY or CHUNKED_BODY ─▶ BODY_ENDED ─▶ HEAD
 *	  └── no body: stays
 *
 * It finds the end of a head and hands it to http1_head.c whole; bodies pass through without being
 * kept. It owns nothing: the bytes stay with the caller until they are used. http1_stream.c calls
 * it. A fault is final. */
#include "net/http1.h"

#include "net/chars.h"
#include "net/http1_head.h"

/* RFC 9112, 3: a server should take request lines of 8000 bytes. */
#define REQUEST_LINE_BYTES (32u << 10)

static struct http1_event refuse(struct http1 *http, enum fault fault)
{
	http->state = HTTP1_FAULTY;
	return (struct http1_event){.what = HTTP1_REFUSED, .fault = fault};
}

static size_t request_line_limit(const struct http1 *http)
{
	size_t limit = http->limits.header_bytes;

	return limit < REQUEST_LINE_BYTES ? limit : REQUEST_LINE_BYTES;
}

/* Bytes that no method begins with. A record of TLS with a handshake begins with 22. */
static enum fault check_first(uint8_t first)
{
	if (first == 22)
		return FAULT_HAS_NO_TLS;
	return chars_token[first] || first == '\r' ? FAULT_NONE : FAULT_METHOD;
}

/* No line ends in what is there. */
static enum fault check_unfinished(const struct http1 *http, const uint8_t *data, size_t len)
{
	if (http->scanned > 0)
		return len > http->limits.header_bytes ? FAULT_HEAD_LONG : FAULT_NONE;
	/* Something that isn't HTTP (TLS, for example) is told at once and not after a timeout. */
	enum fault fault = len > 0 ? check_first(data[0]) : FAULT_NONE;
	if (fault)
		return fault;
	return len > request_line_limit(http) ? FAULT_TARGET_LONG : FAULT_NONE;
}

/* A line that ends before `end`. */
static enum fault check_line(const struct http1 *http, const uint8_t *data, size_t end)
{
	bool is_request_line = http->scanned == 0;

	if (is_request_line && check_first(data[0]))
		return check_first(data[0]);
	if (is_request_line && end > request_line_limit(http))
		return FAULT_TARGET_LONG;
	if (end > http->limits.header_bytes)
		return FAULT_HEAD_LONG;
	if (end - http->scanned < 2 || data[end - 2] != '\r')
		return FAULT_LINE_END;
	/* A CR elsewhere is a control character to http1_head_parse(). */
	return FAULT_NONE;
}

/* Looks for the end of the head, from where the last call left off. Returns its length, or 0: not
 * there yet, or *fault_out. */
static size_t scan_head(struct http1 *http, const uint8_t *data, size_t len, enum fault *fault_out)
{
	*fault_out = FAULT_NONE;
	while (http->searched < len) {
		const uint8_t *lf = memchr(data + http->searched, '\n', len - http->searched);
		if (!lf)
			break;
		size_t end = (size_t)(lf - data) + 1;
		*fault_out = check_line(http, data, end);
		if (*fault_out)
			return 0;
		bool is_empty = end - http->scanned == 2;
		http->scanned = http->searched = end;
		if (is_empty)
			return end;
	}
	http->searched = len;
	*fault_out = check_unfinished(http, data, len);
	return 0;
}

static void begin_body(struct http1 *http, const struct http_request *request)
{
	http->left = request->content_length;
	http->chunked = (struct chunked){0};
	if (!request->has_body)
		http->state = HTTP1_HEAD;
	else if (!request->has_content_length)
		http->state = HTTP1_CHUNKED_BODY;
	else
		http->state = http->left > 0 ? HTTP1_LENGTH_BODY : HTTP1_BODY_ENDED;
}

static struct http1_event next_head(struct http1 *http, const uint8_t *data, size_t len,
				    struct http_request *request)
{
	enum fault fault;
	size_t head = scan_head(http, data, len, &fault);

	if (fault)
		return refuse(http, fault);
	if (head == 0)
		return (struct http1_event){.what = HTTP1_MORE};

	http->scanned = http->searched = 0;
	if (head == 2) {
		/* RFC 9112, 2.2: at least one empty line before the request line is ignored. */
		if (http->had_empty_line)
			return refuse(http, FAULT_REQUEST_LINE);
		http->had_empty_line = true;
		struct http1_event event = next_head(http, data + head, len - head, request);
		event.used += head;
		return event;
	}

	fault = http1_head_parse(request, data, head, http->limits.header_count);
	if (!fault && request->target.len > http->limits.uri_bytes)
		fault = FAULT_TARGET_LONG;
	if (fault)
		return refuse(http, fault);
	http->had_empty_line = false;
	begin_body(http, request);
	return (struct http1_event){.what = HTTP1_REQUEST, .used = head};
}

static struct http1_event next_length(struct http1 *http, const uint8_t *data, size_t len)
{
	size_t run = len < http->left ? len : (size_t)http->left;

	if (run == 0)
		return (struct http1_event){.what = HTTP1_MORE};
	http->left -= run;
	if (http->left == 0)
		http->state = HTTP1_BODY_ENDED;
	return (struct http1_event){.what = HTTP1_BODY, .used = run, .data = data, .len = run};
}

static struct http1_event next_chunked(struct http1 *http, const uint8_t *data, size_t len)
{
	struct chunked_step step = chunked_next(&http->chunked, data, len);
	struct http1_event event = {.used = step.used, .data = step.data, .len = step.len};

	if (step.fault)
		return refuse(http, step.fault);
	if (step.len > 0) {
		event.what = HTTP1_BODY;
	} else if (http->chunked.state == CHUNKED_END) {
		event.what = HTTP1_BODY_END;
		http->state = HTTP1_HEAD;
	}
	return event;
}

struct http1_event http1_next(struct http1 *http, const uint8_t *data, size_t len,
			      struct http_request *request)
{
	switch (http->state) {
	case HTTP1_HEAD:
		return next_head(http, data, len, request);
	case HTTP1_LENGTH_BODY:
		return next_length(http, data, len);
	case HTTP1_CHUNKED_BODY:
		return next_chunked(http, data, len);
	case HTTP1_BODY_ENDED:
		http->state = HTTP1_HEAD;
		return (struct http1_event){.what = HTTP1_BODY_END};
	case HTTP1_FAULTY:
		break;
	}
	return (struct http1_event){.what = HTTP1_MORE, .used = len};
}

uint64_t http1_body_left(const struct http1 *http)
{
	if (http->state == HTTP1_CHUNKED_BODY)
		return UINT64_MAX;
	return http->state == HTTP1_LENGTH_BODY ? http->left : 0;
}
