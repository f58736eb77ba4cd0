/* The secrets of one generation of a plugin: named values in locked memory. All its instances get
 * the same. */
#ifndef PLUGD_PLUGIN_SECRETS_H
#define PLUGD_PLUGIN_SECRETS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "plugin/redact.h"
#include "proto/wire.h"

#define SECRETS_MAX	   64
#define SECRETS_NAME_BYTES 64		/* of a name, at most */
#define SECRETS_MAX_BYTES  (256u << 10) /* of all values together */

struct secrets;

/* Reads each "name=source" of a NULL-terminated list (trust/secret_source.h says what a source is);
 * NULL is an empty one. 0 and *out with one holder (NULL: there are none), or -errno and *err,
 * which names the secret and its source. From the first one on this process dumps no core. */
int secrets_load(char *const *sources, struct secrets **out, struct err *err);

struct secrets *secrets_hold(struct secrets *secrets); /* returns it; NULL is fine */
void secrets_release(struct secrets *secrets);	       /* the last one zeroes; NULL is fine */

/* The rest borrow; NULL has none. */
size_t secrets_count(const struct secrets *secrets);
const char *secrets_name(const struct secrets *secrets, size_t i);
struct wire_bytes secrets_value(const struct secrets *secrets, size_t i);
bool secrets_are_locked(const struct secrets *secrets);

/* Finds the values in texts; NULL when there are none. */
const struct redactor *secrets_redactor(const struct secrets *secrets);

#endif
