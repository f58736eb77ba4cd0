/* SHA-256 by OpenSSL's EVP interface, and the two ways to write it. A stream is owned by whoever
 * hashes; this file never reads a file itself (exec.c feeds it while it copies). It fails only when
 * OpenSSL does. */
#include "trust/digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const struct str prefix = {"sha256:", sizeof("sha256:") - 1};

bool digest_eq(const struct digest *a, const struct digest *b)
{
	return memcmp(a->bytes, b->bytes, DIGEST_BYTES) == 0;
}

char *digest_format(char *out, const struct digest *digest)
{
	memcpy(out, prefix.data, prefix.len);
	str_hex(out + prefix.len, digest->bytes, DIGEST_BYTES);
	return out;
}

const char *digest_parse(struct str text, struct digest *out)
{
	if (text.len == 0)
		return "is empty";
	if (text.len >= prefix.len && str_eq_nocase((struct str){text.data, prefix.len}, prefix)) {
		text.data += prefix.len;
		text.len -= prefix.len;
	}
	if (memchr(text.data, ':', text.len))
		return "names an algorithm other than sha256";
	for (size_t i = 0; i < text.len; i++) {
		if (!strchr("0123456789abcdefABCDEF", text.data[i]) || text.data[i] == '\0')
			return "has a character that is not a hexadecimal digit";
	}
	if (text.len < 2 * DIGEST_BYTES)
		return "has fewer than 64 hexadecimal digits";
	if (text.len > 2 * DIGEST_BYTES)
		return "has more than 64 hexadecimal digits";
	return str_unhex(text, out->bytes, DIGEST_BYTES) ? NULL : "is not hexadecimal";
}

/* ---- one text after the other ---- */

struct digester {
	EVP_MD *sha256;
	EVP_MD_CTX *context;
};

struct digester *digester_new(void)
{
	struct digester *digester = mem_new(struct digester);

	digester->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	digester->context = EVP_MD_CTX_new();
	return digester;
}

void digester_free(struct digester *digester)
{
	if (!digester)
		return;
	EVP_MD_CTX_free(digester->context);
	EVP_MD_free(digester->sha256);
	free(digester);
}

int digester_text(struct digester *digester, struct str text, struct digest *out)
{
	EVP_MD_CTX *context = digester->context;

	if (context && digester->sha256 &&
	    EVP_DigestInit_ex2(context, digester->sha256, NULL) == 1 &&
	    EVP_DigestUpdate(context, text.data, text.len) == 1 &&
	    EVP_DigestFinal_ex(context, out->bytes, NULL) == 1)
		return 0;
	*out = (struct digest){0};
	return -EIO;
}

int digest_text(struct str text, struct digest *out)
{
	struct digester *digester = digester_new();
	int rc = digester_text(digester, text, out);

	digester_free(digester);
	return rc;
}

/* ---- hashing piece by piece ---- */

struct digest_stream {
	EVP_MD_CTX *context;
	bool failed;
};

struct digest_stream *digest_stream_new(void)
{
	struct digest_stream *stream = mem_new(struct digest_stream);

	stream->context = EVP_MD_CTX_new();
	if (!stream->context || EVP_DigestInit_ex(stream->context, EVP_sha256(), NULL) != 1) {
		digest_stream_free(stream);
		return NULL;
	}
	return stream;
}

void digest_stream_add(struct digest_stream *stream, const void *data, size_t len)
{
	if (EVP_DigestUpdate(stream->context, data, len) != 1)
		stream->failed = true;
}

int digest_stream_end(struct digest_stream *stream, struct digest *out)
{
	bool good = !stream->failed && EVP_DigestFinal_ex(stream->context, out->bytes, NULL) == 1;

	digest_stream_free(stream);
	return good ? 0 : -EIO;
}

void digest_stream_free(struct digest_stream *stream)
{
	if (!stream)
		return;
	EVP_MD_CTX_free(stream->context);
	free(stream);
}
