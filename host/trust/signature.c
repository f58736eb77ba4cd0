/* Signature files into structs and back, and the text that is signed. The bytes come from whoever
 * can write beside the whitelist, so the reader is a few strict lines and no more; nothing of it is
 * believed before signature_check(). */
#include "trust/signature.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "observe/errors.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

char *signature_path(const char *whitelist_file)
{
	return mem_printf("%s.sig", whitelist_file);
}

/* ---- the file ---- */

static bool read_version(struct str value, struct signature *out)
{
	return str_eq(value, STR_LITERAL("1"));
}

static bool read_key(struct str value, struct signature *out)
{
	uint8_t bytes[(ED25519_ID_TEXT - 1) / 2];

	if (!str_unhex(value, bytes, sizeof(bytes)))
		return false;
	str_hex(out->key_id, bytes, sizeof(bytes));
	return true;
}

static bool read_serial(struct str value, struct signature *out)
{
	return str_to_u64(value, SIGNATURE_MAX_SERIAL, &out->serial) && out->serial > 0;
}

static bool read_digest(struct str value, struct signature *out)
{
	return str_unhex(value, out->digest.bytes, sizeof(out->digest.bytes));
}

static bool read_signature(struct str value, struct signature *out)
{
	return str_unhex(value, out->bytes.bytes, sizeof(out->bytes.bytes));
}

/* Every field of a file, one row each. */
static const struct field {
	const char *name;
	bool (*read)(struct str value, struct signature *out);
	const char *expected;
} fields[] = {
	{"version", read_version, "1, the only one that this plugd reads"},
	{"key", read_key, "16 hexadecimal digits"},
	{"serial", read_serial, "a number from 1 to 999999999999999"},
	{"sha256", read_digest, "64 hexadecimal digits"},
	{"signature", read_signature, "128 hexadecimal digits"},
};

static int refuse_line(const char *file, unsigned line, const char *why, const char *what,
		       struct err *err)
{
	return err_set(err, ERR_SIGNATURE_FILE, "%s:%u: %s%s", file, line, why, what);
}

static int read_line(struct str line, const char *file, unsigned number, bool *seen,
		     struct signature *out, struct err *err)
{
	const char *colon = memchr(line.data, ':', line.len);
	struct str name = {line.data, colon ? (size_t)(colon - line.data) : 0};

	for (size_t i = 0; colon && i < COUNT(fields); i++) {
		struct str value = {colon + 1, line.len - name.len - 1};

		if (!str_eq(name, str_from(fields[i].name)))
			continue;
		if (seen[i])
			return refuse_line(file, number, fields[i].name, " comes twice", err);
		seen[i] = true;
		if (fields[i].read(str_trim(value), out))
			return 0;
		return err_set(err, ERR_SIGNATURE_FILE, "%s:%u: %s must be %s", file, number,
			       fields[i].name, fields[i].expected);
	}
	return refuse_line(file, number, "this is no line of a signature file", "", err);
}

int signature_parse(struct str text, const char *file, struct signature *out, struct err *err)
{
	bool seen[COUNT(fields)] = {false};
	unsigned number = 0;

	*out = (struct signature){.serial = 0};
	if (text.len > SIGNATURE_MAX_BYTES)
		return err_set(err, ERR_SIGNATURE_FILE, "%s: it is too large for a signature",
			       file);
	while (text.len > 0) {
		const char *newline = memchr(text.data, '\n', text.len);
		size_t len = newline ? (size_t)(newline - text.data) : text.len;
		struct str line = str_trim((struct str){text.data, len});
		int rc = 0;

		number++;
		if (line.len > 0 && line.data[0] != '#')
			rc = read_line(line, file, number, seen, out, err);
		if (rc < 0)
			return rc;
		len += newline ? 1 : 0;
		text = (struct str){text.data + len, text.len - len};
	}
	for (size_t i = 0; i < COUNT(fields); i++) {
		if (!seen[i])
			return refuse_line(file, number, fields[i].name,
					   " is missing; is the file complete?", err);
	}
	return 0;
}

void signature_format(const struct signature *signature, struct buf *out)
{
	char digest[2 * DIGEST_BYTES + 1];
	char bytes[2 * ED25519_SIGNATURE_BYTES + 1];

	str_hex(digest, signature->digest.bytes, sizeof(signature->digest.bytes));
	str_hex(bytes, signature->bytes.bytes, sizeof(signature->bytes.bytes));
	buf_printf(out,
		   "# Signs the whitelist beside it; plugctl whitelist sign wrote this.\n"
		   "version: 1\nkey: %s\nserial: %" PRIu64 "\nsha256: %s\nsignature: %s\n",
		   signature->key_id, signature->serial, digest, bytes);
}

/* ---- what is signed ---- */

#define MESSAGE_BYTES 256

static struct str write_message(char *out, const struct digest *digest, uint64_t serial)
{
	char hex[2 * DIGEST_BYTES + 1];
	int len;

	str_hex(hex, digest->bytes, sizeof(digest->bytes));
	len = snprintf(out, MESSAGE_BYTES,
		       "plugd whitelist signature 1\nserial: %" PRIu64 "\nsha256: %s\n", serial,
		       hex);
	return (struct str){out, (size_t)len};
}

int signature_make(const struct ed25519_private *key, const struct digest *digest, uint64_t serial,
		   struct signature *out)
{
	char message[MESSAGE_BYTES];
	struct ed25519_public public;

	*out = (struct signature){.serial = serial, .digest = *digest};
	ed25519_public_of(key, &public);
	ed25519_id(out->key_id, &public);
	return ed25519_sign(key, write_message(message, digest, serial), &out->bytes);
}

static const struct ed25519_public *find_key(const struct signature *signature,
					     const struct ed25519_public *keys, size_t count)
{
	char id[ED25519_ID_TEXT];

	for (size_t i = 0; i < count; i++) {
		if (strcmp(ed25519_id(id, &keys[i]), signature->key_id) == 0)
			return &keys[i];
	}
	return NULL;
}

int signature_check(const struct signature *signature, const struct digest *digest,
		    const struct ed25519_public *keys, size_t count, const char *file,
		    struct err *err)
{
	const struct ed25519_public *key = find_key(signature, keys, count);
	char message[MESSAGE_BYTES];

	if (!key) {
		err_set(err, ERR_SIGNATURE_KEY, "%s: the key %s is none of whitelist.public_keys",
			file, signature->key_id);
		return -EACCES;
	}
	if (!digest_eq(digest, &signature->digest)) {
		err_set(err, ERR_SIGNATURE_WRONG,
			"%s: it signs another text than the whitelist has now", file);
		return -EACCES;
	}
	if (!ed25519_verify(key, write_message(message, digest, signature->serial),
			    &signature->bytes)) {
		err_set(err, ERR_SIGNATURE_WRONG,
			"%s: the signature is not one by the key %s over this text and serial",
			file, signature->key_id);
		return -EACCES;
	}
	return 0;
}
