/* What can only be said of the settings of compression together. Part of check.c. */
#include "config/check.h"

#include "observe/errors.h"

/* A route's settings of something that is off there. */
static void refuse_idle(struct filling *filling, size_t index, const enum setting_id *rows,
			size_t count, const char *what)
{
	const struct element *element = &filling->elements[SECTION_ROUTES][index];

	for (size_t i = 0; i < count; i++) {
		if (element->lines[rows[i]])
			problem_add(filling->errors,
				    element_place(filling, SECTION_ROUTES, index, rows[i]),
				    ERR_CONFIG_CONFLICT,
				    "means nothing, because %s on this route; add enabled: true "
				    "beside it, or leave it out",
				    what);
	}
}

static bool is_compressed(const struct edge_opts *edge, const struct route_compress_opts *opts)
{
	return opts->wish == COMPRESS_INHERIT ? edge->compress.enabled : opts->wish == COMPRESS_ON;
}

void check_compress(struct filling *filling)
{
	static const enum setting_id of_answers[] = {SETTING_ROUTE_COMPRESS_MIN_SIZE,
						     SETTING_ROUTE_COMPRESS_TYPES};
	static const enum setting_id of_requests[] = {SETTING_ROUTE_DECOMPRESS_ENCODINGS,
						      SETTING_ROUTE_DECOMPRESS_MAX_SIZE,
						      SETTING_ROUTE_DECOMPRESS_MAX_RATIO};
	const struct edge_opts *edge = &filling->config->edge;

	for (size_t i = 0; i < edge->route_count; i++) {
		const struct route_coding_opts *coding = &edge->routes[i].coding;
		const bool *refused = filling->elements[SECTION_ROUTES][i].refused;

		if (!is_compressed(edge, &coding->compress) &&
		    !refused[SETTING_ROUTE_COMPRESS_ENABLED] &&
		    !filling->single.refused[SETTING_HTTP_COMPRESSION_ENABLED])
			refuse_idle(filling, i, of_answers, 2, "answers are not compressed");
		if (!coding->decompress.enabled && !refused[SETTING_ROUTE_DECOMPRESS_ENABLED])
			refuse_idle(filling, i, of_requests, 3, "bodies are not decompressed");
	}
}
