/* What an operator may have meant. Pure; called by fill.c for what it refuses. */
#include "config/hints.h"

#include "config/settings.h"
#include "config/suggest.h"
#include "config/value.h"

#define LIST_MAX 16u /* texts that are still a hint */

struct quote hint_shape(const struct yaml_node *node)
{
	struct quote shape;

	if (node->kind == YAML_TEXT && !yaml_is_null(node))
		return quote_of(node->text);
	str_copy(shape.text, sizeof(shape.text), str_from(yaml_kind_name(node)));
	return shape;
}

/* "{limit: 256, queue: 512}": those that must be there, else the first two. */
static const char *example_of(enum section_id id, bool required, struct arena *arena)
{
	const char *text = "";
	unsigned count = 0;

	for (size_t i = 0; i < SETTING_COUNT && (required || count < 2); i++) {
		const struct setting *setting = &settings[i];

		if (setting->section != id || (required && !setting->required))
			continue;
		text = arena_printf(arena, "%s%s%s: %s", text, count ? ", " : "", setting->key,
				    setting->fallback ? setting->fallback : setting->example);
		count++;
	}
	if (count == 0 && required)
		return example_of(id, false, arena);
	return arena_printf(arena, "{%s}", text);
}

const char *hint_example(enum section_id id, struct arena *arena)
{
	return example_of(id, true, arena);
}

/* Takes what stands before the next blanks and commas off the text. */
static struct str take_piece(struct str *text)
{
	struct str piece = {text->data, 0};

	while (piece.len < text->len && !strchr(", ", piece.data[piece.len]))
		piece.len++;
	text->data += piece.len;
	text->len -= piece.len;
	while (text->len > 0 && strchr(", ", text->data[0])) {
		text->data++;
		text->len--;
	}
	return piece;
}

const char *hint_list(const struct setting *setting, struct str text, struct arena *arena)
{
	const char *list = "";
	unsigned count = 0;

	while (text.len > 0 && count < LIST_MAX) {
		struct str piece = take_piece(&text);

		if (value_check_text(setting, piece, NULL) < 0)
			return "";
		list = arena_printf(arena, "%s%s%.*s", list, count ? ", " : "", STR_ARG(piece));
		count++;
	}
	return count > 1 && count < LIST_MAX
		       ? arena_printf(arena, "; several are a list: [%s]", list)
		       : "";
}

/* ---- keys ---- */

static void suggest_keys(struct suggest *suggest, enum section_id section)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		if (settings[i].section == section)
			suggest_offer(suggest, settings[i].key);
	}
	for (size_t i = 1; i < SECTION_COUNT; i++) {
		if (sections[i].parent == section)
			suggest_offer(suggest, sections[i].key);
	}
}

/* The one section that knows the key; SECTION_COUNT: there is none, or more than one. */
static enum section_id home_of(struct str key)
{
	enum section_id home = SECTION_COUNT;
	unsigned count = 0;

	for (size_t i = 0; i < SETTING_COUNT; i++) {
		if (str_eq(key, str_from(settings[i].key))) {
			home = settings[i].section;
			count++;
		}
	}
	for (size_t i = 1; i < SECTION_COUNT; i++) {
		if (str_eq(key, str_from(sections[i].key))) {
			home = sections[i].parent;
			count++;
		}
	}
	return count == 1 ? home : SECTION_COUNT;
}

struct hint hint_key(enum section_id section, struct str key, struct arena *arena)
{
	struct suggest suggest = suggest_for(key);
	enum section_id home = home_of(key);
	struct hint hint = {"", NULL};
	char path[SETTING_NAME];

	suggest_keys(&suggest, section);
	if (sections[section].defaults_of)
		suggest_keys(&suggest, sections[section].defaults_of);
	if (suggest.best) {
		hint.meant = setting_find(section, str_from(suggest.best));
		hint.text = arena_printf(arena, "; did you mean %s?", suggest.best);
	} else if (home == SECTION_TOP) {
		hint.text = "; it stands on the top level";
	} else if (home != SECTION_COUNT) {
		hint.text = arena_printf(arena, "; it stands in %s", section_name(home, path));
	}
	return hint;
}
