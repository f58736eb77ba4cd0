/* One pass over the heads of a MessagePack value, without recursion and without memory: it only
 * counts how many values are still due. Each takes at least one byte, so a claim that the rest of
 * the bytes can't keep is seen at once. Called by whoever parses MessagePack of a peer. Fails by
 * false. */
#include "proto/wire_msgpack.h"

/* What the first byte of a value says: `size_bytes` after it hold a number, big-endian, and then
 * come as many bytes or values as that says, beside a fixed number of bytes. */
struct head {
	uint8_t size_bytes;
	uint8_t fixed_bytes;
	uint8_t values_each; /* values for each of the number; 0: they are bytes */
};

/* Of 0xc0 to 0xdf; 0xc1 is never used. Those without a line are a value by themselves. */
static const struct head heads[0x20] = {
	[0x04] = {.size_bytes = 1}, /* bin 8, 16, 32 */
	[0x05] = {.size_bytes = 2},
	[0x06] = {.size_bytes = 4},
	[0x07] = {.size_bytes = 1, .fixed_bytes = 1}, /* ext 8, 16, 32: the type */
	[0x08] = {.size_bytes = 2, .fixed_bytes = 1},
	[0x09] = {.size_bytes = 4, .fixed_bytes = 1},
	[0x0a] = {.fixed_bytes = 4}, /* float 32, 64 */
	[0x0b] = {.fixed_bytes = 8},
	[0x0c] = {.fixed_bytes = 1}, /* uint 8, 16, 32, 64 */
	[0x0d] = {.fixed_bytes = 2},
	[0x0e] = {.fixed_bytes = 4},
	[0x0f] = {.fixed_bytes = 8},
	[0x10] = {.fixed_bytes = 1}, /* int 8, 16, 32, 64 */
	[0x11] = {.fixed_bytes = 2},
	[0x12] = {.fixed_bytes = 4},
	[0x13] = {.fixed_bytes = 8},
	[0x14] = {.fixed_bytes = 2}, /* fixext 1, 2, 4, 8, 16 */
	[0x15] = {.fixed_bytes = 3},
	[0x16] = {.fixed_bytes = 5},
	[0x17] = {.fixed_bytes = 9},
	[0x18] = {.fixed_bytes = 17},
	[0x19] = {.size_bytes = 1}, /* str 8, 16, 32 */
	[0x1a] = {.size_bytes = 2},
	[0x1b] = {.size_bytes = 4},
	[0x1c] = {.size_bytes = 2, .values_each = 1}, /* array 16, 32 */
	[0x1d] = {.size_bytes = 4, .values_each = 1},
	[0x1e] = {.size_bytes = 2, .values_each = 2}, /* map 16, 32 */
	[0x1f] = {.size_bytes = 4, .values_each = 2},
};

/* Bytes of this value behind its first, and values inside of it. */
struct claim {
	uint64_t bytes;
	uint64_t values;
};

static struct claim claim_of_small(uint8_t first)
{
	struct claim claim = {0, 0};

	if (first >= 0xa0 && first < 0xc0)
		claim.bytes = first & 0x1f;
	else if (first >= 0x90 && first < 0xa0)
		claim.values = first & 0x0f;
	else if (first >= 0x80 && first < 0x90)
		claim.values = 2u * (first & 0x0f);
	return claim;
}

/* False: the value is cut off within its head, or begins with the byte that is never used. */
static bool claim_read(const uint8_t *at, size_t left, struct claim *claim_out)
{
	struct claim claim = {0, 0};
	struct head head;
	uint64_t number = 0;

	if (at[0] == 0xc1)
		return false;
	if (at[0] < 0xc0 || at[0] >= 0xe0) {
		*claim_out = claim_of_small(at[0]);
		return true;
	}
	head = heads[at[0] & 0x1f];
	if (left - 1 < head.size_bytes)
		return false;
	for (uint8_t i = 1; i <= head.size_bytes; i++)
		number = number << 8 | at[i];
	claim.bytes = head.size_bytes + head.fixed_bytes + (head.values_each == 0 ? number : 0);
	claim.values = number * head.values_each;
	*claim_out = claim;
	return true;
}

bool wire_msgpack_is_value(struct wire_bytes bytes)
{
	size_t at = 0;
	uint64_t due = 1;

	while (due > 0) {
		struct claim claim;

		if (due > bytes.len - at || !claim_read(bytes.data + at, bytes.len - at, &claim) ||
		    claim.bytes > bytes.len - at - 1)
			return false;
		at += 1 + (size_t)claim.bytes;
		due += claim.values - 1;
	}
	return at == bytes.len;
}
