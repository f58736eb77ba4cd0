/* The state of one generation goes to the next.
 *
 *	each pair:  EXPORT ──whole and verified──▶ IMPORT ──taken──▶ done
 *	               └──────────── refused, damaged, died ───────────▶ all is given up
 *
 * Owns the pairs. The states themselves lie in the exporting instances until the end. All pairs go
 * at the same time. Whoever started it watches the clock. */
#include "plugin/handoff.h"

#include <stdlib.h>

#include "base/mem.h"
#include "observe/errors.h"

struct pair {
	struct handoff *handoff;
	struct instance *from;
	struct instance *to;
	struct state state;
};

struct handoff {
	handoff_done_fn *on_done;
	void *user;
	uint32_t format;
	unsigned count;
	unsigned left; /* pairs that are not done */
	bool is_over;
	struct pair pairs[];
};

static int refuse(struct err *err, const char *why)
{
	return err_set(err, ERR_PLUGIN_STATE, "%s", why);
}

int handoff_check(const struct pool *old, const struct pool *next, struct err *err)
{
	const struct manifest *from = pool_manifest(old);
	const struct manifest *to = pool_manifest(next);

	if (pool_slot_count(old) != pool_slot_count(next))
		return err_set(err, ERR_PLUGIN_STATE,
			       "%u instances can't hand their states over to %u: number 1 goes to "
			       "number 1, and so on",
			       pool_slot_count(old), pool_slot_count(next));
	if (!pool_is_complete(old))
		return refuse(err, "not every instance of the old generation is ready, so its "
				   "state is not whole");
	if (!from || !to || manifest_state_format(from, to) == 0)
		return refuse(err, "the two generations have no format of a state in common that "
				   "the old one exports and the new one imports");
	return 0;
}

/* ---- the steps of a pair ---- */

void handoff_abandon(struct handoff *handoff)
{
	if (!handoff || handoff->is_over)
		return;
	handoff->is_over = true;
	for (unsigned i = 0; i < handoff->count; i++) {
		instance_abandon_state(handoff->pairs[i].from);
		instance_abandon_state(handoff->pairs[i].to);
	}
}

static void end(struct handoff *handoff, const struct err *why)
{
	if (handoff->is_over)
		return;
	handoff_abandon(handoff);
	handoff->on_done(handoff->user, why);
}

static void fail(const struct pair *pair, const struct instance *instance, const struct err *why)
{
	struct err told = *why;

	err_prefix(&told, "%s", instance_id(instance));
	end(pair->handoff, &told);
}

static void on_imported(void *user, const struct err *why)
{
	struct pair *pair = user;

	if (why)
		fail(pair, pair->to, why);
	else if (--pair->handoff->left == 0)
		end(pair->handoff, NULL);
}

static void on_exported(void *user, const struct err *why)
{
	struct pair *pair = user;

	if (why) {
		fail(pair, pair->from, why);
		return;
	}
	pair->state = instance_exported(pair->from);
	instance_import(pair->to, pair->handoff->format, &pair->state, on_imported, pair);
}

struct handoff *handoff_start(const struct handoff_opts *opts)
{
	unsigned count = pool_slot_count(opts->old);
	struct handoff *handoff = mem_zalloc(sizeof(*handoff) + count * sizeof(struct pair));

	handoff->on_done = opts->on_done;
	handoff->user = opts->user;
	handoff->format =
		manifest_state_format(pool_manifest(opts->old), pool_manifest(opts->next));
	handoff->count = handoff->left = count;
	for (unsigned i = 0; i < count; i++) {
		struct pair *pair = &handoff->pairs[i];

		pair->handoff = handoff;
		pair->from = pool_instance(opts->old, i);
		pair->to = pool_instance(opts->next, i);
		instance_export(pair->from, handoff->format, on_exported, pair);
	}
	return handoff;
}

void handoff_free(struct handoff *handoff)
{
	free(handoff);
}
