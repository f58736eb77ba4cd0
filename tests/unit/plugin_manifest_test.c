/* WELCOME and the manifest in it: what is taken, and each rule broken once. */
#include <stdio.h>
#include <stdlib.h>

#include "observe/errors.h"
#include "plugin/handshake.h"
#include "plugin/rules.h"
#include "proto/plugd.pb-c.h"
#include "tests/support/unit.h"

/* A good WELCOME, whose parts a test spoils before it is judged. */
struct welcome {
	Plugd__V1__Welcome welcome;
	Plugd__V1__Limits limits;
	Plugd__V1__Manifest manifest;
	Plugd__V1__Service services[2];
	Plugd__V1__Service *service_list[2];
	Plugd__V1__Method methods[3];
	Plugd__V1__Method *method_list[3];
	Plugd__V1__Requirement requirements[2];
	Plugd__V1__Requirement *requirement_list[2];
	char *features[1];
};

static void make_method(Plugd__V1__Method *method, uint32_t number, char *name)
{
	plugd__v1__method__init(method);
	method->number = number;
	method->name = name;
	method->codec = PLUGD__V1__CODEC__BYTES;
}

static void make_service(Plugd__V1__Service *service, char *name, Plugd__V1__Method **methods,
			 size_t count)
{
	plugd__v1__service__init(service);
	service->name = name;
	service->version = (char *)"1.0.0";
	service->methods = methods;
	service->n_methods = count;
}

static void make_requirement(Plugd__V1__Requirement *row, uint32_t number, char *method)
{
	plugd__v1__requirement__init(row);
	row->number = number;
	row->service = (char *)"plugd.host.v1.Host";
	row->method = method;
}

/* Services a.v1.A {Get 1, Put 2} and b.v1.B {Get 3}, requirements Info 1 and More 2. */
static void make(struct welcome *w)
{
	plugd__v1__welcome__init(&w->welcome);
	plugd__v1__limits__init(&w->limits);
	plugd__v1__manifest__init(&w->manifest);
	make_method(&w->methods[0], 1, (char *)"Get");
	make_method(&w->methods[1], 2, (char *)"Put");
	make_method(&w->methods[2], 3, (char *)"Get");
	for (int i = 0; i < 3; i++)
		w->method_list[i] = &w->methods[i];
	make_service(&w->services[0], (char *)"a.v1.A", &w->method_list[0], 2);
	make_service(&w->services[1], (char *)"b.v1.B", &w->method_list[2], 1);
	make_requirement(&w->requirements[0], 1, (char *)"Info");
	make_requirement(&w->requirements[1], 2, (char *)"More");
	for (int i = 0; i < 2; i++) {
		w->service_list[i] = &w->services[i];
		w->requirement_list[i] = &w->requirements[i];
	}
	w->manifest.provides = w->service_list;
	w->manifest.n_provides = 2;
	w->manifest.requires = w->requirement_list;
	w->manifest.n_requires = 2;
	w->features[0] = (char *)"unknown-frames";
	w->welcome.version = 1;
	w->welcome.plugin_name = (char *)"test";
	w->welcome.plugin_version = (char *)"1.2.3";
	w->welcome.limits = &w->limits;
	w->welcome.manifest = &w->manifest;
	w->welcome.features = w->features;
	w->welcome.n_features = 1;
}

static int judge(const struct welcome *w, struct handshake_welcome *out, struct err *err)
{
	size_t len = plugd__v1__welcome__get_packed_size(&w->welcome);
	uint8_t *bytes = malloc(len + 1);
	int r;

	plugd__v1__welcome__pack(&w->welcome, bytes);
	r = handshake_take_welcome((struct wire_bytes){bytes, len}, out, err);
	free(bytes);
	return r;
}

static void a_good_welcome_is_taken_whole(void **state)
{
	struct handshake_welcome taken;
	struct err err = {0};
	struct welcome w;
	const struct manifest_method *method;

	make(&w);
	assert_int_equal(judge(&w, &taken, &err), 0);
	assert_int_equal(taken.features, FEATURE_UNKNOWN_FRAMES);
	assert_string_equal(taken.manifest->plugin_version, "1.2.3");
	method = manifest_find(taken.manifest, STR_LITERAL("a.v1.A"), STR_LITERAL("Put"));
	assert_non_null(method);
	assert_int_equal(method->number, 2);
	assert_int_equal(method->codec, CODEC_BYTES);
	assert_null(manifest_find(taken.manifest, STR_LITERAL("a.v1.A"), STR_LITERAL("Pu")));
	assert_null(manifest_find(taken.manifest, STR_LITERAL("b.v1.B"), STR_LITERAL("Put")));
	assert_string_equal(manifest_find_requirement(taken.manifest, 2)->method, "More");
	assert_null(manifest_find_requirement(taken.manifest, 3));
	manifest_release(taken.manifest);
}

static void limits_that_are_not_told_are_the_defaults(void **state)
{
	struct handshake_limits defaults = handshake_default_limits();
	struct handshake_welcome taken;
	struct err err = {0};
	struct welcome w;

	make(&w);
	w.limits.max_calls = 7;
	assert_int_equal(judge(&w, &taken, &err), 0);
	assert_int_equal(taken.limits.max_calls, 7);
	assert_int_equal(taken.limits.call_window_bytes, defaults.call_window_bytes);
	assert_int_equal(taken.limits.chunk_bytes, WIRE_CHUNK_BYTES);
	manifest_release(taken.manifest);
}

/* ---- each rule, broken once ---- */

static void spoil_version(struct welcome *w)
{
	w->welcome.version = 2;
}

static void spoil_frame_limit(struct welcome *w)
{
	w->limits.max_frame_bytes = 1000;
}

static void spoil_feature(struct welcome *w)
{
	w->features[0] = (char *)"teleport";
}

static void spoil_service_name(struct welcome *w)
{
	w->services[0].name = (char *)"a..A";
}

static void spoil_service_twice(struct welcome *w)
{
	w->services[1].name = (char *)"a.v1.A";
}

static void spoil_empty_service(struct welcome *w)
{
	w->services[1].n_methods = 0;
}

static void spoil_method_name(struct welcome *w)
{
	w->methods[0].name = (char *)"Get it";
}

static void spoil_method_twice(struct welcome *w)
{
	w->methods[1].name = (char *)"Get";
}

static void spoil_number_zero(struct welcome *w)
{
	w->methods[0].number = 0;
}

static void spoil_number_twice(struct welcome *w)
{
	w->methods[2].number = 1;
}

static void spoil_codec(struct welcome *w)
{
	w->methods[0].codec = (Plugd__V1__Codec)9;
}

static void spoil_type(struct welcome *w)
{
	w->methods[0].codec = PLUGD__V1__CODEC__PROTOBUF;
	w->methods[0].input_type = (char *)"a.v1.Request";
}

static void spoil_requirement_number(struct welcome *w)
{
	w->requirements[1].number = 1;
}

static void spoil_requirement_name(struct welcome *w)
{
	w->requirements[0].method = (char *)"";
}

static void spoil_plugin_name(struct welcome *w)
{
	static char name[200];

	memset(name, 'x', sizeof(name) - 1);
	w->welcome.plugin_name = name;
}

static void each_rule_that_is_broken_is_named(void **state)
{
	static const struct {
		void (*spoil)(struct welcome *w);
		int code;
		const char *says;
	} rules[] = {
		{spoil_version, ERR_PROTOCOL_VERSION, "version 2"},
		{spoil_frame_limit, ERR_PROTOCOL_MANIFEST, "131072"},
		{spoil_feature, ERR_PROTOCOL_MANIFEST, "teleport"},
		{spoil_service_name, ERR_PROTOCOL_MANIFEST, "a..A"},
		{spoil_service_twice, ERR_PROTOCOL_MANIFEST, "twice"},
		{spoil_empty_service, ERR_PROTOCOL_MANIFEST, "no methods"},
		{spoil_method_name, ERR_PROTOCOL_MANIFEST, "Get it"},
		{spoil_method_twice, ERR_PROTOCOL_MANIFEST, "two of that name"},
		{spoil_number_zero, ERR_PROTOCOL_MANIFEST, "1 or more"},
		{spoil_number_twice, ERR_PROTOCOL_MANIFEST, "number 1"},
		{spoil_codec, ERR_PROTOCOL_MANIFEST, "codec"},
		{spoil_type, ERR_PROTOCOL_MANIFEST, "input and output type"},
		{spoil_requirement_number, ERR_PROTOCOL_MANIFEST, "same number"},
		{spoil_requirement_name, ERR_PROTOCOL_MANIFEST, "service and a method"},
		{spoil_plugin_name, ERR_PROTOCOL_MANIFEST, "128 characters"},
	};

	for (size_t i = 0; i < COUNT_OF(rules); i++) {
		struct handshake_welcome taken;
		struct err err = {0};
		struct welcome w;

		make(&w);
		rules[i].spoil(&w);
		assert_true(judge(&w, &taken, &err) < 0);
		assert_int_equal(err.code, rules[i].code);
		if (!strstr(err.text, rules[i].says))
			fail_msg("\"%s\" does not say \"%s\"", err.text, rules[i].says);
	}
}

static void bytes_that_are_no_welcome_are_refused(void **state)
{
	static const uint8_t bytes[] = {0xff, 0xff, 0xff};
	struct handshake_welcome taken;
	struct err err = {0};

	assert_true(handshake_take_welcome((struct wire_bytes){bytes, sizeof(bytes)}, &taken,
					   &err) < 0);
	assert_int_equal(err.code, ERR_PROTOCOL_FRAME);
}

static void a_difference_between_two_instances_is_found(void **state)
{
	struct handshake_welcome first, same, other;
	struct err err = {0};
	struct welcome w;

	make(&w);
	assert_int_equal(judge(&w, &first, &err), 0);
	assert_int_equal(judge(&w, &same, &err), 0);
	assert_true(manifest_equal(first.manifest, same.manifest, &err));
	w.methods[1].idempotent = true;
	assert_int_equal(judge(&w, &other, &err), 0);
	assert_false(manifest_equal(first.manifest, other.manifest, &err));
	assert_non_null(strstr(err.text, "a.v1.A"));
	manifest_release(first.manifest);
	manifest_release(same.manifest);
	manifest_release(other.manifest);
}

static void hello_says_what_was_asked(void **state)
{
	static const uint8_t config[] = {0x80};
	struct handshake_hello hello = {.host_version = "9.9",
					.plugin_name = "kv",
					.instance_id = "kv/3/1",
					.generation = 3,
					.limits = handshake_default_limits(),
					.config = config,
					.config_len = sizeof(config)};
	struct secret frame;
	struct wire_bytes body;
	Plugd__V1__Hello *read;
	const char *why;

	frame = handshake_seal_hello(&hello);
	assert_int_equal(wire_get_prefix(frame.data), frame.len - WIRE_PREFIX_BYTES);
	assert_int_equal(wire_frame_kind((struct wire_bytes){frame.data + WIRE_PREFIX_BYTES,
							     frame.len - WIRE_PREFIX_BYTES},
					 &body, &why),
			 WIRE_HELLO);
	read = plugd__v1__hello__unpack(NULL, body.len, body.data);
	assert_non_null(read);
	assert_int_equal(read->n_versions, 1);
	assert_int_equal(read->versions[0], 1);
	assert_string_equal(read->plugin_name, "kv");
	assert_string_equal(read->instance_id, "kv/3/1");
	assert_int_equal(read->generation, 3);
	assert_int_equal(read->config.len, 1);
	assert_int_equal(read->limits->call_window_bytes, WIRE_CALL_WINDOW_BYTES);
	assert_int_equal(read->n_secrets, 0);
	plugd__v1__hello__free_unpacked(read, NULL);
	secret_free(&frame);
}

static void a_reason_to_fail_is_cut_to_fit(void **state)
{
	static const uint8_t failed[] = {0x0a, 5, 'b', 'r', 'o', 'k', 'e'};
	char out[4];

	handshake_take_failed((struct wire_bytes){failed, sizeof(failed)}, out, sizeof(out));
	assert_string_equal(out, "bro");
	handshake_take_failed((struct wire_bytes){failed, 3}, out, sizeof(out));
	assert_string_equal(out, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_welcome_is_taken_whole),
		cmocka_unit_test(limits_that_are_not_told_are_the_defaults),
		cmocka_unit_test(each_rule_that_is_broken_is_named),
		cmocka_unit_test(bytes_that_are_no_welcome_are_refused),
		cmocka_unit_test(a_difference_between_two_instances_is_found),
		cmocka_unit_test(hello_says_what_was_asked),
		cmocka_unit_test(a_reason_to_fail_is_cut_to_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
