/* Ed25519 by OpenSSL's EVP interface, and the PEM files that keys live in. It owns the bytes of a
 * private key as long as the struct lives, and zeroes every copy that it made on the way. Used by
 * signature.c and by plugctl. It fails with a sentence that names the file. */
#include "trust/ed25519.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "observe/errors.h"

#define PEM_MAX_BYTES (16u << 10)

static const struct str prefix = {"ed25519:", sizeof("ed25519:") - 1};

struct ed25519_private {
	EVP_PKEY *pkey;
};

/* ---- public keys as text ---- */

const char *ed25519_parse(struct str text, struct ed25519_public *out)
{
	if (!str_starts_with(text, prefix))
		return "does not begin with \"ed25519:\"";
	text.data += prefix.len;
	text.len -= prefix.len;
	if (!str_unhex(text, out->bytes, sizeof(out->bytes)))
		return "has not exactly 64 hexadecimal digits behind \"ed25519:\"";
	return NULL;
}

char *ed25519_format(char *out, const struct ed25519_public *key)
{
	memcpy(out, prefix.data, prefix.len);
	str_hex(out + prefix.len, key->bytes, sizeof(key->bytes));
	return out;
}

char *ed25519_id(char *out, const struct ed25519_public *key)
{
	uint8_t digest[EVP_MAX_MD_SIZE];

	memset(digest, 0, sizeof(digest));
	EVP_Digest(key->bytes, sizeof(key->bytes), digest, NULL, EVP_sha256(), NULL);
	str_hex(out, digest, (ED25519_ID_TEXT - 1) / 2);
	return out;
}

/* ---- signing and verifying ---- */

bool ed25519_verify(const struct ed25519_public *key, struct str message,
		    const struct ed25519_signature *signature)
{
	EVP_PKEY *pkey =
		EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->bytes, sizeof(key->bytes));
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good = pkey && context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, pkey) == 1 &&
		    EVP_DigestVerify(context, signature->bytes, sizeof(signature->bytes),
				     (const uint8_t *)message.data, message.len) == 1;

	EVP_MD_CTX_free(context);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return good;
}

int ed25519_sign(const struct ed25519_private *key, struct str message,
		 struct ed25519_signature *out)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t len = sizeof(out->bytes);
	bool good = context && EVP_DigestSignInit(context, NULL, NULL, NULL, key->pkey) == 1 &&
		    EVP_DigestSign(context, out->bytes, &len, (const uint8_t *)message.data,
				   message.len) == 1 &&
		    len == sizeof(out->bytes);

	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return good ? 0 : -EIO;
}

static struct ed25519_private *private_new(EVP_PKEY *pkey)
{
	struct ed25519_private *key = mem_new(struct ed25519_private);

	key->pkey = pkey;
	return key;
}

struct ed25519_private *ed25519_generate(void)
{
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

	ERR_clear_error();
	return pkey ? private_new(pkey) : NULL;
}

void ed25519_private_free(struct ed25519_private *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey); /* OpenSSL cleanses it */
	free(key);
}

void ed25519_public_of(const struct ed25519_private *key, struct ed25519_public *out)
{
	size_t len = sizeof(out->bytes);

	if (EVP_PKEY_get_raw_public_key(key->pkey, out->bytes, &len) != 1)
		memset(out, 0, sizeof(*out)); /* fits no signature */
}

/* ---- reading files ---- */

static int check_secrecy(const struct stat *status, const char *file, struct err *err)
{
	if (status->st_mode & 077)
		return err_set(err, ERR_KEY_FILE,
			       "%s: others than its owner may use it (its mode is %04o); "
			       "chmod 600 if nobody has read it, else make a new key",
			       file, status->st_mode & 07777);
	if (status->st_uid != 0 && status->st_uid != geteuid())
		return err_set(err, ERR_KEY_FILE,
			       "%s: it belongs to another user (uid %u), who can read and change "
			       "it; chown it",
			       file, status->st_uid);
	return 0;
}

/* What is in the file, all of it: at most PEM_MAX_BYTES. */
static int read_pem(const char *file, bool is_secret, char *pem, size_t *len_out, struct err *err)
{
	/* A FIFO must not block; it is no regular file. */
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	ssize_t len = 0;
	int rc = 0;

	if (fd < 0 || fstat(fd, &status) < 0)
		rc = err_set_errno(err, ERR_KEY_FILE, errno, "%s", file);
	else if (!S_ISREG(status.st_mode))
		rc = err_set(err, ERR_KEY_FILE, "%s: it is not a regular file", file);
	else if (status.st_size > (off_t)PEM_MAX_BYTES)
		rc = err_set(err, ERR_KEY_FILE, "%s: it is too large for a key", file);
	else if (is_secret)
		rc = check_secrecy(&status, file, err);
	if (rc == 0 && (len = pread(fd, pem, PEM_MAX_BYTES, 0)) < 0)
		rc = err_set_errno(err, ERR_KEY_FILE, errno, "%s", file);
	fd_close(&fd);
	*len_out = len > 0 ? (size_t)len : 0;
	return rc;
}

/* Nobody is asked for the passphrase of an encrypted key: it can't be used. */
static int refuse_passphrase(char *out, int size, int is_writing, void *user)
{
	return -1;
}

static EVP_PKEY *parse_pem(const char *pem, size_t len, bool is_secret)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	EVP_PKEY *pkey = NULL;

	if (bio && is_secret)
		pkey = PEM_read_bio_PrivateKey(bio, NULL, refuse_passphrase, NULL);
	else if (bio)
		pkey = PEM_read_bio_PUBKEY(bio, NULL, refuse_passphrase, NULL);
	BIO_free(bio);
	ERR_clear_error();
	if (pkey && !EVP_PKEY_is_a(pkey, "ED25519")) {
		EVP_PKEY_free(pkey);
		pkey = NULL;
	}
	return pkey;
}

static int load_key(const char *file, bool is_secret, EVP_PKEY **out, struct err *err)
{
	char *pem = mem_alloc(PEM_MAX_BYTES);
	size_t len;
	int rc = read_pem(file, is_secret, pem, &len, err);

	if (rc == 0) {
		*out = parse_pem(pem, len, is_secret);
		if (!*out)
			rc = err_set(err, ERR_KEY_FILE,
				     "%s: it holds no Ed25519 %s key in PEM%s; plugctl whitelist "
				     "keygen makes one",
				     file, is_secret ? "private" : "public",
				     is_secret ? " without a passphrase" : "");
	}
	OPENSSL_cleanse(pem, PEM_MAX_BYTES);
	free(pem);
	return rc;
}

int ed25519_load_private(const char *file, struct ed25519_private **out, struct err *err)
{
	EVP_PKEY *pkey;
	int rc = load_key(file, true, &pkey, err);

	if (rc == 0)
		*out = private_new(pkey);
	return rc;
}

int ed25519_load_public(const char *file, struct ed25519_public *out, struct err *err)
{
	EVP_PKEY *pkey;
	size_t len = sizeof(out->bytes);
	int rc = load_key(file, false, &pkey, err);

	if (rc < 0)
		return rc;
	if (EVP_PKEY_get_raw_public_key(pkey, out->bytes, &len) != 1)
		rc = err_set(err, ERR_KEY_FILE, "%s: OpenSSL can't use its key", file);
	EVP_PKEY_free(pkey);
	return rc;
}

/* ---- writing files ---- */

static BIO *pem_of(const struct ed25519_private *key, bool is_secret)
{
	BIO *bio = BIO_new(is_secret ? BIO_s_secmem() : BIO_s_mem());
	int good = 0;

	if (bio && is_secret)
		good = PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL);
	else if (bio)
		good = PEM_write_bio_PUBKEY(bio, key->pkey);
	ERR_clear_error();
	if (good == 1)
		return bio;
	BIO_free(bio);
	return NULL;
}

static int write_new(const char *file, mode_t mode, BIO *bio, struct err *err)
{
	char *pem;
	long len = BIO_get_mem_data(bio, &pem);
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0 && errno == EEXIST) {
		err_set(err, ERR_KEY_FILE,
			"%s is there already, and a key is never overwritten; choose another name",
			file);
		return -EEXIST;
	}
	if (fd < 0)
		return err_set_errno(err, ERR_KEY_FILE, errno, "%s", file);
	rc = fd_write_all(fd, pem, (size_t)len);
	if (rc == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
		rc = -errno;
	close(fd);
	if (rc < 0) {
		unlink(file);
		err_set_errno(err, ERR_KEY_FILE, -rc, "%s can't be written", file);
	}
	return rc;
}

static int write_key(const struct ed25519_private *key, bool is_secret, const char *file,
		     struct err *err)
{
	BIO *bio = pem_of(key, is_secret);
	int rc;

	if (!bio)
		return err_set(err, ERR_KEY_FILE, "%s: OpenSSL can't write the key", file);
	rc = write_new(file, is_secret ? 0600 : 0644, bio, err);
	BIO_free(bio); /* cleanses what was secret */
	return rc;
}

int ed25519_write(const struct ed25519_private *key, const char *file, struct err *err)
{
	char *public_file = mem_printf("%s.pub", file);
	int rc = write_key(key, false, public_file, err);

	if (rc == 0) {
		rc = write_key(key, true, file, err);
		if (rc < 0)
			unlink(public_file);
	}
	free(public_file);
	return rc;
}
