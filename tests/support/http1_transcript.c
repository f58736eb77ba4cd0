/* Plays the connection for the parser: keeps what it doesn't use, comes again with more. */
#include "http1_transcript.h"

#include <stdlib.h>

struct transcript {
	struct buf *out;
	struct http1 parser;
	struct arena arena;
	struct http_request request;
	bool in_body;
};

static void require(bool is_true)
{
	if (!is_true)
		abort();
}

static void put_str(struct buf *out, struct str text)
{
	buf_append(out, text.data, text.len);
}

static void put_request(struct buf *out, const struct http_request *request)
{
	put_str(out, request->method);
	buf_printf(out, " ");
	put_str(out, request->path);
	if (request->query.len > 0)
		buf_printf(out, "?");
	put_str(out, request->query);
	buf_printf(out, " HTTP/1.%u host=", request->version - 10);
	put_str(out, request->authority);
	if (request->keep_alive)
		buf_printf(out, " keep");
	if (request->expect_continue)
		buf_printf(out, " expect");
	if (request->has_content_length)
		buf_printf(out, " length=%llu", (unsigned long long)request->content_length);
	else if (request->has_body)
		buf_printf(out, " chunked");
	for (size_t i = 0; i < request->field_count; i++) {
		if (!str_starts_with(request->fields[i].name, STR_LITERAL("x-")))
			continue;
		buf_printf(out, " ");
		put_str(out, request->fields[i].name);
		buf_printf(out, "=[");
		put_str(out, request->fields[i].value);
		buf_printf(out, "]");
	}
	buf_printf(out, "\n");
}

static void put_body(struct transcript *transcript, const struct http1_event *event)
{
	if (!transcript->in_body)
		buf_printf(transcript->out, "body ");
	transcript->in_body = true;
	buf_append(transcript->out, event->data, event->len);
}

static void put_event(struct transcript *transcript, const struct http1_event *event)
{
	if (event->what == HTTP1_BODY) {
		put_body(transcript, event);
		return;
	}
	if (event->what != HTTP1_MORE && transcript->in_body) {
		buf_printf(transcript->out, "\n");
		transcript->in_body = false;
	}
	if (event->what == HTTP1_REQUEST)
		put_request(transcript->out, &transcript->request);
	else if (event->what == HTTP1_BODY_END)
		buf_printf(transcript->out, "end\n");
	else if (event->what == HTTP1_REFUSED)
		buf_printf(transcript->out, "refused %s\n", fault_rows[event->fault].name);
}

/* Takes all events out of what is there. Returns how many bytes were used. */
static size_t feed(struct transcript *transcript, const uint8_t *data, size_t len)
{
	size_t used = 0;

	for (;;) {
		transcript->request = (struct http_request){.arena = &transcript->arena};
		struct http1_event event = http1_next(&transcript->parser, data + used, len - used,
						      &transcript->request);
		require(event.used <= len - used);
		if (event.what == HTTP1_BODY)
			require(event.len > 0 && event.data >= data + used &&
				event.data + event.len <= data + len);
		put_event(transcript, &event);
		arena_reset(&transcript->arena);
		used += event.used;
		if (event.what == HTTP1_MORE)
			return used;
		if (event.what == HTTP1_REFUSED)
			return len;
	}
}

void http1_transcript(struct buf *out, struct http1_limits limits, const uint8_t *data, size_t len,
		      http1_cut_fn *cut, void *user)
{
	struct transcript transcript = {.out = out, .parser = {.limits = limits}};
	struct buf kept = {0};

	for (size_t n = 0; len > 0; n++) {
		size_t piece = cut(user, n);
		piece = piece < 1 ? 1 : piece > len ? len : piece;
		buf_append(&kept, data, piece);
		buf_consume(&kept, feed(&transcript, buf_front(&kept), buf_len(&kept)));
		data += piece;
		len -= piece;
	}
	if (transcript.in_body)
		buf_printf(out, "\n");
	buf_deinit(&kept);
	arena_deinit(&transcript.arena);
}
