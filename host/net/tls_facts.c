/* Facts about a connection and its client.
 *
 * A client counts as verified only where OpenSSL says so of a certificate that is there. Names that
 * hold anything but printable ASCII are left out: nobody may compare what can't be shown. Called by
 * tls_session.c, once for each connection. */
#include "net/tls_facts.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>

#include "base/str.h"

/* ---- names ---- */

static bool is_printable(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	}
	return len > 0;
}

static const char *keep_text(struct arena *arena, const char *kind, const ASN1_STRING *text)
{
	const char *data = (const char *)ASN1_STRING_get0_data(text);
	int len = ASN1_STRING_length(text);

	if (!is_printable(data, (size_t)len))
		return NULL;
	return arena_printf(arena, "%s:%.*s", kind, len, data);
}

static const char *keep_address(struct arena *arena, const ASN1_OCTET_STRING *address)
{
	char text[INET6_ADDRSTRLEN];
	int len = ASN1_STRING_length(address);

	if (len != 4 && len != 16)
		return NULL;
	inet_ntop(len == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(address), text,
		  sizeof(text));
	return arena_printf(arena, "ip:%s", text);
}

/* NULL: of a kind that is not told, or not printable. */
static const char *keep_name(struct arena *arena, const GENERAL_NAME *name)
{
	switch (name->type) {
	case GEN_DNS:
		return keep_text(arena, "dns", name->d.dNSName);
	case GEN_EMAIL:
		return keep_text(arena, "email", name->d.rfc822Name);
	case GEN_URI:
		return keep_text(arena, "uri", name->d.uniformResourceIdentifier);
	case GEN_IPADD:
		return keep_address(arena, name->d.iPAddress);
	default:
		return NULL;
	}
}

static const char *const *keep_names(struct arena *arena, X509 *certificate)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	int count = all ? sk_GENERAL_NAME_num(all) : 0;
	const char **names = arena_zalloc(arena, ((size_t)count + 1) * sizeof(*names));
	size_t kept = 0;

	for (int i = 0; i < count; i++) {
		const char *name = keep_name(arena, sk_GENERAL_NAME_value(all, i));

		if (name)
			names[kept++] = name;
	}
	GENERAL_NAMES_free(all);
	return names;
}

/* ---- the client ---- */

/* What isn't ASCII, and what would end a line, comes out escaped. */
static const char *keep_subject(struct arena *arena, X509 *certificate)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	const char *kept;

	X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
	long len = BIO_get_mem_data(bio, &text);
	kept = arena_strndup(arena, (struct str){text, (size_t)len});
	BIO_free(bio);
	return kept;
}

static const char *keep_fingerprint(struct arena *arena, X509 *certificate)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	char *text;

	X509_digest(certificate, EVP_sha256(), digest, &len);
	text = arena_alloc(arena, 2 * (size_t)len + 1);
	str_hex(text, digest, len);
	return text;
}

static const struct http_client *keep_client(struct arena *arena, X509 *certificate)
{
	struct http_client *client = arena_zalloc(arena, sizeof(*client));

	client->subject = keep_subject(arena, certificate);
	client->names = keep_names(arena, certificate);
	client->fingerprint = keep_fingerprint(arena, certificate);
	return client;
}

bool tls_facts_take(SSL *ssl, struct arena *arena, struct http_tls *out)
{
	X509 *certificate = SSL_get0_peer_certificate(ssl);

	*out = (struct http_tls){
		.version = SSL_get_version(ssl),
		.cipher = SSL_get_cipher_name(ssl),
		.is_resumed = SSL_session_reused(ssl) == 1,
	};
	if (!certificate || SSL_get_verify_result(ssl) != X509_V_OK)
		return true;
	if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
		return false;
	out->client = keep_client(arena, certificate);
	return true;
}
