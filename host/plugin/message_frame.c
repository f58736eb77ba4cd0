/* Frames that are rare: handshake, health, the end. Those of calls are made by proto/wire.c. */
#include "plugin/message_frame.h"

#include <string.h>

void message_frame_put(struct buf *out, enum wire_kind kind, const ProtobufCMessage *message)
{
	size_t len = protobuf_c_message_get_packed_size(message);
	uint8_t *room = buf_reserve(out, WIRE_FRAME_HEAD_BOUND + len);
	size_t head = wire_put_frame_head(room, kind, len);

	protobuf_c_message_pack(message, room + head);
	buf_commit(out, head + len);
}

struct secret message_frame_seal(enum wire_kind kind, const ProtobufCMessage *message)
{
	size_t len = protobuf_c_message_get_packed_size(message);
	uint8_t head[WIRE_FRAME_HEAD_BOUND];
	size_t head_len = wire_put_frame_head(head, kind, len);
	struct secret frame = secret_alloc(head_len + len);

	memcpy(frame.data, head, head_len);
	protobuf_c_message_pack(message, frame.data + head_len);
	return frame;
}
