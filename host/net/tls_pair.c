/* Certificates and keys.
 *
 * What can't serve any client is refused when it is loaded and not when one comes: a key that is
 * another certificate's, one that is weak, one that others can read. A certificate that is not
 * valid today is only a warning, because the clock or the client may be wrong, and because a host
 * that starts with it can be given another by a reload. tls.c calls it. */
#include "net/tls_pair.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "base/private_file.h"
#include "net/tls_file.h"
#include "observe/errors.h"

#define KEY_MAX_BYTES (64u << 10)
#define RSA_MIN_BITS  2048
#define EC_MIN_BITS   256

/* ---- the certificate ---- */

/* The end of a file is an error to PEM; anything else is one to us. */
static bool is_pem_end(void)
{
	unsigned long code = ERR_peek_last_error();

	return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

static int parse_chain(BIO *bio, const char *path, struct tls_pair *out, struct err *err)
{
	X509 *next;

	out->certificate = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);
	if (!out->certificate)
		return err_set(err, ERR_TLS_CERTIFICATE, "%s has no certificate in PEM: %s", path,
			       tls_file_reason());
	out->chain = sk_X509_new_null();
	while ((next = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
		sk_X509_push(out->chain, next);
	if (!is_pem_end())
		return err_set(err, ERR_TLS_CERTIFICATE,
			       "%s: certificate %d is not well-formed: %s", path,
			       sk_X509_num(out->chain) + 2, tls_file_reason());
	ERR_clear_error();
	return 0;
}

static int load_certificate(const char *path, struct tls_pair *out, struct err *err)
{
	struct buf pem;
	BIO *bio;
	int r = tls_file_read(path, ERR_TLS_CERTIFICATE, &pem, err);

	if (r < 0)
		return r;
	bio = BIO_new_mem_buf(buf_front(&pem), (int)buf_len(&pem));
	r = parse_chain(bio, path, out, err);
	BIO_free(bio);
	buf_deinit(&pem);
	return r;
}

/* ---- the key ---- */

static int refuse_passphrase(char *out, int size, int is_writing, void *user)
{
	return -1;
}

static int load_key(const char *path, EVP_PKEY **out, struct err *err)
{
	static const struct private_file_codes codes = {ERR_TLS_KEY, ERR_TLS_KEY, ERR_TLS_KEY};
	struct secret pem;
	BIO *bio;
	int r = private_file_read(path, KEY_MAX_BYTES, &codes, &pem, err);

	if (r < 0)
		return r;
	bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	*out = PEM_read_bio_PrivateKey(bio, NULL, refuse_passphrase, NULL);
	BIO_free(bio);
	secret_free(&pem);
	if (*out)
		return 0;
	return err_set(err, ERR_TLS_KEY, "%s has no private key in PEM without a passphrase: %s",
		       path, tls_file_reason());
}

static int check_strength(EVP_PKEY *key, const char *path, struct err *err)
{
	int bits = EVP_PKEY_get_bits(key);

	if (EVP_PKEY_is_a(key, "ED25519"))
		return 0;
	if (EVP_PKEY_is_a(key, "EC")) {
		if (bits >= EC_MIN_BITS)
			return 0;
	} else if (!EVP_PKEY_is_a(key, "RSA")) {
		return err_set(err, ERR_TLS_KEY,
			       "%s: a key of this kind can't be used; make one with ECDSA, RSA or "
			       "Ed25519",
			       path);
	} else if (bits >= RSA_MIN_BITS) {
		return 0;
	}
	return err_set(err, ERR_TLS_KEY,
		       "%s: a key of %d bits is weak; RSA needs 2048, ECDSA P-256 or more", path,
		       bits);
}

static int check_match(const struct tls_pair *pair, const struct tls_certificate_opts *opts,
		       struct err *err)
{
	if (X509_check_private_key(pair->certificate, pair->key) == 1)
		return 0;
	ERR_clear_error();
	return err_set(err, ERR_TLS_KEY, "%s is not the key of the certificate %s", opts->key,
		       opts->certificate);
}

static int take_key(const struct tls_certificate_opts *opts, struct tls_pair *out, struct err *err)
{
	int r = load_key(opts->key, &out->key, err);

	if (r == 0)
		r = check_match(out, opts, err);
	if (r == 0)
		r = check_strength(out->key, opts->key, err);
	if (r < 0)
		err_about(err, opts->key);
	return r;
}

/* ---- both ---- */

static void warn_of_time(const struct tls_pair *pair, const char *path, struct log *log)
{
	const char *what = NULL;

	if (X509_cmp_current_time(X509_get0_notAfter(pair->certificate)) < 0)
		what = "the certificate has expired: clients will refuse it";
	else if (X509_cmp_current_time(X509_get0_notBefore(pair->certificate)) > 0)
		what = "the certificate is not valid yet: clients will refuse it";
	if (what)
		log_event(log, LOG_WARN, "tls.certificate_time", what, LOG_STR("file", path));
}

int tls_pair_load(const struct tls_certificate_opts *opts, struct log *log, struct tls_pair *out,
		  struct err *err)
{
	int r;

	*out = (struct tls_pair){0};
	r = load_certificate(opts->certificate, out, err);
	if (r < 0)
		err_about(err, opts->certificate);
	else
		r = take_key(opts, out, err);
	if (r == 0)
		warn_of_time(out, opts->certificate, log);
	else
		tls_pair_deinit(out);
	return r;
}

void tls_pair_deinit(struct tls_pair *pair)
{
	X509_free(pair->certificate);
	sk_X509_pop_free(pair->chain, X509_free);
	EVP_PKEY_free(pair->key);
	*pair = (struct tls_pair){0};
}

/* ---- names ---- */

static void add_name(struct str name, size_t index, struct tls_names *names)
{
	if (tls_name_is_valid(name))
		tls_names_add(names, name, index);
}

static void add_own_names(X509 *certificate, size_t index, struct tls_names *names)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);

		if (name->type == GEN_DNS)
			add_name((struct str){(const char *)ASN1_STRING_get0_data(name->d.dNSName),
					      (size_t)ASN1_STRING_length(name->d.dNSName)},
				 index, names);
	}
	GENERAL_NAMES_free(all);
}

void tls_pair_add_names(const struct tls_pair *pair, const struct tls_certificate_opts *opts,
			size_t index, struct tls_names *names)
{
	if (!opts->names)
		add_own_names(pair->certificate, index, names);
	for (size_t i = 0; opts->names && opts->names[i]; i++)
		add_name(str_from(opts->names[i]), index, names);
}
