/* Any bytes as a frame, as a message of plugd.http.v1, and as the first part of one: the hot codec
 * agrees with protobuf-c on what is read, and never reads beyond them. The seeds are the golden
 * vectors. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/golden/agree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_agree(const char *what, const char *difference)
{
	if (!difference)
		return;
	fprintf(stderr, "%s: %s\n", what, difference);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_bytes in = {data, size};

	must_agree("frame", agree_on_frame(in));
	must_agree("request", agree_on_message(AGREE_HTTP_REQUEST, in));
	must_agree("response", agree_on_message(AGREE_HTTP_RESPONSE, in));
	must_agree("first half of a response", agree_on_http_part(in, size / 2));
	must_agree("all of a response", agree_on_http_part(in, size));
	return 0;
}
