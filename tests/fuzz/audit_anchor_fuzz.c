/* Any bytes as the details of an anchor: they are the anchor of one place, or they are refused. The
 * key is of RFC 8032, and one of the seeds is signed with it. */
#include <assert.h>
#include <errno.h>
#include <stdint.h>

#include "observe/errors.h"
#include "trust/audit_anchor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char key_text[] =
		"ed25519:3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
	struct audit_link link = {.seq = 10, .hash = {{1, 2, 3}}};
	struct str details = {(const char *)data, size};
	struct ed25519_public key;
	struct err err = {0};
	int r;

	assert(!ed25519_parse(str_from(key_text), &key));
	r = audit_anchor_check(details, &link, &key, &err);
	assert(r == 0 || (r == -EBADMSG && err.code == ERR_AUDIT_CHAIN));
	link.hash.bytes[DIGEST_BYTES - 1] ^= 1;
	assert(audit_anchor_check(details, &link, &key, &err) == -EBADMSG);
	return 0;
}
