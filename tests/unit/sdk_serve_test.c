/* What handlers of a plugin see and how their answers reach the host; and what they print and
 * log. */
#include <errno.h>
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

enum { ECHO = 1, FAIL, LATER, FORGET, FACTS, PRINT, LOG_MUCH, VALUE, SEND, FAIL_MUCH };

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

static struct plug_answer value(struct plug_call *call)
{
	const struct plug_value *in = plug_request_value(call);

	if (in == NULL)
		return plug_fail(call, PLUG_INVALID_ARGUMENT, "not MessagePack");
	return plug_reply(call, plug_value_string(in, "name", "?"),
			  strlen(plug_value_string(in, "name", "?")));
}

/* Says what plug_send() says. */
static struct plug_answer send_wrongly(struct plug_call *call)
{
	const char *text = strerror(-plug_send(call, "x", 1));

	return plug_reply(call, text, strlen(text));
}

/* As much about a failure as can be said, and a line in the log. */
static struct plug_answer fail_much(struct plug_call *call)
{
	static char text[40000];
	static uint8_t details[32768];
	struct plug_failure failure = {
		.code = PLUG_INTERNAL,
		.message = text,
		.details = {details, sizeof(details)},
	};

	memset(text, 't', sizeof(text) - 1);
	for (int i = 0; i < 60; i++)
		plug_set_metadata(call, "name", text + sizeof(text) - 801);
	plug_log(PLUG_INFO, "failed");
	return plug_fail_with(call, &failure);
}

static const struct plug_method methods[] = {
	{.name = "Echo", .handler = echo, .codec = PLUG_BYTES, .idempotent = true},
	{.name = "Fail", .handler = refuse, .codec = PLUG_BYTES},
	{.name = "Later", .handler = later, .codec = PLUG_BYTES},
	{.name = "Forget", .handler = forget, .codec = PLUG_BYTES},
	{.name = "Facts", .handler = facts, .codec = PLUG_BYTES},
	{.name = "Print", .handler = print, .codec = PLUG_BYTES},
	{.name = "LogMuch", .handler = log_much, .codec = PLUG_BYTES},
	{.name = "Value", .handler = value, .codec = PLUG_MSGPACK},
	{.name = "Send", .handler = send_wrongly, .codec = PLUG_BYTES},
	{.name = "FailMuch", .handler = fail_much, .codec = PLUG_BYTES},
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
		host_wait_taken(host);
	}
	assert_int_equal(host_hear_response(host, 1).payload.len, 1);
	assert_int_equal(host_end(host, true), 0);
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
		.method = FACTS,
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

static void nothing_is_sent_on_a_call_that_does_not_stream(void **state)
{
	struct host *host = host_start_ready(&simple);

	(void)state;
	host_call(host, 1, SEND, "", strerror(EINVAL));
	assert_int_equal(host_end(host, true), 0);
}

/* The answer is as large as it may be, and no larger. It leaves at once; then the line must not
 * wait for the next frame. */
static void a_line_behind_a_large_answer_comes_too(void **state)
{
	struct host *host = host_start_ready(&simple);
	struct wire_request request = {.id = 1, .method = FAIL_MUCH, .end = true};
	struct wire_response response;

	(void)state;
	assert_true(fcntl(host->from, F_SETPIPE_SZ, 1 << 20) >= 0);
	host_say_request(host, &request);
	response = host_hear_response(host, 1);
	assert_int_equal(response.code, PLUG_INTERNAL);
	assert_int_equal(response.details.len, 32768);
	assert_in_range(response.metadata.len, 30000, 32768);
	host_hear(host, WIRE_LOG);
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
		cmocka_unit_test(a_failure_has_a_code_and_a_text),
		cmocka_unit_test(an_answer_may_come_later_from_another_thread),
		cmocka_unit_test(a_handler_without_an_answer_fails_its_call),
		cmocka_unit_test(a_handler_sees_who_asks_and_how),
		cmocka_unit_test(what_is_printed_goes_to_stderr),
		cmocka_unit_test(log_lines_are_dropped_and_counted_when_nobody_reads),
		cmocka_unit_test(a_msgpack_request_is_read_by_path),
		cmocka_unit_test(nothing_is_sent_on_a_call_that_does_not_stream),
		cmocka_unit_test(a_line_behind_a_large_answer_comes_too),
		cmocka_unit_test(an_unknown_method_is_unimplemented),
		cmocka_unit_test(a_draining_plugin_takes_nothing_new),
		cmocka_unit_test(frames_that_may_not_come_end_the_plugin),
		cmocka_unit_test(no_descriptor_is_left_behind),
		cmocka_unit_test(workers_answer_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
