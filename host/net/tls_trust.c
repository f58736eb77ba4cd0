/* CAs of clients, and their revocation lists.
 *
 * With a file of lists every CA on the way up must have one in it that is valid, or the client is
 * refused: a list that is missing says nothing about who was revoked. tls.c calls it. */
#include "net/tls_trust.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/buf.h"
#include "net/tls_file.h"
#include "observe/errors.h"

static int add_certificates(struct tls_trust *trust, BIO *bio)
{
	X509 *certificate;
	int count = 0;

	while ((certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		X509_STORE_add_cert(trust->store, certificate);
		sk_X509_NAME_push(trust->names, X509_NAME_dup(X509_get_subject_name(certificate)));
		X509_free(certificate);
		count++;
	}
	return count;
}

static void warn_of_time(const X509_CRL *crl, const char *path, struct log *log)
{
	const ASN1_TIME *until = X509_CRL_get0_nextUpdate(crl);

	if (until && X509_cmp_current_time(until) < 0)
		log_event(
			log, LOG_WARN, "tls.crl_expired",
			"a revocation list has expired: clients of its CA are refused until there "
			"is a newer one",
			LOG_STR("file", path));
}

static int add_lists(struct tls_trust *trust, BIO *bio, const char *path, struct log *log)
{
	X509_CRL *crl;
	int count = 0;

	while ((crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL))) {
		X509_STORE_add_crl(trust->store, crl);
		warn_of_time(crl, path, log);
		X509_CRL_free(crl);
		count++;
	}
	X509_STORE_set_flags(trust->store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	return count;
}

/* All of the file must be what it should: a broken end could have been a revocation. */
static int check_end(int count, const char *path, const char *what, struct err *err)
{
	unsigned long code = ERR_peek_last_error();
	bool is_end =
		ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;

	if (count > 0 && is_end) {
		ERR_clear_error();
		return 0;
	}
	return err_set(err, ERR_TLS_CLIENT_CA, "%s: number %d is no %s in PEM: %s", path, count + 1,
		       what, tls_file_reason());
}

static int load_file(struct tls_trust *trust, const char *path, bool is_crl, EVP_MD_CTX *digest,
		     struct log *log, struct err *err)
{
	struct buf pem;
	BIO *bio;
	int r = tls_file_read(path, ERR_TLS_CLIENT_CA, &pem, err);

	if (r < 0)
		return r;
	EVP_DigestUpdate(digest, is_crl ? "crl" : "ca", 3);
	EVP_DigestUpdate(digest, buf_front(&pem), buf_len(&pem));
	bio = BIO_new_mem_buf(buf_front(&pem), (int)buf_len(&pem));
	if (is_crl)
		r = check_end(add_lists(trust, bio, path, log), path, "revocation list", err);
	else
		r = check_end(add_certificates(trust, bio), path, "certificate", err);
	BIO_free(bio);
	buf_deinit(&pem);
	return r;
}

static int load(const struct tls_opts *opts, struct log *log, struct tls_trust *out,
		EVP_MD_CTX *digest, struct err *err)
{
	int r;

	if (opts->client_mode == TLS_CLIENT_NONE)
		return 0;
	out->store = X509_STORE_new();
	out->names = sk_X509_NAME_new_null();
	r = load_file(out, opts->client_ca, false, digest, log, err);
	if (r < 0)
		err_about(err, opts->client_ca);
	if (r < 0 || !opts->client_crl)
		return r;
	r = load_file(out, opts->client_crl, true, digest, log, err);
	if (r < 0)
		err_about(err, opts->client_crl);
	return r;
}

int tls_trust_load(const struct tls_opts *opts, struct log *log, struct tls_trust *out,
		   uint8_t digest_out[TLS_TRUST_DIGEST_BYTES], struct err *err)
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	uint8_t mode = (uint8_t)opts->client_mode;
	int r;

	*out = (struct tls_trust){0};
	EVP_DigestInit_ex(digest, EVP_sha256(), NULL);
	EVP_DigestUpdate(digest, &mode, 1);
	r = load(opts, log, out, digest, err);
	EVP_DigestFinal_ex(digest, digest_out, NULL);
	EVP_MD_CTX_free(digest);
	if (r < 0)
		tls_trust_deinit(out);
	return r;
}

void tls_trust_deinit(struct tls_trust *trust)
{
	X509_STORE_free(trust->store);
	sk_X509_NAME_pop_free(trust->names, X509_NAME_free);
	*trust = (struct tls_trust){0};
}
