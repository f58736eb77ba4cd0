/* Headers that tell browsers to be careful with an answer. What a plugin has set itself is left as
 * it is; Strict-Transport-Security goes out over https only (RFC 6797, 7.2). */
#include "edge/mw.h"

#include "edge/edge_internal.h"

static const struct {
	struct str name;
	size_t value; /* offset of a char * in struct security_opts; NULL there: not sent */
	bool is_for_https;
} rows[SECURITY_HEADERS] = {
#define ROW(name, field, is_for_https)                                                             \
	{                                                                                          \
		{(name), sizeof(name) - 1}, offsetof(struct security_opts, field), (is_for_https)  \
	}
	ROW("x-content-type-options", content_type_options, false),
	ROW("x-frame-options", frame_options, false),
	ROW("referrer-policy", referrer_policy, false),
	ROW("content-security-policy", content_security_policy, false),
	ROW("strict-transport-security", strict_transport_security, true),
	ROW("permissions-policy", permissions_policy, false),
	ROW("cross-origin-opener-policy", opener_policy, false),
	ROW("cross-origin-embedder-policy", embedder_policy, false),
	ROW("cross-origin-resource-policy", resource_policy, false),
#undef ROW
};

void security_add(const struct security_opts *opts, bool is_https, struct http_field *fields,
		  size_t *count)
{
	size_t own = *count;

	for (size_t i = 0; opts->enabled && i < SECURITY_HEADERS; i++) {
		const char *value;

		memcpy(&value, (const char *)opts + rows[i].value, sizeof(value));
		if (value && (is_https || !rows[i].is_for_https) &&
		    !http_field_find_nocase(fields, own, rows[i].name))
			fields[(*count)++] = (struct http_field){rows[i].name, str_from(value)};
	}
}

static void on_response(struct exchange *exchange, struct http_field *fields, size_t *count)
{
	security_add(&exchange->routes->from.opts->security,
		     str_eq(exchange->request->scheme, STR_LITERAL("https")), fields, count);
}

const struct middleware mw_security = {.name = "security", .on_response = on_response};
