/* The door for programs: the service kv.v1.Kv of kv.proto, typed by nanopb. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kv.h"
#include "kv.pb.h"

/* Of a bytes field, which nanopb makes an array behind its length. */
#define FIELD_BYTES(field) ((struct plug_bytes){(field).bytes, (field).size})

static struct plug_answer get(struct plug_call *call)
{
	const kv_v1_GetRequest *request = plug_message(call, kv_v1_GetRequest);
	struct plug_bytes key = FIELD_BYTES(request->key);
	kv_v1_GetResponse response;
	enum store_result result;
	struct store_value value;

	if (!key_is_valid(key))
		return refuse_key(call);
	result = values_get(call_values(call), key, &value);
	if (result != STORE_OK)
		return refuse(call, result);
	response.value.size = (pb_size_t)value.len;
	memcpy(response.value.bytes, value.data, value.len);
	return plug_reply_message(call, kv_v1_GetResponse, &response);
}

static struct plug_answer put(struct plug_call *call)
{
	const kv_v1_PutRequest *request = plug_message(call, kv_v1_PutRequest);
	struct plug_bytes key = FIELD_BYTES(request->key);
	kv_v1_PutResponse response = kv_v1_PutResponse_init_zero;
	enum store_result result;

	if (!key_is_valid(key))
		return refuse_key(call);
	result = values_put(call_values(call), key, FIELD_BYTES(request->value), &response.created);
	if (result != STORE_OK)
		return refuse(call, result);
	return plug_reply_message(call, kv_v1_PutResponse, &response);
}

static struct plug_answer delete (struct plug_call *call)
{
	const kv_v1_DeleteRequest *request = plug_message(call, kv_v1_DeleteRequest);
	const kv_v1_DeleteResponse response = kv_v1_DeleteResponse_init_zero;
	struct plug_bytes key = FIELD_BYTES(request->key);
	enum store_result result;

	if (!key_is_valid(key))
		return refuse_key(call);
	result = delete_once(call, key);
	if (result != STORE_OK)
		return refuse(call, result);
	return plug_reply_message(call, kv_v1_DeleteResponse, &response);
}

/* A list that runs. Between two turns it keeps only where to go on, no statement: one that stays
 * open would keep SQLite from clearing its log for as long as the caller doesn't read. */
struct list {
	size_t prefix_len;
	size_t from_len;
	uint8_t prefix[STORE_KEY_MAX];
	uint8_t from[STORE_KEY_MAX + 1];
};

static bool list_takes(const struct list *list, struct plug_bytes key)
{
	return key.len >= list->prefix_len && memcmp(key.data, list->prefix, list->prefix_len) == 0;
}

/* The next key after one is that key with a zero behind it. */
static void list_go_behind(struct list *list, struct plug_bytes key)
{
	memcpy(list->from, key.data, key.len);
	list->from[key.len] = 0;
	list->from_len = key.len + 1;
}

static int list_send(struct plug_call *call, const struct store_entry *entry)
{
	kv_v1_Entry message;

	message.key.size = (pb_size_t)entry->key.len;
	memcpy(message.key.bytes, entry->key.data, entry->key.len);
	message.value.size = (pb_size_t)entry->value.len;
	if (entry->value.len > 0)
		memcpy(message.value.bytes, entry->value.data, entry->value.len);
	return plug_send_message(call, kv_v1_Entry, &message);
}

/* Sends until there is no room (-EAGAIN), or no entry (0, and *result_out says why). */
static int list_send_all(struct plug_call *call, struct list *list, enum store_result *result_out)
{
	struct store *store = call_values(call)->store;
	struct store_entry entry;
	int sent = 0;

	store_scan(store, (struct plug_bytes){list->from, list->from_len});
	while (sent == 0) {
		*result_out = store_next(store, &entry);
		if (*result_out != STORE_OK)
			break;
		if (!list_takes(list, entry.key)) {
			*result_out = STORE_NOT_FOUND;
			break;
		}
		sent = list_send(call, &entry);
		if (sent == 0)
			list_go_behind(list, entry.key);
	}
	store_scan_end(store);
	return sent;
}

static void list_on_writable(struct plug_call *call, void *state)
{
	enum store_result result;
	int sent = list_send_all(call, state, &result);

	if (sent == -EAGAIN)
		return;
	if (sent < 0)
		plug_abort(call, PLUG_RESOURCE_EXHAUSTED, "no memory for an entry");
	else if (result == STORE_NOT_FOUND)
		plug_finish(call);
	else
		refuse(call, result);
}

static void list_on_close(struct plug_call *call, void *state)
{
	free(state);
}

static const struct plug_stream_ops list_stream = {
	.on_writable = list_on_writable,
	.on_close = list_on_close,
};

static struct plug_answer list(struct plug_call *call)
{
	const kv_v1_ListRequest *request = plug_message(call, kv_v1_ListRequest);
	struct list *list;

	/* nanopb takes a byte more than asked for, where its struct is padded. */
	if (request->prefix.size > STORE_KEY_MAX)
		return refuse_key(call);
	list = calloc(1, sizeof(*list));
	if (!list)
		return plug_fail(call, PLUG_RESOURCE_EXHAUSTED, "no memory for a list");
	list->prefix_len = list->from_len = request->prefix.size;
	memcpy(list->prefix, request->prefix.bytes, request->prefix.size);
	memcpy(list->from, request->prefix.bytes, request->prefix.size);
	return plug_stream(call, &list_stream, list);
}

static struct plug_answer stats(struct plug_call *call)
{
	const uint64_t *counters = call_values(call)->counters;
	const kv_v1_StatsResponse response = {
		.hits = counters[COUNTER_HITS],
		.misses = counters[COUNTER_MISSES],
		.puts = counters[COUNTER_PUTS],
		.deletes = counters[COUNTER_DELETES],
	};

	return plug_reply_message(call, kv_v1_StatsResponse, &response);
}

/* All are idempotent: what is done twice ends as if done once (delete_once() says how). */
static const struct plug_method methods[] = {
	{
		.name = "Get",
		.handler = get,
		.idempotent = true,
		PLUG_INPUT(kv_v1_GetRequest, "kv.v1.GetRequest"),
		PLUG_OUTPUT(kv_v1_GetResponse, "kv.v1.GetResponse"),
	},
	{
		.name = "Put",
		.handler = put,
		.idempotent = true,
		PLUG_INPUT(kv_v1_PutRequest, "kv.v1.PutRequest"),
		PLUG_OUTPUT(kv_v1_PutResponse, "kv.v1.PutResponse"),
	},
	{
		.name = "Delete",
		.handler = delete,
		.idempotent = true,
		PLUG_INPUT(kv_v1_DeleteRequest, "kv.v1.DeleteRequest"),
		PLUG_OUTPUT(kv_v1_DeleteResponse, "kv.v1.DeleteResponse"),
	},
	{
		.name = "List",
		.handler = list,
		.server_streams = true,
		.idempotent = true,
		PLUG_INPUT(kv_v1_ListRequest, "kv.v1.ListRequest"),
		PLUG_OUTPUT(kv_v1_Entry, "kv.v1.Entry"),
	},
	{
		.name = "Stats",
		.handler = stats,
		.idempotent = true,
		PLUG_INPUT(kv_v1_StatsRequest, "kv.v1.StatsRequest"),
		PLUG_OUTPUT(kv_v1_StatsResponse, "kv.v1.StatsResponse"),
	},
};

const struct plug_service kv_services[1] = {
	{.name = "kv.v1.Kv", .version = "1.0.0", PLUG_METHODS(methods)},
};
