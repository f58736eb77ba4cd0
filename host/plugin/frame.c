/* Frames out of a stream of bytes.
 *
 * Owns the receive buffer of one channel. The first four bytes of a plugin that prints to its
 * standard output read as an absurd length, so a bad prefix is answered with a message that quotes
 * what came: it names the mistake. */
#include "plugin/frame.h"

#include <ctype.h>
#include <stdio.h>

#include "observe/errors.h"

/* A read takes what a pipe holds by default; when that isn't enough, up to what the largest pipe
 * holds. */
#define ROOM_MIN (16u << 10)
#define ROOM_MAX (256u << 10)

#define QUOTED_BYTES 32

void frame_reader_init(struct frame_reader *reader, uint32_t max_frame_bytes)
{
	*reader = (struct frame_reader){.max_frame_bytes = max_frame_bytes, .room_bytes = ROOM_MIN};
}

void frame_reader_deinit(struct frame_reader *reader)
{
	buf_deinit(&reader->in);
}

uint8_t *frame_reader_room(struct frame_reader *reader, size_t *len_out)
{
	size_t room = reader->room_bytes;

	if (buf_len(&reader->in) >= WIRE_PREFIX_BYTES) {
		uint32_t len = wire_get_prefix(buf_front(&reader->in));
		size_t missing = WIRE_PREFIX_BYTES + (size_t)len - buf_len(&reader->in);

		if (len <= reader->max_frame_bytes && missing > room)
			room = missing;
	}
	*len_out = room;
	return buf_reserve(&reader->in, room);
}

void frame_reader_filled(struct frame_reader *reader, size_t len)
{
	buf_commit(&reader->in, len);
	reader->last_bytes = len;
	if (len >= reader->room_bytes && reader->room_bytes < ROOM_MAX)
		reader->room_bytes *= 2;
}

/* Printable bytes as they are, the others as dots: enough to recognise a line of text. */
static void quote(char *out, const uint8_t *data, size_t len)
{
	size_t shown = len < QUOTED_BYTES ? len : QUOTED_BYTES;

	for (size_t i = 0; i < shown; i++)
		out[i] = isprint(data[i]) && data[i] != '"' ? (char)data[i] : '.';
	out[shown] = '\0';
}

static enum frame_verdict refuse_length(const struct frame_reader *reader, uint32_t len,
					struct err *err)
{
	char text[QUOTED_BYTES + 1];

	quote(text, buf_front(&reader->in), buf_len(&reader->in));
	err_set(err, ERR_PROTOCOL_FRAME,
		"a frame of %u bytes is not between 1 and %u; its first bytes read \"%s\"", len,
		reader->max_frame_bytes, text);
	return FRAME_BAD;
}

enum frame_verdict frame_reader_next(struct frame_reader *reader, struct frame *out,
				     struct err *err)
{
	size_t have = buf_len(&reader->in);
	struct wire_bytes bytes;
	const char *why;
	uint32_t len;

	if (have < WIRE_PREFIX_BYTES)
		return FRAME_NEEDS_MORE;
	len = wire_get_prefix(buf_front(&reader->in));
	if (len == 0 || len > reader->max_frame_bytes)
		return refuse_length(reader, len, err);
	if (have - WIRE_PREFIX_BYTES < len)
		return FRAME_NEEDS_MORE;
	bytes = (struct wire_bytes){buf_front(&reader->in) + WIRE_PREFIX_BYTES, len};
	out->kind = wire_frame_kind(bytes, &out->body, &why);
	if (out->kind == WIRE_NONE && why) {
		char text[QUOTED_BYTES + 1];

		quote(text, bytes.data, bytes.len);
		err_set(err, ERR_PROTOCOL_FRAME,
			"%s in a frame of %u bytes; they begin with \"%s\"", why, len, text);
		return FRAME_BAD;
	}
	out->bytes = WIRE_PREFIX_BYTES + len;
	buf_consume(&reader->in, out->bytes);
	return FRAME_READY;
}

size_t frame_reader_pending(const struct frame_reader *reader)
{
	return buf_len(&reader->in);
}

void frame_reader_rest(struct frame_reader *reader)
{
	if (buf_len(&reader->in) == 0 && reader->room_bytes > ROOM_MIN &&
	    reader->last_bytes < ROOM_MIN) {
		reader->room_bytes = ROOM_MIN;
		buf_shrink(&reader->in, ROOM_MIN);
	}
}

const char *frame_kind_name(enum wire_kind kind)
{
	static const char *const names[WIRE_KIND_END] = {
		[WIRE_NONE] = "unknown",    [WIRE_HELLO] = "hello",
		[WIRE_WELCOME] = "welcome", [WIRE_START] = "start",
		[WIRE_READY] = "ready",	    [WIRE_FAILED] = "failed",
		[WIRE_DRAIN] = "drain",	    [WIRE_BYE] = "bye",
		[WIRE_REQUEST] = "request", [WIRE_RESPONSE] = "response",
		[WIRE_DATA] = "data",	    [WIRE_CANCEL] = "cancel",
		[WIRE_CREDIT] = "credit",   [WIRE_PING] = "ping",
		[WIRE_PONG] = "pong",	    [WIRE_LOG] = "log",
		[WIRE_PUBLISH] = "publish", [WIRE_DELIVER] = "deliver",
		[WIRE_ACK] = "ack",	    [WIRE_EXPORT] = "export",
		[WIRE_STATE] = "state",	    [WIRE_STATE_END] = "state_end",
		[WIRE_IMPORT] = "import",   [WIRE_IMPORTED] = "imported",
		[WIRE_CONFIG] = "config",   [WIRE_CONFIG_RESULT] = "config_result",
	};

	return kind < WIRE_KIND_END ? names[kind] : "unknown";
}
