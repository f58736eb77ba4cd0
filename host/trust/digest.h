/* SHA-256 of bytes and files, and how it is written: "sha256:" and 64 hexadecimal digits. */
#ifndef PLUGD_TRUST_DIGEST_H
#define PLUGD_TRUST_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define DIGEST_BYTES 32
#define DIGEST_TEXT  (sizeof("sha256:") + 2 * DIGEST_BYTES)

struct digest {
	uint8_t bytes[DIGEST_BYTES];
};

bool digest_eq(const struct digest *a, const struct digest *b);

/* "sha256:" and lower case digits, terminated. `out` holds DIGEST_TEXT bytes; returns it. */
char *digest_format(char *out, const struct digest *digest);

/* Accepts 64 hexadecimal digits of any case, with or without "sha256:" (of any case) in front.
 * NULL, or what is wrong with the text as the end of a sentence about it: "has fewer than 64
 * hexadecimal digits". */
const char *digest_parse(struct str text, struct digest *out);

/* Of a text. 0, or -EIO with zeroes when OpenSSL can't. */
int digest_text(struct str text, struct digest *out);

/* The same for many texts: what OpenSSL looks up and allocates for each costs more than a short
 * text, and is done once here. */
struct digester;

struct digester *digester_new(void);	       /* returns owned */
void digester_free(struct digester *digester); /* NULL is fine */
int digester_text(struct digester *digester, struct str text, struct digest *out);

/* ---- hashing piece by piece ---- */

struct digest_stream;

struct digest_stream *digest_stream_new(void); /* returns owned; NULL when OpenSSL has no SHA-256 */
void digest_stream_add(struct digest_stream *stream, const void *data, size_t len);

/* Takes the stream. 0, or -EIO when OpenSSL failed on the way. */
int digest_stream_end(struct digest_stream *stream, struct digest *out);
void digest_stream_free(struct digest_stream *stream); /* NULL is fine */

#endif
