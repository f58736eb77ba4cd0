/* Names of servers, and whose they are.
 *
 * A sorted array: names are added when certificates are loaded, and asked for in each handshake.
 * Names are compared without regard to case (RFC 4343), a final dot means nothing. A star stands
 * for exactly one label, the first (RFC 9525, 6.3), and never for a part of one. tls.c calls it; it
 * owns its texts. */
#include "net/tls_names.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/chars.h"

#define LABEL_BYTES 63u

static bool is_label_char(char c)
{
	return (c >= 'a' && c <= 'z') || chars_is_digit(c) || c == '-' || c == '_';
}

static bool is_label(const char *text, size_t len)
{
	if (len == 0 || len > LABEL_BYTES || text[0] == '-' || text[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_label_char(text[i]))
			return false;
	}
	return true;
}

/* Lower case and without a final dot. False: it can't be a name. */
static bool normalize(struct str name, char out[TLS_NAME_BYTES])
{
	if (name.len > 0 && name.data[name.len - 1] == '.')
		name.len--;
	if (name.len == 0 || name.len >= TLS_NAME_BYTES)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];

		out[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	out[name.len] = '\0';
	return strlen(out) == name.len;
}

static bool are_labels(const char *text)
{
	for (;;) {
		size_t len = strcspn(text, ".");

		if (!is_label(text, len))
			return false;
		if (text[len] == '\0')
			return true;
		text += len + 1;
	}
}

bool tls_name_is_valid(struct str name)
{
	char text[TLS_NAME_BYTES];

	if (!normalize(name, text))
		return false;
	if (strncmp(text, "*.", 2) == 0) /* not for all names of a top-level domain */
		return are_labels(text + 2) && strchr(text + 2, '.');
	return are_labels(text);
}

void tls_names_add(struct tls_names *names, struct str name, size_t index)
{
	char text[TLS_NAME_BYTES];

	assert(tls_name_is_valid(name));
	normalize(name, text);
	if (names->count == names->room) {
		names->room = names->room ? 2 * names->room : 8;
		names->items = mem_realloc(names->items, names->room * sizeof(*names->items));
	}
	names->items[names->count++] = (struct tls_name){mem_strdup(text), index};
	names->is_sorted = false;
}

static int compare(const void *a, const void *b)
{
	const struct tls_name *left = a;
	const struct tls_name *right = b;
	int order = strcmp(left->text, right->text);

	return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

/* Sorts, and keeps the first of those that are equal. */
static void settle(struct tls_names *names)
{
	size_t kept = 0;

	if (names->count > 0)
		qsort(names->items, names->count, sizeof(*names->items), compare);
	for (size_t i = 0; i < names->count; i++) {
		if (kept > 0 && strcmp(names->items[kept - 1].text, names->items[i].text) == 0)
			free(names->items[i].text);
		else
			names->items[kept++] = names->items[i];
	}
	names->count = kept;
	names->is_sorted = true;
}

static int compare_key(const void *key, const void *item)
{
	return strcmp(key, ((const struct tls_name *)item)->text);
}

static bool find(const struct tls_names *names, const char *text, size_t *index_out)
{
	const struct tls_name *found = NULL;

	if (names->count > 0)
		found = bsearch(text, names->items, names->count, sizeof(*names->items),
				compare_key);
	if (found)
		*index_out = found->index;
	return found;
}

bool tls_names_find(struct tls_names *names, struct str name, size_t *index_out)
{
	char text[TLS_NAME_BYTES];
	char *dot;

	if (!names->is_sorted)
		settle(names);
	if (!normalize(name, text) || !are_labels(text))
		return false;
	if (find(names, text, index_out))
		return true;
	dot = strchr(text, '.');
	if (!dot || dot == text)
		return false;
	dot[-1] = '*';
	return find(names, dot - 1, index_out);
}

void tls_names_deinit(struct tls_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i].text);
	free(names->items);
	*names = (struct tls_names){0};
}
