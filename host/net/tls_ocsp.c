/* OCSP responses (RFC 6960). A client checks what we staple, so a wrong one harms nobody but those
 * who would have been served without: it is refused when it is loaded. One that has expired is left
 * out, and tls.c, which calls this, asks again in each handshake. */
#include "net/tls_ocsp.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>

#include "net/tls_file.h"
#include "observe/errors.h"

#define LEEWAY_S 300 /* by which clocks may differ */

/* Borrowed; NULL: the file with the certificate does not have it. */
static X509 *find_issuer(const struct tls_pair *pair)
{
	for (int i = 0; i < sk_X509_num(pair->chain); i++) {
		X509 *other = sk_X509_value(pair->chain, i);

		if (X509_check_issued(other, pair->certificate) == X509_V_OK)
			return other;
	}
	if (X509_check_issued(pair->certificate, pair->certificate) == X509_V_OK)
		return pair->certificate;
	return NULL;
}

/* By the issuer itself, or by whom it has charged with it. */
static bool is_signed(OCSP_BASICRESP *basic, const struct tls_pair *pair, X509 *issuer)
{
	X509_STORE *store = X509_STORE_new();
	bool good;

	X509_STORE_add_cert(store, issuer);
	X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
	good = OCSP_basic_verify(basic, pair->chain, store, 0) == 1;
	X509_STORE_free(store);
	return good;
}

/* Seconds of the wall clock; far away when it never ends. */
static int64_t seconds_of(const ASN1_GENERALIZEDTIME *time)
{
	struct tm parts;

	if (!time || ASN1_TIME_to_tm(time, &parts) != 1)
		return INT64_MAX;
	return timegm(&parts);
}

struct answer {
	int status;
	ASN1_GENERALIZEDTIME *from; /* of the response */
	ASN1_GENERALIZEDTIME *until;
};

/* Responders name certificates by one hash or the other. */
static bool find_answer(OCSP_BASICRESP *basic, X509 *certificate, X509 *issuer, struct answer *out)
{
	const EVP_MD *hashes[] = {EVP_sha1(), EVP_sha256()};
	bool is_found = false;

	for (size_t i = 0; !is_found && i < sizeof(hashes) / sizeof(hashes[0]); i++) {
		OCSP_CERTID *id = OCSP_cert_to_id(hashes[i], certificate, issuer);

		is_found = OCSP_resp_find_status(basic, id, &out->status, NULL, NULL, &out->from,
						 &out->until) == 1;
		OCSP_CERTID_free(id);
	}
	return is_found;
}

static int check_answer(OCSP_BASICRESP *basic, const char *path, const struct tls_pair *pair,
			X509 *issuer, struct log *log, int64_t *until_s_out, struct err *err)
{
	struct answer answer = {0};

	*until_s_out = 0;
	if (!find_answer(basic, pair->certificate, issuer, &answer))
		return err_set(err, ERR_TLS_OCSP, "%s is about another certificate", path);
	if (answer.status != V_OCSP_CERTSTATUS_GOOD)
		log_event(log, LOG_WARN, "tls.ocsp_status",
			  "the certificate's CA says that it is not good",
			  LOG_STR("status", OCSP_cert_status_str(answer.status)),
			  LOG_STR("file", path));
	if (OCSP_check_validity(answer.from, answer.until, LEEWAY_S, -1) == 1)
		*until_s_out = seconds_of(answer.until);
	else
		log_event(log, LOG_WARN, "tls.ocsp_expired",
			  "the OCSP response is not valid today and is not handed out",
			  LOG_STR("file", path));
	ERR_clear_error();
	return 0;
}

static int check_basic(OCSP_BASICRESP *basic, const char *path, const struct tls_pair *pair,
		       struct log *log, int64_t *until_s_out, struct err *err)
{
	X509 *issuer = find_issuer(pair);

	if (!issuer)
		return err_set(
			err, ERR_TLS_OCSP,
			"%s can't be checked: the certificate's file lacks the certificate of "
			"its issuer; append it",
			path);
	if (!is_signed(basic, pair, issuer))
		return err_set(err, ERR_TLS_OCSP, "%s is not signed by the certificate's CA: %s",
			       path, tls_file_reason());
	return check_answer(basic, path, pair, issuer, log, until_s_out, err);
}

static int check(const struct buf *der, const char *path, const struct tls_pair *pair,
		 struct log *log, int64_t *until_s_out, struct err *err)
{
	const unsigned char *at = buf_front(der);
	OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)buf_len(der));
	OCSP_BASICRESP *basic = NULL;
	int r;

	if (response && OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
		basic = OCSP_response_get1_basic(response);
	if (basic)
		r = check_basic(basic, path, pair, log, until_s_out, err);
	else
		r = err_set(err, ERR_TLS_OCSP, "%s is not an OCSP response in DER with an answer",
			    path);
	ERR_clear_error();
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(response);
	return r;
}

int tls_ocsp_load(const char *path, const struct tls_pair *pair, struct log *log,
		  struct tls_ocsp *out, struct err *err)
{
	int r;

	*out = (struct tls_ocsp){0};
	r = tls_file_read(path, ERR_TLS_OCSP, &out->der, err);
	if (r == 0)
		r = check(&out->der, path, pair, log, &out->until_s, err);
	if (r < 0)
		err_about(err, path);
	if (r < 0 || out->until_s == 0)
		tls_ocsp_deinit(out);
	return r;
}

bool tls_ocsp_is_good(const struct tls_ocsp *ocsp, int64_t now_s)
{
	return buf_len(&ocsp->der) > 0 && now_s < ocsp->until_s;
}

void tls_ocsp_deinit(struct tls_ocsp *ocsp)
{
	buf_deinit(&ocsp->der);
	*ocsp = (struct tls_ocsp){0};
}
