/* A plugin's life as its host sees it: greeting, calls, health, configuration, the end. */
#include <fcntl.h>
#include <msgpack.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#include "sdk/proto.h"
#include "sdk_host.h"

enum { ECHO = 1, FAIL, LATER, FORGET, HANDLE_FACTS, PRINT, LOG_MUCH, CONFIG, VALUE };

static struct plug_answer echo(struct plug_call *call)
{
	struct plug_bytes in = plug_request(call);

	return plug_reply(call, in.data, in.len);
}

static struct plug_answer refuse(struct plug_call *call)
{
	return plug_fail(call, PLUG_NOT_FOUND, "no %s here", "such thing");
}

static void *answer_later(void *arg)
{
	struct plug_call *call = arg;
	struct plug_bytes in = plug_request(call);

	usleep(1000);
	plug_reply(call, in.data, in.len);
	return NULL;
}

static struct plug_answer later(struct plug_call *call)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, answer_later, call), 0);
	pthread_detach(thread);
	return plug_later(call);
}

static struct plug_answer forget(struct plug_call *call)
{
	(void)call;
	return (struct plug_answer){NULL};
}

static struct plug_answer facts(struct plug_call *call)
{
	const char *agent = plug_metadata(call, "agent");
	char text[512];

	snprintf(text, sizeof(text), "%s|%s|%s|%s|%s|%u|%s|%s|%s", plug_principal(call),
		 plug_tenant(call), plug_idempotency_key(call), plug_trace_parent(call),
		 agent != NULL ? agent : "-", plug_attempt(call),
		 plug_deadline_ms(call) > 0 ? "deadline" : "none",
		 plug_instance(plug_call_plug(call)), plug_name(plug_call_plug(call)));
	plug_set_metadata(call, "seen", "yes");
	return plug_reply(call, text, strlen(text));
}

static struct plug_answer print(struct plug_call *call)
{
	char got[8];

	printf("a stray line\n");
	fflush(stdout);
	assert_int_equal(read(STDIN_FILENO, got, sizeof(got)), 0);
	assert_int_equal(system("echo from a child"), 0);
	return plug_reply(call, "printed", 7);
}

static struct plug_answer log_much(struct plug_call *call)
{
	for (int i = 0; i < 10000; i++)
		plug_call_log(call, PLUG_INFO, "line %d of very many that nobody reads in time", i);
	return plug_reply(call, "logged", 6);
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

static struct plug_answer value(struct plug_call *call)
{
	const struct plug_value *in = plug_request_value(call);

	if (in == NULL)
		return plug_fail(call, PLUG_INVALID_ARGUMENT, "not MessagePack");
	return plug_reply(call, plug_value_string(in, "name", "?"),
			  strlen(plug_value_string(in, "name", "?")));
}

static const struct plug_method methods[] = {
	{.name = "Echo", .handler = echo, .codec = PLUG_BYTES, .idempotent = true},
	{.name = "Fail", .handler = refuse, .codec = PLUG_BYTES},
	{.name = "Later", .handler = later, .codec = PLUG_BYTES},
	{.name = "Forget", .handler = forget, .codec = PLUG_BYTES},
	{.name = "Facts", .handler = facts, .codec = PLUG_BYTES},
	{.name = "Print", .handler = print, .codec = PLUG_BYTES},
	{.name = "LogMuch", .handler = log_much, .codec = PLUG_BYTES},
	{.name = "Config", .handler = config, .codec = PLUG_BYTES},
	{.name = "Value", .handler = value, .codec = PLUG_MSGPACK},
};
static const struct plug_service services[] = {
	{.name = "test.v1.Test", .version = "1.0.0", PLUG_METHODS(methods)},
};
static const struct plug_plugin simple = {
	.name = "simple",
	.version = "1.2.3",
	PLUG_SERVICES(services),
};
static const struct plug_plugin threaded = {
	.name = "threaded",
	.version = "1.2.3",
	PLUG_SERVICES(services),
	.threads = 4,
};

static void answers_a_call_and_says_goodbye(void **state)
{
	struct host *host = host_start_ready(&simple);

	(void)state;
	host_call(host, 1, ECHO, "hello", "hello");
	host_call(host, 3, ECHO, "", "");
	assert_int_equal(host_end(host, true), 0);
}

static void takes_frames_byte_by_byte(void **state)
{
	static const struct host_hello usual;
	struct wire_request request = {
		.id = 1, .method = ECHO, .end = true, .payload = bytes_of("x")};
	struct host *host = host_start(&simple);
	uint8_t frame[64];
	size_t len;

	(void)state;
	host_greet(host, &usual);
	len = wire_put_request_head(frame, &request);
	frame[len++] = 'x';
	for (size_t i = 0; i < len; i++) {
		host_say_bytes(host, frame + i, 1);
		usleep(200);
	}
	assert_int_equal(host_hear_response(host, 1).payload.len, 1);
	assert_int_equal(host_end(host, true), 0);
}

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

static void a_failure_has_a_code_and_a_text(void **state)
{
	struct host *host = host_start_ready(&simple);
	struct wire_request request = {.id = 1, .method = FAIL, .end = true};
	struct wire_response response;

	(void)state;
	host_say_request(host, &request);
	response = host_hear_response(host, 1);
	assert_int_equal(response.code, PLUG_NOT_FOUND);
	assert_true(response.end);
	assert_memory_equal(response.message.data, "no such thing here", 18);
	assert_int_equal(host_end(host, true), 0);
}

static void an_answer_may_come_later_from_another_thread(void **state)
{
	struct host *host = host_start_ready(&simple);

	(void)state;
	for (uint32_t id = 1; id < 60; id += 2)
		host_call(host, id, LATER, "in its own time", "in its own time");
	assert_int_equal(host_end(host, true), 0);
}

static void a_handler_without_an_answer_fails_its_call(void **state)
{
	struct host *host = host_start_ready(&simple);
	struct wire_request request = {.id = 1, .method = FORGET, .end = true};

	(void)state;
	host_say_request(host, &request);
	assert_int_equal(host_hear_response(host, 1).code, PLUG_INTERNAL);
	host_call(host, 3, ECHO, "still here", "still here");
	assert_int_equal(host_end(host, true), 0);
}

static void a_handler_sees_who_asks_and_how(void **state)
{
	struct host *host = host_start_ready(&simple);
	uint8_t pairs[64];
	struct wire_request request = {
		.id = 1,
		.method = HANDLE_FACTS,
		.end = true,
		.timeout_ms = 60000,
		.attempt = 2,
		.principal = bytes_of("ann"),
		.tenant = bytes_of("acme"),
		.idempotency_key = bytes_of("k1"),
		.trace_parent = bytes_of("00-1-2-3"),
		.metadata = {pairs, wire_put_pair(pairs, WIRE_REQUEST_METADATA_FIELD,
						  bytes_of("agent"), bytes_of("curl"))},
	};
	static const char expected[] = "ann|acme|k1|00-1-2-3|curl|2|deadline|tested/1/1|tested";
	struct wire_response response;
	struct wire_bytes name;
	struct wire_bytes text;

	(void)state;
	host_say_request(host, &request);
	response = host_hear_response(host, 1);
	assert_int_equal(response.payload.len, strlen(expected));
	assert_memory_equal(response.payload.data, expected, strlen(expected));
	assert_true(wire_next_pair(&response.metadata, WIRE_RESPONSE_METADATA_FIELD, &name, &text));
	assert_memory_equal(name.data, "seen", 4);
	assert_int_equal(host_end(host, true), 0);
}

static void what_is_printed_goes_to_stderr(void **state)
{
	struct host *host = host_start_ready(&simple);
	char *errors;

	(void)state;
	host_call(host, 1, PRINT, "", "printed");
	host_say(host, WIRE_DRAIN, plugd_v1_Drain_fields, &(plugd_v1_Drain){0});
	host_hear(host, WIRE_BYE);
	errors = host_errors(host);
	assert_non_null(strstr(errors, "a stray line"));
	assert_non_null(strstr(errors, "from a child"));
	free(errors);
	assert_int_equal(host_wait(host), 0);
}

/* How many lines came and were lost; their sum must be all. */
static unsigned long heard_lines(struct host *host, uint32_t answer_id)
{
	unsigned long lines = 0;
	bool answered = false;
	enum wire_kind kind;
	struct wire_bytes body;

	do {
		plugd_v1_Log line = plugd_v1_Log_init_zero;
		char *text = NULL;
		unsigned long lost;

		kind = host_hear_any(host, &body);
		if (kind == WIRE_RESPONSE)
			answered = true;
		if (kind != WIRE_LOG)
			continue;
		proto_get_string(&line.message, &text);
		assert_true(proto_read(body, plugd_v1_Log_fields, &line));
		if (sscanf(text, "%lu log lines were lost", &lost) == 1)
			lines += lost;
		else
			lines++;
		free(text);
	} while (kind != WIRE_BYE);
	(void)answer_id;
	assert_true(answered);
	return lines;
}

static void log_lines_are_dropped_and_counted_when_nobody_reads(void **state)
{
	struct host *host = host_start_ready(&simple);
	struct wire_request request = {.id = 1, .method = LOG_MUCH, .end = true};
	struct wire_request again = {.id = 3, .method = LOG_MUCH, .end = true};

	(void)state;
	host_say_request(host, &request);
	host_say_request(host, &again);
	host_say(host, WIRE_DRAIN, plugd_v1_Drain_fields, &(plugd_v1_Drain){0});
	assert_in_range(heard_lines(host, 1), 10000, 20000);
	assert_int_equal(host_wait(host), 0);
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

static struct plug_health so_so(struct plug *plug)
{
	static const char *const missing[] = {"db", NULL};
	struct plug_health health = plug_degraded("slow");

	(void)plug;
	health.unavailable = missing;
	return health;
}

static void health_is_what_the_plugin_says(void **state)
{
	struct plug_plugin plugin = simple;
	plugd_v1_Ping ping = {.seq = 4};
	plugd_v1_Pong pong = plugd_v1_Pong_init_zero;
	struct host *host;
	char *message = NULL;
	char *missing = NULL;

	(void)state;
	plugin.on_health = so_so;
	host = host_start_ready(&plugin);
	host_say(host, WIRE_PING, plugd_v1_Ping_fields, &ping);
	proto_get_string(&pong.message, &message);
	proto_get_string(&pong.unavailable, &missing);
	assert_true(proto_read(host_hear(host, WIRE_PONG), plugd_v1_Pong_fields, &pong));
	assert_int_equal(pong.seq, 4);
	assert_int_equal(pong.health, plugd_v1_Health_DEGRADED);
	assert_string_equal(message, "slow");
	assert_string_equal(missing, "db");
	free(message);
	free(missing);
	assert_int_equal(host_end(host, true), 0);
}

static void a_msgpack_request_is_read_by_path(void **state)
{
	struct host *host = host_start_ready(&simple);
	struct wire_request broken = {
		.id = 3, .method = VALUE, .end = true, .payload = bytes_of("\xc1")};
	msgpack_sbuffer packed;
	struct wire_request request = {.id = 1, .method = VALUE, .end = true};

	(void)state;
	pack_config(&packed);
	request.payload = (struct wire_bytes){(uint8_t *)packed.data, packed.size};
	host_say_request(host, &request);
	assert_memory_equal(host_hear_response(host, 1).payload.data, "ann", 3);
	msgpack_sbuffer_destroy(&packed);
	host_say_request(host, &broken);
	assert_int_equal(host_hear_response(host, 3).code, PLUG_INVALID_ARGUMENT);
	assert_int_equal(host_end(host, true), 0);
}

static void an_unknown_method_is_unimplemented(void **state)
{
	struct host *host = host_start_ready(&simple);
	struct wire_request request = {.id = 1, .method = 99, .end = true};
	struct wire_response response;

	(void)state;
	host_say_request(host, &request);
	response = host_hear_response(host, 1);
	assert_int_equal(response.code, PLUG_UNIMPLEMENTED);
	assert_true(response.not_processed);
	assert_int_equal(host_end(host, true), 0);
}

static void a_draining_plugin_takes_nothing_new(void **state)
{
	struct host *host = host_start_ready(&simple);
	struct wire_request open = {
		.id = 1, .method = ECHO, .more = true, .payload = bytes_of("he")};
	struct wire_request late = {.id = 3, .method = ECHO, .end = true};
	struct wire_data rest = {.id = 1, .end = true, .payload = bytes_of("llo")};
	struct wire_response response;

	(void)state;
	host_say_request(host, &open);
	host_say(host, WIRE_DRAIN, plugd_v1_Drain_fields, &(plugd_v1_Drain){0});
	host_say_request(host, &late);
	response = host_hear_response(host, 3);
	assert_int_equal(response.code, PLUG_UNAVAILABLE);
	assert_true(response.not_processed);
	host_say_data(host, &rest);
	assert_memory_equal(host_hear_response(host, 1).payload.data, "hello", 5);
	host_hear(host, WIRE_BYE);
	assert_int_equal(host_wait(host), 0);
}

static void a_host_that_is_gone_ends_the_plugin(void **state)
{
	struct host *host = host_start_ready(&simple);

	(void)state;
	host_call(host, 1, ECHO, "a", "a");
	assert_int_equal(host_end(host, false), 1);
}

static void frames_that_may_not_come_end_the_plugin(void **state)
{
	static const struct {
		const char *why;
		struct wire_request request;
	} rows[] = {
		{"its id is even", {.id = 2, .method = ECHO, .end = true}},
		{"its id is even", {.id = 0, .method = ECHO, .end = true}},
		{"middle of a message", {.id = 1, .method = ECHO, .more = true, .end = true}},
	};

	(void)state;
	for (size_t i = 0; i < PLUG_COUNT(rows); i++) {
		struct host *host = host_start_ready(&simple);
		char *errors;

		host_say_request(host, &rows[i].request);
		errors = host_errors(host);
		assert_non_null(strstr(errors, rows[i].why));
		free(errors);
		assert_int_equal(host_wait(host), 1);
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

static int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
	return count;
}

static int leak_main(const void *arg)
{
	int before = open_descriptors();
	int status = plug_serve(arg);

	return status == 0 && open_descriptors() == before ? 0 : 50;
}

static void no_descriptor_is_left_behind(void **state)
{
	static const struct host_hello usual;
	const struct plug_plugin *both[] = {&simple, &threaded};

	(void)state;
	for (size_t i = 0; i < PLUG_COUNT(both); i++) {
		struct host *host = host_start_main(leak_main, both[i]);

		host_greet(host, &usual);
		host_call(host, 1, ECHO, "a", "a");
		assert_int_equal(host_end(host, true), 0);
	}
}

static void workers_answer_too(void **state)
{
	struct host *host = host_start_ready(&threaded);
	bool answered[2000] = {false};

	(void)state;
	for (uint32_t i = 0; i < PLUG_COUNT(answered); i++) {
		struct wire_request request = {
			.id = 2 * i + 1,
			.method = i % 3 == 0 ? LATER : ECHO,
			.end = true,
			.payload = bytes_of("work"),
		};

		host_say_request(host, &request);
		if (i % 500 != 499)
			continue;
		for (uint32_t k = 0; k < 500; k++) {
			struct wire_response response;
			const char *why;

			assert_true(
				wire_get_response(host_hear(host, WIRE_RESPONSE), &response, &why));
			assert_int_equal(response.code, 0);
			assert_int_equal(response.payload.len, 4);
			assert_false(answered[response.id / 2]);
			answered[response.id / 2] = true;
		}
	}
	assert_int_equal(host_end(host, true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_a_call_and_says_goodbye),
		cmocka_unit_test(takes_frames_byte_by_byte),
		cmocka_unit_test(welcome_tells_the_manifest),
		cmocka_unit_test(a_failure_has_a_code_and_a_text),
		cmocka_unit_test(an_answer_may_come_later_from_another_thread),
		cmocka_unit_test(a_handler_without_an_answer_fails_its_call),
		cmocka_unit_test(a_handler_sees_who_asks_and_how),
		cmocka_unit_test(what_is_printed_goes_to_stderr),
		cmocka_unit_test(log_lines_are_dropped_and_counted_when_nobody_reads),
		cmocka_unit_test(the_configuration_is_there),
		cmocka_unit_test(without_a_configuration_there_are_defaults),
		cmocka_unit_test(a_change_of_configuration_is_refused_without_a_callback),
		cmocka_unit_test(a_refused_start_is_told),
		cmocka_unit_test(health_is_what_the_plugin_says),
		cmocka_unit_test(a_msgpack_request_is_read_by_path),
		cmocka_unit_test(an_unknown_method_is_unimplemented),
		cmocka_unit_test(a_draining_plugin_takes_nothing_new),
		cmocka_unit_test(a_host_that_is_gone_ends_the_plugin),
		cmocka_unit_test(frames_that_may_not_come_end_the_plugin),
		cmocka_unit_test(an_unknown_frame_is_ignored_only_if_that_was_agreed),
		cmocka_unit_test(a_start_by_hand_is_explained),
		cmocka_unit_test(a_start_on_a_terminal_is_explained),
		cmocka_unit_test(wrong_tables_are_explained),
		cmocka_unit_test(no_descriptor_is_left_behind),
		cmocka_unit_test(workers_answer_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
