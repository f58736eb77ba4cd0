/* Networks, parsed and matched. config/ checks them, net/ and edge/ look clients up. A list owns
 * its items and is walked from its start: it is a few rows, or some hundred at a few nanoseconds
 * each. */
#include "net/cidr.h"

#include <stdlib.h>

#include "base/mem.h"

static bool has_bits_below(const struct cidr *cidr)
{
	for (unsigned bit = cidr->bits; bit < 128; bit++) {
		if (cidr->base.bytes[bit / 8] & (0x80 >> bit % 8))
			return true;
	}
	return false;
}

/* The number behind the slash, in the units of the address as it was written. */
static bool parse_bits(struct str text, bool is_dotted, struct cidr *out)
{
	uint64_t bits;

	if (text.len == 0 || text.len > 3 || (text.len > 1 && text.data[0] == '0') ||
	    !str_to_u64(text, is_dotted ? 32 : 128, &bits))
		return false;
	out->bits = (unsigned)bits + (is_dotted ? 96 : 0);
	return true;
}

const char *cidr_parse(struct str text, struct cidr *out)
{
	const char *slash = text.len > 0 ? memchr(text.data, '/', text.len) : NULL;
	struct str address = {text.data, slash ? (size_t)(slash - text.data) : text.len};
	bool is_dotted = address.len > 0 && !memchr(address.data, ':', address.len);

	*out = (struct cidr){.bits = 128};
	if (str_eq(text, STR_LITERAL("unix"))) {
		out->base.kind = IP_UNIX;
		return NULL;
	}
	if (!ip_parse(address, &out->base))
		return "is no network; write one such as 10.0.0.0/8, 2001:db8::/32 or 192.0.2.7";
	if (slash &&
	    !parse_bits((struct str){slash + 1, text.len - address.len - 1}, is_dotted, out))
		return "has no good prefix length; write up to /32 for IPv4, up to /128 for IPv6";
	if (has_bits_below(out))
		return "has bits set below its prefix; write the network's first address, or a "
		       "longer prefix";
	return NULL;
}

bool cidr_has(const struct cidr *cidr, const struct ip *ip)
{
	unsigned whole = cidr->bits / 8;
	unsigned rest = cidr->bits % 8;

	if (cidr->base.kind != ip->kind || ip->kind == IP_UNKNOWN)
		return false;
	if (memcmp(cidr->base.bytes, ip->bytes, whole) != 0)
		return false;
	return rest == 0 || (cidr->base.bytes[whole] ^ ip->bytes[whole]) >> (8 - rest) == 0;
}

void cidr_list_init(struct cidr_list *list, char *const *texts)
{
	size_t count = 0;

	while (texts && texts[count])
		count++;
	*list = (struct cidr_list){.items = count ? mem_array(count, sizeof(*list->items)) : NULL};
	for (size_t i = 0; i < count; i++) {
		if (!cidr_parse(str_from(texts[i]), &list->items[list->count]))
			list->count++;
	}
}

void cidr_list_deinit(struct cidr_list *list)
{
	free(list->items);
	*list = (struct cidr_list){0};
}

bool cidr_list_has(const struct cidr_list *list, const struct ip *ip)
{
	for (size_t i = 0; i < list->count; i++) {
		if (cidr_has(&list->items[i], ip))
			return true;
	}
	return false;
}
