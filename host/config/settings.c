/* The rows of settings.def, and the few things that can be said of one row without a value. */
#include "config/settings.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/units.h"
#include "config/config.h"
#include "config/rules.h"
#include "edge/router_types.h"

#define FIELD(type, member)                                                                        \
	.offset = offsetof(type, member), .bytes = sizeof(((type *)NULL)->member)
#define CONFIG_FIELD(member)	  FIELD(struct config, member)
#define ROUTE_FIELD(member)	  FIELD(struct route_opts, member)
#define GROUP_FIELD(member)	  FIELD(struct group_opts, member)
#define PLUGIN_FIELD(member)	  FIELD(struct plugin_opts, member)
#define CERTIFICATE_FIELD(member) FIELD(struct tls_certificate_opts, member)
#define HTTP_AUTH_FIELD(member)	  CONFIG_FIELD(edge.auth.member)
#define ROUTE_AUTH_FIELD(member)  ROUTE_FIELD(auth.member)
#define RPC_AUTH_FIELD(member)	  FIELD(struct rpc_auth_opts, auth.member)
#define MAP_FIELD(member)	  FIELD(struct certificate_map_opts, member)
#define ISSUER_FIELD(member)	  FIELD(struct jwt_issuer_opts, member)
#define HOURS(n)		  (INT64_C(3600000) * (n))
#define KIB(n)			  (INT64_C(1024) * (n))
#define MIB(n)			  (KIB(1024) * (n))
#define GIB(n)			  (MIB(1024) * (n))

const struct setting settings[SETTING_COUNT] = {
#define SECTION(name, ...)
#define SETTING(in, name, text, ...)                                                               \
	[SETTING_##in##_##name] = {.section = SECTION_##in, .key = (text), __VA_ARGS__},
#include "config/settings.def"
#undef SECTION
#undef SETTING
};

const struct section sections[SECTION_COUNT] = {
#define SECTION(name, text, ...) [SECTION_##name] = {.key = (text), __VA_ARGS__},
#define SETTING(in, name, text, ...)
#include "config/settings.def"
#undef SECTION
#undef SETTING
};

const struct setting *setting_find(enum section_id section, struct str key)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		const struct setting *setting = &settings[i];
		if (setting->section != section)
			continue;
		if (str_eq(key, str_from(setting->key)) ||
		    (setting->alias && str_eq(key, str_from(setting->alias))))
			return setting;
	}
	return NULL;
}

const char *setting_apply_name(enum setting_apply apply)
{
	static const char *const names[APPLY_COUNT] = {
		[APPLY_UNSAID] = "",	   [APPLY_LIVE] = "live", [APPLY_PLUGIN] = "plugin",
		[APPLY_CONFIG] = "config", [APPLY_SWAP] = "swap", [APPLY_LISTENER] = "listener",
		[APPLY_FIXED] = "restart",
	};

	return names[apply];
}

/* ---- names ---- */

/* The section and those that it stands in: "http.rate_limit." */
static size_t put_section(enum section_id id, char separator, char *out, size_t len)
{
	if (id == SECTION_TOP)
		return len;
	len = put_section(sections[id].parent, separator, out, len);
	return len +
	       (size_t)snprintf(out + len, SETTING_NAME - len, "%s%c", sections[id].key, separator);
}

static char *put_path(const struct setting *setting, const char *prefix, char separator, char *out)
{
	size_t len = (size_t)snprintf(out, SETTING_NAME, "%s", prefix);

	len = put_section(setting->section, separator, out, len);
	snprintf(out + len, SETTING_NAME - len, "%s", setting->key);
	return out;
}

char *section_name(enum section_id id, char *out)
{
	size_t len = put_section(id, '.', out, 0);

	out[len ? len - 1 : 0] = '\0';
	return out;
}

char *setting_path(const struct setting *setting, char *out)
{
	return put_path(setting, "", '.', out);
}

char *setting_variable(const struct setting *setting, char *out)
{
	put_path(setting, "PLUGD_", '_', out);
	for (char *c = out; *c; c++) {
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	}
	return out;
}

char *setting_flag(const struct setting *setting, char *out)
{
	put_path(setting, "", '-', out);
	for (char *c = out; *c; c++) {
		if (*c == '_')
			*c = '-';
	}
	return out;
}

/* ---- kinds and ranges in words ---- */

static void put_choices(const struct setting *setting, struct buf *out)
{
	for (size_t i = 0; setting->choices[i]; i++) {
		if (i > 0)
			buf_printf(out, setting->choices[i + 1] ? ", " : " or ");
		buf_printf(out, "%s", setting->choices[i]);
	}
	if (!setting->choices[1])
		buf_append_str(out, STR_LITERAL(", the only one there is"));
}

void setting_put_kind(const struct setting *setting, struct buf *out)
{
	switch (setting->kind) {
	case SETTING_CHOICE:
		put_choices(setting, out);
		return;
	case SETTING_STRING:
		buf_append_str(out, STR_LITERAL("a text"));
		return;
	case SETTING_PATH:
		buf_append_str(out, STR_LITERAL("a path"));
		return;
	case SETTING_BOOL:
		buf_append_str(out, STR_LITERAL("true or false"));
		return;
	case SETTING_INT:
		buf_append_str(out, STR_LITERAL("a whole number "));
		setting_put_range(setting, out);
		return;
	case SETTING_DURATION:
		buf_append_str(out, STR_LITERAL("a duration such as 30s or 250ms"));
		return;
	case SETTING_SIZE:
		buf_append_str(out, STR_LITERAL("a size such as 512KiB or 10MiB"));
		return;
	case SETTING_STRINGS:
		buf_append_str(out, STR_LITERAL("a text or a list of texts"));
		return;
	case SETTING_PAIRS:
		buf_append_str(out, STR_LITERAL("a map of names to texts"));
		return;
	case SETTING_SOURCES:
		buf_append_str(out, STR_LITERAL("a map of names to sources, such as "
						"{db: {file: /etc/plugd/db}}"));
		return;
	case SETTING_FREE:
		buf_append_str(out, STR_LITERAL("a map"));
		return;
	}
}

void setting_put_range(const struct setting *setting, struct buf *out)
{
	char min[UNITS_TEXT], max[UNITS_TEXT];

	switch (setting->kind) {
	case SETTING_INT:
		snprintf(min, sizeof(min), "%" PRId64, setting->min);
		snprintf(max, sizeof(max), "%" PRId64, setting->max);
		break;
	case SETTING_DURATION:
		units_format_duration_ms(min, setting->min);
		units_format_duration_ms(max, setting->max);
		break;
	case SETTING_SIZE:
		units_format_bytes(min, (uint64_t)setting->min);
		units_format_bytes(max, (uint64_t)setting->max);
		break;
	case SETTING_STRING:
	case SETTING_PATH:
	case SETTING_BOOL:
	case SETTING_CHOICE:
	case SETTING_STRINGS:
	case SETTING_PAIRS:
	case SETTING_SOURCES:
	case SETTING_FREE:
		return;
	}
	buf_printf(out, "from %s to %s", min, max);
}
