/* A plugin hands its state over: what it promises in WELCOME, what goes out in which order and
 * within which windows, and how an export ends that fails or that nobody wants any more. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "sdk/proto.h"
#include "sdk_keeper.h"

static const struct plug_plugin forgetful = {
	.name = "forgetful",
	.version = "1.0.0",
	PLUG_SERVICES(keeper_services),
};

/* ---- the greeting ---- */

static bool welcome_has(struct wire_bytes body, const char *feature)
{
	return memmem(body.data, body.len, feature, strlen(feature)) != NULL;
}

static void welcome_lists_the_formats(void **state)
{
	struct host *host = host_start(&keeper);
	plugd_v1_Welcome welcome = plugd_v1_Welcome_init_zero;
	struct wire_bytes body;

	(void)state;
	host_say_hello(host, &keeper_hello);
	body = host_hear(host, WIRE_WELCOME);
	assert_true(proto_read(body, plugd_v1_Welcome_fields, &welcome));
	assert_true(welcome_has(body, "state"));
	assert_int_equal(welcome.limits.max_state_bytes, KEEPER_STATE_MAX);
	assert_int_equal(welcome.manifest.state_exports_count, 2);
	assert_int_equal(welcome.manifest.state_exports[0], FORMAT_NEW);
	assert_int_equal(welcome.manifest.state_exports[1], FORMAT_LOCKED);
	assert_int_equal(welcome.manifest.state_imports_count, 3);
	assert_int_equal(welcome.manifest.state_imports[1], FORMAT_OLD);
	assert_int_equal(host_end(host, false), 1);
}

static void the_feature_is_taken_only_when_both_have_it(void **state)
{
	static const char *const none[] = {NULL};
	static const struct host_hello without = {.features = none};
	static const struct {
		const struct plug_plugin *plugin;
		const struct host_hello *hello;
	} rows[] = {{&forgetful, &keeper_hello}, {&keeper, &without}};

	(void)state;
	for (size_t i = 0; i < PLUG_COUNT(rows); i++) {
		struct host *host = host_start(rows[i].plugin);

		host_say_hello(host, rows[i].hello);
		assert_false(welcome_has(host_hear(host, WIRE_WELCOME), "\5state"));
		say_start(host);
		host_hear(host, WIRE_READY);
		say_export(host, FORMAT_NEW);
		assert_int_equal(host_wait(host), 1);
	}
}

static struct plug_verdict write_nothing(struct plug *plug, struct plug_state_writer *writer)
{
	(void)plug;
	(void)writer;
	return plug_ok();
}

static struct plug_verdict read_nothing(struct plug *plug, struct plug_state *state)
{
	(void)plug;
	(void)state;
	return plug_ok();
}

static void wrong_formats_are_explained(void **state)
{
	static const struct plug_state_format twice[] = {{.version = 1, .on_export = write_nothing},
							 {.version = 1, .on_import = read_nothing}};
	static const struct plug_state_format zero[] = {{.on_export = write_nothing}};
	static const struct plug_state_format idle[] = {{.version = 1}};
	static const struct plug_state_format many[17] = {
		{.version = 1, .on_export = write_nothing}};
	static const struct plug_plugin rows[] = {
		{.name = "wrong",
		 .version = "1.0.0",
		 PLUG_SERVICES(keeper_services),
		 PLUG_STATE(twice)},
		{.name = "wrong",
		 .version = "1.0.0",
		 PLUG_SERVICES(keeper_services),
		 PLUG_STATE(zero)},
		{.name = "wrong",
		 .version = "1.0.0",
		 PLUG_SERVICES(keeper_services),
		 PLUG_STATE(idle)},
		{.name = "wrong",
		 .version = "1.0.0",
		 PLUG_SERVICES(keeper_services),
		 PLUG_STATE(many)},
	};

	(void)state;
	for (size_t i = 0; i < PLUG_COUNT(rows); i++) {
		struct host *host = host_start(&rows[i]);
		char *errors = host_errors(host);

		assert_non_null(strstr(errors, "format"));
		free(errors);
		assert_int_equal(host_wait(host), 2);
	}
}

/* ---- export ---- */

static void a_state_goes_out_and_the_plugin_serves_on(void **state)
{
	struct host *host = start_serving(&keeper_hello);

	(void)state;
	host_call(host, 1, KEEP, "70000", "");
	say_export(host, FORMAT_NEW);
	hear_pieces(host, 0, 70000, WIRE_CHUNK_BYTES);
	hear_good_end(host, 70000);
	host_call(host, 3, KEEP, "10", "");
	say_export(host, FORMAT_NEW);
	hear_pieces(host, 0, 10, 10);
	hear_good_end(host, 10);
	host_call(host, 5, KEPT, "", "10 abc");
	assert_int_equal(host_end(host, true), 0);
}

static void a_state_of_no_bytes_is_one(void **state)
{
	struct host *host = start_serving(&keeper_hello);

	(void)state;
	say_export(host, FORMAT_NEW);
	hear_good_end(host, 0);
	assert_int_equal(host_end(host, true), 0);
}

static void a_state_keeps_to_chunk_and_window(void **state)
{
	struct host_hello hello = {
		.features = keeper_features,
		.limits = {.chunk_bytes = 1000, .channel_window_bytes = 2500},
	};
	struct host *host = start_serving(&hello);

	(void)state;
	host_call(host, 1, KEEP, "9000", "");
	say_export(host, FORMAT_NEW);
	hear_pieces(host, 0, 2500, 1000);
	host_hear_nothing(host);
	host_say_credit(host, 0, 2500);
	hear_pieces(host, 2500, 2500, 1000);
	host_hear_nothing(host);
	for (size_t at = 5000; at < 9000; at += 1000) {
		host_say_credit(host, 0, 1000);
		hear_pieces(host, at, 1000, 1000);
	}
	hear_good_end(host, 9000);
	assert_int_equal(host_end(host, true), 0);
}

static void a_state_larger_than_a_batch_goes_out(void **state)
{
	struct host_hello hello = {.features = keeper_features, .limits = {.chunk_bytes = 777}};
	struct host *host = start_serving(&hello);

	(void)state;
	host_call(host, 1, KEEP, "100000", "");
	say_export(host, FORMAT_NEW);
	hear_pieces(host, 0, 100000, 777);
	hear_good_end(host, 100000);
	assert_int_equal(host_end(host, true), 0);
}

static void a_state_waits_for_the_last_call(void **state)
{
	struct host *host = start_serving(&keeper_hello);

	(void)state;
	host_call(host, 1, KEEP, "3", "");
	host_say_request(host, &(struct wire_request){.id = 3, .method = HOLD});
	say_export(host, FORMAT_NEW);
	host_hear_nothing(host);
	host_say_data(host, &(struct wire_data){.id = 3, .end = true});
	assert_true(host_hear_response(host, 3).end);
	hear_pieces(host, 0, 3, 3);
	hear_good_end(host, 3);
	assert_int_equal(host_end(host, true), 0);
}

/* Whether calls still run, or the state is on its way. */
static void a_request_says_that_the_host_has_given_up(void **state)
{
	struct host_hello hello = {.features = keeper_features,
				   .limits = {.channel_window_bytes = 1000}};
	struct host *host = start_serving(&hello);

	(void)state;
	host_call(host, 1, KEEP, "9000", "");
	say_export(host, FORMAT_NEW);
	hear_pieces(host, 0, 1000, 1000);
	host_say_request(host, &(struct wire_request){.id = 3, .method = HOLD});
	hear_end_with(host, "calls came");
	say_export(host, FORMAT_NEW);
	host_say_request(host, &(struct wire_request){.id = 5, .method = HOLD});
	hear_end_with(host, "calls came");
	host_hear_nothing(host);
	host_say_credit(host, 0, 1000);
	host_say_data(host, &(struct wire_data){.id = 3, .end = true});
	host_hear_response(host, 3);
	host_say_data(host, &(struct wire_data){.id = 5, .end = true});
	host_hear_response(host, 5);
	say_export(host, FORMAT_NEW);
	hear_pieces(host, 0, 1000, 1000);
	assert_int_equal(host_end(host, false), 1);
}

static void a_drain_ends_an_export(void **state)
{
	struct host_hello hello = {.features = keeper_features,
				   .limits = {.channel_window_bytes = 1000}};
	struct host *host = start_serving(&hello);
	plugd_v1_Drain drain = {.grace_ms = 1000};

	(void)state;
	host_call(host, 1, KEEP, "9000", "");
	say_export(host, FORMAT_NEW);
	hear_pieces(host, 0, 1000, 1000);
	host_say(host, WIRE_DRAIN, plugd_v1_Drain_fields, &drain);
	hear_end_with(host, "ending");
	host_hear(host, WIRE_BYE);
	assert_int_equal(host_wait(host), 0);
}

static void an_export_that_fails_says_why_and_harms_nothing(void **state)
{
	static const struct {
		const char *bytes;
		uint32_t format;
		const char *words;
	} rows[] = {
		{"5", FORMAT_OLD, "format 1"},
		{"5", 4711, "format 4711"},
		{"5", 0, "format 0"},
		{"5", FORMAT_LOCKED, "the table is locked"},
		{"5001", FORMAT_NEW, "5000 bytes"},
	};
	struct host_hello hello = {.features = keeper_features,
				   .limits = {.max_state_bytes = 5000}};
	struct host *host = start_serving(&hello);

	(void)state;
	for (uint32_t i = 0; i < PLUG_COUNT(rows); i++) {
		host_call(host, 1 + 2 * i, KEEP, rows[i].bytes, "");
		say_export(host, rows[i].format);
		hear_end_with(host, rows[i].words);
	}
	host_call(host, 101, KEEP, "5000", "");
	say_export(host, FORMAT_NEW);
	hear_pieces(host, 0, 5000, 5000);
	hear_good_end(host, 5000);
	assert_int_equal(host_end(host, true), 0);
}

static void a_second_export_before_the_end_of_the_first_ends_the_plugin(void **state)
{
	struct host *host = start_serving(&keeper_hello);

	(void)state;
	host_say_request(host, &(struct wire_request){.id = 1, .method = HOLD});
	say_export(host, FORMAT_NEW);
	say_export(host, FORMAT_NEW);
	assert_int_equal(host_wait(host), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(welcome_lists_the_formats),
		cmocka_unit_test(the_feature_is_taken_only_when_both_have_it),
		cmocka_unit_test(wrong_formats_are_explained),
		cmocka_unit_test(a_state_goes_out_and_the_plugin_serves_on),
		cmocka_unit_test(a_state_of_no_bytes_is_one),
		cmocka_unit_test(a_state_keeps_to_chunk_and_window),
		cmocka_unit_test(a_state_larger_than_a_batch_goes_out),
		cmocka_unit_test(a_state_waits_for_the_last_call),
		cmocka_unit_test(a_request_says_that_the_host_has_given_up),
		cmocka_unit_test(a_drain_ends_an_export),
		cmocka_unit_test(an_export_that_fails_says_why_and_harms_nothing),
		cmocka_unit_test(a_second_export_before_the_end_of_the_first_ends_the_plugin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
