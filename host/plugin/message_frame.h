/* Frames that are rare: their body is made by protobuf-c. Pure. */
#ifndef PLUGD_PLUGIN_MESSAGE_FRAME_H
#define PLUGD_PLUGIN_MESSAGE_FRAME_H

#include <protobuf-c/protobuf-c.h>

#include "base/buf.h"
#include "base/secret.h"
#include "proto/wire.h"

/* Appends a whole frame with this message as its body. */
void message_frame_put(struct buf *out, enum wire_kind kind, const ProtobufCMessage *message);

/* The same for one that carries secrets: the frame alone, in memory of its own. Returns owned. */
struct secret message_frame_seal(enum wire_kind kind, const ProtobufCMessage *message);

#endif
