/* Passwords by OpenSSL's scrypt. scrypt and not a plain hash, because people choose passwords that
 * can be guessed: each guess at a stolen file shall cost as much memory as a login. Owns nothing;
 * basic.c asks, `plugctl token` makes. */
#include "identity/password.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/base64.h"

#define LN_MIN	   12u /* 4 MiB */
#define LN_MAX	   16u /* 64 MiB, and about half a second in which nobody else is served */
#define WORK_MAX   (UINT64_C(1) << 20) /* 2^ln * r * p */
#define MEMORY_MAX (UINT64_C(160) << 20)

/* "ln=14,r=8,p=1" */
static bool read_costs(struct str text, struct password_hash *out)
{
	static const char *const names[] = {"ln=", "r=", "p="};
	unsigned *const values[] = {&out->ln, &out->r, &out->p};

	for (size_t i = 0; i < 3; i++) {
		const char *comma = i < 2 ? memchr(text.data, ',', text.len) : NULL;
		struct str part = {text.data, comma ? (size_t)(comma - text.data) : text.len};
		struct str name = str_from(names[i]);
		uint64_t value;

		if (!str_starts_with(part, name) || (i < 2 && !comma) ||
		    !str_to_u64((struct str){part.data + name.len, part.len - name.len}, 64,
				&value))
			return false;
		*values[i] = (unsigned)value;
		text = (struct str){text.data + part.len + (comma != NULL),
				    text.len - part.len - (comma != NULL)};
	}
	return true;
}

/* The next part behind a '$'. */
static struct str next_part(struct str *text)
{
	const char *dollar;
	struct str part = STR_LITERAL("");

	if (text->len == 0 || text->data[0] != '$')
		return part;
	text->data++;
	text->len--;
	dollar = memchr(text->data, '$', text->len);
	part = (struct str){text->data, dollar ? (size_t)(dollar - text->data) : text->len};
	*text = (struct str){text->data + part.len, text->len - part.len};
	return part;
}

const char *password_parse(struct str text, struct password_hash *out)
{
	struct str name = next_part(&text), costs = next_part(&text), salt = next_part(&text),
		   hash = next_part(&text);
	size_t hash_len;

	*out = (struct password_hash){0};
	if (!str_eq(name, STR_LITERAL("scrypt")))
		return "is no hash by scrypt; plugctl token password makes one";
	if (text.len > 0 || !read_costs(costs, out) ||
	    !base64_decode(salt, out->salt, sizeof(out->salt), &out->salt_len) ||
	    !base64_decode(hash, out->hash, sizeof(out->hash), &hash_len))
		return "is not well-formed; plugctl token password makes one";
	if (out->salt_len < 8 || hash_len != PASSWORD_HASH_BYTES)
		return "has a salt of less than 8 bytes, or a hash of other than 32; plugctl token "
		       "password makes one";
	if (out->ln < LN_MIN)
		return "is too cheap to guess: ln must be at least 12";
	if (out->ln > LN_MAX || out->r < 1 || out->p < 1 ||
	    (UINT64_C(1) << out->ln) * out->r * out->p > WORK_MAX)
		return "would hold everybody up: ln may be 16 at most, and 2^ln * r * p 2^20";
	return NULL;
}

static bool compute(const struct password_hash *hash, struct str password,
		    uint8_t out[PASSWORD_HASH_BYTES])
{
	return EVP_PBE_scrypt(password.data ? password.data : "", password.len, hash->salt,
			      hash->salt_len, UINT64_C(1) << hash->ln, hash->r, hash->p, MEMORY_MAX,
			      out, PASSWORD_HASH_BYTES) == 1;
}

bool password_is(const struct password_hash *hash, struct str password)
{
	uint8_t found[PASSWORD_HASH_BYTES];
	bool good = compute(hash, password, found) &&
		    CRYPTO_memcmp(found, hash->hash, sizeof(found)) == 0;

	OPENSSL_cleanse(found, sizeof(found));
	return good;
}

bool password_make(struct str password, char out[PASSWORD_TEXT])
{
	struct password_hash hash = {.ln = PASSWORD_LN,
				     .r = PASSWORD_R,
				     .p = PASSWORD_P,
				     .salt_len = PASSWORD_SALT_BYTES};
	char salt[BASE64_TEXT(PASSWORD_SALT_BYTES)];
	char text[BASE64_TEXT(PASSWORD_HASH_BYTES)];

	if (getrandom(hash.salt, hash.salt_len, 0) != (ssize_t)hash.salt_len ||
	    !compute(&hash, password, hash.hash))
		return false;
	base64_encode(hash.salt, hash.salt_len, salt);
	base64_encode(hash.hash, sizeof(hash.hash), text);
	snprintf(out, PASSWORD_TEXT, "$scrypt$ln=%u,r=%u,p=%u$%s$%s", hash.ln, hash.r, hash.p, salt,
		 text);
	return true;
}
