/* The PROXY protocol, as a receiver. introduction.c calls it, for connections of trusted proxies
 * only. The signature tells the version; what is neither is refused, never passed over.
 *
 * A header whose sender can't tell who the client is (UNKNOWN, UNSPEC, Unix sockets of its own)
 * gives an unknown client, not the proxy: else what that client claims in X-Forwarded-For would
 * be believed as the proxy's. Only LOCAL is the proxy itself. Datagrams say where they come from as
 * well as streams do. Of what follows the addresses (TLVs) only the checksum is looked at. */
#include "net/proxy_header.h"

#include <string.h>

#define V1_MAX	     107 /* bytes of a line, its end included */
#define V1_BEGIN     "PROXY "
#define V2_SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V2_FIXED     16 /* signature, command, family, length */
#define V2_ADDRESSES V2_FIXED

#define TLV_FIXED    3
#define TLV_CHECKSUM 0x03

static const uint8_t signature[12] = V2_SIGNATURE;

static enum proxy_header_verdict refuse(struct proxy_header *out, const char *wrong)
{
	out->wrong = wrong;
	return PROXY_HEADER_BAD;
}

/* ---- version 1 ---- */

/* Cuts the next word off; words are apart by one space. */
static struct str take_word(struct str *line)
{
	const char *space = line->len > 0 ? memchr(line->data, ' ', line->len) : NULL;
	size_t len = space ? (size_t)(space - line->data) : line->len;
	struct str word = {line->data, len};
	size_t used = space ? len + 1 : len;

	*line = (struct str){line->data + used, line->len - used};
	return word;
}

static bool parse_port(struct str text, unsigned *out)
{
	uint64_t port;

	if (text.len == 0 || text.len > 5 || (text.len > 1 && text.data[0] == '0') ||
	    !str_to_u64(text, UINT16_MAX, &port))
		return false;
	*out = (unsigned)port;
	return true;
}

static bool parse_ip(struct str text, bool is_v6, struct ip *out)
{
	bool has_colon = text.len > 0 && memchr(text.data, ':', text.len);

	return has_colon == is_v6 && ip_parse(text, out);
}

/* "192.0.2.7 198.51.100.1 52311 443": from, to, and their ports. */
static bool read_v1_addresses(struct str line, bool is_v6, struct proxy_header *out)
{
	struct ip to;
	unsigned to_port;
	bool is_good = parse_ip(take_word(&line), is_v6, &out->client);

	is_good = parse_ip(take_word(&line), is_v6, &to) && is_good;
	is_good = parse_port(take_word(&line), &out->port) && is_good;
	return parse_port(line, &to_port) && is_good; /* a space behind it is no part of a port */
}

static enum proxy_header_verdict read_v1_line(struct str line, struct proxy_header *out)
{
	struct str family = take_word(&line);

	if (str_eq(family, STR_LITERAL("UNKNOWN")))
		return PROXY_HEADER_DONE;
	if (!str_eq(family, STR_LITERAL("TCP4")) && !str_eq(family, STR_LITERAL("TCP6")))
		return refuse(out, "has a PROXY line that is neither TCP4, TCP6 nor UNKNOWN");
	if (!read_v1_addresses(line, family.data[3] == '6', out))
		return refuse(out, "has a PROXY line without two good addresses and ports");
	return PROXY_HEADER_DONE;
}

static enum proxy_header_verdict read_v1(const uint8_t *data, size_t len, struct proxy_header *out)
{
	size_t begin = sizeof(V1_BEGIN) - 1;
	size_t known = len < V1_MAX ? len : V1_MAX;
	const uint8_t *end = memchr(data, '\r', known);
	size_t line = end ? (size_t)(end - data) : known;

	if (memchr(data, '\n', line) || (!end && known == V1_MAX) || line + 2 > V1_MAX)
		return refuse(out, "has a PROXY line that does not end as it must");
	if (!end || line + 2 > len)
		return PROXY_HEADER_MORE;
	if (end[1] != '\n')
		return refuse(out, "has a PROXY line that does not end as it must");
	out->bytes = line + 2;
	return read_v1_line((struct str){(const char *)data + begin, line - begin}, out);
}

/* ---- version 2 ---- */

static unsigned read_u16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static uint32_t read_u32(const uint8_t *at)
{
	return (uint32_t)read_u16(at) << 16 | read_u16(at + 2);
}

/* CRC-32C (RFC 3720, B.4), four bits at a time: the table is small and headers are short. */
static uint32_t crc32c_add(uint32_t crc, uint8_t byte)
{
	static const uint32_t steps[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
		0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};

	crc ^= byte;
	crc = crc >> 4 ^ steps[crc & 15];
	return crc >> 4 ^ steps[crc & 15];
}

/* Of the whole header, its checksum taken for zeroes. */
static uint32_t checksum_of(const uint8_t *data, size_t len, size_t checksum_at)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++)
		crc = crc32c_add(crc, i - checksum_at < 4 ? 0 : data[i]);
	return ~crc;
}

/* What follows the addresses, from `at` to the end of the header: NULL, or what is wrong. */
static const char *check_tlvs(const uint8_t *data, size_t at, size_t len)
{
	size_t checksum_at = 0;

	while (at < len) {
		size_t value = at + TLV_FIXED;
		size_t bytes = value <= len ? read_u16(data + at + 1) : 0;

		if (value > len || bytes > len - value)
			return "has a PROXY header whose parts are longer than it";
		if (data[at] == TLV_CHECKSUM && (bytes != 4 || checksum_at > 0))
			return "has a PROXY header with a checksum that is none";
		if (data[at] == TLV_CHECKSUM)
			checksum_at = value;
		at = value + bytes;
	}
	if (checksum_at > 0 && checksum_of(data, len, checksum_at) != read_u32(data + checksum_at))
		return "has a PROXY header with a wrong checksum";
	return NULL;
}

/* By the upper half of the fifth byte: how long the two addresses and ports are. */
static const struct {
	size_t ip_bytes; /* 0: nothing that we could use */
	size_t bytes;
} families[] = {{0, 0}, {4, 12}, {16, 36}, {0, 216}};

static enum proxy_header_verdict read_v2_addresses(const uint8_t *data, struct proxy_header *out)
{
	unsigned family = data[13] >> 4;
	unsigned transport = data[13] & 15;
	const uint8_t *at = data + V2_ADDRESSES;
	const char *wrong;

	if (family >= sizeof(families) / sizeof(families[0]) || transport > 2 ||
	    (family == 0) != (transport == 0))
		return refuse(out, "has a PROXY header of an unknown kind of address");
	if (V2_ADDRESSES + families[family].bytes > out->bytes)
		return refuse(out, "has a PROXY header too short for its addresses");
	wrong = check_tlvs(data, V2_ADDRESSES + families[family].bytes, out->bytes);
	if (wrong)
		return refuse(out, wrong);
	if (families[family].ip_bytes > 0) {
		out->client = ip_from_bytes(at, families[family].ip_bytes);
		out->port = read_u16(at + 2 * families[family].ip_bytes);
	}
	return PROXY_HEADER_DONE;
}

static enum proxy_header_verdict read_v2(const uint8_t *data, size_t len, struct proxy_header *out)
{
	if (len < V2_FIXED)
		return PROXY_HEADER_MORE;
	if (data[12] >> 4 != 2 || (data[12] & 15) > 1)
		return refuse(out, "has a PROXY header of an unknown version or command");
	out->bytes = V2_FIXED + read_u16(data + 14);
	if (out->bytes > PROXY_HEADER_MAX)
		return refuse(out, "has a PROXY header above 4096 bytes");
	if (len < out->bytes)
		return PROXY_HEADER_MORE;
	out->is_own = (data[12] & 15) == 0;
	/* What LOCAL has besides is to be ignored. */
	return out->is_own ? PROXY_HEADER_DONE : read_v2_addresses(data, out);
}

enum proxy_header_verdict proxy_header_read(const uint8_t *data, size_t len,
					    struct proxy_header *out)
{
	size_t v1 = sizeof(V1_BEGIN) - 1;
	size_t v2 = sizeof(signature);

	*out = (struct proxy_header){.client = {.kind = IP_UNKNOWN}};
	if (len == 0)
		return PROXY_HEADER_MORE;
	if (memcmp(data, V1_BEGIN, len < v1 ? len : v1) == 0)
		return read_v1(data, len, out);
	if (memcmp(data, signature, len < v2 ? len : v2) == 0)
		return read_v2(data, len, out);
	return refuse(out, "does not begin with a PROXY header");
}
