/* Names of hosts: what a client wrote, made comparable, and what an operator may write. The router
 * looks a name up, the explanation compares it; both begin here, so they can't differ about what a
 * name is. */
#include "edge/router_host.h"

#include <string.h>

#include "net/chars.h"
#include "net/target.h"

static char to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Without ":port"; the colons of "[::1]" are not one. */
static struct str without_port(struct str authority)
{
	const char *colon = authority.len ? memrchr(authority.data, ':', authority.len) : NULL;

	if (!colon || memchr(colon, ']', authority.len - (size_t)(colon - authority.data)))
		return authority;
	return (struct str){authority.data, (size_t)(colon - authority.data)};
}

struct str host_of_authority(struct str authority, char *out)
{
	struct str name = without_port(authority);

	/* "example.com." is the same host (RFC 1034, 3.1). */
	if (name.len > 0 && name.data[name.len - 1] == '.')
		name.len--;
	if (name.len > ROUTER_HOST_BYTES)
		name.len = 0;
	for (size_t i = 0; i < name.len; i++)
		out[i] = to_lower(name.data[i]);
	return (struct str){out, name.len};
}

bool host_is_wildcard(struct str host)
{
	return str_starts_with(host, STR_LITERAL("*."));
}

static bool is_name(struct str text)
{
	char before = '.';

	for (size_t i = 0; i < text.len; i++) {
		char c = to_lower(text.data[i]);
		bool is_word = (c >= 'a' && c <= 'z') || chars_is_digit(c) || c == '-' || c == '_';

		if (!is_word && (c != '.' || before == '.'))
			return false;
		before = c;
	}
	return before != '.';
}

const char *host_fault(struct str text)
{
	struct str name = text;
	bool is_address = text.len > 0 && text.data[0] == '[';

	if (host_is_wildcard(text))
		name = (struct str){text.data + 2, text.len - 2};
	if (text.len <= ROUTER_HOST_BYTES &&
	    (is_address ? target_is_authority(text) && text.data[text.len - 1] == ']'
			: is_name(name)))
		return NULL;
	return "is not the name of a host; write one such as example.com or *.example.com, "
	       "without scheme and port";
}

int host_rank(struct str host, struct str name)
{
	struct str suffix = {host.data + 1, host.len - 1};

	if (!host_is_wildcard(host))
		return str_eq_nocase(host, name) ? ROUTER_HOST_BYTES + 1 : -1;
	if (name.len <= suffix.len)
		return -1;
	name = (struct str){name.data + name.len - suffix.len, suffix.len};
	return str_eq_nocase(suffix, name) ? (int)suffix.len : -1;
}
