/* TLS on one connection.
 *
 * OpenSSL never sees the socket. What one read brought is handed to it from the scratch buffer,
 * through a BIO of our own, until it asks for more; what it says is appended to what is sealed, and
 * goes out with it in one write at the end of the turn. So a read costs one system call whatever
 * the number of records in it, and OpenSSL never has to wait for the client to take something:
 * writing succeeds or the connection has failed. Between calls it holds at most part of a record.
 *
 * An end without close_notify is not one that the client meant, and counts as lost (RFC 8446, 6.1).
 * After close_notify the client still gets its answer. The connection owns it. */
#include <assert.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/tls_facts.h"
#include "net/tls_private.h"

struct tls_session {
	struct transport transport; /* the first member */
	struct tls *tls;
	SSL *ssl;
	struct str peer;
	const uint8_t *in; /* during receive: what was read and not yet taken */
	size_t in_len;
	struct buf *sealed; /* during a call: where OpenSSL writes to */
	bool was_seen;	    /* any byte of the client */
	bool has_failed;
	int64_t began_us;
	struct http_tls facts;
	struct arena arena; /* of what is known about the client */
	char *name;	    /* that it asked for; NULL: none */
	char protocol[16];
};

/* ---- the bytes of a session ---- */

static int on_bio_read(BIO *bio, char *out, int len)
{
	struct tls_session *session = BIO_get_data(bio);
	size_t part = (size_t)len < session->in_len ? (size_t)len : session->in_len;

	BIO_clear_retry_flags(bio);
	if (part == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	memcpy(out, session->in, part);
	session->in += part;
	session->in_len -= part;
	return (int)part;
}

static int on_bio_write(BIO *bio, const char *data, int len)
{
	struct tls_session *session = BIO_get_data(bio);

	assert(session->sealed);
	buf_append(session->sealed, data, (size_t)len);
	return len;
}

static long on_bio_control(BIO *bio, int command, long number, void *pointer)
{
	return command == BIO_CTRL_FLUSH;
}

static int on_bio_create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

BIO_METHOD *tls_session_bio(void)
{
	BIO_METHOD *bio = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "connection");

	BIO_meth_set_read(bio, on_bio_read);
	BIO_meth_set_write(bio, on_bio_write);
	BIO_meth_set_ctrl(bio, on_bio_control);
	BIO_meth_set_create(bio, on_bio_create);
	return bio;
}

/* ---- failing ---- */

static const char *why_of(const struct tls_session *session)
{
	long verified = SSL_get_verify_result(session->ssl);
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	if (verified != X509_V_OK)
		return X509_verify_cert_error_string(verified);
	return reason ? reason : "the client broke the rules of TLS";
}

/* Strangers cause it, as often as they like, so it is not worth more than a line for debugging. */
static struct received session_fail(struct tls_session *session, const char *why)
{
	if (!session->has_failed)
		log_event(session->tls->log, LOG_DEBUG,
			  session->transport.is_open ? "tls.failed" : "tls.handshake_failed", why,
			  LOG_STRN("peer", session->peer));
	session->has_failed = true;
	ERR_clear_error();
	return (struct received){.what = RECEIVED_REFUSED};
}

/* ---- the handshake ---- */

static void note_protocol(struct tls_session *session)
{
	const unsigned char *name;
	unsigned len;

	SSL_get0_alpn_selected(session->ssl, &name, &len);
	if (len == 0 || len >= sizeof(session->protocol))
		return;
	memcpy(session->protocol, name, len);
	session->transport.protocol = session->protocol;
}

/* False: what was agreed on is not good enough after all. */
static bool session_open(struct tls_session *session)
{
	if (!tls_facts_take(session->ssl, &session->arena, &session->facts))
		return false;
	session->name = mem_strdup(SSL_get_servername(session->ssl, TLSEXT_NAMETYPE_host_name));
	session->facts.name = session->name;
	note_protocol(session);
	session->transport.tls = &session->facts;
	session->transport.is_open = true;
	tls_counts_open(session->tls->counts, &session->facts, clock_mono_us() - session->began_us);
	return true;
}

/* Every request of HTTP begins with a method in capitals, no record of TLS does. */
static bool is_plain(uint8_t first)
{
	return first >= 'A' && first <= 'Z';
}

/* ---- reading ---- */

static struct tls_session *session_of(struct transport *transport)
{
	return (struct tls_session *)transport;
}

/* All that is in the records that were read: never more than was read, and one record that was
 * waiting for its end. */
static size_t session_unseal(struct tls_session *session, uint8_t *out, int *error_out)
{
	size_t total = 0;
	int got;

	ERR_clear_error();
	do {
		assert(total < COMMONS_CLEAR_BYTES);
		got = SSL_read(session->ssl, out + total, (int)(COMMONS_CLEAR_BYTES - total));
		if (got > 0)
			total += (size_t)got;
	} while (got > 0);
	*error_out = SSL_get_error(session->ssl, got);
	return total;
}

static struct received session_take(struct tls_session *session, struct commons *commons)
{
	int error;
	size_t len = session_unseal(session, commons->clear, &error);
	struct received received = {RECEIVED_BYTES, commons->clear, len};

	if (error == SSL_ERROR_ZERO_RETURN)
		received.what = RECEIVED_END;
	else if (error != SSL_ERROR_WANT_READ)
		return session_fail(session, why_of(session));
	if (!session->transport.is_open && SSL_is_init_finished(session->ssl) &&
	    !session_open(session))
		return session_fail(session, "the client's certificate has expired");
	return received;
}

/* The socket's end. */
static struct received session_end(const struct tls_session *session)
{
	bool was_meant = SSL_get_shutdown(session->ssl) & SSL_RECEIVED_SHUTDOWN;

	return (struct received){.what = was_meant ? RECEIVED_END : RECEIVED_LOST};
}

static struct received session_receive(struct transport *transport, struct commons *commons, int fd,
				       size_t room, struct buf *sealed)
{
	struct tls_session *session = session_of(transport);
	struct received received;
	ssize_t got;

	if (session->has_failed)
		return (struct received){.what = RECEIVED_REFUSED};
	got = recv(fd, commons->scratch, room, MSG_DONTWAIT);
	if (got < 0)
		return (struct received){.what = errno == EAGAIN || errno == EINTR ? RECEIVED_BYTES
										   : RECEIVED_LOST};
	if (got == 0)
		return session_end(session);
	if (!session->was_seen && is_plain(commons->scratch[0]))
		return (struct received){RECEIVED_PLAIN, commons->scratch, (size_t)got};
	session->was_seen = true;
	session->in = commons->scratch;
	session->in_len = (size_t)got;
	session->sealed = sealed;
	received = session_take(session, commons);
	session->sealed = NULL;
	session->in_len = 0;
	return received;
}

/* ---- writing ---- */

static bool session_seal(struct transport *transport, const void *data, size_t len,
			 struct buf *sealed)
{
	struct tls_session *session = session_of(transport);
	int wrote;

	if (session->has_failed)
		return false;
	ERR_clear_error();
	session->sealed = sealed;
	wrote = SSL_write(session->ssl, data, (int)len);
	session->sealed = NULL;
	if (wrote == (int)len)
		return true;
	session_fail(session, why_of(session));
	return false;
}

static void session_seal_end(struct transport *transport, struct buf *sealed)
{
	struct tls_session *session = session_of(transport);

	if (session->has_failed || !session->transport.is_open)
		return;
	ERR_clear_error();
	session->sealed = sealed;
	SSL_shutdown(session->ssl);
	session->sealed = NULL;
	ERR_clear_error();
}

/* ---- birth and death ---- */

static void session_free(struct transport *transport)
{
	struct tls_session *session = session_of(transport);

	if (!session->transport.is_open && session->was_seen)
		tls_counts_fail(session->tls->counts, session->has_failed);
	SSL_free(session->ssl);
	arena_deinit(&session->arena);
	free(session->name);
	tls_release(session->tls);
	free(session);
}

static const struct transport_ops session_ops = {
	.receive = session_receive,
	.seal = session_seal,
	.seal_end = session_seal_end,
	.free = session_free,
};

struct transport *tls_accept(struct tls *tls, struct str peer)
{
	struct tls_session *session = mem_new(struct tls_session);
	BIO *bio = BIO_new(tls->bio);

	session->transport.ops = &session_ops;
	session->tls = tls;
	session->peer = peer;
	session->began_us = clock_mono_us();
	session->ssl = SSL_new(tls->sites[0].ctx);
	if (!bio || !session->ssl)
		mem_die();
	tls->references++;
	BIO_set_data(bio, session);
	SSL_set_bio(session->ssl, bio, bio);
	SSL_set_app_data(session->ssl, tls);
	SSL_set_accept_state(session->ssl);
	return &session->transport;
}
