/* API keys.
 *
 * What is kept is the plain SHA-256 of the key. That is right for these and would be wrong for
 * passwords: a key is 256 random bits, so there is nothing to guess at, and a slow hash would only
 * make each request dear. A book owns the keys; method.c has the row. */
#include "identity/api_keys.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/mem.h"
#include "identity/book.h"
#include "identity/entries.h"
#include "trust/digest.h"

struct api_keys {
	struct arena arena;
	struct entries entries;
	struct digester *digester;
};

static bool is_id(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		bool is_digit = text.data[i] >= '0' && text.data[i] <= '9';

		if (!is_digit && !(text.data[i] >= 'a' && text.data[i] <= 'f'))
			return false;
	}
	return text.len == API_KEY_ID;
}

static const char *check_id(struct str id)
{
	return is_id(id) ? NULL : "is not 12 digits 0 to f; plugctl token key makes one";
}

static const char *check_hash(struct str text)
{
	struct digest digest;

	return digest_parse(text, &digest);
}

struct api_keys *api_keys_new(const char *path, struct err *err)
{
	static const struct entries_kind kind = {.list = "keys",
						 .name = "id",
						 .method = "api_key",
						 .check_name = check_id,
						 .check_hash = check_hash};
	struct api_keys *keys = mem_new(struct api_keys);

	keys->digester = digester_new();
	if (entries_read(path, &kind, &keys->arena, &keys->entries, err) == 0)
		return keys;
	api_keys_free(keys);
	return NULL;
}

void api_keys_free(struct api_keys *keys)
{
	if (!keys)
		return;
	digester_free(keys->digester);
	arena_deinit(&keys->arena);
	free(keys);
}

static enum verdict refuse(struct proof *proof, const char *why)
{
	proof->why = why;
	return VERDICT_REFUSED;
}

/* Empty: the text is no key. */
static struct str id_of(struct str key)
{
	struct str prefix = STR_LITERAL(API_KEY_PREFIX);
	struct str id = {key.data + prefix.len, API_KEY_ID};

	if (key.len != API_KEY_TEXT - 1 || !str_starts_with(key, prefix) || !is_id(id) ||
	    id.data[API_KEY_ID] != '_')
		return (struct str){NULL, 0};
	return id;
}

enum verdict api_key_verify(struct proof *proof)
{
	const struct api_keys *keys = book_api_keys(proof->book);
	struct str id = id_of(proof->credential.text);
	struct digest shown, kept = {0};
	const struct entry *entry;

	if (!keys)
		return refuse(proof, "no API keys are configured");
	if (id.len == 0)
		return refuse(proof, "it is no API key of plugd's");
	entry = entries_find(&keys->entries, id);
	if (entry)
		digest_parse(entry->hash, &kept);
	if (digester_text(keys->digester, proof->credential.text, &shown) < 0 || !entry ||
	    CRYPTO_memcmp(&shown, &kept, sizeof(shown)) != 0)
		return refuse(proof, "there is no such API key");
	if (proof->wall_s >= entry->expires_s) {
		proof->is_no_guess = true;
		return refuse(proof, "the API key has expired");
	}
	proof->principal = &entry->principal;
	return VERDICT_ACCEPTED;
}

bool api_key_make(char key[API_KEY_TEXT], char id[API_KEY_ID + 1], char hash[API_KEY_HASH])
{
	uint8_t random[API_KEY_ID / 2 + API_KEY_SECRET / 2];
	struct digest digest;
	char *at = key;

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return false;
	str_hex(id, random, API_KEY_ID / 2);
	memcpy(at, API_KEY_PREFIX, sizeof(API_KEY_PREFIX) - 1);
	at += sizeof(API_KEY_PREFIX) - 1;
	memcpy(at, id, API_KEY_ID);
	at += API_KEY_ID;
	*at++ = '_';
	str_hex(at, random + API_KEY_ID / 2, API_KEY_SECRET / 2);
	OPENSSL_cleanse(random, sizeof(random));
	if (digest_text((struct str){key, API_KEY_TEXT - 1}, &digest) < 0)
		return false;
	digest_format(hash, &digest);
	return true;
}
