/* kv: a store of keys and values for programs (RPC, rpc.c) and for people (HTTP, http.c), on SQLite
 * (store.c), behind a cache (values.c). Here: its configuration, its life and its health. One
 * thread: a call takes as long as SQLite needs, and at most busy_timeout_ms more when another
 * process writes to the same file. */
#include "kv.h"

#include <string.h>

#define BUSY_TIMEOUT_MS	    1000
#define BUSY_TIMEOUT_MS_MAX 60000

struct plug_answer refuse_key(struct plug_call *call)
{
	return plug_fail(call, PLUG_INVALID_ARGUMENT, "a key has 1 to %d bytes", STORE_KEY_MAX);
}

static struct plug_answer refuse_busy(struct plug_call *call)
{
	static const struct plug_failure busy = {
		.code = PLUG_UNAVAILABLE,
		.message = "another process is writing to the database",
		.retry_after_ms = 1000,
		.not_processed = true,
	};

	return plug_fail_with(call, &busy);
}

struct plug_answer refuse(struct plug_call *call, enum store_result result)
{
	const char *why = store_error(call_values(call)->store);

	switch (result) {
	case STORE_NOT_FOUND:
		return plug_fail(call, PLUG_NOT_FOUND, "there is no such key");
	case STORE_BUSY:
		return refuse_busy(call);
	case STORE_FULL:
		return plug_fail(call, PLUG_RESOURCE_EXHAUSTED, "no room for the database");
	case STORE_OK:
	case STORE_FAILED:
		break;
	}
	plug_call_log(call, PLUG_ERROR, "the database failed: %s", why);
	return plug_fail(call, PLUG_INTERNAL, "the database failed");
}

enum store_result delete_once(struct plug_call *call, struct plug_bytes key)
{
	enum store_result result = values_delete(call_values(call), key);

	if (result == STORE_NOT_FOUND && plug_attempt(call) > 0)
		return STORE_OK;
	return result;
}

/* A misspelled key is told, not passed over. */
static struct plug_verdict check_keys(const struct plug_value *config)
{
	for (size_t i = 0; i < plug_value_count(config, NULL); i++) {
		const char *key = plug_value_key(config, i);

		if (strcmp(key, "database") != 0 && strcmp(key, "busy_timeout_ms") != 0)
			return plug_refuse("config: \"%s\" is no key; there are database and "
					   "busy_timeout_ms",
					   key);
	}
	return plug_ok();
}

/* What is not of its type is told too: a fallback would keep the data in another file than
 * meant. */
static struct plug_verdict read_config(const struct plug_value *config, const char **path_out,
				       int *busy_timeout_ms_out)
{
	struct plug_verdict verdict = check_keys(config);
	int64_t busy_timeout_ms = plug_value_int(config, "busy_timeout_ms", -1);

	if (!verdict.ok)
		return verdict;
	*path_out = plug_value_string(config, "database", "");
	if (plug_value_type(config, "database") == PLUG_VALUE_NONE)
		*path_out = "kv.sqlite";
	if (**path_out == '\0')
		return plug_refuse("config: database is a text, the path of a file");
	if (plug_value_type(config, "busy_timeout_ms") == PLUG_VALUE_NONE)
		busy_timeout_ms = BUSY_TIMEOUT_MS;
	if (busy_timeout_ms < 0 || busy_timeout_ms > BUSY_TIMEOUT_MS_MAX)
		return plug_refuse("config: busy_timeout_ms is from 0 to %d", BUSY_TIMEOUT_MS_MAX);
	*busy_timeout_ms_out = (int)busy_timeout_ms;
	return verdict;
}

static struct plug_verdict on_start(struct plug *plug)
{
	struct values *values = plug_user(plug);
	const char *path = NULL;
	int busy_timeout_ms = 0;
	struct plug_verdict verdict = read_config(plug_config(plug), &path, &busy_timeout_ms);
	char why[200];

	if (!verdict.ok)
		return verdict;
	if (!values_open(values, path, busy_timeout_ms, why, sizeof(why)))
		return plug_refuse("%s", why);
	return plug_ok();
}

/* Healthy is who can read; the value of some key is the quickest way to see. */
static struct plug_health on_health(struct plug *plug)
{
	const struct values *values = plug_user(plug);
	struct plug_bytes key = {"health", 6};
	struct store_value value;
	enum store_result result = store_get(values->store, key, &value);

	if (result == STORE_OK || result == STORE_NOT_FOUND)
		return plug_healthy();
	return plug_unhealthy("the database: %s", store_error(values->store));
}

int main(void)
{
	struct values values = {0};
	const struct plug_plugin plugin = {
		.name = "kv",
		.version = "1.0.0",
		PLUG_SERVICES(kv_services),
		PLUG_ROUTES(kv_routes),
		PLUG_STATE(kv_state_formats),
		.user = &values,
		.on_start = on_start,
		.on_health = on_health,
	};
	int status = plug_serve(&plugin);

	values_close(&values);
	return status;
}
