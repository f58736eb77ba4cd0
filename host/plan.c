/* A configuration with everybody who still uses a text of it. */
#include "plan.h"

#include <stdlib.h>

#include "base/mem.h"

struct plan *plan_load(const struct plan_source *source, struct config_errors *errors)
{
	struct plan *plan = mem_new(struct plan);

	plan->holders = 1;
	if (config_load(source->file, &source->overrides, &plan->config, errors) == 0)
		return plan;
	plan_release(plan);
	return NULL;
}

struct plan *plan_hold(struct plan *plan)
{
	plan->holders++;
	return plan;
}

void plan_release(struct plan *plan)
{
	if (!plan || --plan->holders > 0)
		return;
	config_free(&plan->config);
	free(plan);
}
