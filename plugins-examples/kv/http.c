/* The door for people: /kv/:key with GET, PUT and DELETE. Bodies are values, as they are. */
#include <string.h>

#include "kv.h"

static bool key_of_path(struct plug_call *call, struct plug_bytes *key_out)
{
	const char *key = plug_http_param(call, "key");

	*key_out = (struct plug_bytes){key, strlen(key)};
	return key_is_valid(*key_out);
}

static struct plug_answer get(struct plug_call *call)
{
	enum store_result result;
	struct store_value value;
	struct plug_bytes key;

	if (!key_of_path(call, &key))
		return refuse_key(call);
	result = values_get(call_values(call), key, &value);
	if (result != STORE_OK)
		return refuse(call, result);
	plug_http_set(call, "content-type", "application/octet-stream");
	return plug_http_reply(call, 200, value.data, value.len);
}

static struct plug_answer put(struct plug_call *call)
{
	enum store_result result;
	struct plug_bytes key;
	bool created;

	if (!key_of_path(call, &key))
		return refuse_key(call);
	result = values_put(call_values(call), key, plug_http_body(call), &created);
	if (result != STORE_OK)
		return refuse(call, result);
	return plug_http_reply(call, created ? 201 : 204, NULL, 0);
}

static struct plug_answer delete (struct plug_call *call)
{
	enum store_result result;
	struct plug_bytes key;

	if (!key_of_path(call, &key))
		return refuse_key(call);
	result = delete_once(call, key);
	if (result != STORE_OK)
		return refuse(call, result);
	return plug_http_reply(call, 204, NULL, 0);
}

/* A larger body is answered with 413 by the library. */
const struct plug_http_route kv_routes[3] = {
	{.method = "GET", .pattern = "/kv/:key", .handler = get},
	{.method = "PUT", .pattern = "/kv/:key", .handler = put, .max_body = STORE_VALUE_MAX},
	{.method = "DELETE", .pattern = "/kv/:key", .handler = delete},
};
