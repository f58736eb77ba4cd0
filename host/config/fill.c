/* The walk over the file's tree. The table says which keys there are and what each one takes; this
 * file says what is wrong with the shape of things (unknown keys, lists where there should be a
 * text), value.c with the values. It never stops at an error: the next one may be worth knowing
 * too. */
#include "config/fill.h"

#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "config/duplicates.h"
#include "config/hints.h"
#include "config/pack.h"
#include "config/paths.h"
#include "config/quote.h"
#include "config/sources.h"
#include "config/value.h"
#include "observe/errors.h"

/* A map of the file that is being read, and the struct that it fills. */
struct part {
	enum section_id section;
	const char *path; /* "plugins[1]"; "": the top level */
	void *target;
	struct element *element;
};

static char *part_path(struct filling *filling, const struct part *part, const char *key)
{
	return arena_printf(&filling->scratch, "%s%s%s", part->path, part->path[0] ? "." : "", key);
}

static struct place place_of(const struct filling *filling, unsigned line, const char *key)
{
	return (struct place){filling->file, line, key};
}

/* ---- what is expected instead ---- */

static void refuse_map(struct filling *filling, enum section_id id, struct place place,
		       const struct yaml_node *node)
{
	problem_add(filling->errors, place, ERR_CONFIG_TYPE,
		    "is %s; write a map of settings such as %s", hint_shape(node).text,
		    hint_example(id, &filling->scratch));
}

static void refuse_shape(struct filling *filling, const struct setting *setting, struct place place,
			 const char *what)
{
	struct buf kind = {0};

	setting_put_kind(setting, &kind);
	problem_add(filling->errors, place, ERR_CONFIG_TYPE, "is %s; write %.*s", what,
		    (int)buf_len(&kind), (const char *)buf_front(&kind));
	buf_deinit(&kind);
}

static void refuse_unknown(struct filling *filling, const struct part *part,
			   const struct yaml_node *key)
{
	struct hint hint;

	if (problems_are_full(filling->errors)) { /* a file of garbage: don't think long about it */
		filling->errors->more++;
		return;
	}
	hint = hint_key(part->section, key->text, &filling->scratch);
	part->element->refused_sections[part->section] = true;
	if (hint.meant)
		part->element->refused[hint.meant - settings] = true;
	problem_add(filling->errors, place_of(filling, key->line, part->path),
		    ERR_CONFIG_UNKNOWN_KEY, "%s is not a key that plugd knows here%s",
		    quote_of(key->text).text, hint.text);
}

/* ---- values ---- */

void fill_text(struct filling *filling, const struct setting *setting, struct place place,
	       struct str text, const char *directory, void *target)
{
	struct err err;

	if (value_set(setting, text, directory, &filling->config->arena, target, &err) < 0)
		problem_add(filling->errors, place, err.code, "%s", err.text);
	else if (setting->kind == SETTING_PATH)
		paths_add(filling->config, value_pointer(setting, target), &place);
}

/* Whether the text is among the `count` texts. */
static bool is_among(struct str text, const struct str *texts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (str_eq(text, texts[i]))
			return true;
	}
	return false;
}

static char *take_item(struct filling *filling, const struct setting *setting, struct str text)
{
	struct arena *arena = &filling->config->arena;

	if (setting->paths)
		text = value_absolute(text, filling->directory, arena);
	return arena_strndup(arena, text);
}

void fill_texts(struct filling *filling, const struct setting *setting, struct place place,
		const struct str *texts, size_t count, void *target)
{
	struct arena *arena = &filling->config->arena;
	char **list = arena_zalloc(arena, (count + 1) * sizeof(*list));
	size_t refused = count == 0 && setting->nonempty;
	struct err err;

	if (count > SETTING_MAX_TEXTS) {
		problem_add(filling->errors, place, ERR_CONFIG_RANGE,
			    "has %zu items, but %u are the most", count, SETTING_MAX_TEXTS);
		return;
	}
	if (refused)
		problem_add(filling->errors, place, ERR_CONFIG_RANGE,
			    "is an empty list; write a value, or leave the key out");
	for (size_t i = 0; i < count; i++) {
		list[i] = take_item(filling, setting, texts[i]);
		if (value_check_text(setting, texts[i], &err) < 0)
			problem_add(filling->errors, place, err.code, "%s%s", err.text,
				    place.line > 0 ? hint_list(setting, texts[i], &filling->scratch)
						   : "");
		else if (setting->unique && is_among(texts[i], texts, i))
			problem_add(filling->errors, place, ERR_CONFIG_DUPLICATE,
				    "%s is in the list twice; remove one", quote_of(texts[i]).text);
		else
			continue;
		refused++;
	}
	if (refused == 0)
		value_set_pointer(setting, list, target);
}

static void take_texts(struct filling *filling, const struct setting *setting, struct place place,
		       const struct yaml_node *node, void *target)
{
	if (node->kind == YAML_TEXT) {
		fill_texts(filling, setting, place, &node->text, 1, target);
		return;
	}
	if (node->kind == YAML_MAP) {
		refuse_shape(filling, setting, place, hint_shape(node).text);
		return;
	}

	struct str *texts = arena_zalloc(&filling->scratch, (node->count + 1) * sizeof(*texts));
	struct place item_place = place;
	size_t count = 0;
	for (const struct yaml_node *item = node->first; item; item = item->next) {
		item_place.line = item->line;
		if (item->kind != YAML_TEXT || yaml_is_null(item))
			problem_add(filling->errors, item_place, ERR_CONFIG_TYPE,
				    "has %s in its list; write a text", yaml_kind_name(item));
		else
			texts[count++] = item->text;
	}
	if (count == node->count)
		fill_texts(filling, setting, place, texts, count, target);
}

static char *take_pair(struct filling *filling, const struct setting *setting, struct place place,
		       const struct yaml_node *key)
{
	const struct yaml_node *value = key->value;
	struct err err;

	place.line = key->line;
	if (value->kind != YAML_TEXT || yaml_is_null(value)) {
		problem_add(filling->errors, place, ERR_CONFIG_TYPE,
			    "%s is %s; write a text (\"\" for none)", quote_of(key->text).text,
			    yaml_kind_name(value));
		return NULL;
	}
	const char *wrong = setting->check(key->text);
	if (wrong) {
		problem_add(filling->errors, place, ERR_CONFIG_TYPE, "%s %s",
			    quote_of(key->text).text, wrong);
		return NULL;
	}
	struct setting plain = *setting; /* the rule is for names */
	plain.check = NULL;
	if (value_check_text(&plain, value->text, &err) < 0)
		problem_add(filling->errors, place, err.code, "%s", err.text);
	return arena_printf(&filling->config->arena, "%s=%s", key->text.data, value->text.data);
}

static void take_pairs(struct filling *filling, const struct setting *setting, struct place place,
		       const struct yaml_node *node, void *target)
{
	char **list;
	size_t count = 0;

	if (node->kind != YAML_MAP) {
		refuse_shape(filling, setting, place, hint_shape(node).text);
		return;
	}
	duplicates_report(node, place, filling->errors);
	list = arena_zalloc(&filling->config->arena, (node->count + 1) * sizeof(*list));
	for (const struct yaml_node *key = node->first; key; key = key->next) {
		char *pair = take_pair(filling, setting, place, key);
		if (pair)
			list[count++] = pair;
	}
	value_set_pointer(setting, list, target);
}

static void take_free(struct filling *filling, const struct setting *setting, struct place place,
		      const struct yaml_node *node, void *target)
{
	struct str packed;

	if (node->kind != YAML_MAP) {
		refuse_shape(filling, setting, place, hint_shape(node).text);
		return;
	}
	if (pack_map(node, place, filling->errors, &filling->config->arena, &packed) < 0)
		return;
	value_set_pointer(setting, (void *)packed.data, target);
	value_set_length(setting, packed.len, target);
}

static void take_sources(struct filling *filling, const struct setting *setting, struct place place,
			 const struct yaml_node *node, void *target)
{
	struct sources sources = {setting, place, filling->directory, filling->errors,
				  &filling->config->arena};

	if (node->kind == YAML_MAP)
		value_set_pointer(setting, sources_take(&sources, node), target);
	else
		refuse_shape(filling, setting, place, hint_shape(node).text);
}

static void take_text(struct filling *filling, const struct setting *setting, struct place place,
		      const struct yaml_node *node, void *target)
{
	bool wants_plain = setting->kind == SETTING_BOOL || setting->kind == SETTING_INT;

	if (node->kind != YAML_TEXT)
		refuse_shape(filling, setting, place, hint_shape(node).text);
	else if (yaml_is_null(node))
		refuse_shape(filling, setting, place, "without a value");
	else if (wants_plain && !node->plain)
		refuse_shape(filling, setting, place, "in quotes, which make it a text");
	else
		fill_text(filling, setting, place, node->text, filling->directory, target);
}

static void take_by_kind(struct filling *filling, const struct setting *setting, struct place place,
			 const struct yaml_node *node, void *target)
{
	switch (setting->kind) {
	case SETTING_STRINGS:
		if (!yaml_is_null(node)) /* a list whose lines are commented out */
			take_texts(filling, setting, place, node, target);
		return;
	case SETTING_PAIRS:
		if (!yaml_is_null(node))
			take_pairs(filling, setting, place, node, target);
		return;
	case SETTING_SOURCES:
		if (!yaml_is_null(node))
			take_sources(filling, setting, place, node, target);
		return;
	case SETTING_FREE:
		if (!yaml_is_null(node))
			take_free(filling, setting, place, node, target);
		return;
	case SETTING_STRING:
	case SETTING_PATH:
	case SETTING_BOOL:
	case SETTING_INT:
	case SETTING_DURATION:
	case SETTING_SIZE:
	case SETTING_CHOICE:
		take_text(filling, setting, place, node, target);
		return;
	}
}

static void take_value(struct filling *filling, const struct part *part,
		       const struct setting *setting, struct place place,
		       const struct yaml_node *node)
{
	size_t before = problems_found(filling->errors);

	part->element->lines[setting - settings] = place.line;
	take_by_kind(filling, setting, place, node, part->target);
	part->element->refused[setting - settings] = problems_found(filling->errors) > before;
}

/* ---- maps ---- */

static void take_setting(struct filling *filling, const struct part *part,
			 const struct setting *setting, const struct yaml_node *map,
			 const struct yaml_node *key)
{
	struct place place = place_of(filling, key->line, part_path(filling, part, key->text.data));
	unsigned line = part->element->lines[setting - settings];

	if (line == 0) {
		take_value(filling, part, setting, place, key->value);
	} else if (yaml_find(map, key->text.data) == key) { /* not the same key, but its alias */
		problem_add(filling->errors, place, ERR_CONFIG_CONFLICT,
			    "sets what line %u sets too; write one of %s and %s", line,
			    setting->alias, setting->key);
	}
}

static void report_missing(struct filling *filling, const struct part *part)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		const struct setting *setting = &settings[i];
		if (setting->section != part->section || !setting->required ||
		    part->element->lines[i] != 0 || part->element->refused[i])
			continue;
		problem_add(filling->errors, place_of(filling, part->element->line, part->path),
			    ERR_CONFIG_MISSING, "%s is missing; add it, such as %s: %s",
			    setting->key, setting->key, setting->example);
	}
}

static enum section_id section_find(enum section_id parent, struct str key)
{
	size_t id = 1;

	while (id < SECTION_COUNT &&
	       (sections[id].parent != parent || !str_eq(key, str_from(sections[id].key))))
		id++;
	return (enum section_id)id;
}

static void take_section(struct filling *filling, const struct part *parent, enum section_id id,
			 const struct yaml_node *key);

/* False: it is no key of that section. */
static bool take_key(struct filling *filling, const struct part *part, const struct yaml_node *map,
		     const struct yaml_node *key)
{
	const struct setting *setting = setting_find(part->section, key->text);
	enum section_id id = section_find(part->section, key->text);

	if (setting)
		take_setting(filling, part, setting, map, key);
	else if (id != SECTION_COUNT && yaml_find(map, key->text.data) == key)
		take_section(filling, part, id, key);
	return setting || id != SECTION_COUNT;
}

/* The same for what an element says for the elements of another list. */
static bool take_default(struct filling *filling, const struct part *part,
			 const struct yaml_node *map, const struct yaml_node *key)
{
	const struct section *section = &sections[part->section];
	struct part defaults = {section->defaults_of, part->path,
				(char *)part->target + section->defaults, part->element};
	const struct setting *setting;

	if (!section->defaults_of)
		return false;
	setting = setting_find(section->defaults_of, key->text);
	if (!setting || !setting->own)
		return take_key(filling, &defaults, map, key);
	problem_add(filling->errors,
		    place_of(filling, key->line, part_path(filling, part, key->text.data)),
		    ERR_CONFIG_UNKNOWN_KEY, "is each one's own; write it in each of %s",
		    sections[section->defaults_of].key);
	return true;
}

static void take_map(struct filling *filling, const struct part *part, const struct yaml_node *map)
{
	duplicates_report(map, place_of(filling, map->line, part->path), filling->errors);
	for (const struct yaml_node *key = map->first; key; key = key->next) {
		if (!take_key(filling, part, map, key) && !take_default(filling, part, map, key))
			refuse_unknown(filling, part, key);
	}
	report_missing(filling, part);
}

/* Of a section and of those that stand in it. */
static void set_defaults(struct filling *filling, enum section_id section, void *target)
{
	for (size_t id = 1; section != SECTION_TOP && id < SECTION_COUNT; id++) {
		if (sections[id].parent == section && !sections[id].list)
			set_defaults(filling, (enum section_id)id, target);
	}
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		const struct setting *setting = &settings[i];
		if (setting->section != section || !setting->fallback)
			continue;

		struct place place = {"default", 0, setting->key};
		struct str text = str_from(setting->fallback);
		if (setting->kind == SETTING_STRINGS)
			fill_texts(filling, setting, place, &text, 1, target);
		else
			fill_text(filling, setting, place, text, filling->directory, target);
	}
}

/* ---- sections ---- */

bool element_has_refused(const struct element *element, enum setting_id id)
{
	enum section_id section = settings[id].section;

	while (section != SECTION_TOP && !element->refused_sections[section])
		section = sections[section].parent;
	return element->refused[id] || section != SECTION_TOP;
}

static void refuse_element(struct filling *filling, const struct part *part,
			   const struct yaml_node *item)
{
	part->element->refused_sections[part->section] = true;
	refuse_map(filling, part->section, place_of(filling, item->line, part->path), item);
}

static void take_elements(struct filling *filling, enum section_id id, const char *path,
			  const struct yaml_node *list)
{
	const struct section *section = &sections[id];
	char *array =
		arena_zalloc(&filling->config->arena, (list->count + 1) * section->element_bytes);
	size_t index = 0;

	filling->elements[id] =
		arena_zalloc(&filling->scratch, (list->count + 1) * sizeof(struct element));
	for (const struct yaml_node *item = list->first; item; item = item->next, index++) {
		struct part part = {
			.section = id,
			.path = arena_printf(&filling->scratch, "%s[%zu]", path, index),
			.target = array + index * section->element_bytes,
			.element = &filling->elements[id][index],
		};
		part.element->line = item->line;
		set_defaults(filling, id, part.target);
		if (item->kind == YAML_MAP)
			take_map(filling, &part, item);
		else
			refuse_element(filling, &part, item);
	}
	memcpy((char *)filling->config + section->array, &array, sizeof(array));
	memcpy((char *)filling->config + section->count, &index, sizeof(index));
}

/* A text, or a list of them, where a map could stand says its one most important setting. */
static void take_scalar(struct filling *filling, const struct part *part,
			const struct yaml_node *value)
{
	const struct setting *setting =
		setting_find(part->section, str_from(sections[part->section].scalar));

	take_value(filling, part, setting, place_of(filling, value->line, part->path), value);
}

static bool is_scalar(const struct section *section, enum section_id id,
		      const struct yaml_node *value)
{
	const struct setting *setting;

	if (!section->scalar || value->kind == YAML_MAP)
		return false;
	setting = setting_find(id, str_from(section->scalar));
	return value->kind == YAML_TEXT || setting->kind == SETTING_STRINGS;
}

static void refuse_section(struct filling *filling, const struct part *part, struct place place,
			   const struct yaml_node *value)
{
	const struct section *section = &sections[part->section];

	part->element->refused_sections[part->section] = true;
	if (section->list && value->count > section->max)
		problem_add(filling->errors, place, ERR_CONFIG_RANGE,
			    "has %u items, but %u are the most", value->count, section->max);
	else if (section->list)
		problem_add(filling->errors, place, ERR_CONFIG_TYPE,
			    "is %s; write a list, each item with a dash in front",
			    hint_shape(value).text);
	else
		refuse_map(filling, part->section, place, value);
}

static void take_section(struct filling *filling, const struct part *parent, enum section_id id,
			 const struct yaml_node *key)
{
	const struct section *section = &sections[id];
	const struct yaml_node *value = key->value;
	struct part part = {id, part_path(filling, parent, section->key), parent->target,
			    parent->element};
	struct place place = place_of(filling, key->line, part.path);

	if (yaml_is_null(value)) /* all its lines are commented out */
		return;
	if (is_scalar(section, id, value)) {
		take_scalar(filling, &part, value);
		return;
	}
	if (section->list && value->kind == YAML_LIST && value->count <= section->max)
		take_elements(filling, id, part.path, value);
	else if (!section->list && value->kind == YAML_MAP)
		take_map(filling, &part, value);
	else
		refuse_section(filling, &part, place, value);
}

void fill_defaults(struct filling *filling)
{
	for (size_t id = 0; id < SECTION_COUNT; id++) {
		if (section_is_single((enum section_id)id))
			set_defaults(filling, (enum section_id)id, filling->config);
	}
	filling->config->log.fd = STDERR_FILENO;
}

void fill_tree(struct filling *filling, const struct yaml_node *root)
{
	struct part part = {SECTION_TOP, "", filling->config, &filling->single};

	if (!root || yaml_is_null(root))
		return;
	if (root->kind == YAML_MAP)
		take_map(filling, &part, root);
	else
		problem_add(
			filling->errors, place_of(filling, root->line, ""), ERR_CONFIG_TYPE,
			"the file is %s; write a map of settings, such as listen: 127.0.0.1:8080",
			yaml_kind_name(root));
}
