/* Every command against a small office: two plugins, of which none runs, so that all that is asked
 * has one answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/commands.h"
#include "admin/line.h"
#include "base/fd.h"
#include "base/mem.h"

/* ---- the office ---- */

static const struct manifest_method kv_methods[] = {
	{.number = 1,
	 .name = "Get",
	 .codec = CODEC_PROTOBUF,
	 .idempotent = true,
	 .input_type = "kv.v1.GetRequest",
	 .output_type = "kv.v1.GetResponse"},
	{.number = 2,
	 .name = "List",
	 .codec = CODEC_MSGPACK,
	 .server_streams = true,
	 .input_type = "",
	 .output_type = ""},
};
static const struct manifest_service kv_services[] = {
	{.name = "kv.v1.Kv", .version = "1.2.0", .methods = kv_methods, .method_count = 2},
};
static struct manifest kv_manifest = {
	.holders = 1,
	.plugin_name = "kv",
	.plugin_version = "0.3.1",
	.sdk = "libplug/0.1.0",
	.services = kv_services,
	.service_count = 1,
};

static char kv[] = "kv";
static char off[] = "off";
static char kv_file[] = "/opt/kv";
static char get[] = "GET";
static char *get_only[] = {get, NULL};
static char kv_path[] = "/kv/:key";
static char kv_get[] = "kv.v1.Kv/Get";
static char kv_put[] = "kv.v1.Kv/Put";
static char any_path[] = "/any/*rest";
static char off_path[] = "/off";

static const struct plugin_opts plugins[] = {
	{.name = kv,
	 .executable = kv_file,
	 .enabled = true,
	 .expose = true,
	 .instances = 2,
	 .concurrency = 8,
	 .timeout_ms = 1000,
	 .max_message_bytes = 16},
	{.name = off, .executable = kv_file, .instances = 1},
};

static struct route_opts routes[] = {
	{.path = kv_path, .methods = get_only, .plugin = kv, .rpc = kv_get},
	{.path = kv_path, .plugin = kv, .rpc = kv_put},
	{.path = any_path, .plugin = kv},
	{.path = off_path, .plugin = off},
};

struct stage {
	struct target rows[2];
	struct target *targets[2];
	struct edge_opts edge;
	struct office office;
	struct registry *registry;
	struct log *log;
	struct reply reply;
	struct buf answer; /* the reply's line, terminated */
	json_t *result;	   /* of it */
};

static void get_facts(void *user, struct office_facts *out)
{
	static const char *const listeners[] = {"127.0.0.1:8080", "[::1]:8080", NULL};

	*out = (struct office_facts){.listeners = listeners, .connections = 3, .is_ready = true};
}

/* The first of the plugins is being swapped. */
static const char *get_swap_step(void *user, const struct target *target)
{
	const struct stage *stage = user;

	return target == stage->targets[0] ? "warm" : NULL;
}

static const struct office_ops office_ops = {.get_swap_step = get_swap_step};

static int open_stage(void **state)
{
	struct stage *stage = mem_new(struct stage);

	stage->edge = (struct edge_opts){.routes = routes, .route_count = 4};
	stage->registry = registry_new();
	stage->log = log_new(&(struct log_opts){.fd = STDERR_FILENO});
	stage->office = (struct office){
		.loop = loop_new(),
		.log = stage->log,
		.version = "9.9.9",
		.registry = stage->registry,
		.targets = stage->targets,
		.target_count = 2,
		.edge = &stage->edge,
		.get_facts = get_facts,
		.ops = &office_ops,
		.user = stage,
	};
	stage->office.dispatch = dispatch_new(stage->office.loop);
	stage->office.started_ms = loop_now_ms(stage->office.loop) - 61000;
	for (int i = 0; i < 2; i++) {
		stage->targets[i] = &stage->rows[i];
		dispatch_init_target(stage->targets[i], &plugins[i]);
	}
	*state = stage;
	return registry_provide(stage->registry, stage->targets[0], &kv_manifest, NULL);
}

static int close_stage(void **state)
{
	struct stage *stage = *state;

	registry_free(stage->registry);
	log_free(stage->log);
	dispatch_free(stage->office.dispatch);
	loop_free(stage->office.loop);
	buf_deinit(&stage->answer);
	json_decref(stage->result);
	free(stage);
	return 0;
}

static void on_answer(struct reply *reply, json_t *result, const struct err *err)
{
	struct stage *stage = (struct stage *)((char *)reply - offsetof(struct stage, reply));

	json_decref(stage->result);
	stage->result = json_incref(result);
	buf_deinit(&stage->answer);
	if (err)
		line_put_error(&stage->answer, err);
	else
		line_put_result(&stage->answer, result);
	buf_append(&stage->answer, "", 1);
}

/* What the host answers to a line. Every answer comes at once: nothing runs. */
static const char *ask(struct stage *stage, const char *line)
{
	struct line_request request;
	struct err err;

	reply_init(&stage->reply, on_answer);
	if (line_parse(str_from(line), &request, &err) < 0) {
		reply_fail(&stage->reply, &err);
	} else {
		commands_run(&stage->office, request.command, request.args, &stage->reply);
		line_request_deinit(&request);
	}
	assert_int_equal(stage->reply.state, REPLY_GIVEN);
	return (const char *)buf_front(&stage->answer);
}

static const json_t *row(const json_t *list, size_t index)
{
	const json_t *object = json_array_get(list, index);

	assert_non_null(object);
	return object;
}

static void assert_text(const json_t *object, const char *name, const char *text)
{
	const char *actual = json_string_value(json_object_get(object, name));

	assert_non_null(actual);
	assert_string_equal(actual, text);
}

static void assert_number(const json_t *object, const char *name, int64_t number)
{
	assert_true(json_is_integer(json_object_get(object, name)));
	assert_int_equal(json_integer_value(json_object_get(object, name)), number);
}

/* ---- tests ---- */

static void wrong_requests_are_answered_with_what_is_wrong(void **state)
{
	static const struct {
		const char *line;
		const char *says;
	} rows[] = {
		{"{\"command\":\"statsu\"}", "the nearest is \\\"status\\\""},
		{"{\"command\":\"\"}", "no command"},
		{"{\"command\":\"status\",\"args\":{\"verbose\":true}}",
		 "status has no argument \\\"verbose\\\""},
		{"{\"command\":\"plugins\",\"args\":{\"plugin\":7}}",
		 "the argument \\\"plugin\\\" of plugins is text"},
		{"{\"command\":\"plugins\",\"args\":{\"plugin\":\"kw\"}}", "as \\\"kw\\\""},
		{"{\"command\":\"instances\",\"args\":{\"plugin\":\"\"}}", "as \\\"\\\""},
		{"{\"command\":\"restart\"}", "needs the argument \\\"plugin\\\""},
		{"{\"command\":\"restart\",\"args\":{\"plugin\":\"kw\"}}", "as \\\"kw\\\""},
		{"{\"command\":\"restart\",\"args\":{\"plugin\":\"off\"}}",
		 "the plugin off is not enabled"},
		{"{\"command\":\"call\"}", "needs the argument \\\"service\\\""},
		{"{\"command\":\"call\",\"args\":{\"service\":\"kv.v1.Kv\"}}",
		 "needs the argument \\\"method\\\""},
		{"{\"command\":\"call\",\"args\":{\"service\":\"x\",\"method\":\"y\","
		 "\"timeout_ms\":-1}}",
		 "a whole number from 0"},
		{"{\"command\":\"call\",\"args\":{\"service\":\"x\",\"method\":\"y\","
		 "\"timeout_ms\":1.5}}",
		 "a whole number from 0"},
		{"{\"command\":\"call\",\"args\":{\"service\":\"x\",\"method\":\"Get\"}}",
		 "REGISTRY_NO_SERVICE"},
		{"{\"command\":\"call\",\"args\":{\"service\":\"kv.v1.Kv\",\"method\":\"Got\"}}",
		 "REGISTRY_NO_METHOD"},
		{"{\"command\":\"call\",\"args\":{\"service\":\"kv.v1.Kv\",\"method\":\"Get\","
		 "\"payload\":\"a\"}}",
		 "not base64"},
		{"{\"command\":\"call\",\"args\":{\"service\":\"kv.v1.Kv\",\"method\":\"Get\","
		 "\"payload\":\"MDEyMzQ1Njc4OTAxMjM0NTY=\"}}",
		 "has 17 bytes; the plugin kv takes 16"},
	};
	struct stage *stage = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *answer = ask(stage, rows[i].line);

		assert_memory_equal(answer, "{\"ok\":false,", 12);
		assert_non_null(strstr(answer, rows[i].says));
	}
}

static void status_tells_how_the_host_is_doing(void **state)
{
	struct stage *stage = *state;

	ask(stage, "{\"command\":\"status\"}");
	assert_text(stage->result, "version", "9.9.9");
	assert_number(stage->result, "pid", getpid());
	assert_true(json_is_true(json_object_get(stage->result, "ready")));
	assert_number(stage->result, "uptime_ms", 61000);
	assert_number(stage->result, "connections", 3);
	assert_number(stage->result, "calls_open", 0);
	assert_int_equal(json_array_size(json_object_get(stage->result, "listeners")), 2);
	assert_number(json_object_get(stage->result, "plugins"), "disabled", 1);
	assert_number(json_object_get(stage->result, "plugins"), "stopped", 1);
	assert_true(json_integer_value(json_object_get(stage->result, "rss_bytes")) > 100000);
	assert_number(stage->result, "descriptors", fd_count());
}

static void plugins_tells_each_with_its_state_in_words(void **state)
{
	struct stage *stage = *state;

	ask(stage, "{\"command\":\"plugins\"}");
	assert_int_equal(json_array_size(stage->result), 2);
	assert_text(row(stage->result, 0), "name", "kv");
	assert_text(row(stage->result, 0), "state", "stopped");
	assert_number(row(stage->result, 0), "instances_configured", 2);
	assert_number(row(stage->result, 0), "concurrency", 8);
	assert_text(row(stage->result, 0), "swap_step", "warm");
	assert_text(row(stage->result, 1), "state", "disabled");
	assert_true(json_is_null(json_object_get(row(stage->result, 1), "swap_step")));
	ask(stage, "{\"command\":\"plugins\",\"args\":{\"plugin\":\"off\"}}");
	assert_int_equal(json_array_size(stage->result), 1);
	assert_text(row(stage->result, 0), "name", "off");
}

static void instances_of_what_does_not_run_are_none(void **state)
{
	struct stage *stage = *state;

	assert_string_equal(ask(stage, "{\"command\":\"instances\"}"),
			    "{\"ok\":true,\"result\":[]}\n");
}

static void a_route_tells_whether_it_leads_somewhere(void **state)
{
	static const bool resolved[] = {true, false, false, false};
	struct stage *stage = *state;

	ask(stage, "{\"command\":\"routes\"}");
	assert_int_equal(json_array_size(stage->result), 4);
	for (size_t i = 0; i < 4; i++) {
		const json_t *route = row(stage->result, i);

		assert_int_equal(json_is_true(json_object_get(route, "resolved")), resolved[i]);
		assert_int_equal(json_is_null(json_object_get(route, "why_not")), resolved[i]);
	}
	assert_text(row(stage->result, 0), "target", "kv.v1.Kv/Get");
	assert_text(row(stage->result, 2), "target", "plugd.http.v1.Http/Handle");
}

static void a_call_that_nobody_can_serve_has_an_outcome(void **state)
{
	struct stage *stage = *state;

	ask(stage, "{\"command\":\"call\",\"args\":{\"service\":\"kv.v1.Kv\",\"method\":\"List\","
		   "\"payload\":\"gA==\"}}");
	assert_text(stage->result, "outcome", "PLUGIN_NOT_READY");
	assert_text(stage->result, "codec", "msgpack");
	assert_number(stage->result, "code", 14);
	assert_int_equal(json_array_size(json_object_get(stage->result, "messages")), 0);
	assert_int_equal(stage->rows[0].outcomes[OUTCOME_PLUGIN_NOT_READY], 1);
	ask(stage, "{\"command\":\"plugins\",\"args\":{\"plugin\":\"kv\"}}");
	assert_number(json_object_get(row(stage->result, 0), "outcomes"), "PLUGIN_NOT_READY", 1);
}

static void help_tells_every_command_of_the_table(void **state)
{
	struct stage *stage = *state;

	ask(stage, "{\"command\":\"help\"}");
	assert_int_equal(json_array_size(stage->result), command_count);
	for (size_t i = 0; i < command_count; i++)
		assert_text(row(stage->result, i), "command", commands[i].name);
}

#define STAGE_TEST(f) cmocka_unit_test_setup_teardown(f, open_stage, close_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STAGE_TEST(wrong_requests_are_answered_with_what_is_wrong),
		STAGE_TEST(status_tells_how_the_host_is_doing),
		STAGE_TEST(plugins_tells_each_with_its_state_in_words),
		STAGE_TEST(instances_of_what_does_not_run_are_none),
		STAGE_TEST(a_route_tells_whether_it_leads_somewhere),
		STAGE_TEST(a_call_that_nobody_can_serve_has_an_outcome),
		STAGE_TEST(help_tells_every_command_of_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
