/* The rows of the algorithms. */
#include "identity/jwt_alg.h"

const struct jwt_alg_row jwt_algs[JWT_ALG_COUNT] = {
#define JWT_ALG(name, text, family, hash, size) {text, JWT_FAMILY_##family, hash, size},
#include "identity/jwt_alg.def"
#undef JWT_ALG
};

enum jwt_alg jwt_alg_find(struct str name)
{
	for (unsigned i = 0; i < JWT_ALG_COUNT; i++) {
		if (str_eq(name, str_from(jwt_algs[i].name)))
			return (enum jwt_alg)i;
	}
	return JWT_ALG_COUNT;
}
