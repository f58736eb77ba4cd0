/* A plugin's HTTP answer out of the payloads in which it travels.
 *
 * Owns a head that has begun, nothing of a body: those bytes go on as they come. A message that
 * fits into one frame, the usual case, is read where it lies. Used by the bridge, one for each
 * answer. */
#include "edge/answer_reader.h"

void answer_reader_init(struct answer_reader *reader)
{
	*reader = (struct answer_reader){.in_message = false};
}

void answer_reader_deinit(struct answer_reader *reader)
{
	buf_deinit(&reader->begun);
}

static bool refuse(const char **why_out, const char *why)
{
	*why_out = why;
	return false;
}

/* Only the first message has a head, and it must have one. */
static bool give(struct answer_reader *reader, const struct wire_http_response *message,
		 struct answer_piece *out, const char **why_out)
{
	out->is_head = !reader->has_head;
	out->status = message->status;
	out->headers = message->headers;
	out->body = message->body;
	if (out->is_head && message->status == 0)
		return refuse(why_out, "its first message has no status");
	if (!out->is_head && (message->status != 0 || message->headers.len > 0))
		return refuse(why_out, "a later message has a status or headers");
	reader->has_head = true;
	return true;
}

static bool feed_body(struct answer_reader *reader, struct wire_bytes payload, bool more,
		      struct answer_piece *out, const char **why_out)
{
	if (payload.len > reader->body_left)
		return refuse(why_out, "a body is longer than its length");
	reader->body_left -= payload.len;
	reader->in_message = more;
	if (!more && reader->body_left > 0)
		return refuse(why_out, "a body is shorter than its length");
	*out = (struct answer_piece){.body = payload};
	return true;
}

static bool feed_beginning(struct answer_reader *reader, struct wire_bytes in,
			   struct answer_piece *out, const char **why_out)
{
	struct wire_http_response message;

	switch (wire_get_http_response_part(in, &message, &reader->body_left, why_out)) {
	case WIRE_HTTP_PART_READY:
		reader->in_message = true;
		return give(reader, &message, out, why_out);
	case WIRE_HTTP_PART_NEEDS_MORE:
		if (in.len > ANSWER_HEAD_MAX)
			return refuse(why_out, "its head is too long");
		*out = (struct answer_piece){.is_head = false};
		return true;
	case WIRE_HTTP_PART_BAD:
		break;
	}
	return false;
}

static bool feed_whole(struct answer_reader *reader, struct wire_bytes in, struct answer_piece *out,
		       const char **why_out)
{
	struct wire_http_response message;

	reader->in_message = false;
	return wire_get_http_response(in, &message, why_out) &&
	       give(reader, &message, out, why_out);
}

/* What has begun is kept together until the body begins. */
static struct wire_bytes join_begun(struct answer_reader *reader, struct wire_bytes payload)
{
	buf_append(&reader->begun, payload.data, payload.len);
	return (struct wire_bytes){buf_front(&reader->begun), buf_len(&reader->begun)};
}

/* Forgets what has been given out: its bytes stay where they are until the next call. */
static void forget_begun(struct answer_reader *reader)
{
	buf_consume(&reader->begun, buf_len(&reader->begun));
}

bool answer_reader_feed(struct answer_reader *reader, struct wire_bytes payload, bool more,
			struct answer_piece *out, const char **why_out)
{
	if (reader->in_message)
		return feed_body(reader, payload, more, out, why_out);
	if (more || buf_len(&reader->begun) > 0)
		payload = join_begun(reader, payload);
	if (!more) {
		forget_begun(reader);
		return feed_whole(reader, payload, out, why_out);
	}
	if (!feed_beginning(reader, payload, out, why_out))
		return false;
	if (reader->in_message)
		forget_begun(reader);
	return true;
}
