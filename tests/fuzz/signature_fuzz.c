/* Any bytes as a signature file: refused with a sentence, or fields in their ranges that come back
 * when they are written and read again; and none of it is a signature of a key that made none. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "trust/signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ed25519_public key = {.bytes = {1, 2, 3}};
	struct signature signature;
	struct signature again;
	struct buf text = {0};
	struct err err = {0};

	if (signature_parse((struct str){(const char *)data, size}, "fuzz", &signature, &err) < 0) {
		assert(err.code != 0 && err.text[0] != '\0');
		return 0;
	}
	assert(signature.serial > 0 && signature.serial <= SIGNATURE_MAX_SERIAL);
	assert(signature_check(&signature, &signature.digest, &key, 1, "fuzz", &err) < 0);
	signature_format(&signature, &text);
	assert(signature_parse((struct str){(const char *)buf_front(&text), buf_len(&text)}, "fuzz",
			       &again, &err) == 0);
	assert(again.serial == signature.serial && digest_eq(&again.digest, &signature.digest));
	assert(strcmp(again.key_id, signature.key_id) == 0);
	assert(memcmp(&again.bytes, &signature.bytes, sizeof(again.bytes)) == 0);
	buf_deinit(&text);
	return 0;
}
