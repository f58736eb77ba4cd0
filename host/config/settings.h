/* The table of settings (settings.def) as data, and how each setting is named where it can be
 *written:
 *
 *	http.body_limit           in the file, below "http:", and in messages
 *	PLUGD_HTTP_BODY_LIMIT     in the environment
 *	--http-body-limit         on the command line
 *
 * Only settings that exist once have the last two names. Pure; the table is constant. */
#ifndef PLUGD_CONFIG_SETTINGS_H
#define PLUGD_CONFIG_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum section_id {
#define SECTION(name, ...) SECTION_##name,
#define SETTING(section, name, ...)
#include "config/settings.def"
#undef SECTION
#undef SETTING
	SECTION_COUNT,
};

enum setting_id {
#define SECTION(name, ...)
#define SETTING(section, name, ...) SETTING_##section##_##name,
#include "config/settings.def"
#undef SECTION
#undef SETTING
	SETTING_COUNT,
};

/* What is written, and the type of the C field. */
enum setting_kind {
	SETTING_STRING,	  /* char * */
	SETTING_PATH,	  /* char *, absolute */
	SETTING_BOOL,	  /* bool */
	SETTING_INT,	  /* unsigned integer */
	SETTING_DURATION, /* int64_t, milliseconds */
	SETTING_SIZE,	  /* unsigned integer, bytes */
	SETTING_CHOICE,	  /* enum: the index of the choice */
	SETTING_STRINGS,  /* char **, NULL-terminated */
	SETTING_PAIRS,	  /* char **, "name=value", NULL-terminated */
	SETTING_SOURCES,  /* char **, "name=kind:where" of secrets, NULL-terminated */
	SETTING_FREE,	  /* uint8_t *, MessagePack; its length in another field */
};

/* What a reload does about a change of the setting. */
enum setting_apply {
	APPLY_UNSAID,	/* of no row */
	APPLY_LIVE,	/* what runs obeys it at once */
	APPLY_PLUGIN,	/* a plugin comes or goes */
	APPLY_CONFIG,	/* the plugin is asked to take it while it runs */
	APPLY_SWAP,	/* a new generation of the plugin takes over */
	APPLY_LISTENER, /* addresses are opened and closed */
	APPLY_FIXED,	/* refused: the host must be started again */
	APPLY_COUNT,
};

/* "live", "plugin", "config", "swap", "listener", "restart". */
const char *setting_apply_name(enum setting_apply apply);

/* NULL, or what is wrong with a text, as the end of a sentence about it. */
typedef const char *setting_check_fn(struct str text);

#define SETTING_MAX_CHOICES 5
#define SETTING_MAX_TEXTS   1024 /* of a SETTING_STRINGS */

struct setting {
	enum section_id section;
	enum setting_kind kind;
	enum setting_apply apply;
	const char *key;
	const char *alias; /* another name for the key; NULL: none */
	size_t offset;	   /* of the C field in struct config, or in the section's element */
	size_t bytes;	   /* of the C field */
	size_t length;	   /* of SETTING_FREE: offset of the field for its length (size_t) */
	int64_t min;	   /* of the number, or of the text's length in bytes; inclusive */
	int64_t max;
	setting_check_fn
		*check; /* a further rule for a text, or for the name of a pair; may be NULL */
	bool paths;	/* of a list: relative ones begin at the file's directory */
	bool unique;	/* of a list: nothing may be in it twice */
	bool nonempty;	/* of a list: something must be in it */
	bool none;	/* of a path or text: the word "none" means NULL */
	bool required;
	bool own;   /* of a route: a group can't set it */
	bool lead;  /* of a route: it says where the route leads */
	bool shown; /* the example has it, though it may be left out */
	bool aside; /* refused beside what others have there: the example has it as a comment */
	const char *choices[SETTING_MAX_CHOICES + 1]; /* NULL-terminated */
	const char *fallback;			      /* the default, as text; NULL: none */
	const char *otherwise; /* what holds without a value, in words, when there is no default */
	const char *example;
	const char *help; /* whole sentences */
};

struct section {
	const char *key; /* "": the top level */
	const char *help;
	enum section_id parent; /* in whose map it stands; a list stands at the top level */
	const char *scalar; /* the setting that a text or list instead of a map sets; NULL: none */
	bool lead;	    /* its settings are about where a route leads */
	bool list;	    /* of elements */
	unsigned max;	    /* of a list: most elements */
	size_t element_bytes; /* of a list: the C struct of one */
	size_t array; /* of a list: offset of the pointer to the elements in struct config */
	size_t count; /* of a list: offset of their number (size_t) */
	enum section_id
		defaults_of; /* of a list: whose settings its elements have too; 0: nobody's */
	size_t defaults;     /* and where in an element they go */
};

extern const struct setting settings[SETTING_COUNT];
extern const struct section sections[SECTION_COUNT];

/* NULL: the section has no such key. */
const struct setting *setting_find(enum section_id section, struct str key);

/* The list in whose elements the section's settings are; SECTION_TOP: in none's. */
static inline enum section_id section_list(enum section_id id)
{
	while (id != SECTION_TOP && !sections[id].list)
		id = sections[id].parent;
	return id;
}

/* Whether the section's settings exist once, and not in each element of a list. */
static inline bool section_is_single(enum section_id id)
{
	return section_list(id) == SECTION_TOP;
}

static inline bool setting_is_single(const struct setting *setting)
{
	return section_is_single(setting->section);
}

#define SETTING_NAME 64

/* Write a name into `out` of SETTING_NAME bytes and return it. */
char *section_name(enum section_id id, char *out);		  /* "http.rate_limit"; "" */
char *setting_path(const struct setting *setting, char *out);	  /* "http.body_limit" */
char *setting_variable(const struct setting *setting, char *out); /* "PLUGD_HTTP_BODY_LIMIT" */
char *setting_flag(const struct setting *setting, char *out);	  /* "http-body-limit" */

/* Appends what a value must be, to stand after "write": "a duration such as 30s", "true or false".
 */
void setting_put_kind(const struct setting *setting, struct buf *out);

/* Appends its range: "from 1 to 64", "from 64KiB to 1MiB"; nothing for a kind without one. */
void setting_put_range(const struct setting *setting, struct buf *out);

#endif
