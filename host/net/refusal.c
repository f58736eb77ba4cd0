/* The answer to a request that net refuses by itself, for every version of the protocol. */
#include "net/refusal.h"

static const struct http_field text_fields[] = {
	{{"content-type", 12}, {"text/plain", 10}},
};

static struct str refusal_make_text(const struct http_refusal *refusal, struct arena *arena,
				    struct http_response *response)
{
	response->fields = text_fields;
	response->field_count = 1;
	return str_from(arena_printf(arena, "%s\n", refusal->why));
}

struct str refusal_make(const struct commons *commons, const struct http_refusal *refusal,
			struct arena *arena, struct http_response *response_out)
{
	*response_out = (struct http_response){.status = refusal->status, .close = true};
	if (!commons->upcalls->on_refused)
		return refusal_make_text(refusal, arena, response_out);

	struct str body = commons->upcalls->on_refused(commons->user, refusal, arena, response_out);
	response_out->status = refusal->status;
	for (size_t i = 0; i < response_out->field_count; i++) {
		if (!http_field_is_valid(&response_out->fields[i]))
			response_out->field_count = 0;
	}
	return body;
}
