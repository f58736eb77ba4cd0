/* What a text of `listen` says. The scheme names what clients speak, the rest is the address, so
 * that other kinds of address and of protocol find their place. listener.c and config/ call it. */
#include "net/endpoint.h"

#include <sys/un.h>

#include "observe/errors.h"

#define INHERITED_NAME 255 /* bytes, as sd_listen_fds_with_names(3) has it */

static const char *read_address(struct endpoint *out)
{
	if (addr_parse(out->where, &out->addr, NULL) < 0)
		return "is not an address to listen on; write 127.0.0.1:8080, \"[::1]:8080\", "
		       "\":8080\", unix:/path or fd:name, with https:// in front for TLS";
	return NULL;
}

static const char *read_path(struct endpoint *out)
{
	struct str path = out->name;

	if (path.len < 2 || path.data[0] != '/' || path.data[path.len - 1] == '/' ||
	    memchr(path.data, '\0', path.len))
		return "names no file of a socket; write its whole path, such as "
		       "unix:/run/plugd/http.sock";
	if (path.len >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return "is too long for a socket; its path may have 107 bytes";
	return NULL;
}

static const char *read_name(struct endpoint *out)
{
	bool is_good = out->name.len > 0 && out->name.len <= INHERITED_NAME;

	for (size_t i = 0; i < out->name.len; i++)
		is_good &= out->name.data[i] > ' ' && out->name.data[i] <= '~' &&
			   out->name.data[i] != ':';
	return is_good ? NULL
		       : "names no inherited socket; write fd: and its FileDescriptorName, or the "
			 "number of the descriptor";
}

static const struct {
	struct str prefix;
	const char *(*read)(struct endpoint *out);
} kinds[] = {
	[ENDPOINT_ADDRESS] = {{"", 0}, read_address},
	[ENDPOINT_UNIX] = {{"unix:", 5}, read_path},
	[ENDPOINT_INHERITED] = {{"fd:", 3}, read_name},
};

static const struct {
	struct str text;
	bool is_tls;
	bool is_proxied;
} schemes[] = {
	{{"http://", 7}, false, false},
	{{"https://", 8}, true, false},
	{{"proxy+http://", 13}, false, true},
	{{"proxy+https://", 14}, true, true},
};

static struct str after(struct str text, struct str prefix)
{
	return (struct str){text.data + prefix.len, text.len - prefix.len};
}

const char *endpoint_read(struct str text, struct endpoint *out)
{
	*out = (struct endpoint){.where = text};
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (!str_starts_with(text, schemes[i].text))
			continue;
		out->is_tls = schemes[i].is_tls;
		out->is_proxied = schemes[i].is_proxied;
		out->where = after(text, schemes[i].text);
	}
	if (out->where.data == text.data && text.len > 0 && memmem(text.data, text.len, "://", 3))
		return "begins with a scheme that plugd can't serve; write https://, http://, or "
		       "none for http, with proxy+ in front for the PROXY protocol";
	for (size_t i = ENDPOINT_UNIX; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (str_starts_with(out->where, kinds[i].prefix))
			out->kind = (enum endpoint_kind)i;
	}
	out->name = after(out->where, kinds[out->kind].prefix);
	return kinds[out->kind].read(out);
}

int endpoint_parse(struct str text, struct endpoint *out, struct err *err)
{
	const char *wrong = endpoint_read(text, out);

	return wrong ? err_set(err, ERR_LISTEN, "\"%.*s\" %s", STR_ARG(text), wrong) : 0;
}
