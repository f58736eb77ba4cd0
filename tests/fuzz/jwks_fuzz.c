/* Any bytes as a set of keys: what is taken is good for something, has an id that is none too long,
 * and finds no signature good that nobody made. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "identity/keyset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char zeroes[JWK_RSA_BITS_MAX / 8];
	static const size_t lengths[] = {0, 64, 96, 114, 132, 256, 1024};
	struct keyset *set = NULL;
	struct err err;

	if (keyset_parse((struct str){(const char *)data, size}, JWT_ALL, 1, &set, &err) < 0)
		return 0;
	assert(set->count > 0 && set->count <= KEYSET_MAX_KEYS);
	assert(!set->remark == !set->left_out);
	for (size_t i = 0; i < set->count && i < 4; i++) {
		struct jwk *key = &set->keys[i];

		assert(key->algs && !(key->algs & JWT_ALL_HMAC) && key->pkey);
		assert(!key->kid || strlen(key->kid) <= JWK_KID_MAX);
		for (unsigned alg = 0; alg < JWT_ALG_COUNT; alg++) {
			for (size_t j = 0; j < sizeof(lengths) / sizeof(lengths[0]); j++)
				assert(!jwk_verify(key, (enum jwt_alg)alg, STR_LITERAL("a.b"),
						   (struct str){zeroes, lengths[j]}));
		}
	}
	keyset_free(set);
	return 0;
}
