/* Calls and the requests that kill plugins: what a request is known by, which calls are refused,
 * and what the log hears. The rules are in poison.c. Only a request that is at hand as a whole has
 * a fingerprint; a call costs nothing here until a plugin has died of something. */
#include <stdio.h>
#include <string.h>

#include "dispatch/dispatch_internal.h"
#include "observe/errors.h"
#include "trust/digest.h"

static bool is_at_hand(const struct dispatch_call *call)
{
	return call->target->plugin->quarantine_ms > 0 && call->request && call->request->end;
}

static const struct manifest_method *method_of(const struct dispatch_call *call,
					       const struct manifest_service **service_out)
{
	const struct pool *pool = call->target->pool;
	const struct manifest *manifest = call->manifest ? call->manifest
					  : pool	 ? pool_manifest(pool)
							 : NULL;

	return manifest ? manifest_find_number(manifest, call->request->method, service_out) : NULL;
}

/* "service/method"; numbers may change from one generation to the next. */
static void put_method(char *out, size_t size, const struct dispatch_call *call)
{
	const struct manifest_service *service;
	const struct manifest_method *method = method_of(call, &service);

	snprintf(out, size, "%s/%s", method ? service->name : "?", method ? method->name : "?");
}

#define METHOD_TEXT (MANIFEST_MAX_SERVICE_NAME + MANIFEST_MAX_METHOD_NAME + 2)

/* False: there is none. */
static bool take_fingerprint(const struct dispatch_call *call, const char *method,
			     struct fingerprint *out)
{
	struct digest_stream *stream = digest_stream_new();
	struct digest digest;

	if (!stream)
		return false;
	digest_stream_add(stream, method, strlen(method) + 1);
	if (call->ops->identify)
		call->ops->identify(call->user, call->request->payload, stream);
	else
		digest_stream_add(stream, call->request->payload.data, call->request->payload.len);
	if (digest_stream_end(stream, &digest) < 0)
		return false;
	memcpy(out->bytes, digest.bytes, sizeof(out->bytes));
	return true;
}

void quarantine_suspect(const struct dispatch_call *call)
{
	struct fingerprint fingerprint;
	char method[METHOD_TEXT];

	if (!is_at_hand(call))
		return;
	put_method(method, sizeof(method), call);
	if (take_fingerprint(call, method, &fingerprint))
		poison_suspect(&call->target->poison, call->instance, &fingerprint, method);
}

void quarantine_survived(const struct dispatch_call *call)
{
	struct fingerprint fingerprint;
	char method[METHOD_TEXT];

	if (poison_is_empty(&call->target->poison) || !is_at_hand(call))
		return;
	put_method(method, sizeof(method), call);
	if (take_fingerprint(call, method, &fingerprint))
		poison_exonerate(&call->target->poison, &fingerprint);
}

bool quarantine_refuses(const struct dispatch_call *call)
{
	struct fingerprint fingerprint;
	char method[METHOD_TEXT];

	if (poison_is_empty(&call->target->poison) || !is_at_hand(call))
		return false;
	put_method(method, sizeof(method), call);
	return take_fingerprint(call, method, &fingerprint) &&
	       poison_refuses(&call->target->poison, &fingerprint,
			      loop_now_ms(call->dispatch->loop));
}

static void tell(const struct dispatch *dispatch, const struct target *target, const void *death)
{
	for (unsigned i = 0; i < target->poison.count; i++) {
		const struct poison_row *row = &target->poison.rows[i];
		char id[POISON_ID_TEXT];

		if (row->death == death)
			log_event(dispatch->log, LOG_WARN, "request.quarantined",
				  "the plugin died each time that it was asked this: it is not "
				  "asked again for a while",
				  LOG_STR("plugin", target->plugin->name),
				  LOG_INT("code", ERR_POISON_REQUEST),
				  LOG_STR("request", poison_id(id, &row->fingerprint)),
				  LOG_STR("method", row->method), LOG_INT("deaths", row->deaths),
				  LOG_INT("for_ms", target->plugin->quarantine_ms));
	}
}

void dispatch_on_death(struct dispatch *dispatch, struct target *target,
		       const struct instance *instance, bool is_own_fault)
{
	if (poison_judge(&target->poison, instance, is_own_fault, target->plugin->quarantine_ms,
			 loop_now_ms(dispatch->loop)) == 0)
		return;
	tell(dispatch, target, instance);
	poison_forget_death(&target->poison, instance);
}
