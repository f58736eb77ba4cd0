/* What follows the end of a process, apart from its next start: calls that were on it learn whether
 * they are to blame, and what is known of a crash is kept. */
#include "base/clock.h"
#include "base/member.h"
#include "dispatch/dispatch.h"
#include "plugin/capsule.h"
#include "plugin/crashes.h"
#include "records.h"
#include "unit_private.h"

/* The requests that may have caused it, by the names that plugctl quarantine uses. */
static json_t *suspects_json(const struct poison *poison, const struct instance *instance)
{
	json_t *suspects = json_array();

	for (unsigned i = 0; i < poison->count; i++) {
		const struct poison_row *row = &poison->rows[i];
		json_t *suspect;
		char id[POISON_ID_TEXT];

		if (row->death != instance)
			continue;
		suspect = json_object();
		member_text(suspect, "request", poison_id(id, &row->fingerprint));
		member_text(suspect, "method", row->method);
		json_array_append_new(suspects, suspect);
	}
	return suspects;
}

static void keep_capsule(const struct unit *unit, const struct instance *instance,
			 const struct err *why)
{
	json_t *capsule = capsule_new(instance, why, clock_wall_ms());

	member_json(capsule, "suspects", suspects_json(&unit->target.poison, instance));
	crashes_add(unit->house->crashes, capsule);
}

static void count_death(const struct unit *unit, bool failed)
{
	const struct str labels[] = {str_from(unit->plugin->name),
				     failed ? STR_LITERAL("failed") : STR_LITERAL("ended")};

	metric_add(metrics_counter(unit->house->metrics, METRIC_PLUGIN_DEATHS, labels), 1);
}

void unit_keep_restarts(struct unit *unit, const struct generation *generation)
{
	unit->restarts_before += pool_restarts(generation->pool);
}

/* Who serves is among those that drain when all of it does. */
uint64_t unit_restarts(const struct unit *unit)
{
	const struct generation *generation;
	uint64_t count = unit->restarts_before;

	if (unit->serving && !unit->is_draining)
		count += pool_restarts(unit->serving->pool);
	if (unit->next)
		count += pool_restarts(unit->next->pool);
	LIST_FOREACH (generation, &unit->draining, link)
		count += pool_restarts(generation->pool);
	return count;
}

void unit_on_death(struct unit *unit, const struct instance *instance, const struct err *why,
		   bool failed)
{
	count_death(unit, failed);
	records_end(unit->house->audit, unit->plugin->name, instance, why, failed);
	if (failed)
		keep_capsule(unit, instance, why);
	dispatch_on_death(unit->house->dispatch, &unit->target, instance,
			  instance_is_to_blame(instance, why));
}
