/* Addresses of sockets, from text and to text. listener.c and config/ call it. Owns nothing. */
#include "net/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>

#include "observe/errors.h"

static int addr_refuse(struct str text, struct err *err)
{
	return err_set(err, ERR_LISTEN,
		       "\"%.*s\" is not an address to listen on; write \"127.0.0.1:8080\", "
		       "\"[::1]:8080\" or \":8080\"",
		       STR_ARG(text));
}

static void addr_set_v4(struct addr *out, struct in_addr ip, unsigned port)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&out->storage;

	in->sin_family = AF_INET;
	in->sin_addr = ip;
	in->sin_port = htons((uint16_t)port);
	out->len = sizeof(*in);
}

static void addr_set_v6(struct addr *out, struct in6_addr ip, unsigned port)
{
	struct sockaddr_in6 *in = (struct sockaddr_in6 *)&out->storage;

	in->sin6_family = AF_INET6;
	in->sin6_addr = ip;
	in->sin6_port = htons((uint16_t)port);
	out->len = sizeof(*in);
}

int addr_parse(struct str text, struct addr *out, struct err *err)
{
	char host[INET6_ADDRSTRLEN + 2];
	const char *colon = text.len ? memrchr(text.data, ':', text.len) : NULL;
	uint64_t port;

	*out = (struct addr){0};
	if (!colon)
		return addr_refuse(text, err);
	size_t host_len = (size_t)(colon - text.data);
	struct str port_text = {colon + 1, text.len - host_len - 1};
	if (port_text.len == 0 || !str_to_u64(port_text, 65535, &port) || host_len >= sizeof(host))
		return addr_refuse(text, err);

	if (host_len == 0) {
		out->is_any = true;
		addr_set_v6(out, in6addr_any, (unsigned)port);
		return 0;
	}
	str_copy(host, sizeof(host), (struct str){text.data, host_len});
	struct in_addr v4;
	if (inet_pton(AF_INET, host, &v4) == 1) {
		addr_set_v4(out, v4, (unsigned)port);
		return 0;
	}
	struct in6_addr v6;
	if (host[0] != '[' || host[host_len - 1] != ']')
		return addr_refuse(text, err);
	host[host_len - 1] = '\0';
	if (inet_pton(AF_INET6, host + 1, &v6) != 1)
		return addr_refuse(text, err);
	addr_set_v6(out, v6, (unsigned)port);
	return 0;
}

unsigned addr_port(const struct addr *addr)
{
	if (addr->storage.ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)&addr->storage)->sin_port);
	if (addr->storage.ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)&addr->storage)->sin6_port);
	return 0;
}

bool addr_is_loopback(const struct addr *addr)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&addr->storage;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&addr->storage;

	if (addr->storage.ss_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> IN_CLASSA_NSHIFT == IN_LOOPBACKNET;
	return addr->storage.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

struct ip addr_ip(const struct addr *addr)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&addr->storage;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&addr->storage;

	if (addr->storage.ss_family == AF_INET)
		return ip_from_bytes((const uint8_t *)&v4->sin_addr, 4);
	if (addr->storage.ss_family == AF_INET6)
		return ip_from_bytes(v6->sin6_addr.s6_addr, 16);
	return (struct ip){.kind = IP_UNIX};
}

void addr_format(const struct addr *addr, char out[ADDR_TEXT])
{
	struct ip ip = addr_ip(addr);

	ip_format_peer(&ip, addr_port(addr), out);
}
