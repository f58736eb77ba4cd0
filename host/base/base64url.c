/* Base64url. Called for tokens and keys, by the host and by plugctl. OpenSSL's decoder knows the
 * other alphabet only, wants padding and takes blanks; a token whose text may be changed without
 * changing its bytes would have many names in a cache. */
#include "base/base64url.h"

#define NONE 64

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static unsigned value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0') + 52;
	if (c == '-')
		return 62;
	return c == '_' ? 63 : NONE;
}

bool base64url_decode(struct str text, uint8_t *out, size_t *len_out)
{
	uint32_t bits = 0;
	unsigned held = 0;
	size_t len = 0;

	*len_out = 0;
	if (text.len % 4 == 1)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned value = value_of(text.data[i]);

		if (value == NONE)
			return false;
		bits = bits << 6 | value;
		held += 6;
		if (held >= 8) {
			held -= 8;
			out[len++] = (uint8_t)(bits >> held);
		}
	}
	if (bits & ((1u << held) - 1))
		return false;
	*len_out = len;
	return true;
}

size_t base64url_encode(const uint8_t *data, size_t len, char *out)
{
	uint32_t bits = 0;
	unsigned held = 0;
	size_t count = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | data[i];
		held += 8;
		while (held >= 6) {
			held -= 6;
			out[count++] = alphabet[bits >> held & 63];
		}
	}
	if (held > 0)
		out[count++] = alphabet[bits << (6 - held) & 63];
	out[count] = '\0';
	return count;
}
