/* The plugin that answers when another one can't.
 *
 *	plugin ──no instance can serve──▶ stand-in ──it neither──▶ the plugin's own error
 *
 * One step and no further: what stands in for the stand-in is not asked. Which ends allow it is
 * decided by dispatch (stand_in.h there); this file obeys. The request is the one that the plugin
 * was asked, under the number that the stand-in gives the method; a plugin that has never told what
 * it provides was not asked, and then the bridge begins with the stand-in. Owns nothing; the state
 * is in the exchange. */
#include "edge/stand_in.h"

#include <errno.h>

#include "edge/bridge.h"
#include "edge/edge_internal.h"
#include "plugin/drift.h"

/* The plugin's part is over: its error is the client's. */
static void fail(struct exchange *exchange)
{
	const struct exchange_refusal *refusal = &exchange->refusal;

	exchange_fail_outcome(exchange, refusal->outcome, refusal->message,
			      refusal->retry_after_ms);
}

/* From now on the exchange is the stand-in's. False: there is none, or no time is left. */
static bool turn_to_stand_in(struct exchange *exchange, const struct exchange_refusal *refusal)
{
	struct target *stand_in = routes_stand_in(exchange->routes, exchange->target);

	if (!stand_in || exchange_time_left_ms(exchange) <= 0)
		return false;
	exchange->stood_for = exchange->target;
	exchange->target = stand_in;
	exchange->refusal = *refusal;
	exchange->refusal.message = arena_str(exchange->request->arena, refusal->message);
	return true;
}

/* 0, or -errno with *err: it offers no such method, or another one under its name. */
static int find_method(const struct exchange *exchange, struct service_method *found,
		       struct err *err)
{
	struct drift drift;
	int r = registry_find_in(exchange->edge->registry, exchange->target, exchange->service,
				 exchange->method_name, found, err);

	if (r < 0 || !exchange->manifest)
		return r;
	drift_init(&drift, exchange->manifest, found->manifest);
	drift_check(&drift, exchange->service, exchange->method_name);
	return drift_result(&drift, err);
}

static void tell_unfit(const struct exchange *exchange, const struct err *why)
{
	log_event_bulk(exchange->edge->log, LOG_WARN, "stand_in.unfit", why->text,
		       LOG_STR("plugin", exchange->stood_for->plugin->name),
		       LOG_STR("stand_in", exchange->target->plugin->name),
		       LOG_INT("code", why->code), LOG_STRN("id", exchange->request_id));
}

/* `request` NULL: nobody was asked yet. */
static void ask(struct exchange *exchange, const struct service_method *found,
		const struct wire_request *request)
{
	struct wire_request again;

	exchange->stood_for->stood_in++;
	exchange_set_method(exchange, found);
	if (!request) {
		bridge_begin(exchange);
	} else if (bridge_fits(exchange)) {
		again = *request;
		bridge_call(exchange, &again);
	}
}

/* `may_wait`: for the stand-in's first start; the request is in the arena then. */
static void lead(struct exchange *exchange, const struct wire_request *request, bool may_wait)
{
	struct service_method found;
	struct err err;
	int r = find_method(exchange, &found, &err);

	exchange->kept = may_wait ? request : NULL;
	if (r == 0) {
		ask(exchange, &found, request);
		return;
	}
	if (r == -EAGAIN && may_wait && hold_begin(exchange))
		return;
	if (r != -EAGAIN)
		tell_unfit(exchange, &err);
	else if (exchange->target->pool) /* for the next who needs it */
		pool_wake(exchange->target->pool);
	fail(exchange);
}

void stand_in_lead(struct exchange *exchange)
{
	lead(exchange, exchange->kept, true);
}

void stand_in_or_fail(struct exchange *exchange, enum outcome outcome, struct str message)
{
	struct exchange_refusal refusal = {.outcome = outcome, .message = message};

	if (exchange->stood_for) {
		fail(exchange);
		return;
	}
	if (outcome != OUTCOME_PLUGIN_NOT_READY || !turn_to_stand_in(exchange, &refusal)) {
		exchange_fail_outcome(exchange, outcome, message, 0);
		return;
	}
	lead(exchange, NULL, true);
}

bool stand_in_takes(struct exchange *exchange, const struct dispatch_result *result)
{
	struct exchange_refusal refusal = {
		.outcome = result->outcome,
		.message = result->message,
		.retry_after_ms = result->retry_after_ms,
	};

	if (result->stand_in != STAND_IN_MAY)
		return false;
	if (exchange->stood_for) {
		fail(exchange);
		return true;
	}
	if (!turn_to_stand_in(exchange, &refusal))
		return false;
	lead(exchange, result->request, exchange->is_repeatable);
	return true;
}
