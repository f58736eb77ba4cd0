/* Bodies that come compressed, on routes that ask for them as they were before.
 *
 * Decides by the head: a coding that the route doesn't take, or several of them, is refused with
 * 415 and told which are taken (RFC 9110, 12.5.3). From here on the request has neither the coding
 * nor the length of what comes; the bridge decodes and holds it to its limits. */
#include "edge/mw.h"

#include "edge/edge_internal.h"
#include "observe/errors.h"

static bool is_taken(const struct decompress_opts *opts, enum coding_id id)
{
	if (id == CODING_COUNT)
		return false;
	for (size_t i = 0; opts->encodings && opts->encodings[i]; i++) {
		if (coding_find(str_from(opts->encodings[i])) == id)
			return true;
	}
	return !opts->encodings;
}

/* "gzip, br, zstd": those that the route takes. */
static struct str taken_names(const struct decompress_opts *opts, struct arena *arena)
{
	char *all = (char *)"";

	for (size_t id = 0; id < CODING_COUNT; id++) {
		if (is_taken(opts, (enum coding_id)id))
			all = arena_printf(arena, "%s%s%.*s", all, *all ? ", " : "",
					   STR_ARG(coding_token((enum coding_id)id)));
	}
	return str_from(all);
}

static bool refuse(struct exchange *exchange, const struct decompress_opts *opts,
		   struct exchange_error *error)
{
	struct arena *arena = exchange->request->arena;

	exchange->refused_coding = taken_names(opts, arena);
	return exchange_refuse(
		error, 415, ERR_ENCODING_UNKNOWN,
		str_from(arena_printf(
			arena,
			"The body must come as it is, or in one of these codings alone: %.*s",
			STR_ARG(exchange->refused_coding))));
}

static bool keeps(const void *user, struct http_field *field)
{
	(void)user;
	return !str_eq(field->name, STR_LITERAL("content-encoding")) &&
	       !str_eq(field->name, STR_LITERAL("content-length"));
}

/* A request as the plugin sees it: of the body that it gets. */
static void tell(struct exchange *exchange)
{
	struct http_request *told = http_request_copy(exchange->request);

	told->has_content_length = false;
	told->content_length = 0;
	http_request_filter(told, keeps, NULL);
	exchange->request = told;
}

static void begin(struct exchange *exchange, const struct decompress_opts *opts, enum coding_id id)
{
	exchange->decoder.max_ratio = opts->max_ratio ? opts->max_ratio : DECODER_RATIO;
	exchange->decoder.limit = opts->max_bytes ? opts->max_bytes : exchange->body_limit;
	exchange->decoder.coder =
		coders_take(exchange->edge->coders, id, CODING_DECODES, CODING_BALANCED);
	tell(exchange);
}

static bool on_route(struct exchange *exchange, struct exchange_error *error)
{
	const struct decompress_opts *opts = exchange->route ? exchange->route->decompress : NULL;
	const struct http_request *request = exchange->request;
	const struct http_field *field, *end = request->fields + request->field_count;
	enum coding_id id;

	if (!opts || !request->has_body)
		return true;
	field = http_field_find(request->fields, request->field_count, "content-encoding");
	if (!field || str_eq_nocase(str_trim(field->value), STR_LITERAL("identity")))
		return true;
	id = coding_find(str_trim(field->value));
	if (!is_taken(opts, id) ||
	    http_field_find(field + 1, (size_t)(end - field) - 1, "content-encoding"))
		return refuse(exchange, opts, error);
	begin(exchange, opts, id);
	return true;
}

static void on_response(struct exchange *exchange, struct http_field *fields, size_t *count)
{
	if (exchange->refused_coding.len > 0)
		fields[(*count)++] = (struct http_field){STR_LITERAL("accept-encoding"),
							 exchange->refused_coding};
}

const struct middleware mw_decompress = {
	.name = "decompress", .on_route = on_route, .on_response = on_response};
