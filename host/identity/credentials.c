/* What a request shows to say who asks.
 *
 * Two that contradict each other would be resolved differently by whoever looks next, so a request
 * with several is refused (RFC 6750, 2, forbids them too). The scheme is compared in any case (RFC
 * 9110, 11.1). Owns nothing; called by edge/mw_identity. */
#include "identity/credentials.h"

#include <stdbool.h>

struct scheme {
	struct str name;
	enum credential_kind kind;
};

static const struct scheme schemes[] = {
	{{"Basic", 5}, CREDENTIAL_BASIC},
	{{"Bearer", 6}, CREDENTIAL_BEARER},
};

/* What has been found so far. */
struct search {
	unsigned kinds;
	size_t count;
	enum credentials_verdict wrong; /* CREDENTIALS_ABSENT: nothing is */
	struct credential *out;
};

static void add(struct search *search, enum credential_kind kind, struct str text)
{
	if (!(search->kinds & CREDENTIAL_BIT(kind)))
		return;
	search->count++;
	if (text.len > CREDENTIAL_MAX_BYTES)
		search->wrong = CREDENTIALS_TOO_LONG;
	else if (text.len == 0 || memchr(text.data, ' ', text.len) ||
		 memchr(text.data, '\t', text.len))
		search->wrong = CREDENTIALS_MALFORMED;
	*search->out = (struct credential){.kind = kind, .text = text};
}

static void add_authorization(struct search *search, struct str value)
{
	const char *space = memchr(value.data, ' ', value.len);
	struct str scheme = {value.data, space ? (size_t)(space - value.data) : value.len};
	struct str rest = {value.data + scheme.len, value.len - scheme.len};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (str_eq_nocase(scheme, schemes[i].name))
			add(search, schemes[i].kind, str_trim(rest));
	}
}

enum credentials_verdict credentials_read(const struct http_request *request, unsigned kinds,
					  struct str api_key_header,
					  const struct http_client *certificate,
					  struct credential *out)
{
	struct search search = {.kinds = kinds, .out = out};

	for (size_t i = 0; i < request->field_count; i++) {
		const struct http_field *field = &request->fields[i];

		if (str_eq(field->name, STR_LITERAL("authorization")))
			add_authorization(&search, field->value);
		else if (str_eq_nocase(field->name, api_key_header))
			add(&search, CREDENTIAL_API_KEY, field->value);
	}
	if (search.count > 1)
		return CREDENTIALS_SEVERAL;
	if (search.count == 1)
		return search.wrong != CREDENTIALS_ABSENT ? search.wrong : CREDENTIALS_ONE;
	if (!certificate || !(kinds & CREDENTIAL_BIT(CREDENTIAL_CERTIFICATE)))
		return CREDENTIALS_ABSENT;
	*out = (struct credential){.kind = CREDENTIAL_CERTIFICATE, .certificate = certificate};
	return CREDENTIALS_ONE;
}

bool credentials_is_header(struct str name, struct str api_key_header)
{
	return str_eq_nocase(name, STR_LITERAL("authorization")) ||
	       str_eq_nocase(name, api_key_header);
}
