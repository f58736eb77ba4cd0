/* What an anchor signs, and how it is read again. The details of a record come from a file that
 * anybody may have written: all that is not exactly an anchor is refused. */
#include "trust/audit_anchor.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/member.h"
#include "observe/errors.h"

#define MESSAGE_BYTES (sizeof(domain) + 8 + DIGEST_BYTES)

static const char domain[] = "plugd.audit.anchor.v1"; /* its NUL ends it in the message */

static struct str put_message(uint8_t out[MESSAGE_BYTES], const struct audit_link *link)
{
	memcpy(out, domain, sizeof(domain));
	for (int i = 0; i < 8; i++)
		out[sizeof(domain) + (size_t)i] = (uint8_t)((uint64_t)link->seq >> (56 - 8 * i));
	memcpy(out + sizeof(domain) + 8, link->hash.bytes, DIGEST_BYTES);
	return (struct str){(const char *)out, MESSAGE_BYTES};
}

json_t *audit_anchor_new(const struct ed25519_private *key, const struct audit_link *link)
{
	uint8_t message[MESSAGE_BYTES];
	struct ed25519_signature signature;
	struct ed25519_public public;
	char text[2 * ED25519_SIGNATURE_BYTES + 1];
	char hash[DIGEST_TEXT];
	char id[ED25519_ID_TEXT];
	json_t *details;

	if (ed25519_sign(key, put_message(message, link), &signature) < 0)
		return NULL;
	ed25519_public_of(key, &public);
	str_hex(text, signature.bytes, sizeof(signature.bytes));
	details = json_object();
	member_int(details, "seq", link->seq);
	member_text(details, "hash", digest_format(hash, &link->hash));
	member_text(details, "key", ed25519_id(id, &public));
	member_text(details, "signature", text);
	return details;
}

static int refuse(const struct audit_link *link, struct err *err, const char *what)
{
	err_set(err, ERR_AUDIT_CHAIN, "record %" PRId64 ", an anchor, %s", link->seq + 1, what);
	return -EBADMSG;
}

static int check_members(const json_t *details, const struct audit_link *link,
			 const struct ed25519_public *key, struct err *err)
{
	const char *hash_text = json_string_value(json_object_get(details, "hash"));
	const char *text = json_string_value(json_object_get(details, "signature"));
	const char *id_text = json_string_value(json_object_get(details, "key"));
	uint8_t message[MESSAGE_BYTES];
	struct ed25519_signature signature;
	char hash[DIGEST_TEXT];
	char id[ED25519_ID_TEXT];

	if (!hash_text || !text || !id_text ||
	    !str_unhex(str_from(text), signature.bytes, sizeof(signature.bytes)))
		return refuse(link, err, "is not one");
	if (json_integer_value(json_object_get(details, "seq")) != link->seq ||
	    strcmp(hash_text, digest_format(hash, &link->hash)) != 0)
		return refuse(link, err, "is for another record than the one before it");
	if (strcmp(id_text, ed25519_id(id, key)) != 0)
		return refuse(link, err, "is signed with another key");
	if (!ed25519_verify(key, put_message(message, link), &signature))
		return refuse(link, err, "has a wrong signature");
	return 0;
}

int audit_anchor_check(struct str details, const struct audit_link *link,
		       const struct ed25519_public *key, struct err *err)
{
	json_t *object = json_loadb(details.data, details.len, JSON_REJECT_DUPLICATES, NULL);
	int r = check_members(object, link, key, err);

	json_decref(object);
	return r;
}
