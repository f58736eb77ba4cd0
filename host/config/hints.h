/* What an operator may have meant by a key that is none, and what a place takes. Pure. */
#ifndef PLUGD_CONFIG_HINTS_H
#define PLUGD_CONFIG_HINTS_H

#include "base/arena.h"
#include "base/yaml.h"
#include "config/quote.h"
#include "config/settings.h"

/* What stands there, behind "is": the text in quotes, or "a list". */
struct quote hint_shape(const struct yaml_node *node);

/* "{limit: 256, queue: 512}": settings of the section that must be there, else the first two. */
const char *hint_example(enum section_id id, struct arena *arena);

/* For a text that is refused: "; several are a list: [GET, POST]", or "". */
const char *hint_list(const struct setting *setting, struct str text, struct arena *arena);

struct hint {
	const char *text;	     /* the end of a sentence: "; did you mean issuers?", or "" */
	const struct setting *meant; /* of the section; NULL: nobody knows, or no setting */
};

/* For a key that the section does not have: the most alike that it has, or where it is one. */
struct hint hint_key(enum section_id section, struct str key, struct arena *arena);

#endif
