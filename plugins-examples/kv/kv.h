/* What the two doors of kv share. */
#ifndef KV_H
#define KV_H

#include <plug.h>

#include "values.h"

/* The services, routes and state formats of the plugin. */
extern const struct plug_service kv_services[1];
extern const struct plug_http_route kv_routes[3];
extern const struct plug_state_format kv_state_formats[1];

/* What the plugin keeps: plug_user(). */
static inline struct values *call_values(const struct plug_call *call)
{
	return plug_call_user(call);
}

/* Whether a key has a length that it may have. */
static inline bool key_is_valid(struct plug_bytes key)
{
	return key.len >= 1 && key.len <= STORE_KEY_MAX;
}

/* The sentences for what did not work; over HTTP the host makes a status of the code: 404, 400,
 * 503, … */
struct plug_answer refuse_key(struct plug_call *call);
struct plug_answer refuse(struct plug_call *call, enum store_result result);

/* Deletes. When this is not the first attempt, the value may be gone because an earlier one has
 * deleted it and its answer got lost: that is success too. */
enum store_result delete_once(struct plug_call *call, struct plug_bytes key);

#endif
