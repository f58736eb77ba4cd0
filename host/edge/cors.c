/* The decisions about pages of other origins. mw_cors.c calls it, config/ checks texts with it.
 * Owns nothing. An origin is compared as it is: browsers write it in one way only. */
#include "edge/cors.h"

#include "net/chars.h"
#include "net/list.h"
#include "net/target.h"

/* ---- origins ---- */

static bool is_lower(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] >= 'A' && text.data[i] <= 'Z')
			return false;
	}
	return true;
}

static bool ends_with(struct str text, struct str end)
{
	return text.len >= end.len &&
	       memcmp(text.data + text.len - end.len, end.data, end.len) == 0;
}

const char *cors_check_origin(struct str text)
{
	const char *colon = text.len > 0 ? memchr(text.data, ':', text.len) : NULL;
	size_t len = colon ? (size_t)(colon - text.data) : 0;
	struct str scheme = {text.data, len};
	struct str rest = {text.data + len, text.len - len};
	struct str host = {rest.data + 3, rest.len > 3 ? rest.len - 3 : 0};

	if (str_eq(text, STR_LITERAL("*")))
		return NULL;
	if (str_eq(text, STR_LITERAL("null")))
		return "would let any page in, because every page can be without an origin; write "
		       "origins such as https://app.example.com";
	if (host.len > 0 && memchr(host.data, '*', host.len))
		return "has a star, which stands for nothing here; list the origins";
	if (!chars_is_token(scheme) || !str_starts_with(rest, STR_LITERAL("://")) ||
	    host.len == 0 || !target_is_authority(host) || !is_lower(text))
		return "is no origin; write it as browsers do, such as https://app.example.com: "
		       "in lower case, without a path";
	if ((str_eq(scheme, STR_LITERAL("https")) && ends_with(host, STR_LITERAL(":443"))) ||
	    (str_eq(scheme, STR_LITERAL("http")) && ends_with(host, STR_LITERAL(":80"))))
		return "has the port that browsers leave out; leave it out too";
	return NULL;
}

/* ---- lists ---- */

static bool has_text(char *const *texts, struct str text)
{
	for (size_t i = 0; texts && texts[i]; i++) {
		if (str_eq(str_from(texts[i]), text))
			return true;
	}
	return false;
}

static bool has_name(char *const *names, struct str name)
{
	for (size_t i = 0; names && names[i]; i++) {
		if (str_eq_nocase(str_from(names[i]), name))
			return true;
	}
	return false;
}

static struct str join(char *const *texts, struct arena *arena)
{
	char *all = (char *)"";

	for (size_t i = 0; texts && texts[i]; i++)
		all = arena_printf(arena, "%s%s%s", all, i > 0 ? ", " : "", texts[i]);
	return str_from(all);
}

/* ---- decisions ---- */

bool cors_is_open(const struct cors_opts *opts)
{
	return !opts->credentials && has_text(opts->origins, STR_LITERAL("*"));
}

bool cors_allows_origin(const struct cors_opts *opts, struct str origin)
{
	return cors_is_open(opts) || has_text(opts->origins, origin);
}

bool cors_allows_method(const struct cors_opts *opts, struct str method)
{
	if (opts->methods)
		return has_text(opts->methods, method);
	return str_eq(method, STR_LITERAL("GET")) || str_eq(method, STR_LITERAL("HEAD")) ||
	       str_eq(method, STR_LITERAL("POST"));
}

/* What browsers ask about although its value is all that may be unusual. */
static bool is_always_allowed(struct str name)
{
	static const struct str names[] = {{"accept", 6},
					   {"accept-language", 15},
					   {"content-language", 16},
					   {"content-type", 12},
					   {"range", 5}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (str_eq_nocase(name, names[i]))
			return true;
	}
	return false;
}

static bool allows_header(const struct cors_opts *opts, struct str name)
{
	return chars_is_token(name) && (has_text(opts->headers, STR_LITERAL("*")) ||
					has_name(opts->headers, name) || is_always_allowed(name));
}

bool cors_allows_headers(const struct cors_opts *opts, struct str names)
{
	while (names.len > 0) {
		if (!allows_header(opts, list_cut(&names)))
			return false;
	}
	return true;
}

struct str cors_methods(const struct cors_opts *opts, struct arena *arena)
{
	return opts->methods ? join(opts->methods, arena) : STR_LITERAL("GET, HEAD, POST");
}

struct str cors_exposed(const struct cors_opts *opts, struct arena *arena)
{
	return join(opts->expose, arena);
}
