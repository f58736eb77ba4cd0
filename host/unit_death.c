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

void unit_on_death(struct unit *unit, const struct instance *instance, const struct err *why,
		   bool failed)
{
	records_end(unit->house->audit, unit->plugin->name, instance, why, failed);
	if (failed)
		keep_capsule(unit, instance, why);
	dispatch_on_death(unit->house->dispatch, &unit->target, instance,
			  instance_is_to_blame(instance, why));
}
