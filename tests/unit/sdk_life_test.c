/* A plugin's life as its host sees it: greeting, configuration, the start, frames out of turn; and
 * what happens when no host is there. */
#include <fcntl.h>
#include <msgpack.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#include "sdk/proto.h"
#include "sdk_host.h"

enum { ECHO = 1, CONFIG };

static struct plug_answer echo(struct plug_call *call)
{
	struct plug_bytes in = plug_request(call);

	return plug_reply(call, in.data, in.len);
}

static struct plug_answer config(struct plug_call *call)
{
	struct plug *plug = plug_call_plug(call);
	char text[256];

	snprintf(text, sizeof(text), "%s %d %s %g %s %zu", plug_config_string(plug, "name", "none"),
		 (int)plug_config_int(plug, "cache.size", 5),
		 plug_config_bool(plug, "cache.on", false) ? "on" : "off",
		 plug_config_double(plug, "ratio", 0.5), plug_config_string(plug, "list.1", "none"),
		 plug_value_count(plug_config(plug), "list"));
	return plug_reply(call, text, strlen(text));
}

static const struct plug_method methods[] = {
	{.name = "Echo", .handler = echo, .codec = PLUG_BYTES, .idempotent = true},
	{.name = "Config", .handler = config, .codec = PLUG_BYTES},
};
static const struct plug_service services[] = {
	{.name = "test.v1.Life", .version = "1.0.0", PLUG_METHODS(methods)},
};
static const struct plug_plugin simple = {
	.name = "simple",
	.version = "1.2.3",
	PLUG_SERVICES(services),
};

static void welcome_tells_the_manifest(void **state)
{
	static const struct host_hello usual;
	struct host *host = host_start(&simple);
	plugd_v1_Welcome welcome = plugd_v1_Welcome_init_zero;
	char *name = NULL;
	char *version = NULL;

	(void)state;
	host_say_hello(host, &usual);
	proto_get_string(&welcome.plugin_name, &name);
	proto_get_string(&welcome.plugin_version, &version);
	assert_true(proto_read(host_hear(host, WIRE_WELCOME), plugd_v1_Welcome_fields, &welcome));
	assert_int_equal(welcome.version, 1);
	assert_string_equal(name, "simple");
	assert_string_equal(version, "1.2.3");
	assert_true(welcome.has_manifest);
	assert_int_equal(welcome.limits.max_calls, WIRE_MAX_CALLS);
	free(name);
	free(version);
	assert_int_equal(host_end(host, false), 1);
}

/* {name: "ann", cache: {size: 17, on: true}, ratio: 2, list: ["a", "b"]} */
static void pack_config(msgpack_sbuffer *buffer)
{
	msgpack_packer packer;

	msgpack_sbuffer_init(buffer);
	msgpack_packer_init(&packer, buffer, msgpack_sbuffer_write);
	msgpack_pack_map(&packer, 4);
	msgpack_pack_str_with_body(&packer, "name", 4);
	msgpack_pack_str_with_body(&packer, "ann", 3);
	msgpack_pack_str_with_body(&packer, "cache", 5);
	msgpack_pack_map(&packer, 2);
	msgpack_pack_str_with_body(&packer, "size", 4);
	msgpack_pack_int(&packer, 17);
	msgpack_pack_str_with_body(&packer, "on", 2);
	msgpack_pack_true(&packer);
	msgpack_pack_str_with_body(&packer, "ratio", 5);
	msgpack_pack_int(&packer, 2);
	msgpack_pack_str_with_body(&packer, "list", 4);
	msgpack_pack_array(&packer, 2);
	msgpack_pack_str_with_body(&packer, "a", 1);
	msgpack_pack_str_with_body(&packer, "b", 1);
}

static void the_configuration_is_there(void **state)
{
	struct host *host = host_start(&simple);
	msgpack_sbuffer packed;
	struct host_hello hello = {.config = NULL};

	(void)state;
	pack_config(&packed);
	hello.config = packed.data;
	hello.config_len = packed.size;
	host_greet(host, &hello);
	msgpack_sbuffer_destroy(&packed);
	host_call(host, 1, CONFIG, "", "ann 17 on 2 b 2");
	assert_int_equal(host_end(host, true), 0);
}

static void without_a_configuration_there_are_defaults(void **state)
{
	struct host *host = host_start_ready(&simple);

	(void)state;
	host_call(host, 1, CONFIG, "", "none 5 off 0.5 none 0");
	assert_int_equal(host_end(host, true), 0);
}

static void a_change_of_configuration_is_refused_without_a_callback(void **state)
{
	struct host *host = host_start_ready(&simple);
	plugd_v1_Config change = {.seq = 9};
	plugd_v1_ConfigResult result = plugd_v1_ConfigResult_init_zero;
	char *error = NULL;

	(void)state;
	host_say(host, WIRE_CONFIG, plugd_v1_Config_fields, &change);
	proto_get_string(&result.error, &error);
	assert_true(proto_read(host_hear(host, WIRE_CONFIG_RESULT), plugd_v1_ConfigResult_fields,
			       &result));
	assert_int_equal(result.seq, 9);
	assert_non_null(error);
	free(error);
	assert_int_equal(host_end(host, true), 0);
}

static struct plug_verdict not_today(struct plug *plug)
{
	return plug_refuse("%s can't open its database", plug_name(plug));
}

static void a_refused_start_is_told(void **state)
{
	struct plug_plugin plugin = simple;
	static const struct host_hello usual;
	plugd_v1_Failed failed = plugd_v1_Failed_init_zero;
	struct host *host;
	char *reason = NULL;

	(void)state;
	plugin.on_start = not_today;
	host = host_start(&plugin);
	host_say_hello(host, &usual);
	host_hear(host, WIRE_WELCOME);
	host_say(host, WIRE_START, plugd_v1_Start_fields, &(plugd_v1_Start){0});
	proto_get_string(&failed.reason, &reason);
	assert_true(proto_read(host_hear(host, WIRE_FAILED), plugd_v1_Failed_fields, &failed));
	assert_string_equal(reason, "tested can't open its database");
	free(reason);
	assert_int_equal(host_wait(host), 1);
}

static void a_host_that_is_gone_ends_the_plugin(void **state)
{
	struct host *host = host_start_ready(&simple);

	(void)state;
	host_call(host, 1, ECHO, "a", "a");
	assert_int_equal(host_end(host, false), 1);
}

static void a_frame_out_of_turn_ends_the_plugin(void **state)
{
	static const struct {
		enum wire_kind kind;
		bool greeted; /* after WELCOME */
		int status;
	} rows[] = {
		{WIRE_START, false, 2}, {WIRE_PING, false, 2},	 {WIRE_DRAIN, false, 2},
		{WIRE_HELLO, true, 1},	{WIRE_WELCOME, true, 1}, {WIRE_REQUEST, true, 1},
		{WIRE_READY, true, 1},	{WIRE_PUBLISH, true, 1}, {WIRE_EXPORT, true, 1},
	};
	static const struct host_hello usual;

	(void)state;
	for (size_t i = 0; i < PLUG_COUNT(rows); i++) {
		struct host *host = host_start(&simple);
		uint8_t frame[WIRE_FRAME_HEAD_BOUND];

		if (rows[i].greeted) {
			host_say_hello(host, &usual);
			host_hear(host, WIRE_WELCOME);
		}
		host_say_bytes(host, frame, wire_put_frame_head(frame, rows[i].kind, 0));
		assert_int_equal(host_wait(host), rows[i].status);
	}
}

static void an_unknown_frame_is_ignored_only_if_that_was_agreed(void **state)
{
	static const uint8_t newer[] = {0, 0, 0, 3, 0xfa, 0x7f, 0};
	static const char *const none[] = {NULL};
	struct host_hello strict = {.features = none};
	struct host *host = host_start_ready(&simple);

	(void)state;
	host_say_bytes(host, newer, sizeof(newer));
	host_call(host, 1, ECHO, "a", "a");
	assert_int_equal(host_end(host, true), 0);
	host = host_start(&simple);
	host_greet(host, &strict);
	host_say_bytes(host, newer, sizeof(newer));
	assert_int_equal(host_wait(host), 1);
}

static void a_start_by_hand_is_explained(void **state)
{
	static const char *const inputs[] = {"", "GET / HTTP/1.1\r\n\r\n"};

	(void)state;
	for (size_t i = 0; i < PLUG_COUNT(inputs); i++) {
		struct host *host = host_start(&simple);
		char *errors;

		host_say_bytes(host, inputs[i], strlen(inputs[i]));
		close(host->to);
		host->to = -1;
		errors = host_errors(host);
		assert_non_null(strstr(errors, "plugctl check"));
		free(errors);
		assert_int_equal(host_wait(host), 2);
	}
}

static int on_a_terminal(const void *arg)
{
	int terminal = posix_openpt(O_RDWR | O_NOCTTY);

	if (terminal < 0 || grantpt(terminal) < 0 || unlockpt(terminal) < 0)
		return 50;
	dup2(open(ptsname(terminal), O_RDWR | O_NOCTTY), STDIN_FILENO);
	return plug_serve(arg);
}

static void a_start_on_a_terminal_is_explained(void **state)
{
	struct host *host = host_start_main(on_a_terminal, &simple);
	char *errors = host_errors(host);

	(void)state;
	assert_non_null(strstr(errors, "plugctl check"));
	free(errors);
	assert_int_equal(host_wait(host), 2);
}

static void wrong_tables_are_explained(void **state)
{
	static const struct plug_method twice[] = {
		{.name = "A", .handler = echo, .codec = PLUG_BYTES},
		{.name = "A", .handler = echo, .codec = PLUG_BYTES},
	};
	static const struct plug_method untyped[] = {{.name = "A", .handler = echo}};
	static const struct plug_method bad_name[] = {
		{.name = "A.b", .handler = echo, .codec = PLUG_BYTES}};
	static const struct plug_method no_handler[] = {{.name = "A", .codec = PLUG_BYTES}};
	static const struct plug_service rows[] = {
		{.name = "s", PLUG_METHODS(twice)},	{.name = "s", PLUG_METHODS(untyped)},
		{.name = "s", PLUG_METHODS(bad_name)},	{.name = "s", PLUG_METHODS(no_handler)},
		{.name = "s s", PLUG_METHODS(methods)}, {.name = "s"},
	};

	(void)state;
	for (size_t i = 0; i < PLUG_COUNT(rows); i++) {
		struct plug_plugin plugin = {
			.name = "wrong",
			.version = "1.0.0",
			.services = &rows[i],
			.service_count = 1,
		};
		struct host *host = host_start(&plugin);
		char *errors = host_errors(host);

		assert_non_null(strstr(errors, "wrong: "));
		free(errors);
		assert_int_equal(host_wait(host), 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(welcome_tells_the_manifest),
		cmocka_unit_test(the_configuration_is_there),
		cmocka_unit_test(without_a_configuration_there_are_defaults),
		cmocka_unit_test(a_change_of_configuration_is_refused_without_a_callback),
		cmocka_unit_test(a_refused_start_is_told),
		cmocka_unit_test(a_host_that_is_gone_ends_the_plugin),
		cmocka_unit_test(a_frame_out_of_turn_ends_the_plugin),
		cmocka_unit_test(an_unknown_frame_is_ignored_only_if_that_was_agreed),
		cmocka_unit_test(a_start_by_hand_is_explained),
		cmocka_unit_test(a_start_on_a_terminal_is_explained),
		cmocka_unit_test(wrong_tables_are_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
