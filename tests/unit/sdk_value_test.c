/* MessagePack as plugins read it, and what a plugin does about bytes that only claim to be it. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "sdk/proto.h"
#include "sdk/value.h"
#include "sdk_host.h"

#define ROW(text)                                                                                  \
	{                                                                                          \
		(const uint8_t *)(text), sizeof(text) - 1                                          \
	}

/* An allocation for what the bytes below claim is a bug: sanitizers end the test. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "max_allocation_size_mb=64:allocator_may_return_null=0";
}

static const struct wire_bytes claims[] = {
	ROW("\xdd\x7f\xff\xff\xff"),
	ROW("\xdf\x3f\xff\xff\xff\xc0\xc0"),
	ROW("\x81\xa1"
	    "a\xdd\x10\x00\x00\x00\xc0"),
	ROW("\x92\x01\xdf\x08\x00\x00\x00\x01\x02"),
};

static void a_claim_of_very_many_elements_costs_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < PLUG_COUNT(claims); i++)
		assert_null(parsed_value_new(claims[i].data, claims[i].len));
}

static void what_nests_too_deep_is_no_value(void **state)
{
	uint8_t deep[100];

	(void)state;
	memset(deep, 0x91, sizeof(deep));
	deep[sizeof(deep) - 1] = 0xc0;
	assert_null(parsed_value_new(deep, sizeof(deep)));
}

static struct plug_answer echo(struct plug_call *call)
{
	const struct plug_value *in = plug_request_value(call);
	struct plug_bytes bytes = plug_value_bytes(in, NULL);

	if (in == NULL)
		return plug_fail(call, PLUG_INVALID_ARGUMENT, "not MessagePack");
	return plug_reply(call, bytes.data, bytes.len);
}

static const struct plug_method methods[] = {
	{.name = "Echo", .handler = echo, .codec = PLUG_MSGPACK},
};
static const struct plug_service services[] = {
	{.name = "test.v1.Value", PLUG_METHODS(methods)},
};
static const struct plug_plugin plugin = {
	.name = "value",
	.version = "1.0.0",
	PLUG_SERVICES(services),
};

static void a_request_that_claims_too_much_is_no_value(void **state)
{
	struct host *host = host_start_ready(&plugin);
	uint32_t id = 1;

	(void)state;
	for (size_t i = 0; i < PLUG_COUNT(claims); i++, id += 2) {
		host_say_request(host,
				 &(struct wire_request){
					 .id = id, .method = 1, .end = true, .payload = claims[i]});
		assert_int_equal(host_hear_response(host, id).code, PLUG_INVALID_ARGUMENT);
	}
	host_call(host, id, 1, "\xa2hi", "hi");
	assert_int_equal(host_end(host, true), 0);
}

static void assert_failed(struct host *host, const char *expected)
{
	plugd_v1_Failed failed = plugd_v1_Failed_init_zero;
	char *reason = NULL;

	proto_get_string(&failed.reason, &reason);
	assert_true(proto_read(host_hear(host, WIRE_FAILED), plugd_v1_Failed_fields, &failed));
	assert_string_equal(reason, expected);
	free(reason);
	assert_int_equal(host_wait(host), 1);
}

static void a_configuration_that_is_no_map_is_told(void **state)
{
	static const struct wire_bytes others[] = {ROW("\xc1"), ROW("\x07"), ROW("\x91\x80")};

	(void)state;
	for (size_t i = 0; i < PLUG_COUNT(claims); i++) {
		struct host *host = host_start(&plugin);

		host_say_hello(host, &(struct host_hello){.config = claims[i].data,
							  .config_len = claims[i].len});
		assert_failed(host, "the configuration in HELLO is no MessagePack map");
	}
	for (size_t i = 0; i < PLUG_COUNT(others); i++) {
		struct host *host = host_start(&plugin);

		host_say_hello(host, &(struct host_hello){.config = others[i].data,
							  .config_len = others[i].len});
		assert_failed(host, "the configuration in HELLO is no MessagePack map");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_claim_of_very_many_elements_costs_nothing),
		cmocka_unit_test(what_nests_too_deep_is_no_value),
		cmocka_unit_test(a_request_that_claims_too_much_is_no_value),
		cmocka_unit_test(a_configuration_that_is_no_map_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
