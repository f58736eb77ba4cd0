/* Reads what proxies say. mw_client.c calls it. Owns nothing: what it returns points into the
 * fields.
 *
 * Strict, because a client may have begun the list that trusted proxies go on with: what can't be
 * read is refused and not passed over, or the client would seem to be the proxy. The two ways
 * differ in who wrote what. An element of Forwarded is one proxy's and says all it knows, so scheme
 * and host are those of the element that has the client. The fields of the X- kind are apart: of
 * several schemes or hosts the last one counts, which the nearest proxy has written. */
#include "edge/forwarded.h"

#include "net/chars.h"
#include "net/list.h"
#include "net/target.h"

static const char unreadable_x[] = "X-Forwarded-For is not a list of addresses";
static const char unreadable_standard[] = "The header Forwarded is malformed";
static const char unreadable_scheme[] = "The scheme that a proxy tells is neither http nor https";
static const char unreadable_host[] = "The host that a proxy tells is none";
static const char too_many[] = "More proxies have passed this request on than plugd follows";

/* ---- one address ---- */

/* RFC 7239, 6.3: "unknown", or a name of the proxy's own that begins with "_". */
static bool is_obscure(struct str node)
{
	if (str_eq_nocase(node, STR_LITERAL("unknown")))
		return true;
	if (node.len < 2 || node.data[0] != '_')
		return false;
	for (size_t i = 1; i < node.len; i++) {
		char c = node.data[i];
		bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || chars_is_digit(c) ||
			  c == '.' || c == '_' || c == '-';

		if (!ok)
			return false;
	}
	return true;
}

/* Another step to the left. False: it can't be read. */
static bool take_node(struct str node, struct forwarded *out)
{
	if (ip_parse_node(node, &out->client, &out->port) && out->client.kind != IP_UNIX)
		return true;
	out->client = (struct ip){.kind = IP_UNKNOWN};
	out->port = 0;
	return is_obscure(node);
}

static const char *check_rest(const struct forwarded *out)
{
	if (out->scheme.len > 0 && !str_eq_nocase(out->scheme, STR_LITERAL("http")) &&
	    !str_eq_nocase(out->scheme, STR_LITERAL("https")))
		return unreadable_scheme;
	if (out->host.len > 0 && !target_is_authority(out->host))
		return unreadable_host;
	return NULL;
}

/* ---- X-Forwarded-* ---- */

static const char *walk_x(const struct http_field *fields, size_t count,
			  const struct cidr_list *trusted, struct forwarded *out)
{
	unsigned hops = 0;

	for (size_t i = count; i-- > 0;) {
		struct str list = fields[i].value, node;

		if (!str_eq(fields[i].name, STR_LITERAL("x-forwarded-for")))
			continue;
		while (list_last(&list, &node)) {
			if (++hops > FORWARDED_MAX_HOPS)
				return too_many;
			if (!take_node(node, out))
				return unreadable_x;
			if (!cidr_list_has(trusted, &out->client))
				return NULL;
		}
	}
	return NULL;
}

/* The last member of the last field of that name. */
static struct str last_of(const struct http_field *fields, size_t count, struct str name)
{
	struct str member = {NULL, 0};

	for (size_t i = count; i-- > 0;) {
		struct str list = fields[i].value;

		if (str_eq(fields[i].name, name) && list_last(&list, &member))
			return member;
	}
	return (struct str){NULL, 0};
}

static const char *read_x(const struct http_field *fields, size_t count,
			  const struct cidr_list *trusted, struct forwarded *out)
{
	out->scheme = last_of(fields, count, STR_LITERAL("x-forwarded-proto"));
	out->host = last_of(fields, count, STR_LITERAL("x-forwarded-host"));
	return walk_x(fields, count, trusted, out);
}

/* ---- Forwarded ---- */

struct element {
	struct str node; /* empty: it names none */
	struct str scheme;
	struct str host;
};

/* The last ones of the list, in a ring. */
struct elements {
	struct element items[FORWARDED_MAX_HOPS];
	size_t count; /* all that there were */
};

static struct str skip(struct str text, size_t bytes)
{
	return (struct str){text.data + bytes, text.len - bytes};
}

static bool take_char(struct str *text, char c)
{
	if (text->len == 0 || text->data[0] != c)
		return false;
	*text = skip(*text, 1);
	return true;
}

static bool take_token(struct str *text, struct str *out)
{
	size_t len = 0;

	while (len < text->len && chars_token[(uint8_t)text->data[len]])
		len++;
	*out = (struct str){text->data, len};
	*text = skip(*text, len);
	return len > 0;
}

/* What is between the quotes. An escape is kept as it is, so that a value with one is none of those
 * that mean something to us. */
static bool take_quoted(struct str *text, struct str *out)
{
	size_t len = 0;

	while (len < text->len && text->data[len] != '"')
		len += text->data[len] == '\\' ? 2 : 1;
	if (len >= text->len)
		return false;
	*out = (struct str){text->data, len};
	*text = skip(*text, len + 1);
	return true;
}

/* RFC 7239, 4: each parameter at most once. */
static bool note_pair(struct element *element, struct str name, struct str value)
{
	const struct {
		struct str name;
		struct str *into;
	} known[] = {{{"for", 3}, &element->node},
		     {{"proto", 5}, &element->scheme},
		     {{"host", 4}, &element->host}};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!str_eq_nocase(name, known[i].name))
			continue;
		if (known[i].into->len > 0 || value.len == 0)
			return false;
		*known[i].into = value;
	}
	return true;
}

static bool take_pair(struct str *text, struct element *element)
{
	struct str name, value;

	if (!take_token(text, &name) || !take_char(text, '='))
		return false;
	if (take_char(text, '"') ? !take_quoted(text, &value) : !take_token(text, &value))
		return false;
	return note_pair(element, name, value);
}

static bool take_element(struct str *text, struct element *element)
{
	*element = (struct element){0};
	do {
		if (text->len > 0 && text->data[0] != ';' && !take_pair(text, element))
			return false;
	} while (take_char(text, ';'));
	return true;
}

static bool take_list(struct str text, struct elements *elements)
{
	for (;;) {
		while (take_char(&text, ' ') || take_char(&text, '\t') || take_char(&text, ','))
			;
		if (text.len == 0)
			return true;
		if (!take_element(&text, &elements->items[elements->count++ % FORWARDED_MAX_HOPS]))
			return false;
		while (take_char(&text, ' ') || take_char(&text, '\t'))
			;
		if (text.len > 0 && text.data[0] != ',')
			return false;
	}
}

static const char *walk_elements(const struct elements *elements, const struct cidr_list *trusted,
				 struct forwarded *out)
{
	for (size_t i = elements->count; i-- > 0;) {
		const struct element *element = &elements->items[i % FORWARDED_MAX_HOPS];

		if (elements->count - i > FORWARDED_MAX_HOPS)
			return too_many;
		if (element->node.len == 0)
			out->client = (struct ip){.kind = IP_UNKNOWN};
		else if (!take_node(element->node, out))
			return unreadable_standard;
		out->scheme = element->scheme;
		out->host = element->host;
		if (!cidr_list_has(trusted, &out->client))
			return NULL;
	}
	return NULL;
}

static const char *read_standard(const struct http_field *fields, size_t count,
				 const struct cidr_list *trusted, struct forwarded *out)
{
	struct elements elements;

	elements.count = 0;
	for (size_t i = 0; i < count; i++) {
		if (str_eq(fields[i].name, STR_LITERAL("forwarded")) &&
		    !take_list(fields[i].value, &elements))
			return unreadable_standard;
	}
	return walk_elements(&elements, trusted, out);
}

/* ---- both ---- */

const char *forwarded_read(enum forwarded_by by, const struct http_field *fields, size_t count,
			   const struct ip *peer, const struct cidr_list *trusted,
			   struct forwarded *out)
{
	const char *wrong;

	*out = (struct forwarded){.client = *peer};
	wrong = by == FORWARDED_BY_X ? read_x(fields, count, trusted, out)
				     : read_standard(fields, count, trusted, out);
	return wrong ? wrong : check_rest(out);
}

/* Programs behind CGI and WSGI can't tell "_" from "-". */
static bool begins_like(struct str name, struct str claim)
{
	for (size_t i = 0; i < claim.len; i++) {
		char c = i < name.len ? name.data[i] : '\0';

		if ((c == '_' ? '-' : (char)chars_token[(uint8_t)c]) != claim.data[i])
			return false;
	}
	return true;
}

bool forwarded_is_claim(struct str name)
{
	static const struct str claims[] = {
		{"x-real-ip", 9},	  {"x-client-ip", 11}, {"x-cluster-client-ip", 19},
		{"true-client-ip", 14},	  {"client-ip", 9},    {"cf-connecting-ip", 16},
		{"fastly-client-ip", 16}, {"forwarded", 9},    {"forwarded-for", 13}};

	if (name.len < 9 || !strchr("xtcfXTCF", name.data[0]))
		return false;
	if (begins_like(name, STR_LITERAL("x-forwarded")))
		return true;
	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
		if (name.len == claims[i].len && begins_like(name, claims[i]))
			return true;
	}
	return false;
}
