/* The cage of a generation: made once, entered by each of its processes. What the kernel grants is
 * the same for all of them, so the report of the last one stands for all; walls that are missing
 * are logged when they are missed first. */
#include <stdlib.h>
#include <string.h>

#include "plugin/pool_private.h"

int pool_make_cage(struct pool *pool, struct err *err)
{
	int rc;

	if (pool->cage)
		return 0;
	rc = cage_new(&pool->plugin->sandbox, pool->plugin->name, spawner_is_root(pool->spawner),
		      &pool->cage, err);
	if (rc == 0 && pool->groups)
		pool->cage->asked |= WALL_BIT(WALL_GROUP);
	return rc;
}

static void tell_shortfall(struct pool *pool, uint32_t missing)
{
	struct buf names = {0};

	for (enum wall wall = 0; wall < WALL_COUNT; wall++) {
		if (missing & WALL_BIT(wall))
			buf_printf(&names, "%s%s (%s)", buf_len(&names) > 0 ? ", " : "",
				   wall_name(wall), strerror(pool->cage_report.errnums[wall]));
	}
	buf_append(&names, "", 1);
	log_event(pool->log, LOG_WARN, "sandbox.shortfall",
		  "runs without a part of its sandbox; plugctl explain tells more",
		  LOG_STR("plugin", pool->plugin->name),
		  LOG_STR("missing", (const char *)buf_front(&names)));
	if (pool->ops->on_shortfall)
		pool->ops->on_shortfall(pool->user, pool, (const char *)buf_front(&names));
	buf_deinit(&names);
}

void pool_note_cage(struct pool *pool, const struct instance *instance)
{
	const struct cage_report *report = instance_cage_report(instance);
	uint32_t missing;
	bool is_news;

	if (!pool->cage || !report)
		return;
	missing = pool->cage->asked & ~report->enforced;
	is_news = missing != 0 && memcmp(report, &pool->cage_report, sizeof(*report)) != 0;
	pool->cage_report = *report;
	if (is_news)
		tell_shortfall(pool, missing);
}

const struct cage *pool_cage(const struct pool *pool)
{
	return pool->cage;
}

const struct cage_report *pool_cage_report(const struct pool *pool)
{
	return &pool->cage_report;
}
