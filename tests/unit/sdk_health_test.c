/* A plugin tells how it is: when the host asks, and when it changes. */
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include <pb_decode.h>

#include "sdk/proto.h"
#include "sdk_host.h"

enum { CHANGE = 1, CHANGE_ELSEWHERE };

static const char *const missing[] = {"db", "cache", NULL};

/* "h", "d" or "u". */
static struct plug_health health_of(const char *letter)
{
	struct plug_health health = plug_healthy();

	if (*letter == 'd') {
		health = plug_degraded("slow by %d", 7);
		health.unavailable = missing;
	} else if (*letter == 'u') {
		health = plug_unhealthy("broken");
	}
	return health;
}

static struct plug_answer change(struct plug_call *call)
{
	struct plug_health health = health_of(plug_request(call).data);

	plug_health_changed(plug_call_plug(call), &health);
	return plug_reply(call, "", 0);
}

static void *change_and_reply(void *arg)
{
	change(arg);
	return NULL;
}

static struct plug_answer change_elsewhere(struct plug_call *call)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, change_and_reply, call), 0);
	pthread_detach(thread);
	return plug_later(call);
}

static const struct plug_method methods[] = {
	{.name = "Change", .handler = change, .codec = PLUG_BYTES},
	{.name = "ChangeElsewhere", .handler = change_elsewhere, .codec = PLUG_BYTES},
};
static const struct plug_service services[] = {
	{.name = "test.v1.Health", PLUG_METHODS(methods)},
};
static const struct plug_plugin home = {
	.name = "health",
	.version = "1.0.0",
	PLUG_SERVICES(services),
};
static const struct plug_plugin threaded = {
	.name = "health",
	.version = "1.0.0",
	PLUG_SERVICES(services),
	.threads = 2,
};

static bool read_names(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
	char *names = *arg;
	size_t len = strlen(names);
	size_t more = stream->bytes_left;

	(void)field;
	assert_true(len + more + 1 < 64);
	return pb_read(stream, (pb_byte_t *)names + len, more) && strcat(names, ";") != NULL;
}

struct heard {
	uint32_t seq;
	plugd_v1_Health health;
	char message[64];
	char names[64];
};

static struct heard read_pong(struct wire_bytes body)
{
	plugd_v1_Pong pong = plugd_v1_Pong_init_zero;
	struct heard heard = {0};
	char *message = NULL;

	proto_get_string(&pong.message, &message);
	pong.unavailable.funcs.decode = read_names;
	pong.unavailable.arg = heard.names;
	assert_true(proto_read(body, plugd_v1_Pong_fields, &pong));
	heard.seq = pong.seq;
	heard.health = pong.health;
	if (message != NULL)
		strncpy(heard.message, message, sizeof(heard.message) - 1);
	free(message);
	return heard;
}

static struct heard ping(struct host *host, uint32_t seq)
{
	host_say(host, WIRE_PING, plugd_v1_Ping_fields, &(plugd_v1_Ping){.seq = seq});
	return read_pong(host_hear(host, WIRE_PONG));
}

/* Calls, and hears the answer and a PONG in any order. */
static struct heard call_for_change(struct host *host, uint32_t id, uint32_t method,
				    const char *letter)
{
	struct heard heard = {0};
	bool answered = false;
	bool told = false;

	host_say_request(host, &(struct wire_request){.id = id,
						      .method = method,
						      .end = true,
						      .payload = bytes_of(letter)});
	while (!answered || !told) {
		struct wire_bytes body;
		enum wire_kind kind = host_hear_any(host, &body);

		assert_true(kind == WIRE_RESPONSE || kind == WIRE_PONG);
		if (kind == WIRE_PONG)
			heard = read_pong(body);
		told |= kind == WIRE_PONG;
		answered |= kind == WIRE_RESPONSE;
	}
	return heard;
}

static void assert_health(struct heard heard, uint32_t seq, plugd_v1_Health health,
			  const char *message, const char *names)
{
	assert_int_equal(heard.seq, seq);
	assert_int_equal(heard.health, health);
	assert_string_equal(heard.message, message);
	assert_string_equal(heard.names, names);
}

static void a_plugin_that_says_nothing_is_healthy(void **state)
{
	struct host *host = host_start_ready(*state);

	assert_health(ping(host, 1), 1, plugd_v1_Health_HEALTHY, "", "");
	assert_int_equal(host_end(host, true), 0);
}

static void a_change_is_told_unasked_and_remembered(void **state)
{
	static const uint32_t changers[] = {CHANGE, CHANGE_ELSEWHERE};
	static const struct {
		const char *letter;
		plugd_v1_Health health;
		const char *message;
		const char *names;
	} rows[] = {
		{"d", plugd_v1_Health_DEGRADED, "slow by 7", "db;cache;"},
		{"u", plugd_v1_Health_UNHEALTHY, "broken", ""},
		{"h", plugd_v1_Health_HEALTHY, "", ""},
	};
	struct host *host = host_start_ready(*state);
	uint32_t id = 1;

	for (size_t i = 0; i < PLUG_COUNT(rows) * PLUG_COUNT(changers); i++, id += 2) {
		uint32_t changer = changers[i / PLUG_COUNT(rows)];
		size_t row = i % PLUG_COUNT(rows);

		assert_health(call_for_change(host, id, changer, rows[row].letter), 0,
			      rows[row].health, rows[row].message, rows[row].names);
		assert_health(ping(host, id), id, rows[row].health, rows[row].message,
			      rows[row].names);
	}
	assert_int_equal(host_end(host, true), 0);
}

static struct plug_health count_down(struct plug *plug)
{
	static const char *const letters[] = {"h", "d", "u"};
	static size_t asked;

	(void)plug;
	return health_of(letters[asked++ % PLUG_COUNT(letters)]);
}

static void the_callback_is_asked_each_time(void **state)
{
	struct plug_plugin plugin = *(const struct plug_plugin *)*state;
	struct host *host;

	plugin.on_health = count_down;
	host = host_start_ready(&plugin);
	assert_health(ping(host, 1), 1, plugd_v1_Health_HEALTHY, "", "");
	assert_health(ping(host, 2), 2, plugd_v1_Health_DEGRADED, "slow by 7", "db;cache;");
	assert_health(ping(host, 3), 3, plugd_v1_Health_UNHEALTHY, "broken", "");
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
		IN_BOTH(a_plugin_that_says_nothing_is_healthy),
		IN_BOTH(a_change_is_told_unasked_and_remembered),
		IN_BOTH(the_callback_is_asked_each_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
