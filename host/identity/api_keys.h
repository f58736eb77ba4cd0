/* API keys: long random texts that clients show in a header of their own.
 *
 *	plugd_0123456789ab_<64 hexadecimal digits>
 *	      └─ id, to find it by, no secret      └─ 256 random bits */
#ifndef PLUGD_IDENTITY_API_KEYS_H
#define PLUGD_IDENTITY_API_KEYS_H

#include "base/err.h"
#include "identity/proof.h"

#define API_KEY_PREFIX "plugd_"
#define API_KEY_ID     12
#define API_KEY_SECRET 64
#define API_KEY_TEXT   (sizeof(API_KEY_PREFIX) + API_KEY_ID + 1 + API_KEY_SECRET)
#define API_KEY_HASH   72 /* "sha256:", 64 digits, and its end */

struct api_keys;

/* Reads the file. Returns owned; NULL with *err. */
struct api_keys *api_keys_new(const char *path, struct err *err);
void api_keys_free(struct api_keys *keys); /* NULL is fine */

/* As struct method has it. */
enum verdict api_key_verify(struct proof *proof);

/* A new key, its id and what is kept of it. False: there is no randomness, or OpenSSL failed. */
bool api_key_make(char key[API_KEY_TEXT], char id[API_KEY_ID + 1], char hash[API_KEY_HASH]);

#endif
