/* What can only be said of a route's settings of places together. Part of check.c. */
#include "config/check.h"

#include "observe/errors.h"

static void check_route(struct filling *filling, size_t index, enum setting_id id)
{
	const unsigned *lines = filling->elements[SECTION_ROUTES][index].lines;

	if (lines[id] && !lines[SETTING_ROUTE_CONCURRENCY_LIMIT])
		problem_add(filling->errors, element_place(filling, SECTION_ROUTES, index, id),
			    ERR_CONFIG_CONFLICT,
			    "is of no limit; add limit beside it, or leave it out");
}

void check_concurrency(struct filling *filling)
{
	for (size_t i = 0; i < filling->config->edge.route_count; i++) {
		check_route(filling, i, SETTING_ROUTE_CONCURRENCY_QUEUE);
		check_route(filling, i, SETTING_ROUTE_CONCURRENCY_QUEUE_TIMEOUT);
	}
}
