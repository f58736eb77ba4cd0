/* Ed25519 keys and signatures: whoever signs a whitelist or anchors a record has one private key in
 * a PEM file that nobody else may read; whoever checks holds public keys. A public key is written
 * on one line, "ed25519:" and 64 hexadecimal digits, or as PEM. */
#ifndef PLUGD_TRUST_ED25519_H
#define PLUGD_TRUST_ED25519_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define ED25519_PUBLIC_BYTES	32
#define ED25519_SIGNATURE_BYTES 64
#define ED25519_PUBLIC_TEXT	(sizeof("ed25519:") + 2 * ED25519_PUBLIC_BYTES)
#define ED25519_ID_TEXT		17 /* 16 hexadecimal digits, terminated */

struct ed25519_public {
	uint8_t bytes[ED25519_PUBLIC_BYTES];
};

struct ed25519_signature {
	uint8_t bytes[ED25519_SIGNATURE_BYTES];
};

/* ---- public keys ---- */

/* Accepts "ed25519:" and 64 hexadecimal digits. NULL, or what is wrong with the text as the end of
 * a sentence about it. */
const char *ed25519_parse(struct str text, struct ed25519_public *out);

/* The same, lower case, terminated. `out` holds ED25519_PUBLIC_TEXT bytes; returns it. */
char *ed25519_format(char *out, const struct ed25519_public *key);

/* A short name for a key: the first 16 hexadecimal digits of the SHA-256 of its bytes. It tells
 * keys apart for people, and proves nothing. `out` holds ED25519_ID_TEXT bytes; returns it. */
char *ed25519_id(char *out, const struct ed25519_public *key);

/* The public key in a PEM file. 0, or -errno and *err with ERR_KEY_FILE. */
int ed25519_load_public(const char *file, struct ed25519_public *out, struct err *err);

/* Whether the signature is this key's over exactly these bytes. */
bool ed25519_verify(const struct ed25519_public *key, struct str message,
		    const struct ed25519_signature *signature);

/* ---- private keys ---- */

struct ed25519_private;

/* A new one. Returns owned; NULL when OpenSSL can't. */
struct ed25519_private *ed25519_generate(void);

/* The key in a PEM file (PKCS#8, not encrypted). Refuses a file that others than its owner may read
 * or write, or that belongs to somebody else than root or this user. 0 and *out (returns owned), or
 * -errno and *err with ERR_KEY_FILE. */
int ed25519_load_private(const char *file, struct ed25519_private **out, struct err *err);

/* Zeroes what it frees; NULL is fine. */
void ed25519_private_free(struct ed25519_private *key);

void ed25519_public_of(const struct ed25519_private *key, struct ed25519_public *out);

/* 0, or -EIO when OpenSSL can't. */
int ed25519_sign(const struct ed25519_private *key, struct str message,
		 struct ed25519_signature *out);

/* Writes the private key to `file` (mode 0600) and its public key to `file`.pub (mode 0644), both
 * PEM. Never overwrites: either both are new, or nothing is left behind and *err tells which stood
 * in the way. 0, or -errno and *err with ERR_KEY_FILE. */
int ed25519_write(const struct ed25519_private *key, const char *file, struct err *err);

#endif
