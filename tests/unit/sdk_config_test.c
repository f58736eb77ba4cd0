/* The configuration of a plugin changes while it runs: its author takes the change or refuses it,
 * and nobody reads freed memory meanwhile. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "sdk/proto.h"
#include "sdk_host.h"

enum { NAME = 1, HOLD };

static struct plug_answer name(struct plug_call *call)
{
	const char *text = plug_config_string(plug_call_plug(call), "name", "none");

	return plug_reply(call, text, strlen(text));
}

/* Sends the name that was in force when the stream began, for each message. */
static void hold_on_message(struct plug_call *call, void *state, const void *data, size_t len)
{
	const char *text = state;

	(void)data;
	(void)len;
	plug_send(call, text, strlen(text));
}

static void hold_on_end(struct plug_call *call, void *state)
{
	(void)state;
	plug_finish(call);
}

static struct plug_answer hold(struct plug_call *call)
{
	static const struct plug_stream_ops ops = {
		.on_message = hold_on_message,
		.on_end = hold_on_end,
	};
	const char *text = plug_config_string(plug_call_plug(call), "name", "none");

	return plug_stream(call, &ops, (void *)(uintptr_t)text);
}

/* Takes every name but "bad". The old one is still there to be compared. */
static struct plug_verdict on_config(struct plug *plug, const struct plug_value *config)
{
	const char *old = plug_config_string(plug, "name", "none");
	const char *new = plug_value_string(config, "name", "none");

	if (strcmp(new, "bad") == 0)
		return plug_refuse("%s is no name to follow %s", new, old);
	return plug_ok();
}

static const struct plug_method methods[] = {
	{.name = "Name", .handler = name, .codec = PLUG_BYTES},
	{.name = "Hold",
	 .handler = hold,
	 .codec = PLUG_BYTES,
	 .client_streams = true,
	 .server_streams = true},
};
static const struct plug_service services[] = {
	{.name = "test.v1.Config", PLUG_METHODS(methods)},
};
static const struct plug_plugin home = {
	.name = "config",
	.version = "1.0.0",
	PLUG_SERVICES(services),
	.on_config = on_config,
};
static const struct plug_plugin threaded = {
	.name = "config",
	.version = "1.0.0",
	PLUG_SERVICES(services),
	.on_config = on_config,
	.threads = 2,
};

static const struct plug_plugin settled = {
	.name = "config",
	.version = "1.0.0",
	PLUG_SERVICES(services),
};

/* {"name": "ann"}, and others of that length. */
#define NAMED(text) "\x81\xa4name\xa3" text

static struct host *start(const struct plug_plugin *plugin)
{
	struct host *host = host_start(plugin);

	host_greet(host, &(struct host_hello){.config = NAMED("ann"),
					      .config_len = strlen(NAMED("ann"))});
	return host;
}

static void say_change(struct host *host, uint32_t seq, const char *packed)
{
	plugd_v1_Config change = {.seq = seq};

	proto_set_string(&change.config, packed);
	host_say(host, WIRE_CONFIG, plugd_v1_Config_fields, &change);
}

/* `error` NULL: the change is in force. */
static void hear_result(struct host *host, uint32_t seq, const char *error)
{
	plugd_v1_ConfigResult result = plugd_v1_ConfigResult_init_zero;
	char *heard = NULL;

	proto_get_string(&result.error, &heard);
	assert_true(proto_read(host_hear(host, WIRE_CONFIG_RESULT), plugd_v1_ConfigResult_fields,
			       &result));
	assert_int_equal(result.seq, seq);
	if (error == NULL)
		assert_null(heard);
	else
		assert_string_equal(heard, error);
	free(heard);
}

static void change(struct host *host, uint32_t seq, const char *packed, const char *error)
{
	say_change(host, seq, packed);
	hear_result(host, seq, error);
}

/* The host swaps it instead. */
static void a_plugin_that_wants_no_changes_does_not_take_the_feature(void **state)
{
	static const struct {
		const struct plug_plugin *plugin;
		bool takes;
	} rows[] = {{&settled, false}, {&home, true}};

	(void)state;
	for (size_t i = 0; i < PLUG_COUNT(rows); i++) {
		struct host *host = host_start(rows[i].plugin);
		struct wire_bytes welcome;

		host_say_hello(host, &(struct host_hello){0});
		welcome = host_hear(host, WIRE_WELCOME);
		/* field 6 of WELCOME */
		assert_int_equal(memmem(welcome.data, welcome.len, "2\6config", 8) != NULL,
				 rows[i].takes);
		host_end(host, false);
	}
}

static void a_change_that_is_taken_is_in_force(void **state)
{
	struct host *host = start(*state);

	host_call(host, 1, NAME, "", "ann");
	change(host, 4, NAMED("bob"), NULL);
	host_call(host, 3, NAME, "", "bob");
	change(host, 5, "", NULL);
	host_call(host, 5, NAME, "", "none");
	assert_int_equal(host_end(host, true), 0);
}

static void a_change_that_is_refused_leaves_the_old_one(void **state)
{
	struct host *host = start(*state);

	change(host, 6, NAMED("bad"), "bad is no name to follow ann");
	host_call(host, 1, NAME, "", "ann");
	change(host, 7,
	       "\xa3"
	       "bob",
	       "the configuration is no MessagePack map");
	change(host, 8, NAMED("bo"), "the configuration is no MessagePack map");
	host_call(host, 3, NAME, "", "ann");
	assert_int_equal(host_end(host, true), 0);
}

static void a_call_keeps_the_strings_that_it_began_with(void **state)
{
	struct host *host = start(*state);

	host_say_request(host,
			 &(struct wire_request){.id = 1, .method = HOLD, .payload = bytes_of("?")});
	assert_memory_equal(host_hear_response(host, 1).payload.data, "ann", 3);
	change(host, 1, NAMED("bob"), NULL);
	host_say_request(host,
			 &(struct wire_request){.id = 3, .method = HOLD, .payload = bytes_of("?")});
	assert_memory_equal(host_hear_response(host, 3).payload.data, "bob", 3);
	change(host, 2, NAMED("cat"), NULL);
	host_say_data(host, &(struct wire_data){.id = 1, .payload = bytes_of("?")});
	assert_memory_equal(host_hear_data(host, 1).payload.data, "ann", 3);
	host_say_data(host, &(struct wire_data){.id = 1, .end = true});
	assert_true(host_hear_data(host, 1).end);
	change(host, 3, NAMED("dan"), NULL);
	host_say_data(host, &(struct wire_data){.id = 3, .payload = bytes_of("?")});
	assert_memory_equal(host_hear_data(host, 3).payload.data, "bob", 3);
	host_say_data(host, &(struct wire_data){.id = 3, .end = true});
	assert_true(host_hear_data(host, 3).end);
	host_call(host, 5, NAME, "", "dan");
	assert_int_equal(host_end(host, true), 0);
}

#define IN_BOTH(test)                                                                              \
	{#test, test, NULL, NULL, (void *)(uintptr_t)&home},                                       \
	{                                                                                          \
#test " with workers", test, NULL, NULL, (void *)(uintptr_t)&threaded              \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plugin_that_wants_no_changes_does_not_take_the_feature),
		IN_BOTH(a_change_that_is_taken_is_in_force),
		IN_BOTH(a_change_that_is_refused_leaves_the_old_one),
		IN_BOTH(a_call_keeps_the_strings_that_it_began_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
