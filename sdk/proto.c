/* The frames beside the hot path, by nanopb: everything without a fixed size is a callback, so
 * nothing is cut and 16-bit sizes are no limit. Owns nothing. Malformed input is false, and so is
 * no memory. */
#include "sdk/proto.h"

#include <pb_decode.h>
#include <pb_encode.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/runtime.h"

static bool write_text(pb_ostream_t *stream, const pb_field_t *field, const char *text)
{
	return pb_encode_tag_for_field(stream, field) &&
	       pb_encode_string(stream, (const pb_byte_t *)text, strlen(text));
}

static bool write_string(pb_ostream_t *stream, const pb_field_t *field, void *const *arg)
{
	const char *text = *arg;

	return text == NULL || *text == '\0' || write_text(stream, field, text);
}

static bool write_strings(pb_ostream_t *stream, const pb_field_t *field, void *const *arg)
{
	const char *const *list = *arg;

	for (; list != NULL && *list != NULL; list++) {
		if (!write_text(stream, field, *list))
			return false;
	}
	return true;
}

void proto_set_string(pb_callback_t *field, const char *text)
{
	field->funcs.encode = write_string;
	field->arg = (void *)(uintptr_t)text;
}

void proto_set_strings(pb_callback_t *field, const char *const *list)
{
	field->funcs.encode = write_strings;
	field->arg = (void *)(uintptr_t)list;
}

static bool read_string(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
	char **text = *arg;
	size_t len = stream->bytes_left;
	char *copy = malloc(len + 1);

	(void)field;
	if (copy == NULL)
		return false;
	if (!pb_read(stream, (pb_byte_t *)copy, len)) {
		free(copy);
		return false;
	}
	copy[len] = '\0';
	free(*text);
	*text = copy;
	return true;
}

static bool read_bytes(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
	struct grow *bytes = *arg;
	size_t len = stream->bytes_left;
	uint8_t *to;

	(void)field;
	bytes->len = 0;
	to = grow_reserve(bytes, len);
	if (to == NULL || !pb_read(stream, to, len))
		return false;
	bytes->len = len;
	return true;
}

void proto_get_string(pb_callback_t *field, char **text)
{
	field->funcs.decode = read_string;
	field->arg = text;
}

void proto_get_bytes(pb_callback_t *field, struct grow *bytes)
{
	field->funcs.decode = read_bytes;
	field->arg = bytes;
}

static bool write_grow(pb_ostream_t *stream, const pb_byte_t *data, size_t len)
{
	return grow_append(stream->state, data, len);
}

bool proto_put_frame(struct grow *out, enum wire_kind kind, const pb_msgdesc_t *fields,
		     const void *message)
{
	pb_ostream_t stream = {write_grow, out, SIZE_MAX, 0, NULL};
	size_t before = out->len;
	size_t body_len;
	uint8_t *head;

	if (!pb_get_encoded_size(&body_len, fields, message))
		return false;
	head = grow_reserve(out, WIRE_FRAME_HEAD_BOUND + body_len);
	if (head == NULL)
		return false;
	out->len += wire_put_frame_head(head, kind, body_len);
	if (pb_encode(&stream, fields, message))
		return true;
	out->len = before;
	return false;
}

bool proto_say(struct plug *plug, enum wire_kind kind, const pb_msgdesc_t *fields,
	       const void *message)
{
	return proto_put_frame(&plug->output.stage, kind, fields, message);
}

bool proto_read(struct wire_bytes body, const pb_msgdesc_t *fields, void *message_out)
{
	pb_istream_t stream = pb_istream_from_buffer(body.data, body.len);

	return pb_decode(&stream, fields, message_out);
}
