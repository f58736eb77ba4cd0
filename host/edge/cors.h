/* Which pages of other origins may use an answer (CORS, in the Fetch standard): the decisions.
 * Pure. */
#ifndef PLUGD_EDGE_CORS_H
#define PLUGD_EDGE_CORS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

/* What an operator allows. Lists are NULL-terminated. */
struct cors_opts {
	char **origins; /* "https://a.example", or "*" for all; NULL: there is no policy */
	char **methods; /* NULL: GET, HEAD and POST */
	char **headers; /* beside those that browsers allow anyway; "*": any; NULL: none */
	char **expose;	/* headers of answers that pages may read; NULL: none */
	bool credentials;
	int64_t max_age_ms; /* of what a preflight was told; 0: ten minutes */
};

/* NULL, or what is wrong with the text as an origin, as the end of a sentence about it. */
const char *cors_check_origin(struct str text);

/* The policy lets all origins in, and so answers all of them alike. */
bool cors_is_open(const struct cors_opts *opts);

bool cors_allows_origin(const struct cors_opts *opts, struct str origin);
bool cors_allows_method(const struct cors_opts *opts, struct str method);

/* `names` as in Access-Control-Request-Headers; one that is malformed is not allowed. */
bool cors_allows_headers(const struct cors_opts *opts, struct str names);

/* "GET, HEAD, POST": the methods that are allowed. */
struct str cors_methods(const struct cors_opts *opts, struct arena *arena);

/* "a, b": the headers of answers that pages may read; empty: none. */
struct str cors_exposed(const struct cors_opts *opts, struct arena *arena);

#endif
