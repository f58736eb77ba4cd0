/* Addresses of clients, from text and to text. cidr.c, crowd.c and the edge call it. Owns nothing.
 * Strict: what could be read in two ways (leading zeroes, zones) is no address. */
#include "net/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

static const uint8_t v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct ip ip_from_bytes(const uint8_t *bytes, size_t len)
{
	struct ip ip = {.kind = IP_V4};

	memcpy(ip.bytes, v4_prefix, sizeof(v4_prefix));
	memcpy(ip.bytes + sizeof(ip.bytes) - len, bytes, len);
	if (memcmp(ip.bytes, v4_prefix, sizeof(v4_prefix)) != 0)
		ip.kind = IP_V6;
	return ip;
}

bool ip_parse(struct str text, struct ip *out)
{
	char copy[INET6_ADDRSTRLEN];
	uint8_t bytes[16];

	*out = (struct ip){.kind = IP_UNKNOWN};
	if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.data, '\0', text.len))
		return false;
	str_copy(copy, sizeof(copy), text);
	if (inet_pton(AF_INET, copy, bytes) == 1)
		*out = ip_from_bytes(bytes, 4);
	else if (inet_pton(AF_INET6, copy, bytes) == 1)
		*out = ip_from_bytes(bytes, 16);
	return out->kind != IP_UNKNOWN;
}

static bool parse_port(struct str text, unsigned *port_out)
{
	uint64_t port;

	if (text.len == 0 || text.len > 5 || !str_to_u64(text, 65535, &port))
		return false;
	*port_out = (unsigned)port;
	return true;
}

/* What is behind the closing bracket. */
static bool parse_after_bracket(struct str rest, unsigned *port_out)
{
	if (rest.len == 0)
		return true;
	return rest.data[0] == ':' &&
	       parse_port((struct str){rest.data + 1, rest.len - 1}, port_out);
}

bool ip_parse_node(struct str text, struct ip *out, unsigned *port_out)
{
	const char *end;
	size_t len;

	*port_out = 0;
	*out = (struct ip){.kind = IP_UNKNOWN};
	if (text.len > 0 && text.data[0] == '[') {
		end = memchr(text.data, ']', text.len);
		len = end ? (size_t)(end - text.data) : 0;
		return end && ip_parse((struct str){text.data + 1, len - 1}, out) &&
		       memchr(text.data, ':', len) != NULL &&
		       parse_after_bracket((struct str){end + 1, text.len - len - 1}, port_out);
	}
	if (str_eq(text, STR_LITERAL("unix"))) {
		out->kind = IP_UNIX;
		return true;
	}
	end = text.len > 0 ? memchr(text.data, ':', text.len) : NULL;
	len = end ? (size_t)(end - text.data) : text.len;
	if (!end || memchr(end + 1, ':', text.len - len - 1)) /* none, or the colons of IPv6 */
		return ip_parse(text, out);
	return ip_parse((struct str){text.data, len}, out) &&
	       parse_port((struct str){end + 1, text.len - len - 1}, port_out);
}

void ip_format_peer(const struct ip *ip, unsigned port, char out[IP_TEXT])
{
	char host[INET6_ADDRSTRLEN] = "";

	switch (ip->kind) {
	case IP_UNKNOWN:
		snprintf(out, IP_TEXT, "unknown");
		return;
	case IP_UNIX:
		snprintf(out, IP_TEXT, "unix");
		return;
	case IP_V4:
		inet_ntop(AF_INET, ip->bytes + sizeof(v4_prefix), host, sizeof(host));
		snprintf(out, IP_TEXT, "%s:%u", host, port);
		return;
	case IP_V6:
		inet_ntop(AF_INET6, ip->bytes, host, sizeof(host));
		snprintf(out, IP_TEXT, "[%s]:%u", host, port);
		return;
	}
}

struct ip ip_client(const struct ip *ip)
{
	struct ip client = *ip;

	if (ip->kind == IP_V6)
		memset(client.bytes + 8, 0, 8);
	return client;
}
