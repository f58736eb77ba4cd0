/* TLS contexts.
 *
 * A context for each certificate, all alike but for that; a handshake begins with the first one and
 * goes over to another when the client names its name. Version 1.2 has only suites with forward
 * secrecy and authenticated encryption; 1.3 has no others. Left out on purpose:
 *
 *	renegotiation   it lets a client make us work without end, and 1.3 has dropped it
 *	compression     it tells the length of secrets (CRIME)
 *	early data      it can be sent again by whoever recorded it, and a plugin could not tell
 *	session cache   tickets do the same without memory for each client
 *
 * The listener makes it, before anything is closed or switched; tls_session.c uses it. What can't
 * be used is refused as a whole. */
#include "net/tls.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/tls_file.h"
#include "net/tls_pair.h"
#include "net/tls_private.h"
#include "observe/errors.h"

#define SUITES_1_2                                                                                 \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                               \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                               \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define SUITES_1_3 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS	   "X25519:P-256:P-384"

/* 112 bits: no SHA-1 in signatures, no RSA below 2048 bits, in what clients show too. */
#define SECURITY_LEVEL 2
#define CLIENT_DEPTH   8 /* of CAs between a client's certificate and one that is trusted */

/* Our order counts; but a client that prefers ChaCha20 has no hardware for AES, and gets its
 * own. */
#define OPTIONS                                                                                    \
	(SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |       \
	 SSL_OP_PRIORITIZE_CHACHA)

/* ---- in a handshake ---- */

static struct tls *tls_of(SSL *ssl)
{
	return SSL_get_app_data(ssl);
}

static int on_name(SSL *ssl, int *alert, void *arg)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	struct tls *tls = tls_of(ssl);
	size_t index;

	if (!name)
		return SSL_TLSEXT_ERR_NOACK;
	if (tls_names_find(&tls->names, str_from(name), &index)) {
		if (index > 0)
			SSL_set_SSL_CTX(ssl, tls->sites[index].ctx);
		return SSL_TLSEXT_ERR_OK;
	}
	*alert = SSL_AD_UNRECOGNIZED_NAME;
	return tls->unknown == TLS_UNKNOWN_REFUSE ? SSL_TLSEXT_ERR_ALERT_FATAL
						  : SSL_TLSEXT_ERR_NOACK;
}

static bool is_offered(const char *protocol, const unsigned char *list, unsigned len)
{
	size_t wanted = strlen(protocol);

	for (unsigned at = 0; at < len; at += 1u + list[at]) {
		if (list[at] == wanted && memcmp(list + at + 1, protocol, wanted) == 0)
			return true;
	}
	return false;
}

/* A client that offers nothing of ours is told so (RFC 7301, 3.2). OpenSSL has checked the list. */
static int on_protocols(SSL *ssl, const unsigned char **out, unsigned char *out_len,
			const unsigned char *list, unsigned len, void *arg)
{
	for (const char *const *protocol = tls_of(ssl)->protocols; *protocol; protocol++) {
		if (!is_offered(*protocol, list, len))
			continue;
		*out = (const unsigned char *)*protocol;
		*out_len = (unsigned char)strlen(*protocol);
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* OpenSSL frees what it is given. */
static int on_status(SSL *ssl, void *arg)
{
	const struct tls_site *site = arg;
	size_t len = buf_len(&site->ocsp.der);
	unsigned char *copy;

	if (!tls_ocsp_is_good(&site->ocsp, clock_wall_ms() / 1000))
		return SSL_TLSEXT_ERR_NOACK;
	copy = OPENSSL_memdup(buf_front(&site->ocsp.der), len);
	SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)len);
	return SSL_TLSEXT_ERR_OK;
}

/* ---- a context ---- */

static void set_protocol(SSL_CTX *ctx, const struct tls_opts *opts)
{
	bool is_only_1_3 = opts->min_version == TLS_VERSION_1_3;

	SSL_CTX_set_min_proto_version(ctx, is_only_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
	SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION);
	SSL_CTX_set_security_level(ctx, SECURITY_LEVEL);
	SSL_CTX_set_options(ctx, OPTIONS);
	SSL_CTX_set_max_early_data(ctx, 0);
	/* An idle connection keeps no buffers; and the chain that is sent is the one in the file,
	 * not one made up from the CAs of clients. */
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
}

static int set_suites(SSL_CTX *ctx, struct err *err)
{
	if (SSL_CTX_set_cipher_list(ctx, SUITES_1_2) == 1 &&
	    SSL_CTX_set_ciphersuites(ctx, SUITES_1_3) == 1 &&
	    SSL_CTX_set1_groups_list(ctx, GROUPS) == 1)
		return 0;
	return err_set(err, ERR_TLS_CERTIFICATE, "OpenSSL lacks what TLS needs: %s",
		       tls_file_reason());
}

static void set_sessions(SSL_CTX *ctx, const struct tls_opts *opts, struct tls_tickets *tickets,
			 const uint8_t trust[TLS_TRUST_DIGEST_BYTES])
{
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_timeout(ctx, (long)((opts->ticket_lifetime_ms + 999) / 1000));
	/* A ticket says whom we verified: it is good only where that would come out the same. */
	SSL_CTX_set_session_id_context(ctx, trust, TLS_TRUST_DIGEST_BYTES);
	if (tickets)
		tls_tickets_use(tickets, ctx);
	if (opts->session_tickets)
		return;
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_num_tickets(ctx, 0);
}

static void set_clients(SSL_CTX *ctx, const struct tls_opts *opts, const struct tls_trust *trust)
{
	static const int modes[] = {
		[TLS_CLIENT_NONE] = SSL_VERIFY_NONE,
		[TLS_CLIENT_OPTIONAL] = SSL_VERIFY_PEER,
		[TLS_CLIENT_REQUIRED] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
	};

	SSL_CTX_set_verify(ctx, modes[opts->client_mode], NULL);
	if (opts->client_mode == TLS_CLIENT_NONE)
		return;
	SSL_CTX_set_verify_depth(ctx, CLIENT_DEPTH);
	SSL_CTX_set1_cert_store(ctx, trust->store);
	SSL_CTX_set_client_CA_list(ctx, SSL_dup_CA_list(trust->names));
}

static int set_pair(SSL_CTX *ctx, const struct tls_pair *pair, const char *path, struct err *err)
{
	if (SSL_CTX_use_cert_and_key(ctx, pair->certificate, pair->key, pair->chain, 1) == 1)
		return 0;
	err_set(err, ERR_TLS_CERTIFICATE, "%s can't be used: %s", path, tls_file_reason());
	err_about(err, path);
	return -EINVAL;
}

static void set_callbacks(SSL_CTX *ctx, struct tls_site *site)
{
	SSL_CTX_set_tlsext_servername_callback(ctx, on_name);
	SSL_CTX_set_alpn_select_cb(ctx, on_protocols, NULL);
	SSL_CTX_set_tlsext_status_cb(ctx, on_status);
	SSL_CTX_set_tlsext_status_arg(ctx, site);
}

/* ---- a site ---- */

struct common {
	const struct tls_setup *setup;
	struct tls_trust trust;
	uint8_t trust_digest[TLS_TRUST_DIGEST_BYTES];
};

static int site_fill(struct tls_site *site, const struct tls_pair *pair,
		     const struct tls_certificate_opts *opts, const struct common *common,
		     struct err *err)
{
	const struct tls_opts *all = common->setup->opts;
	int r;

	site->ctx = SSL_CTX_new(TLS_server_method());
	if (!site->ctx)
		return err_set(err, ERR_TLS_CERTIFICATE, "OpenSSL can't be used: %s",
			       tls_file_reason());
	set_protocol(site->ctx, all);
	set_sessions(site->ctx, all, common->setup->tickets, common->trust_digest);
	set_clients(site->ctx, all, &common->trust);
	set_callbacks(site->ctx, site);
	r = set_suites(site->ctx, err);
	if (r == 0)
		r = set_pair(site->ctx, pair, opts->certificate, err);
	if (r == 0 && opts->ocsp)
		r = tls_ocsp_load(opts->ocsp, pair, common->setup->log, &site->ocsp, err);
	return r;
}

static int tls_add_site(struct tls *tls, const struct tls_certificate_opts *opts,
			const struct common *common, struct err *err)
{
	struct tls_pair pair;
	int r = tls_pair_load(opts, common->setup->log, &pair, err);

	if (r < 0)
		return r;
	tls_pair_add_names(&pair, opts, tls->site_count, &tls->names);
	r = site_fill(&tls->sites[tls->site_count++], &pair, opts, common, err);
	tls_pair_deinit(&pair);
	return r;
}

/* ---- birth and death ---- */

static int tls_fill(struct tls *tls, const struct tls_setup *setup, struct err *err)
{
	struct common common = {.setup = setup};
	int r = tls_trust_load(setup->opts, setup->log, &common.trust, common.trust_digest, err);

	for (size_t i = 0; r == 0 && i < setup->opts->certificate_count; i++)
		r = tls_add_site(tls, &setup->opts->certificates[i], &common, err);
	tls_trust_deinit(&common.trust);
	return r;
}

struct tls *tls_new(const struct tls_setup *setup, struct err *err)
{
	struct tls *tls = mem_new(struct tls);

	assert(setup->opts->certificate_count > 0);
	tls->references = 1;
	tls->sites = mem_array(setup->opts->certificate_count, sizeof(*tls->sites));
	tls->unknown = setup->opts->unknown_name;
	tls->bio = tls_session_bio();
	tls->protocols = setup->protocols;
	tls->counts = setup->counts;
	tls->log = setup->log;
	if (tls_fill(tls, setup, err) == 0)
		return tls;
	tls_release(tls);
	return NULL;
}

void tls_release(struct tls *tls)
{
	if (!tls || --tls->references > 0)
		return;
	for (size_t i = 0; i < tls->site_count; i++) {
		SSL_CTX_free(tls->sites[i].ctx);
		tls_ocsp_deinit(&tls->sites[i].ocsp);
	}
	free(tls->sites);
	tls_names_deinit(&tls->names);
	BIO_meth_free(tls->bio);
	free(tls);
}
