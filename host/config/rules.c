/* Rules for texts in the configuration. They say no more than what the room that gets the text
 * relies on; what only that room can judge (a pattern's conflicts, a method that a plugin lacks) is
 * left to it. */
#include "config/rules.h"

#include <string.h>

#include "edge/edge_opts.h"
#include "edge/router_host.h"
#include "edge/router_pattern.h"
#include "edge/sibling_kind.h"
#include "net/chars.h"
#include "net/cidr.h"
#include "net/endpoint.h"
#include "net/tls_names.h"
#include "trust/call_filter.h"
#include "trust/control_group.h"
#include "trust/ed25519.h"
#include "trust/identity.h"
#include "trust/place.h"

static bool is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

const char *rule_name(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!is_word_char(text.data[i]) && text.data[i] != '-')
			return "is not a name; use letters, digits, - and _";
	}
	return NULL;
}

const char *rule_variable(struct str text)
{
	bool ok = text.len > 0 && !chars_is_digit(text.data[0]);

	for (size_t i = 0; ok && i < text.len; i++)
		ok = is_word_char(text.data[i]);
	return ok ? NULL : "is not the name of a variable; use letters, digits and _";
}

const char *rule_credential(struct str text)
{
	bool ok = text.len > 0 && text.len <= 255 && text.data[0] != '.';

	for (size_t i = 0; ok && i < text.len; i++)
		ok = is_word_char(text.data[i]) || text.data[i] == '-' || text.data[i] == '.';
	return ok ? NULL
		  : "is not the name of a credential; use letters, digits, -, _ and ., no . in "
		    "front";
}

const char *rule_method(struct str text)
{
	if (!pattern_is_method(text))
		return "is not an HTTP method; write one in upper case, such as GET";
	return NULL;
}

/* A name as a manifest may have it: what fails here could never be found there. */
static bool is_rpc_name(struct str name, bool dots)
{
	char before = '.';

	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];
		if (!is_word_char(c) && !(dots && c == '.' && before != '.'))
			return false;
		before = c;
	}
	return before != '.';
}

const char *rule_rpc(struct str text)
{
	const char *slash = memchr(text.data, '/', text.len);
	size_t len = slash ? (size_t)(slash - text.data) : 0;

	if (!slash || !is_rpc_name((struct str){text.data, len}, true) ||
	    !is_rpc_name((struct str){slash + 1, text.len - len - 1}, false))
		return "does not name a method; write service/method, such as kv.v1.Kv/Get";
	return NULL;
}

const char *rule_address(struct str text)
{
	struct endpoint endpoint;

	return endpoint_read(text, &endpoint);
}

const char *rule_server_name(struct str text)
{
	if (!tls_name_is_valid(text))
		return "is not the name of a server; write one such as example.com or "
		       "*.example.com";
	return NULL;
}

const char *rule_host(struct str text)
{
	return host_fault(text);
}

const char *rule_prefix(struct str text)
{
	if (text.data[0] != '/' || text.data[text.len - 1] == '/')
		return "can't stand in front of a path; write a slash before it and none behind "
		       "it, such as /api/v1";
	return NULL;
}

static bool has_parent_step(struct str text)
{
	for (size_t i = 0; i + 2 <= text.len; i++) {
		bool begins = i == 0 || text.data[i - 1] == '/';
		bool ends = i + 2 == text.len || text.data[i + 2] == '/';

		if (begins && ends && text.data[i] == '.' && text.data[i + 1] == '.')
			return true;
	}
	return false;
}

const char *rule_path(struct str text)
{
	return has_parent_step(text) ? "leads through '..'; write where it leads to" : NULL;
}

const char *rule_port(struct str text)
{
	unsigned port = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (!chars_is_digit(text.data[i]) || i == 5)
			return "is no port; write a number from 1 to 65535";
		port = 10 * port + (unsigned)(text.data[i] - '0');
	}
	return port >= 1 && port <= 65535 ? NULL : "is no port; write a number from 1 to 65535";
}

const char *rule_call(struct str text)
{
	return call_filter_check(text);
}

const char *rule_public_key(struct str text)
{
	struct ed25519_public key;

	if (ed25519_parse(text, &key))
		return "is no public key; write the line that plugctl whitelist keygen prints, "
		       "\"ed25519:\" and 64 digits";
	return NULL;
}

const char *rule_cgroup(struct str text)
{
	if (str_eq(text, STR_LITERAL(CONTROL_GROUPS_NONE)) ||
	    str_eq(text, STR_LITERAL(CONTROL_GROUPS_OWN)) || place_is_plain(text))
		return NULL;
	return "is no directory of control groups; write own, none, or an absolute path without "
	       "'.' and '..', such as /sys/fs/cgroup/plugd";
}

/* A socket that its owner can't connect to is a mistake. */
const char *rule_mode(struct str text)
{
	mode_t mode;

	return umask_parse(text, &mode) && (mode & 0600) == 0600
		       ? NULL
		       : "is no mode for a socket; write octal digits, such as 0660 for its owner "
			 "and "
			 "its group";
}

const char *rule_umask(struct str text)
{
	mode_t mask;

	return umask_parse(text, &mask) ? NULL : "is no umask; write octal digits, such as 0077";
}

const char *rule_plain_path(struct str text)
{
	if (!place_is_plain(text) && !str_eq(text, STR_LITERAL("/")))
		return "is not a plain path; write an absolute one without '.' and '..', such as "
		       "/usr/lib/plugd";
	return NULL;
}

const char *rule_network(struct str text)
{
	struct cidr cidr;

	return cidr_parse(text, &cidr);
}

const char *rule_rate_by(struct str text)
{
	struct str before = STR_LITERAL(RATE_BY_HEADER);
	struct str name = {text.data + before.len, text.len - before.len};

	if (str_starts_with(text, before) && forwarded_is_claim(name))
		return "names a header that is taken out of every request; write address, which "
		       "is what trusted_proxies say there, or another header";
	if (str_eq(text, STR_LITERAL("address")) || str_eq(text, STR_LITERAL(RATE_BY_PRINCIPAL)) ||
	    (str_starts_with(text, before) && chars_is_token(name)))
		return NULL;
	return "tells no clients apart; write address, principal, or header and its name, "
	       "such as \"header X-Api-Key\"";
}

const char *rule_field_value(struct str text)
{
	if (!chars_is_field_value(text) || str_trim(text).len != text.len)
		return "can't be sent; write printable characters, without space at either end";
	return NULL;
}

/* None of them means anything to a browser. */
const char *rule_browser_field(struct str text)
{
	static const char *const switches[] = {"true", "false", "yes", "no", "on", "off"};

	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
		if (str_eq_nocase(text, str_from(switches[i])))
			return "is no value of this header; write none to leave it out";
	}
	return rule_field_value(text);
}

const char *rule_origin(struct str text)
{
	return cors_check_origin(text);
}

const char *rule_header(struct str text)
{
	return chars_is_token(text) ? NULL : "is not the name of a header";
}

const char *rule_file_name(struct str text)
{
	if (memchr(text.data, '/', text.len) || str_eq(text, STR_LITERAL(".")) ||
	    str_eq(text, STR_LITERAL("..")))
		return "is not the name of a file; write one such as index.html";
	return NULL;
}

const char *rule_fallback(struct str text)
{
	if (!place_is_plain(text))
		return "is not a file below the directory; write one such as /index.html";
	return NULL;
}

const char *rule_coding(struct str text)
{
	return sibling_kind_find(text) ? NULL
				       : "is no coding that plugd knows; write br, gzip or zstd";
}

const char *rule_encoding(struct str text)
{
	if (coding_find(text) < CODING_COUNT && !str_starts_with(text, STR_LITERAL("x-")))
		return NULL;
	return "is no content coding that plugd knows; write zstd, br or gzip";
}

const char *rule_media_type(struct str text)
{
	return compress_check_type(text);
}
