/* Any bytes as a signature file: refused with a sentence, or fields in their ranges that come back
 * when they are written and read again. One of the seeds is signed, by a key of RFC 8032 and with
 * openssl pkeyutl; what is a signature of that key is none of another text or serial. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "observe/errors.h"
#include "trust/signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int check(const struct signature *signature, const struct digest *digest)
{
	static const char key_text[] =
		"ed25519:3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
	struct ed25519_public key;
	struct err err = {0};

	assert(!ed25519_parse(str_from(key_text), &key));
	if (signature_check(signature, digest, &key, 1, "fuzz", &err) == 0)
		return 0;
	assert(err.code == ERR_SIGNATURE_KEY || err.code == ERR_SIGNATURE_WRONG);
	return err.code;
}

/* Nobody but the holder of the key can make one. */
static void check_signed(const struct signature *signature)
{
	struct signature changed = *signature;

	if (check(signature, &signature->digest) != 0)
		return;
	changed.serial ^= 1;
	assert(check(&changed, &changed.digest) == ERR_SIGNATURE_WRONG);
	changed = *signature;
	changed.digest.bytes[0] ^= 1;
	assert(check(signature, &changed.digest) == ERR_SIGNATURE_WRONG);
	assert(check(&changed, &changed.digest) == ERR_SIGNATURE_WRONG);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct signature signature;
	struct signature again;
	struct buf text = {0};
	struct err err = {0};

	if (signature_parse((struct str){(const char *)data, size}, "fuzz", &signature, &err) < 0) {
		assert(err.code != 0 && err.text[0] != '\0');
		return 0;
	}
	assert(signature.serial > 0 && signature.serial <= SIGNATURE_MAX_SERIAL);
	check_signed(&signature);
	signature_format(&signature, &text);
	assert(signature_parse((struct str){(const char *)buf_front(&text), buf_len(&text)}, "fuzz",
			       &again, &err) == 0);
	assert(again.serial == signature.serial && digest_eq(&again.digest, &signature.digest));
	assert(strcmp(again.key_id, signature.key_id) == 0);
	assert(memcmp(&again.bytes, &signature.bytes, sizeof(again.bytes)) == 0);
	buf_deinit(&text);
	return 0;
}
