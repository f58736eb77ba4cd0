/* Do the hot codec and protobuf-c agree on some bytes? The golden tests, the random tests and a
 * fuzz target ask the same question here. */
#ifndef PLUGD_TESTS_AGREE_H
#define PLUGD_TESTS_AGREE_H

#include "proto/wire.h"

enum agree_message {
	AGREE_REQUEST,
	AGREE_RESPONSE,
	AGREE_DATA,
	AGREE_CANCEL,
	AGREE_CREDIT,
	AGREE_STATE,
	AGREE_HTTP_REQUEST,
	AGREE_HTTP_RESPONSE,
	AGREE_MESSAGES,
};

/* NULL, or a constant sentence that says how they differ:
 *  - what the hot codec reads, protobuf-c reads too, with the same fields;
 *  - what only protobuf-c reads, the hot codec refuses for one of the reasons of wire_field.h;
 *  - bytes that protobuf-c would write for these fields, the hot codec writes too. */
const char *agree_on_message(enum agree_message message, struct wire_bytes in);

/* The same for a frame without its prefix, of any kind. */
const char *agree_on_frame(struct wire_bytes frame);

/* An HTTP response, cut in two: does reading its first part lead to the same message? */
const char *agree_on_http_part(struct wire_bytes in, size_t cut);

#endif
