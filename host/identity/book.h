/* Everybody whom one configuration knows: API keys, users, meanings of certificates. Read as a
 * whole or not at all, never changed, and held by the routes of that configuration, so a reload
 * brings another one and requests keep theirs. */
#ifndef PLUGD_IDENTITY_BOOK_H
#define PLUGD_IDENTITY_BOOK_H

#include "base/err.h"
#include "identity/identity_opts.h"

struct book;
struct api_keys;
struct users;
struct certificate_map;
struct identity;
struct jwt_issuers;

/* Reads the files, and opens the keys of issuers in `identity`. Borrows both while the book lives.
 * Returns owned; NULL with *err. */
struct book *book_new(const struct identity_opts *opts, struct identity *identity, struct err *err);
void book_free(struct book *book); /* NULL is fine */

/* It is in force: what it shares with others goes by its settings. */
void book_apply(struct book *book);

/* Reads all files, those of issuers too, and keeps nothing: what a start would say of them. URLs
 * are not asked. 0, or -errno with *err. */
int book_check_files(const struct identity_opts *opts, struct err *err);

const struct identity_opts *book_opts(const struct book *book);
const struct api_keys *book_api_keys(const struct book *book); /* NULL: there are none */
const struct users *book_users(const struct book *book);       /* NULL: there are none */
const struct certificate_map *book_certificates(const struct book *book);
struct jwt_issuers *book_jwt(const struct book *book); /* NULL: there are none */

#endif
