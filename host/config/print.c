/* From value to text. Fields are read by memcpy with the width that their row knows, as value.c
 * writes them. Two values are equal when they mean the same, wherever their bytes are. */
#include "config/print.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/units.h"
#include "config/pack.h"
#include "config/quote.h"

static const void *field_at(const struct setting *setting, const void *target)
{
	return (const char *)target + setting->offset;
}

static uint64_t get_number(const struct setting *setting, const void *target)
{
	uint32_t narrow;
	uint64_t wide;

	if (setting->bytes == sizeof(bool))
		return *(const bool *)field_at(setting, target);
	if (setting->bytes == sizeof(narrow)) {
		memcpy(&narrow, field_at(setting, target), sizeof(narrow));
		return narrow;
	}
	assert(setting->bytes == sizeof(wide));
	memcpy(&wide, field_at(setting, target), sizeof(wide));
	return wide;
}

static const void *get_pointer(const struct setting *setting, const void *target)
{
	const void *pointer;

	memcpy(&pointer, field_at(setting, target), sizeof(pointer));
	return pointer;
}

static struct str get_free(const struct setting *setting, const void *target)
{
	struct str bytes = {get_pointer(setting, target), 0};

	memcpy(&bytes.len, (const char *)target + setting->length, sizeof(bytes.len));
	return bytes;
}

/* ---- as text ---- */

/* A text that YAML would take for something else, or that a terminal would, is put in quotes. */
static bool is_plain(const char *text)
{
	for (const char *c = text; *c; c++) {
		if ((unsigned char)*c <= ' ' || *c == 0x7f || strchr("\"'{}[],#&*!|>%@`", *c))
			return false;
	}
	return text[0] != '\0';
}

static void print_text(const char *text, struct buf *out)
{
	buf_append_str(out, str_from(is_plain(text) ? text : quote_of(str_from(text)).text));
}

static void print_list(char *const *texts, struct buf *out)
{
	buf_append_str(out, STR_LITERAL("["));
	for (size_t i = 0; texts[i]; i++) {
		buf_append_str(out, str_from(i > 0 ? ", " : ""));
		print_text(texts[i], out);
	}
	buf_append_str(out, STR_LITERAL("]"));
}

/* "db=file:/etc/db" as YAML: where secrets are, which is no secret. */
static void print_sources(char *const *sources, struct buf *out)
{
	buf_append_str(out, STR_LITERAL("{"));
	for (size_t i = 0; sources[i]; i++) {
		const char *kind = strchr(sources[i], '=') + 1;
		const char *where = strchr(kind, ':') + 1;

		buf_printf(out, "%s%.*s: {%.*s: ", i > 0 ? ", " : "", (int)(kind - sources[i] - 1),
			   sources[i], (int)(where - kind - 1), kind);
		print_text(where, out);
		buf_append_str(out, STR_LITERAL("}"));
	}
	buf_append_str(out, STR_LITERAL("}"));
}

static bool is_list(const struct setting *setting)
{
	return setting->kind == SETTING_STRINGS || setting->kind == SETTING_PAIRS ||
	       setting->kind == SETTING_SOURCES;
}

static bool print_pointer(const struct setting *setting, const void *target, struct buf *out)
{
	const void *value = get_pointer(setting, target);

	if (!value)
		return false;
	if (setting->kind == SETTING_FREE)
		pack_print(get_free(setting, target), out);
	else if (setting->kind == SETTING_SOURCES)
		print_sources(value, out);
	else if (is_list(setting))
		print_list(value, out);
	else
		print_text(value, out);
	return true;
}

bool value_print(const struct setting *setting, const void *target, struct buf *out)
{
	char text[UNITS_TEXT];

	switch (setting->kind) {
	case SETTING_BOOL:
		buf_append_str(out, str_from(get_number(setting, target) ? "true" : "false"));
		return true;
	case SETTING_INT:
		buf_printf(out, "%" PRIu64, get_number(setting, target));
		return true;
	case SETTING_CHOICE:
		buf_append_str(out, str_from(setting->choices[get_number(setting, target)]));
		return true;
	case SETTING_DURATION:
		units_format_duration_ms(text, (int64_t)get_number(setting, target));
		buf_append_str(out, str_from(text));
		return true;
	case SETTING_SIZE:
		units_format_bytes(text, get_number(setting, target));
		buf_append_str(out, str_from(text));
		return true;
	case SETTING_STRING:
	case SETTING_PATH:
	case SETTING_STRINGS:
	case SETTING_PAIRS:
	case SETTING_SOURCES:
	case SETTING_FREE:
		break;
	}
	return print_pointer(setting, target, out);
}

/* ---- equal ---- */

static bool lists_equal(char *const *a, char *const *b)
{
	if (!a || !b)
		return a == b;
	while (*a && *b && strcmp(*a, *b) == 0) {
		a++;
		b++;
	}
	return !*a && !*b;
}

static bool texts_equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool value_equal(const struct setting *setting, const void *a, const void *b)
{
	const void *left, *right;

	switch (setting->kind) {
	case SETTING_BOOL:
	case SETTING_INT:
	case SETTING_CHOICE:
	case SETTING_DURATION:
	case SETTING_SIZE:
		return get_number(setting, a) == get_number(setting, b);
	case SETTING_FREE:
		return str_eq(get_free(setting, a), get_free(setting, b));
	case SETTING_STRING:
	case SETTING_PATH:
	case SETTING_STRINGS:
	case SETTING_PAIRS:
	case SETTING_SOURCES:
		break;
	}
	left = get_pointer(setting, a);
	right = get_pointer(setting, b);
	if (is_list(setting))
		return lists_equal(left, right);
	return texts_equal(left, right);
}
