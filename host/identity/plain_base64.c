/* Base64, strictly: each text means one run of bytes, and each run has one text (or two, with the
 * padding), so that nothing can be written in a way that others read differently. */
#include "identity/plain_base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int value_of(char c)
{
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

static struct str without_padding(struct str text)
{
	for (int i = 0; i < 2 && text.len % 4 == 0 && text.len > 0; i++) {
		if (text.data[text.len - 1] != '=')
			return text;
		text.len--;
		if (text.data[text.len - 1] != '=')
			return text;
		text.len--;
	}
	return text;
}

bool plain_base64_read(struct str text, uint8_t *out, size_t size, size_t *len_out)
{
	uint32_t bits = 0;
	unsigned count = 0;

	text = without_padding(text);
	*len_out = 0;
	for (size_t i = 0; i < text.len; i++) {
		int value = value_of(text.data[i]);

		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
		count += 6;
		if (count < 8)
			continue;
		if (*len_out == size)
			return false;
		count -= 8;
		out[(*len_out)++] = (uint8_t)(bits >> count);
	}
	return count < 6 && (bits & ((1u << count) - 1)) == 0;
}

void plain_base64_write(char *out, const uint8_t *data, size_t len)
{
	uint32_t bits = 0;
	unsigned count = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | data[i];
		for (count += 8; count >= 6; count -= 6)
			*out++ = alphabet[bits >> (count - 6) & 63];
	}
	if (count > 0)
		*out++ = alphabet[bits << (6 - count) & 63];
	*out = '\0';
}
