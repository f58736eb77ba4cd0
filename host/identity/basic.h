/* Users with passwords: HTTP's Basic (RFC 7617). */
#ifndef PLUGD_IDENTITY_BASIC_H
#define PLUGD_IDENTITY_BASIC_H

#include "base/err.h"
#include "identity/proof.h"

struct users;

/* Reads the file. Returns owned; NULL with *err. */
struct users *users_new(const char *path, struct err *err);
void users_free(struct users *users); /* NULL is fine */

/* As struct method has them. */
void basic_peek(struct proof *proof);
enum verdict basic_verify(struct proof *proof);

#endif
