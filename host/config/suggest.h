/* "Did you mean": the nearest of some names to a word that is none of them. Pure. */
#ifndef PLUGD_CONFIG_SUGGEST_H
#define PLUGD_CONFIG_SUGGEST_H

#include "base/str.h"

struct suggest {
	struct str word;
	const char *best; /* NULL: nothing is near enough */
	unsigned distance;
};

static inline struct suggest suggest_for(struct str word)
{
	return (struct suggest){.word = word};
}

/* One more name that it could have been. Borrows `name` as long as the suggestion is used. */
void suggest_offer(struct suggest *suggest, const char *name);

#endif
