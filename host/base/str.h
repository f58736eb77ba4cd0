/* Text that belongs to somebody else (struct str), and the few things done to it. Pure. */
#ifndef PLUGD_BASE_STR_H
#define PLUGD_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A borrowed run of characters, not terminated. {NULL, 0} is the empty one. */
struct str {
	const char *data;
	size_t len;
};

/* For printf("%.*s"). */
#define STR_ARG(s) (int)(s).len, (s).data

#define STR_LITERAL(text) ((struct str){(text), sizeof(text) - 1})

static inline struct str str_from(const char *text)
{
	return (struct str){text, text ? strlen(text) : 0};
}

bool str_eq(struct str a, struct str b);
bool str_eq_nocase(struct str a, struct str b); /* ASCII only */
bool str_starts_with(struct str text, struct str prefix);

/* Orders like memcmp, the shorter first. */
int str_compare(struct str a, struct str b);

/* Removes spaces and tabs at both ends. */
struct str str_trim(struct str text);

/* Copies into `out` of `size` bytes, cut if needed, always terminated. Returns out. */
char *str_copy(char *out, size_t size, struct str text);

/* Decimal digits only, no sign, no space. False when it is none or above max. */
bool str_to_u64(struct str text, uint64_t max, uint64_t *out);

/* `out` holds 2 * len + 1 bytes. Lower case, terminated. */
void str_hex(char *out, const uint8_t *data, size_t len);

/* The reverse; accepts both cases. False unless text is exactly 2 * len digits. */
bool str_unhex(struct str text, uint8_t *out, size_t len);

/* Bytes of the UTF-8 character at the front; 0 when there is none or it is malformed. */
size_t str_utf8_next(struct str text);

/* Edits (insert, delete, replace, swap neighbours) that lead from a to b; for "did you mean". Texts
 * above STR_DISTANCE_MAX bytes are as far apart as the longer one is long. */
#define STR_DISTANCE_MAX 64
unsigned str_distance(struct str a, struct str b);

#endif
