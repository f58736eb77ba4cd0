/* Siblings of static files, by a row each. Which of several is best is for the operator to say, not
 * for weights: browsers give them all the same. Owns nothing; called by static_files.c. */
#include "edge/sibling_kind.h"

#include "net/accept_encoding.h"

static const struct sibling_kind kinds[] = {
	{{"br", 2}, {".br", 3}, CODING_BROTLI},
	{{"gzip", 4}, {".gz", 3}, CODING_GZIP},
	{{"zstd", 4}, {".zst", 4}, CODING_ZSTD},
};

const struct sibling_kind *sibling_kind_find(struct str name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (str_eq(name, kinds[i].name))
			return &kinds[i];
	}
	return NULL;
}

bool sibling_kind_is_accepted(const struct sibling_kind *kind, const struct http_field *fields,
			      size_t count)
{
	struct accept_encoding accept;
	int weight;

	accept_encoding_read(&accept, fields, count);
	weight = accept.weight[kind->coding];
	return (weight == ACCEPT_UNSAID ? accept.star : weight) > 0;
}
