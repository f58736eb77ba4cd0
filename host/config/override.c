/* Names of the environment and of the command line are found by writing each setting's own name and
 * comparing, so there is no second list of names that could differ from the table. */
#include "config/override.h"

#include "config/quote.h"
#include "config/suggest.h"
#include "observe/errors.h"

typedef char *setting_name_fn(const struct setting *setting, char *out);

static const struct setting *find_single(struct str name, setting_name_fn *name_of)
{
	char text[SETTING_NAME];

	for (size_t i = 0; i < SETTING_COUNT; i++) {
		if (setting_is_single(&settings[i]) &&
		    str_eq(name, str_from(name_of(&settings[i], text))))
			return &settings[i];
	}
	return NULL;
}

/* Valid until the scratch arena ends. */
static const char *suggest_single(struct filling *filling, struct str name,
				  setting_name_fn *name_of)
{
	struct suggest suggest = suggest_for(name);

	for (size_t i = 0; i < SETTING_COUNT; i++) {
		char *other = arena_alloc(&filling->scratch, SETTING_NAME);
		if (setting_is_single(&settings[i]))
			suggest_offer(&suggest, name_of(&settings[i], other));
	}
	return suggest.best;
}

static void refuse_name(struct filling *filling, struct place place, struct str name,
			setting_name_fn *name_of)
{
	const char *best = suggest_single(filling, name, name_of);

	problem_add(filling->errors, place, ERR_CONFIG_UNKNOWN_KEY,
		    "names no setting that plugd knows%s%s%s", best ? "; did you mean " : "",
		    best ? best : "", best ? "?" : "");
}

/* ---- the environment ---- */

/* Kubernetes tells every container of a service named "plugd…" by PLUGD_SERVICE_HOST,
 * PLUGD_SERVICE_PORT_HTTP, PLUGD_PORT=tcp://10.0.0.1:80, PLUGD_PORT_80_TCP_ADDR and the like. They
 * are nobody's settings. */
static bool is_service_link(struct str name, struct str value)
{
	static const char *const parts[] = {"_SERVICE_HOST", "_SERVICE_PORT", "_TCP", "_UDP"};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (memmem(name.data, name.len, parts[i], strlen(parts[i])))
			return true;
	}
	return value.len > 0 && memmem(name.data, name.len, "_PORT", 5) &&
	       memmem(value.data, value.len, "://", 3);
}

static struct str next_part(struct str *list)
{
	const char *comma = list->len > 0 ? memchr(list->data, ',', list->len) : NULL;
	struct str part = {list->data, comma ? (size_t)(comma - list->data) : list->len};
	size_t used = part.len + (comma ? 1 : 0);

	list->data += used;
	list->len -= used;
	return str_trim(part);
}

static void take_list(struct filling *filling, const struct setting *setting, struct place place,
		      struct str value)
{
	struct str *texts = arena_zalloc(&filling->scratch, (value.len + 1) * sizeof(*texts));
	size_t count = 0;

	while (value.len > 0)
		texts[count++] = next_part(&value);
	fill_texts(filling, setting, place, texts, count, filling->config);
}

static void take_variable(struct filling *filling, struct str name, struct str value,
			  const char *directory)
{
	const struct setting *setting = find_single(name, setting_variable);
	struct place place = {"environment", 0, arena_strndup(&filling->scratch, name)};

	if (setting && setting->kind == SETTING_STRINGS)
		take_list(filling, setting, place, value);
	else if (setting)
		fill_text(filling, setting, place, value, directory, filling->config);
	else if (!is_service_link(name, value))
		refuse_name(filling, place, name, setting_variable);
}

void override_environment(struct filling *filling, char *const *environment, const char *directory)
{
	for (size_t i = 0; environment[i]; i++) {
		struct str name = str_from(environment[i]);
		const char *equals = strchr(environment[i], '=');

		if (!equals || !str_starts_with(name, STR_LITERAL("PLUGD_")))
			continue;
		name.len = (size_t)(equals - name.data);
		if (!str_eq(name, STR_LITERAL(CONFIG_FILE_VARIABLE)))
			take_variable(filling, name, str_from(equals + 1), directory);
	}
}

/* ---- the command line ---- */

static void take_flag_list(struct filling *filling, const struct setting *setting,
			   struct place place, const struct config_flag *flags, size_t count)
{
	struct str *texts = arena_zalloc(&filling->scratch, (count + 1) * sizeof(*texts));
	const char *name = flags[count - 1].name;
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(flags[i].name, name) == 0)
			texts[found++] = str_from(flags[i].value);
	}
	fill_texts(filling, setting, place, texts, found, filling->config);
}

static bool is_last_of_its_name(const struct config_flag *flags, size_t count, size_t index)
{
	for (size_t i = index + 1; i < count; i++) {
		if (strcmp(flags[i].name, flags[index].name) == 0)
			return false;
	}
	return true;
}

void override_flags(struct filling *filling, const struct config_flag *flags, size_t count,
		    const char *directory)
{
	for (size_t i = 0; i < count; i++) {
		struct str name = str_from(flags[i].name);
		const struct setting *setting = find_single(name, setting_flag);
		struct place place = {"command line", 0,
				      arena_printf(&filling->scratch, "--%s", flags[i].name)};

		if (!is_last_of_its_name(flags, count, i))
			continue;
		if (!setting)
			refuse_name(filling, place, name, setting_flag);
		else if (setting->kind == SETTING_STRINGS)
			take_flag_list(filling, setting, place, flags, i + 1);
		else
			fill_text(filling, setting, place, str_from(flags[i].value), directory,
				  filling->config);
	}
}
