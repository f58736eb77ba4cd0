/* One text becomes one value in a C struct, by the row of its setting. All places that a value can
 * come from end here: defaults, file, environment, flags. Pure. */
#ifndef PLUGD_CONFIG_VALUE_H
#define PLUGD_CONFIG_VALUE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "config/settings.h"

/* Sets a setting that one text makes (all kinds but SETTING_STRINGS, _PAIRS and _FREE) in `target`,
 * the struct that its offset counts from. `directory` is where a relative path begins; what is kept
 * lives in the arena. 0, or -EINVAL and *err: one of ERR_CONFIG_*, what is wrong and what would be
 * right. Then the target is unchanged. */
int value_set(const struct setting *setting, struct str text, const char *directory,
	      struct arena *arena, void *target, struct err *err);

/* A path that begins with / as it is, another one below the directory. Lives in the arena, or where
 * the path does. */
struct str value_absolute(struct str path, const char *directory, struct arena *arena);

/* Whether the text may stand in a setting of texts: its length, its bytes, its rule. 0, or as
 * above. */
int value_check_text(const struct setting *setting, struct str text, struct err *err);

/* Put a pointer (also: none) and a length in their fields, and look at the pointer. */
void value_set_pointer(const struct setting *setting, void *pointer, void *target);
const char *value_pointer(const struct setting *setting, const void *target);
void value_set_length(const struct setting *setting, size_t length, void *target);

#endif
