/* Secrets of a plugin: what its operator lists under `secrets`, for this plugin and nobody else.
 * Included by plug.h.
 *
 * They are there from on_start on until plug_serve() returns, the same all the time, in memory that
 * never reaches swap (as far as the limit on locked memory allows) or a core dump, and is zeroed at
 * the end. What you copy out of it is your own to zero. Any thread may ask at any time. */
#ifndef PLUG_SECRET_H
#define PLUG_SECRET_H

#include "plug.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Every byte of the value, a line break at its end too; borrowed until plug_serve() returns. data
 * is NULL when there is no secret of that name, and never otherwise. */
PLUG_API struct plug_bytes plug_secret(const struct plug *plug, const char *name);

/* The same as a terminated text, without one line break at its end: for passwords and tokens in
 * files that an editor wrote. NULL when there is none, or when it has a zero byte in it. */
PLUG_API const char *plug_secret_text(const struct plug *plug, const char *name);

#ifdef __cplusplus
}
#endif

#endif
