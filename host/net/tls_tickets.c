/* Keys for tickets, in memory that is locked.
 *
 * They are made here and known nowhere else: a restart begins with others, and clients then make a
 * full handshake once. They belong to the listener and not to a context, so that a reload of
 * certificates costs nobody their session. A timer turns them, also when nobody comes, so that
 * old keys go. Each ticket is sealed with AES-256-CBC and HMAC-SHA-256 (RFC 5077, 4). */
#include "net/tls_tickets.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "net/ticket_keys.h"

#define IV_BYTES 16

struct tls_tickets {
	struct loop *loop;
	struct loop_timer timer;
	struct secret memory; /* a struct ticket_keys */
	int64_t life_ms;      /* 0: none are given out */
	EVP_CIPHER *cipher;
};

static struct ticket_keys *keys_of(const struct tls_tickets *tickets)
{
	return (struct ticket_keys *)tickets->memory.data;
}

/* ---- time ---- */

static void turn_if_due(struct tls_tickets *tickets)
{
	struct ticket_keys *keys = keys_of(tickets);
	int64_t now_ms = loop_now_ms(tickets->loop);
	struct ticket_secrets secrets;

	if (now_ms >= ticket_keys_due_ms(keys, tickets->life_ms) &&
	    RAND_priv_bytes((uint8_t *)&secrets, sizeof(secrets)) == 1)
		ticket_keys_turn(keys, now_ms, tickets->life_ms, &secrets);
	OPENSSL_cleanse(&secrets, sizeof(secrets));
	loop_timer_start(&tickets->timer, tickets->life_ms / TICKET_TURNS);
}

static void on_timer(void *user)
{
	turn_if_due(user);
}

void tls_tickets_apply(struct tls_tickets *tickets, const struct tls_opts *opts)
{
	tickets->life_ms = opts->session_tickets ? opts->ticket_lifetime_ms : 0;
	loop_timer_stop(&tickets->timer);
	if (tickets->life_ms > 0)
		turn_if_due(tickets);
}

/* ---- what OpenSSL asks ---- */

static int init_mac(EVP_MAC_CTX *mac, const struct ticket_secrets *secrets)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)secrets->mac,
						  sizeof(secrets->mac)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(mac, params);
}

/* 1: sealed. 0: without a ticket. Below: the handshake fails. */
static int seal(const struct tls_tickets *tickets, unsigned char *name, unsigned char *iv,
		EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	const struct ticket_keys *keys = keys_of(tickets);
	const struct ticket_secrets *secrets;

	if (keys->count == 0 || RAND_bytes(iv, IV_BYTES) != 1)
		return 0;
	secrets = ticket_keys_newest(keys);
	memcpy(name, secrets->name, TICKET_NAME_BYTES);
	if (EVP_EncryptInit_ex2(cipher, tickets->cipher, secrets->cipher, iv, NULL) != 1 ||
	    init_mac(mac, secrets) != 1)
		return -1;
	return 1;
}

/* 0: a full handshake. 1: resumed. 2: resumed, and the client gets a new ticket. */
static int open_sealed(const struct tls_tickets *tickets, const unsigned char *name,
		       const unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	const struct ticket_keys *keys = keys_of(tickets);
	const struct ticket_secrets *secrets =
		ticket_keys_find(keys, name, loop_now_ms(tickets->loop), tickets->life_ms);

	if (!secrets)
		return 0;
	if (init_mac(mac, secrets) != 1 ||
	    EVP_DecryptInit_ex2(cipher, tickets->cipher, secrets->cipher, iv, NULL) != 1)
		return -1;
	return secrets == ticket_keys_newest(keys) ? 1 : 2;
}

static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
		     EVP_MAC_CTX *mac, int is_new)
{
	const struct tls_tickets *tickets = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	return is_new ? seal(tickets, name, iv, cipher, mac)
		      : open_sealed(tickets, name, iv, cipher, mac);
}

void tls_tickets_use(struct tls_tickets *tickets, SSL_CTX *ctx)
{
	SSL_CTX_set_app_data(ctx, tickets);
	SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
}

/* ---- birth and death ---- */

struct tls_tickets *tls_tickets_new(struct loop *loop)
{
	struct tls_tickets *tickets = mem_new(struct tls_tickets);

	tickets->loop = loop;
	tickets->memory = secret_alloc(sizeof(struct ticket_keys));
	tickets->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	assert(tickets->cipher); /* of OpenSSL's default provider */
	loop_timer_init(&tickets->timer, loop, on_timer, tickets);
	return tickets;
}

void tls_tickets_free(struct tls_tickets *tickets)
{
	if (!tickets)
		return;
	loop_timer_stop(&tickets->timer);
	secret_free(&tickets->memory);
	EVP_CIPHER_free(tickets->cipher);
	free(tickets);
}
