/* Base64. Called for tokens, keys and passwords, and where payloads go into JSON, by the host and
 * by plugctl. OpenSSL's decoder knows one alphabet only, and takes blanks and padding where there
 * is none; a token whose text may be changed without changing its bytes would have many names in a
 * cache. */
#include "base/base64.h"

#define NONE 64

static const char usual[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char of_urls[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static unsigned value_of(const char *alphabet, char c)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0') + 52;
	if (c == alphabet[62])
		return 62;
	return c == alphabet[63] ? 63 : NONE;
}

/* Inline, so that there is one for each alphabet: tokens are decoded for every request. */
__attribute__((always_inline)) static inline bool decode(const char *alphabet, struct str text,
							 uint8_t *out, size_t *len_out)
{
	uint32_t bits = 0;
	unsigned held = 0;
	size_t len = 0;

	*len_out = 0;
	if (text.len % 4 == 1)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned value = value_of(alphabet, text.data[i]);

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

static size_t encode(const char *alphabet, const uint8_t *data, size_t len, char *out)
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

bool base64url_decode(struct str text, uint8_t *out, size_t *len_out)
{
	return decode(of_urls, text, out, len_out);
}

size_t base64url_encode(const uint8_t *data, size_t len, char *out)
{
	return encode(of_urls, data, len, out);
}

/* ---- the usual alphabet ---- */

static struct str without_padding(struct str text)
{
	size_t most = text.len % 4 == 0 ? 2 : 0;

	for (; most > 0 && text.len > 0 && text.data[text.len - 1] == '='; most--)
		text.len--;
	return text;
}

bool base64_decode(struct str text, uint8_t *out, size_t size, size_t *len_out)
{
	text = without_padding(text);
	*len_out = 0;
	return text.len / 4 * 3 + text.len % 4 * 3 / 4 <= size && decode(usual, text, out, len_out);
}

size_t base64_encode(const uint8_t *data, size_t len, char *out)
{
	return encode(usual, data, len, out);
}

void base64_put(struct buf *out, const uint8_t *data, size_t len)
{
	char *text = (char *)buf_reserve(out, BASE64_TEXT(len) + 2);
	size_t count = encode(usual, data, len, text);

	while (count % 4 != 0)
		text[count++] = '=';
	buf_commit(out, count);
}

bool base64_take(struct buf *out, struct str text)
{
	size_t size = BASE64_DECODED(text.len), len;

	if (text.len % 4 != 0 || !base64_decode(text, buf_reserve(out, size), size, &len))
		return false;
	buf_commit(out, len);
	return true;
}
