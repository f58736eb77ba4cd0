/* What passwords may cost. A password is hashed in the loop's thread, and takes all of it
 * meanwhile: so each is hashed once in a while, not for every request of its user, and the number
 * is bounded whoever asks.
 *
 * What is remembered is an HMAC under a key that was made for this process and is in no file, in
 * memory that is locked: it stands for a password that was right for a hash, and goes by its time.
 * Owned by identity.c; basic.c asks. */
#include "identity/logins.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/tokens.h"

#define WAYS 4u

struct place {
	struct login_mark mark;
	int64_t until_us; /* 0: nobody's */
};

struct logins {
	EVP_MAC_CTX *mac;
	struct tokens hashing;
	struct secret memory; /* the places; empty until there is one */
};

static EVP_MAC_CTX *make_mac(void)
{
	uint8_t key[32];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
		OSSL_PARAM_construct_end()};
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *context = hmac ? EVP_MAC_CTX_new(hmac) : NULL;

	if (context && (getrandom(key, sizeof(key), 0) != sizeof(key) ||
			EVP_MAC_init(context, key, sizeof(key), params) != 1)) {
		EVP_MAC_CTX_free(context);
		context = NULL;
	}
	OPENSSL_cleanse(key, sizeof(key));
	EVP_MAC_free(hmac);
	return context;
}

struct logins *logins_new(void)
{
	struct logins *logins;
	EVP_MAC_CTX *mac = make_mac();

	if (!mac)
		return NULL;
	logins = mem_new(struct logins);
	logins->mac = mac;
	return logins;
}

void logins_free(struct logins *logins)
{
	if (!logins)
		return;
	EVP_MAC_CTX_free(logins->mac);
	secret_free(&logins->memory);
	free(logins);
}

/* With its length in front, so that no byte can move from one part to the next. */
static bool add_part(EVP_MAC_CTX *mac, struct str part)
{
	uint64_t len = part.len;

	return EVP_MAC_update(mac, (const uint8_t *)&len, sizeof(len)) == 1 &&
	       EVP_MAC_update(mac, (const uint8_t *)part.data, part.len) == 1;
}

bool logins_mark(struct logins *logins, struct str user, struct str password, struct str hash,
		 struct login_mark *out)
{
	size_t len = 0;

	return EVP_MAC_init(logins->mac, NULL, 0, NULL) == 1 && add_part(logins->mac, user) &&
	       add_part(logins->mac, password) && add_part(logins->mac, hash) &&
	       EVP_MAC_final(logins->mac, out->bytes, &len, sizeof(out->bytes)) == 1 &&
	       len == sizeof(out->bytes);
}

static struct place *set_of(const struct logins *logins, const struct login_mark *mark)
{
	struct place *places = (struct place *)logins->memory.data;
	uint32_t first;

	memcpy(&first, mark->bytes, sizeof(first));
	return places ? &places[first % (LOGINS_PLACES / WAYS) * WAYS] : NULL;
}

bool logins_remember(const struct logins *logins, const struct login_mark *mark, int64_t now_us)
{
	const struct place *set = set_of(logins, mark);

	for (unsigned i = 0; set && i < WAYS; i++) {
		if (set[i].until_us > now_us &&
		    CRYPTO_memcmp(&set[i].mark, mark, sizeof(*mark)) == 0)
			return true;
	}
	return false;
}

/* In the place of the one that is forgotten next. */
void logins_add(struct logins *logins, const struct login_mark *mark, int64_t now_us,
		int64_t memory_ms)
{
	struct place *set, *place;

	if (memory_ms == 0)
		return;
	if (!logins->memory.data)
		logins->memory = secret_alloc(LOGINS_PLACES * sizeof(*set));
	set = set_of(logins, mark);
	place = &set[0];
	for (unsigned i = 1; i < WAYS; i++) {
		if (set[i].until_us < place->until_us)
			place = &set[i];
	}
	*place = (struct place){.mark = *mark, .until_us = now_us + memory_ms * 1000};
}

bool logins_may_hash(struct logins *logins, unsigned per_second, int64_t now_us,
		     int64_t *wait_ms_out)
{
	struct tokens_rate rate = {.per_second = per_second, .burst = per_second};

	return tokens_take(&logins->hashing, rate, now_us, wait_ms_out);
}
