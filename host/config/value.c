/* From text to value. A message quotes what was written and shows what to write. Fields are written
 * by memcpy with the width that their row knows, because the rows, not the compiler, know the
 * types. */
#include "config/value.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>

#include "base/units.h"
#include "config/quote.h"
#include "config/suggest.h"
#include "net/chars.h"
#include "observe/errors.h"

static void field_put(const struct setting *setting, const void *value, size_t bytes, void *target)
{
	assert(setting->bytes == bytes);
	memcpy((char *)target + setting->offset, value, bytes);
}

static void field_put_u64(const struct setting *setting, uint64_t value, void *target)
{
	uint32_t narrow = (uint32_t)value;

	if (setting->bytes == sizeof(narrow))
		field_put(setting, &narrow, sizeof(narrow), target);
	else
		field_put(setting, &value, sizeof(value), target);
}

void value_set_pointer(const struct setting *setting, void *pointer, void *target)
{
	field_put(setting, &pointer, sizeof(pointer), target);
}

const char *value_pointer(const struct setting *setting, const void *target)
{
	const char *pointer;

	memcpy(&pointer, (const char *)target + setting->offset, sizeof(pointer));
	return pointer;
}

void value_set_length(const struct setting *setting, size_t length, void *target)
{
	memcpy((char *)target + setting->length, &length, sizeof(length));
}

/* ---- refusals ---- */

static int refuse_kind(const struct setting *setting, struct str text, const char *hint,
		       struct err *err)
{
	struct buf kind = {0};

	setting_put_kind(setting, &kind);
	err_set(err, ERR_CONFIG_TYPE, "%s is not %.*s%s", quote_of(text).text, (int)buf_len(&kind),
		(const char *)buf_front(&kind), hint);
	buf_deinit(&kind);
	return -EINVAL;
}

static int refuse_range(const struct setting *setting, struct str text, struct err *err)
{
	struct buf range = {0};

	setting_put_range(setting, &range);
	err_set(err, ERR_CONFIG_RANGE, "%s is outside the range, which is %.*s",
		quote_of(text).text, (int)buf_len(&range), (const char *)buf_front(&range));
	buf_deinit(&range);
	return -EINVAL;
}

/* ---- texts ---- */

int value_check_text(const struct setting *setting, struct str text, struct err *err)
{
	if (text.len == 0 && setting->min > 0)
		return err_set(err, ERR_CONFIG_RANGE,
			       "is empty; write a value, or leave the key out");

	/* The rule first: it says what would be right. */
	const char *wrong = setting->check ? setting->check(text) : NULL;
	if (wrong)
		return err_set(err, ERR_CONFIG_TYPE, "%s %s", quote_of(text).text, wrong);
	if (text.len < (size_t)setting->min || text.len > (size_t)setting->max)
		return err_set(err, ERR_CONFIG_RANGE,
			       "%s has %zu bytes, which must be from %" PRId64 " to %" PRId64,
			       quote_of(text).text, text.len, setting->min, setting->max);
	return 0;
}

static int set_string(const struct setting *setting, struct str text, struct arena *arena,
		      void *target, struct err *err)
{
	if (setting->none && str_eq(text, STR_LITERAL("none"))) {
		value_set_pointer(setting, NULL, target);
		return 0;
	}
	if (value_check_text(setting, text, err) < 0)
		return -EINVAL;
	value_set_pointer(setting, arena_strndup(arena, text), target);
	return 0;
}

struct str value_absolute(struct str path, const char *directory, struct arena *arena)
{
	if (str_eq(path, STR_LITERAL(".")))
		return str_from(arena_strndup(arena, str_from(directory)));
	if (str_starts_with(path, STR_LITERAL("./")))
		path = (struct str){path.data + 2, path.len - 2};
	if (path.len == 0 || path.data[0] == '/')
		return path;
	return str_from(arena_printf(arena, "%s%s%.*s", directory,
				     strcmp(directory, "/") == 0 ? "" : "/", STR_ARG(path)));
}

static int set_path(const struct setting *setting, struct str text, const char *directory,
		    struct arena *arena, void *target, struct err *err)
{
	if (setting->none && str_eq(text, STR_LITERAL("none")))
		return set_string(setting, text, arena, target, err);
	return set_string(setting, value_absolute(text, directory, arena), arena, target, err);
}

/* ---- numbers ---- */

static int set_number(const struct setting *setting, struct str text, bool parsed, uint64_t value,
		      const char *hint, void *target, struct err *err)
{
	if (!parsed)
		return refuse_kind(setting, text, hint, err);
	if (value < (uint64_t)setting->min || value > (uint64_t)setting->max)
		return refuse_range(setting, text, err);
	field_put_u64(setting, value, target);
	return 0;
}

static bool is_digits(struct str text)
{
	while (text.len > 0 && chars_is_digit(text.data[text.len - 1]))
		text.len--;
	return text.len == 0;
}

static int set_int(const struct setting *setting, struct str text, void *target, struct err *err)
{
	uint64_t value = UINT64_MAX; /* too many digits are a number too */
	bool parsed = str_to_u64(text, UINT64_MAX, &value) || (text.len > 0 && is_digits(text));

	return set_number(setting, text, parsed, value, "", target, err);
}

static int set_duration(const struct setting *setting, struct str text, void *target,
			struct err *err)
{
	int64_t ms = 0;
	bool parsed = units_parse_duration_ms(text, &ms);
	const char *hint = is_digits(text) ? "; its unit is missing" : "";

	return set_number(setting, text, parsed, (uint64_t)ms, hint, target, err);
}

static int set_size(const struct setting *setting, struct str text, void *target, struct err *err)
{
	uint64_t bytes = 0;
	bool parsed = units_parse_bytes(text, &bytes);

	return set_number(setting, text, parsed, bytes, "", target, err);
}

/* ---- words ---- */

/* What other languages, and YAML before 1.2, call true and false. */
static const char *bool_hint(struct str text)
{
	static const char *const words[][2] = {
		{"yes", "; write true"}, {"on", "; write true"},    {"true", "; write true"},
		{"1", "; write true"},	 {"no", "; write false"},   {"off", "; write false"},
		{"0", "; write false"},	 {"false", "; write false"}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (str_eq_nocase(text, str_from(words[i][0])))
			return words[i][1];
	}
	return "";
}

static int set_bool(const struct setting *setting, struct str text, void *target, struct err *err)
{
	bool value = str_eq(text, STR_LITERAL("true"));

	if (!value && !str_eq(text, STR_LITERAL("false")))
		return refuse_kind(setting, text, bool_hint(text), err);
	field_put(setting, &value, sizeof(value), target);
	return 0;
}

static int set_choice(const struct setting *setting, struct str text, void *target, struct err *err)
{
	struct suggest suggest = suggest_for(text);

	for (uint32_t i = 0; setting->choices[i]; i++) {
		if (str_eq(text, str_from(setting->choices[i]))) {
			field_put(setting, &i, sizeof(i), target);
			return 0;
		}
		suggest_offer(&suggest, setting->choices[i]);
	}
	refuse_kind(setting, text, "", err);
	if (suggest.best && setting->choices[1]) {
		struct err plain = *err;
		err_set(err, plain.code, "%s; did you mean %s?", plain.text, suggest.best);
	}
	return -EINVAL;
}

int value_set(const struct setting *setting, struct str text, const char *directory,
	      struct arena *arena, void *target, struct err *err)
{
	switch (setting->kind) {
	case SETTING_STRING:
		return set_string(setting, text, arena, target, err);
	case SETTING_PATH:
		return set_path(setting, text, directory, arena, target, err);
	case SETTING_BOOL:
		return set_bool(setting, text, target, err);
	case SETTING_INT:
		return set_int(setting, text, target, err);
	case SETTING_DURATION:
		return set_duration(setting, text, target, err);
	case SETTING_SIZE:
		return set_size(setting, text, target, err);
	case SETTING_CHOICE:
		return set_choice(setting, text, target, err);
	case SETTING_STRINGS:
	case SETTING_PAIRS:
	case SETTING_SOURCES:
	case SETTING_FREE:
		break;
	}
	return err_set(err, ERR_CONFIG_TYPE, "can't be made from one text");
}
