/* A tree of YAML into struct config, row by row of the table. Pure: the file was read before. */
#ifndef PLUGD_CONFIG_FILL_H
#define PLUGD_CONFIG_FILL_H

#include "base/yaml.h"
#include "config/config.h"
#include "config/problems.h"
#include "config/settings.h"

/* What the file said about one element of a list, or about the settings that exist once. */
struct element {
	unsigned line;			      /* where it begins */
	unsigned lines[SETTING_COUNT];	      /* of each value; 0: not in the file */
	bool refused[SETTING_COUNT];	      /* a value is there, but of no use */
	bool refused_sections[SECTION_COUNT]; /* likewise a section, a list, or a key in it */
};

/* Whether the setting, or what it stands in, was refused: then nothing follows from its absence. */
bool element_has_refused(const struct element *element, enum setting_id id);

/* One load, from the defaults to the checks. */
struct filling {
	struct config *config;
	struct config_errors *errors;
	const char *file;
	const char *directory; /* where relative paths of the file begin */
	struct arena scratch;  /* the tree and what is known about it */
	struct element single;
	struct element *elements[SECTION_COUNT]; /* of the sections that are lists */
};

/* Gives every setting that exists once its default. */
void fill_defaults(struct filling *filling);

/* Takes over what the tree says; NULL: nothing. */
void fill_tree(struct filling *filling, const struct yaml_node *root);

/* Sets a SETTING_STRINGS in `target` from texts. */
void fill_texts(struct filling *filling, const struct setting *setting, struct place place,
		const struct str *texts, size_t count, void *target);

/* Sets a setting that is made from one text. `directory` is where a relative path begins. */
void fill_text(struct filling *filling, const struct setting *setting, struct place place,
	       struct str text, const char *directory, void *target);

#endif
