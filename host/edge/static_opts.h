/* What an operator sets for a route that leads to files. config/ fills it. */
#ifndef PLUGD_EDGE_STATIC_OPTS_H
#define PLUGD_EDGE_STATIC_OPTS_H

#include "edge/sibling_kind.h"

enum static_symlinks {
	STATIC_SYMLINKS_WITHIN, /* followed as long as they don't lead out of the directory */
	STATIC_SYMLINKS_REFUSE, /* never followed */
};

struct static_opts {
	char *directory;      /* absolute; NULL: the route leads to no files */
	char **index;	      /* names, NULL-terminated; NULL: index.html */
	char *fallback;	      /* below the directory: "/index.html"; NULL: none */
	char *cache_control;  /* NULL: not sent */
	char **precompressed; /* codings, the best first, NULL-terminated; NULL: none */
	enum static_symlinks symlinks;
};

#endif
