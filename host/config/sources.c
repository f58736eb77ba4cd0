/* From `{db: {file: secrets/db}}` to "db=file:/etc/plugd/secrets/db". A source has exactly one
 * kind; the table says what each kind's text must be. Called by fill.c. */
#include "config/sources.h"

#include <string.h>

#include "config/duplicates.h"
#include "config/quote.h"
#include "config/rules.h"
#include "observe/errors.h"
#include "plugin/secrets.h"

static const struct kind {
	const char *key;
	bool is_path;
	setting_check_fn *check; /* NULL: any text */
	const char *example;
} kinds[] = {
	{"file", true, NULL, "{file: /etc/plugd/secrets/db}"},
	{"env", false, rule_variable, "{env: DB_PASSWORD}"},
	{"credential", false, rule_credential, "{credential: db}"},
};

static const struct kind *find_kind(struct str key)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (str_eq(key, str_from(kinds[i].key)))
			return &kinds[i];
	}
	return NULL;
}

/* NULL, or what is wrong with it, as the end of a sentence. */
static const char *judge_where(const struct sources *sources, const struct kind *kind,
			       const struct yaml_node *where)
{
	if (where->kind != YAML_TEXT || yaml_is_null(where) || where->text.len == 0)
		return "is not a text that says where the value is";
	if (where->text.len > (size_t)sources->setting->max)
		return "is too long";
	return kind->check ? kind->check(where->text) : NULL;
}

static char *take_one(const struct sources *sources, const struct yaml_node *key)
{
	const struct yaml_node *source = key->value;
	const struct kind *kind = NULL;
	struct place place = sources->place;
	const char *wrong = sources->setting->check(key->text);

	place.line = key->line;
	if (source->kind == YAML_MAP && source->count == 1)
		kind = find_kind(source->first->text);
	if (wrong || key->text.len == 0 || key->text.len > SECRETS_NAME_BYTES) {
		problem_add(sources->errors, place, ERR_CONFIG_TYPE, "%s %s",
			    quote_of(key->text).text,
			    wrong ? wrong : "is not a name of 1 to 64 bytes");
		return NULL;
	}
	if (!kind) {
		problem_add(sources->errors, place, ERR_CONFIG_TYPE,
			    "%s has no source; write one of %s, %s and %s", key->text.data,
			    kinds[0].example, kinds[1].example, kinds[2].example);
		return NULL;
	}
	const struct yaml_node *where = source->first->value;
	wrong = judge_where(sources, kind, where);
	if (wrong) {
		problem_add(sources->errors, place, ERR_CONFIG_TYPE, "%s: %s %s; write %s",
			    key->text.data, kind->key, wrong, kind->example);
		return NULL;
	}
	return arena_printf(sources->arena, "%s=%s:%s%s%s", key->text.data, kind->key,
			    kind->is_path && where->text.data[0] != '/' ? sources->directory : "",
			    kind->is_path && where->text.data[0] != '/' ? "/" : "",
			    where->text.data);
}

char **sources_take(const struct sources *sources, const struct yaml_node *node)
{
	char **list = arena_zalloc(sources->arena, (node->count + 1) * sizeof(*list));
	size_t count = 0;

	if (node->count > SECRETS_MAX)
		problem_add(sources->errors, sources->place, ERR_CONFIG_RANGE,
			    "has %u secrets, but %d are the most", node->count, SECRETS_MAX);
	duplicates_report(node, sources->place, sources->errors);
	for (const struct yaml_node *key = node->first; key; key = key->next) {
		char *source = take_one(sources, key);

		if (source)
			list[count++] = source;
	}
	return list;
}
