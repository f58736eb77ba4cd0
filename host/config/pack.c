/* YAML to MessagePack, by msgpack-c. The depth is bounded by the parser (YAML_MAX_DEPTH), the size
 * by CONFIG_PLUGIN_MAX_BYTES, because the section travels to the plugin in one frame. */
#include "config/pack.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <msgpack.h>
#include <stdlib.h>

#include "config/duplicates.h"
#include "config/quote.h"
#include "net/chars.h"
#include "observe/errors.h"

/* ---- back to text, for people ---- */

static void print_object(const msgpack_object *object, struct buf *out);

static void print_text(struct str text, struct buf *out)
{
	buf_append_str(out, str_from(quote_of(text).text));
}

static void print_list(const msgpack_object_array *list, struct buf *out)
{
	buf_append_str(out, STR_LITERAL("["));
	for (uint32_t i = 0; i < list->size; i++) {
		buf_append_str(out, str_from(i > 0 ? ", " : ""));
		print_object(&list->ptr[i], out);
	}
	buf_append_str(out, STR_LITERAL("]"));
}

static void print_map(const msgpack_object_map *map, struct buf *out)
{
	buf_append_str(out, STR_LITERAL("{"));
	for (uint32_t i = 0; i < map->size; i++) {
		buf_append_str(out, str_from(i > 0 ? ", " : ""));
		print_object(&map->ptr[i].key, out);
		buf_append_str(out, STR_LITERAL(": "));
		print_object(&map->ptr[i].val, out);
	}
	buf_append_str(out, STR_LITERAL("}"));
}

static void print_object(const msgpack_object *object, struct buf *out)
{
	switch (object->type) {
	case MSGPACK_OBJECT_NIL:
		buf_append_str(out, STR_LITERAL("null"));
		return;
	case MSGPACK_OBJECT_BOOLEAN:
		buf_append_str(out, str_from(object->via.boolean ? "true" : "false"));
		return;
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
		buf_printf(out, "%" PRIu64, object->via.u64);
		return;
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		buf_printf(out, "%" PRId64, object->via.i64);
		return;
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		buf_printf(out, "%.17g", object->via.f64);
		return;
	case MSGPACK_OBJECT_STR:
		print_text((struct str){object->via.str.ptr, object->via.str.size}, out);
		return;
	case MSGPACK_OBJECT_ARRAY:
		print_list(&object->via.array, out);
		return;
	case MSGPACK_OBJECT_MAP:
		print_map(&object->via.map, out);
		return;
	case MSGPACK_OBJECT_BIN:
	case MSGPACK_OBJECT_EXT:
		buf_append_str(out, STR_LITERAL("?"));
		return;
	}
}

void pack_print(struct str packed, struct buf *out)
{
	msgpack_unpacked unpacked;

	msgpack_unpacked_init(&unpacked);
	if (msgpack_unpack_next(&unpacked, packed.data, packed.len, NULL) == MSGPACK_UNPACK_SUCCESS)
		print_object(&unpacked.data, out);
	else
		buf_append_str(out, STR_LITERAL("?"));
	msgpack_unpacked_destroy(&unpacked);
}

/* ---- from YAML ---- */

struct packing {
	msgpack_packer packer;
	struct config_errors *errors;
	struct place place;
	bool failed;
};

static void packing_fail(struct packing *packing, const struct yaml_node *node, const char *why)
{
	packing->place.line = node->line;
	packing->failed = true;
	problem_add(packing->errors, packing->place, ERR_CONFIG_RANGE, "%s %s",
		    quote_of(node->text).text, why);
}

static void pack_string(struct packing *packing, struct str text)
{
	msgpack_pack_str(&packing->packer, text.len);
	msgpack_pack_str_body(&packing->packer, text.data, text.len);
}

/* ---- scalars of the core schema (YAML 1.2.2, 10.3.2) ---- */

static bool is_word(struct str text, const char *const *words)
{
	while (*words && !str_eq(text, str_from(*words)))
		words++;
	return *words != NULL;
}

static bool pack_word(struct packing *packing, struct str text)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
	static const char *const trues[] = {"true", "True", "TRUE", NULL};
	static const char *const falses[] = {"false", "False", "FALSE", NULL};
	static const char *const nans[] = {".nan", ".NaN", ".NAN", NULL};
	static const char *const infs[] = {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", NULL};
	static const char *const minus_infs[] = {"-.inf", "-.Inf", "-.INF", NULL};

	if (is_word(text, nulls))
		msgpack_pack_nil(&packing->packer);
	else if (is_word(text, trues))
		msgpack_pack_true(&packing->packer);
	else if (is_word(text, falses))
		msgpack_pack_false(&packing->packer);
	else if (is_word(text, nans))
		msgpack_pack_double(&packing->packer, (double)NAN);
	else if (is_word(text, infs))
		msgpack_pack_double(&packing->packer, (double)INFINITY);
	else if (is_word(text, minus_infs))
		msgpack_pack_double(&packing->packer, -(double)INFINITY);
	else
		return false;
	return true;
}

/* The number of characters at `at` that are digits of the base. */
static size_t count_digits(struct str text, size_t at, int base)
{
	size_t end = at;

	while (end < text.len) {
		int digit = chars_hex(text.data[end]);
		if (digit < 0 || digit >= base)
			break;
		end++;
	}
	return end - at;
}

/* [-+]?[0-9]+, 0o[0-7]+, 0x[0-9a-fA-F]+. Returns the base, or 0; *at_out is where the digits begin.
 */
static int integer_base(struct str text, size_t *at_out)
{
	int base = 10;
	size_t at = text.len > 0 && (text.data[0] == '-' || text.data[0] == '+');

	if (str_starts_with(text, STR_LITERAL("0x")) || str_starts_with(text, STR_LITERAL("0o"))) {
		base = text.data[1] == 'x' ? 16 : 8;
		at = 2;
	}
	size_t digits = count_digits(text, at, base);
	*at_out = at;
	return digits > 0 && at + digits == text.len ? base : 0;
}

/* False when it is no integer. */
static bool pack_integer(struct packing *packing, const struct yaml_node *node)
{
	struct str text = node->text;
	size_t at;
	int base = integer_base(text, &at);

	if (base == 0)
		return false;

	bool negative = text.data[0] == '-';
	errno = 0;
	uint64_t value = strtoull(text.data + at, NULL, base);
	if (errno != 0 || (negative && value > (uint64_t)INT64_MAX + 1))
		packing_fail(packing, node,
			     "doesn't fit into 64 bits; put it in quotes to pass it as text");
	else if (negative)
		msgpack_pack_int64(&packing->packer, (int64_t)(0 - value));
	else
		msgpack_pack_uint64(&packing->packer, value);
	return true;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool is_float(struct str text)
{
	size_t at = text.len > 0 && (text.data[0] == '-' || text.data[0] == '+');
	size_t whole = count_digits(text, at, 10), fraction = 0;

	at += whole;
	if (at < text.len && text.data[at] == '.') {
		fraction = count_digits(text, ++at, 10);
		at += fraction;
	}
	if (whole + fraction == 0)
		return false;
	if (at < text.len && (text.data[at] == 'e' || text.data[at] == 'E')) {
		at++;
		at += at < text.len && (text.data[at] == '-' || text.data[at] == '+');
		size_t exponent = count_digits(text, at, 10);
		at += exponent;
		if (exponent == 0)
			return false;
	}
	return at == text.len;
}

static bool pack_float(struct packing *packing, const struct yaml_node *node)
{
	if (!is_float(node->text))
		return false;

	double value = strtod(node->text.data, NULL);
	if (isinf(value))
		packing_fail(packing, node,
			     "is too large for a float; put it in quotes to pass it as text");
	else
		msgpack_pack_double(&packing->packer, value);
	return true;
}

static void pack_text(struct packing *packing, const struct yaml_node *node)
{
	if (node->plain && (pack_word(packing, node->text) || pack_integer(packing, node) ||
			    pack_float(packing, node)))
		return;
	pack_string(packing, node->text);
}

/* ---- the tree ---- */

static void pack_node(struct packing *packing, const struct yaml_node *node);

static void pack_pairs(struct packing *packing, const struct yaml_node *map)
{
	if (duplicates_report(map, packing->place, packing->errors) > 0)
		packing->failed = true;
	msgpack_pack_map(&packing->packer, map->count);
	for (const struct yaml_node *key = map->first; key; key = key->next) {
		pack_string(packing, key->text);
		pack_node(packing, key->value);
	}
}

static void pack_node(struct packing *packing, const struct yaml_node *node)
{
	switch (node->kind) {
	case YAML_TEXT:
		pack_text(packing, node);
		return;
	case YAML_LIST:
		msgpack_pack_array(&packing->packer, node->count);
		for (const struct yaml_node *item = node->first; item; item = item->next)
			pack_node(packing, item);
		return;
	case YAML_MAP:
		pack_pairs(packing, node);
		return;
	}
}

int pack_map(const struct yaml_node *node, struct place place, struct config_errors *errors,
	     struct arena *arena, struct str *out)
{
	struct packing packing = {.errors = errors, .place = place};
	msgpack_sbuffer bytes;

	msgpack_sbuffer_init(&bytes);
	msgpack_packer_init(&packing.packer, &bytes, msgpack_sbuffer_write);
	pack_pairs(&packing, node);
	if (!packing.failed && bytes.size > CONFIG_PLUGIN_MAX_BYTES) {
		packing.failed = true;
		problem_add(errors, place, ERR_CONFIG_RANGE,
			    "takes %zu bytes as MessagePack, but at most %u go to a plugin; put "
			    "the rest "
			    "in a file of its own",
			    bytes.size, CONFIG_PLUGIN_MAX_BYTES);
	}
	if (!packing.failed)
		*out = arena_str(arena, (struct str){bytes.data, bytes.size});
	msgpack_sbuffer_destroy(&bytes);
	return packing.failed ? -EINVAL : 0;
}
