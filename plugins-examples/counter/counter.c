/* counter: a number in memory and nowhere else, by RPC and by HTTP. It shows a state hand-off: a
 * swap to another build of it does not lose the count. A crash does: that is what kv's file is for.
 * Owns one number; everything runs in one thread. */
#include <msgpack.h>
#include <plug.h>
#include <string.h>

/* What a plugin keeps: plug_user(). */
struct counter {
	int64_t count;
};

/* False, and nothing was added, when the sum is no number that we can count to. */
static bool counter_add(struct counter *counter, int64_t n)
{
	int64_t sum;

	if (__builtin_add_overflow(counter->count, n, &sum))
		return false;
	counter->count = sum;
	return true;
}

static void pack_count(msgpack_sbuffer *buffer, int64_t count)
{
	msgpack_packer packer;

	msgpack_sbuffer_init(buffer);
	msgpack_packer_init(&packer, buffer, msgpack_sbuffer_write);
	msgpack_pack_map(&packer, 1);
	msgpack_pack_str_with_body(&packer, "count", strlen("count"));
	msgpack_pack_int64(&packer, count);
}

/* ---- RPC: maps in MessagePack ---- */

static struct plug_answer reply_count(struct plug_call *call, int64_t count)
{
	msgpack_sbuffer buffer;
	struct plug_answer answer;

	pack_count(&buffer, count);
	answer = plug_reply_msgpack(call, &buffer);
	msgpack_sbuffer_destroy(&buffer);
	return answer;
}

/* {n: 5}, or {} for 1 */
static struct plug_answer add(struct plug_call *call)
{
	struct counter *counter = plug_call_user(call);
	const struct plug_value *request = plug_request_value(call);
	enum plug_value_type type = plug_value_type(request, "n");

	if (plug_value_type(request, NULL) != PLUG_VALUE_MAP ||
	    (type != PLUG_VALUE_INT && type != PLUG_VALUE_NONE))
		return plug_fail(call, PLUG_INVALID_ARGUMENT,
				 "the request is a map; n is a number");
	if (!counter_add(counter, type == PLUG_VALUE_INT ? plug_value_int(request, "n", 0) : 1))
		return plug_fail(call, PLUG_OUT_OF_RANGE, "the count has no room for that");
	return reply_count(call, counter->count);
}

static struct plug_answer get(struct plug_call *call)
{
	const struct counter *counter = plug_call_user(call);

	return reply_count(call, counter->count);
}

/* Add done twice has counted twice, so nobody may try it again without being asked. */
static const struct plug_method methods[] = {
	{.name = "Add", .handler = add, .codec = PLUG_MSGPACK},
	{.name = "Get", .handler = get, .codec = PLUG_MSGPACK, .idempotent = true},
};
static const struct plug_service services[] = {
	{.name = "counter.v1.Counter", .version = "1.0.0", PLUG_METHODS(methods)},
};

/* ---- HTTP: the number as text ---- */

static struct plug_answer http_count(struct plug_call *call)
{
	const struct counter *counter = plug_call_user(call);

	return plug_http_text(call, 200, "%lld\n", (long long)counter->count);
}

static struct plug_answer http_add(struct plug_call *call)
{
	struct counter *counter = plug_call_user(call);

	if (!counter_add(counter, 1))
		return plug_fail(call, PLUG_OUT_OF_RANGE, "the count has no room for that");
	return http_count(call);
}

static const struct plug_http_route routes[] = {
	{.method = "GET", .pattern = "/counter", .handler = http_count},
	{.method = "POST", .pattern = "/counter", .handler = http_add},
};

/* ---- state: {count: n} ---- */

static struct plug_verdict on_export(struct plug *plug, struct plug_state_writer *writer)
{
	const struct counter *counter = plug_user(plug);
	msgpack_sbuffer buffer;

	pack_count(&buffer, counter->count);
	(void)plug_state_write(writer, buffer.data, buffer.size); /* the library tells, if not */
	msgpack_sbuffer_destroy(&buffer);
	return plug_ok();
}

static struct plug_verdict on_import(struct plug *plug, struct plug_state *state)
{
	struct counter *counter = plug_user(plug);
	const struct plug_value *value = plug_state_value(state);

	if (plug_value_type(value, "count") != PLUG_VALUE_INT)
		return plug_refuse("there is no count in the state");
	counter->count = plug_value_int(value, "count", 0);
	plug_log(PLUG_INFO, "goes on from %lld", (long long)counter->count);
	return plug_ok();
}

static const struct plug_state_format formats[] = {
	{.version = 1, .on_export = on_export, .on_import = on_import},
};

int main(void)
{
	struct counter counter = {0};
	const struct plug_plugin plugin = {
		.name = "counter",
		.version = "1.0.0",
		PLUG_SERVICES(services),
		PLUG_ROUTES(routes),
		PLUG_STATE(formats),
		.user = &counter,
	};

	return plug_serve(&plugin);
}
