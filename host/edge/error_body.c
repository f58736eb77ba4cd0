/* What clients are told when something goes wrong. The message may be a plugin's, so it is any
 * bytes: jansson refuses what is not UTF-8, and then every byte above 127 is replaced. */
#include "edge/error_body.h"

#include <jansson.h>
#include <stdlib.h>

static json_t *text_of(struct arena *arena, struct str text)
{
	json_t *json = json_stringn(text.data ? text.data : "", text.len);
	struct str copy;

	if (json)
		return json;
	copy = arena_str(arena, text);
	for (size_t i = 0; i < copy.len; i++) {
		if ((unsigned char)copy.data[i] > 127)
			((char *)copy.data)[i] = '?';
	}
	return json_stringn(copy.data, copy.len);
}

struct str error_body(struct arena *arena, const struct exchange_error *error,
		      struct str request_id)
{
	json_t *json =
		json_pack("{s:s, s:o, s:o}", "code", error->code, "message",
			  text_of(arena, error->message), "request_id", text_of(arena, request_id));
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	struct str body = arena_str(arena, text ? str_from(text) : STR_LITERAL("{}"));

	free(text);
	json_decref(json);
	return body;
}
