/* Base64 by OpenSSL, whose decoder takes more than the RFC allows: blanks around the text, and
 * padding anywhere. Called where payloads go into JSON and come out of it; never fails but for text
 * that is no base64. */
#include "admin/base64.h"

#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

#define MAX_BYTES ((size_t)512 << 20)

void base64_encode(struct buf *out, const uint8_t *data, size_t len)
{
	assert(len <= MAX_BYTES);
	if (len == 0)
		return;
	uint8_t *room = buf_reserve(out, (len + 2) / 3 * 4 + 1);
	buf_commit(out, (size_t)EVP_EncodeBlock(room, data, (int)len));
}

/* The number of '=' at the end, or -1 when the text can't be base64. */
static int padding_of(struct str text)
{
	const char *first = memchr(text.data, '=', text.len);
	size_t padding = first ? text.len - (size_t)(first - text.data) : 0;

	if (text.len % 4 != 0 || padding > 2 || (padding == 2 && first[1] != '='))
		return -1;
	return (int)padding;
}

static bool is_alphabet(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		      c == '+' || c == '/' || c == '='))
			return false;
	}
	return true;
}

bool base64_decode(struct buf *out, struct str text)
{
	int padding = text.len && text.len <= MAX_BYTES ? padding_of(text) : -1;
	int len;

	if (text.len == 0)
		return true;
	if (padding < 0 || !is_alphabet(text))
		return false;
	uint8_t *room = buf_reserve(out, text.len / 4 * 3);
	len = EVP_DecodeBlock(room, (const uint8_t *)text.data, (int)text.len);
	if (len < padding)
		return false;
	buf_commit(out, (size_t)(len - padding));
	return true;
}
