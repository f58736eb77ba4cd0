/* Building JSON objects: a member at a time, any text. jansson refuses text that isn't
 * UTF-8; names and reasons may come from plugins, so here each malformed byte becomes U+FFFD.
 * Pure. */
#ifndef PLUGD_BASE_MEMBER_H
#define PLUGD_BASE_MEMBER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Once, before any JSON: memory is there for jansson, too (base/mem.h). */
void member_init(void);

json_t *text_json(struct str text); /* returns owned */

/* Set a member of `object`; the name is a constant. */
void member_text(json_t *object, const char *name, const char *text); /* NULL: null */
void member_str(json_t *object, const char *name, struct str text);
void member_int(json_t *object, const char *name, int64_t value);
void member_bool(json_t *object, const char *name, bool value);
void member_json(json_t *object, const char *name, json_t *value); /* takes */

#endif
