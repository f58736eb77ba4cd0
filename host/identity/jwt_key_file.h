/* Keys that sign tokens, in files: a private key as PEM (PKCS#8), or a shared secret as it is. For
 * `plugctl token`; plugd itself never has such a key. */
#ifndef PLUGD_IDENTITY_JWT_KEY_FILE_H
#define PLUGD_IDENTITY_JWT_KEY_FILE_H

#include "base/err.h"
#include "base/secret.h"
#include "identity/jwt_keys.h"

struct jwt_key_file {
	struct secret text; /* the file's */
	struct jwt_signer signer;
};

/* Makes one that has not been there. Of a private key the set of its public half (JWK Set) goes to
 * `file`.jwks.json. Nothing is overwritten: either all is new, or nothing is left behind. 0, or
 * -errno and *err with ERR_TOKEN_KEY. */
int jwt_key_file_make(const char *file, enum jwt_alg alg, struct err *err);

/* Reads one, which nobody else may be able to read. `alg` JWT_ALG_COUNT: the usual one of such a
 * key. 0, or -errno and *err with ERR_TOKEN_KEY. */
int jwt_key_file_load(const char *file, enum jwt_alg alg, struct jwt_key_file *out,
		      struct err *err);
void jwt_key_file_deinit(struct jwt_key_file *key);

#endif
