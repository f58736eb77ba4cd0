/* Files of keys that sign tokens. Called by plugctl. It owns the text and the key as long as the
 * struct lives, and zeroes what was secret. It fails with a sentence that names the file. */
#include "identity/jwt_key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/private_file.h"
#include "observe/errors.h"

#define KEY_MAX_BYTES	 (16u << 10)
#define SECRET_MAX_BYTES 64

/* ---- writing ---- */

static int write_new(const char *file, mode_t mode, struct str text, struct err *err)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return err_set_errno(err, ERR_TOKEN_KEY, errno, "%s can't be made", file);
	r = fd_write_all(fd, text.data, text.len);
	if (r == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
		r = -errno;
	close(fd);
	if (r < 0) {
		unlink(file);
		err_set_errno(err, ERR_TOKEN_KEY, -r, "%s can't be written", file);
	}
	return r;
}

/* Random bytes as text, so that a file can be copied by people: each byte of the text is a byte of
 * the secret. */
static int make_secret(const char *file, enum jwt_alg alg, struct err *err)
{
	unsigned size = jwt_algs[alg].size;
	uint8_t random[SECRET_MAX_BYTES];
	char text[BASE64_TEXT(SECRET_MAX_BYTES)];
	size_t len;
	int r;

	if (getrandom(random, size, 0) != (ssize_t)size)
		return err_set_errno(err, ERR_TOKEN_KEY, errno, "there are no random bytes");
	len = base64url_encode(random, size, text);
	text[len] = '\n';
	r = write_new(file, 0600, (struct str){text, len + 1}, err);
	OPENSSL_cleanse(random, sizeof(random));
	OPENSSL_cleanse(text, sizeof(text));
	return r;
}

static int write_private(const char *file, EVP_PKEY *pkey, struct err *err)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *pem;
	struct str text;
	int r;

	if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) != 1) {
		r = err_set(err, ERR_TOKEN_KEY, "%s: OpenSSL can't write the key", file);
	} else {
		text.len = (size_t)BIO_get_mem_data(bio, &pem);
		text.data = pem;
		r = write_new(file, 0600, text, err);
	}
	BIO_free(bio); /* cleanses */
	ERR_clear_error();
	return r;
}

static int write_public(const char *file, const EVP_PKEY *pkey, enum jwt_alg alg, struct err *err)
{
	json_t *key = jwt_key_public(pkey, alg);
	json_t *set = key ? json_pack("{s:[o]}", "keys", key) : NULL;
	char *text = set ? json_dumps(set, JSON_INDENT(2)) : NULL;
	int r = text ? write_new(file, 0644, str_from(text), err)
		     : err_set(err, ERR_TOKEN_KEY, "%s: OpenSSL can't write the key", file);

	free(text);
	json_decref(set);
	return r;
}

int jwt_key_file_make(const char *file, enum jwt_alg alg, struct err *err)
{
	EVP_PKEY *pkey;
	char *public_file;
	int r;

	if (jwt_algs[alg].family == JWT_FAMILY_HMAC)
		return make_secret(file, alg, err);
	pkey = jwt_key_generate(alg);
	if (!pkey)
		return err_set(err, ERR_TOKEN_KEY, "OpenSSL can't make a key for %s",
			       jwt_algs[alg].name);
	public_file = mem_printf("%s.jwks.json", file);
	r = write_public(public_file, pkey, alg, err);
	if (r == 0 && (r = write_private(file, pkey, err)) < 0)
		unlink(public_file);
	free(public_file);
	EVP_PKEY_free(pkey);
	return r;
}

/* ---- reading ---- */

/* Nobody is asked for a passphrase. */
static int refuse_passphrase(char *out, int size, int is_writing, void *user)
{
	return -1;
}

static EVP_PKEY *parse_pem(const struct secret *text)
{
	BIO *bio = BIO_new_mem_buf(text->data, (int)text->len);
	EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, refuse_passphrase, NULL) : NULL;

	BIO_free(bio);
	ERR_clear_error();
	return pkey;
}

static int take_secret(struct jwt_key_file *key, const char *file, enum jwt_alg alg,
		       struct err *err)
{
	struct str secret = {(const char *)key->text.data, key->text.len};

	if (secret.len > 0 && secret.data[secret.len - 1] == '\n')
		secret.len--;
	if (alg == JWT_ALG_COUNT)
		alg = JWT_HS256;
	key->signer = (struct jwt_signer){.alg = alg, .secret = secret};
	if (jwt_algs[alg].family != JWT_FAMILY_HMAC)
		return err_set(err, ERR_TOKEN_KEY, "%s: %s is no algorithm for a shared secret",
			       file, jwt_algs[alg].name);
	if (secret.len < jwt_algs[alg].size)
		return err_set(err, ERR_TOKEN_KEY, "%s: the secret has %zu bytes, and %s wants %u",
			       file, secret.len, jwt_algs[alg].name, jwt_algs[alg].size);
	return 0;
}

/* A key of RSA may be asked for another algorithm of RSA, every other key has one. */
static bool may_sign(const EVP_PKEY *pkey, enum jwt_alg alg)
{
	enum jwt_alg usual = jwt_key_alg(pkey);

	if (usual == JWT_RS256)
		return (JWT_ALL_PKCS1 | JWT_ALL_PSS) & JWT_BIT(alg);
	return usual == alg;
}

static int take_private(struct jwt_key_file *key, EVP_PKEY *pkey, const char *file,
			enum jwt_alg alg, struct err *err)
{
	if (alg == JWT_ALG_COUNT)
		alg = jwt_key_alg(pkey);
	if (alg != JWT_ALG_COUNT && may_sign(pkey, alg) && jwt_signer_init(&key->signer, pkey, alg))
		return 0;
	key->signer.pkey = pkey; /* to be freed */
	if (alg == JWT_ALG_COUNT)
		return err_set(err, ERR_TOKEN_KEY, "%s: tokens are not signed by such a key", file);
	return err_set(err, ERR_TOKEN_KEY, "%s: the key is not one for %s", file,
		       jwt_algs[alg].name);
}

int jwt_key_file_load(const char *file, enum jwt_alg alg, struct jwt_key_file *out, struct err *err)
{
	static const struct private_file_codes codes = {ERR_TOKEN_KEY, ERR_TOKEN_KEY,
							ERR_TOKEN_KEY};
	EVP_PKEY *pkey;
	int r;

	*out = (struct jwt_key_file){0};
	r = private_file_read(file, KEY_MAX_BYTES, &codes, &out->text, err);
	if (r < 0)
		return r;
	pkey = parse_pem(&out->text);
	r = pkey ? take_private(out, pkey, file, alg, err) : take_secret(out, file, alg, err);
	if (r < 0)
		jwt_key_file_deinit(out);
	return r;
}

void jwt_key_file_deinit(struct jwt_key_file *key)
{
	EVP_PKEY_free(key->signer.pkey);
	secret_free(&key->text);
	*key = (struct jwt_key_file){0};
}
