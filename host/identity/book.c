/* Everybody whom one configuration knows. Owns what was read; called by edge/routes, which makes
 * one for each configuration and frees it with the last request under it. Fails when a file can't
 * be used: then the configuration is refused, and nothing has changed. */
#include "identity/book.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "identity/api_keys.h"
#include "identity/basic.h"
#include "identity/certificates.h"
#include "identity/identity.h"
#include "identity/jwt_issuers.h"

struct book {
	const struct identity_opts *opts;
	struct api_keys *api_keys;
	struct users *users;
	struct certificate_map *certificates;
	struct jwt_issuers *jwt;
};

static int read_all(struct book *book, struct identity *identity, struct err *err)
{
	const struct identity_opts *opts = book->opts;

	if (opts->api_keys && !(book->api_keys = api_keys_new(opts->api_keys, err)))
		return -1;
	if (opts->users && !(book->users = users_new(opts->users, err)))
		return -1;
	if (opts->jwt.issuer_count > 0 &&
	    !(book->jwt = jwt_issuers_new(&opts->jwt, identity_jwks(identity), err)))
		return -1;
	book->certificates = certificate_map_new(opts, err);
	return book->certificates ? 0 : -1;
}

struct book *book_new(const struct identity_opts *opts, struct identity *identity, struct err *err)
{
	struct book *book = mem_new(struct book);

	book->opts = opts;
	if (read_all(book, identity, err) == 0)
		return book;
	book_free(book);
	return NULL;
}

int book_check_files(const struct identity_opts *opts, struct err *err)
{
	struct identity_opts files = *opts;
	struct book *book;

	files.jwt.issuer_count = 0; /* they would be asked, and watched */
	book = book_new(&files, NULL, err);
	if (!book)
		return -EINVAL;
	book_free(book);
	return jwt_issuers_check_files(&opts->jwt, err);
}

void book_free(struct book *book)
{
	if (!book)
		return;
	api_keys_free(book->api_keys);
	users_free(book->users);
	certificate_map_free(book->certificates);
	jwt_issuers_free(book->jwt);
	free(book);
}

void book_apply(struct book *book)
{
	if (book->jwt)
		jwt_issuers_apply(book->jwt);
}

const struct identity_opts *book_opts(const struct book *book)
{
	return book->opts;
}

const struct api_keys *book_api_keys(const struct book *book)
{
	return book->api_keys;
}

const struct users *book_users(const struct book *book)
{
	return book->users;
}

const struct certificate_map *book_certificates(const struct book *book)
{
	return book->certificates;
}

struct jwt_issuers *book_jwt(const struct book *book)
{
	return book->jwt;
}
