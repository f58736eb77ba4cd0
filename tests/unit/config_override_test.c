/* The environment and the command line: what is taken, what is passed over, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "config/config.h"
#include "observe/errors.h"

struct load {
	struct config config;
	struct config_errors errors;
	char *environment[8];
	struct config_flag flags[8];
};

static void run(struct load *load, const char *yaml)
{
	struct config_overrides overrides = {.environment = load->environment,
					     .flags = load->flags};

	while (load->flags[overrides.flag_count].name)
		overrides.flag_count++;
	config_parse(str_from(yaml), "f.yaml", "/dir", &overrides, &load->config, &load->errors);
}

static void end(struct load *load)
{
	config_errors_free(&load->errors);
	config_free(&load->config);
}

static void assert_error(const struct load *load, size_t index, int code, const char *text)
{
	assert_true(index < load->errors.count);
	assert_string_equal(load->errors.items[index].text, text);
	assert_int_equal(load->errors.items[index].code, code);
}

#define TEXT(text) ((char[]){text})

static void splits_a_list_of_the_environment_at_commas(void **state)
{
	struct load load = {.environment = {TEXT("PLUGD_LISTEN=:1, :2")}};

	run(&load, "listen: [\":7\", \":8\", \":9\"]");
	assert_int_equal(load.errors.count, 0);
	assert_string_equal(load.config.net.listen[0], ":1");
	assert_string_equal(load.config.net.listen[1], ":2");
	assert_null(load.config.net.listen[2]);
	end(&load);
}

static void collects_a_list_from_flags_of_one_name(void **state)
{
	struct load load = {.flags = {{"listen", ":1"}, {"log-level", "warn"}, {"listen", ":2"}}};

	run(&load, "");
	assert_int_equal(load.errors.count, 0);
	assert_string_equal(load.config.net.listen[0], ":1");
	assert_string_equal(load.config.net.listen[1], ":2");
	assert_null(load.config.net.listen[2]);
	assert_int_equal(load.config.log.level, LOG_WARN);
	end(&load);
}

static void takes_the_last_of_several_flags(void **state)
{
	struct load load = {.flags = {{"log-level", "error"}, {"log-level", "debug"}}};

	run(&load, "log: {level: warn}");
	assert_int_equal(load.errors.count, 0);
	assert_int_equal(load.config.log.level, LOG_DEBUG);
	end(&load);
}

static void begins_relative_paths_where_they_were_written(void **state)
{
	char here[4096];
	struct load load = {.environment = {TEXT("PLUGD_ADMIN_SOCKET=sock")}};

	assert_non_null(getcwd(here, sizeof(here)));
	char *wanted = mem_printf("%s/sock", here);
	run(&load, "whitelist: {file: ./w.yaml}\nadmin: {socket: other}");
	assert_int_equal(load.errors.count, 0);
	assert_string_equal(load.config.trust.whitelist_file, "/dir/w.yaml");
	assert_string_equal(load.config.admin.socket, wanted);
	free(wanted);
	end(&load);
}

static void can_do_without_an_admin_socket(void **state)
{
	struct load load = {.flags = {{"admin-socket", "none"}}};

	run(&load, "");
	assert_int_equal(load.errors.count, 0);
	assert_null(load.config.admin.socket);
	end(&load);
}

static void refuses_a_variable_that_names_no_setting(void **state)
{
	struct load load = {.environment = {TEXT("PLUGD_LOG_LEVL=info"), TEXT("PLUGD_PORT=8080"),
					    TEXT("PLUGD_PLUGINS=x")}};

	run(&load, "");
	assert_int_equal(load.errors.count, 3);
	assert_error(&load, 0, ERR_CONFIG_UNKNOWN_KEY,
		     "environment: PLUGD_LOG_LEVL: names no setting that plugd knows; did you mean "
		     "PLUGD_LOG_LEVEL?");
	assert_error(&load, 1, ERR_CONFIG_UNKNOWN_KEY,
		     "environment: PLUGD_PORT: names no setting that plugd knows");
	end(&load);
}

static void refuses_a_flag_that_names_no_setting(void **state)
{
	struct load load = {.flags = {{"log-levl", "info"}}};

	run(&load, "");
	assert_int_equal(load.errors.count, 1);
	assert_error(&load, 0, ERR_CONFIG_UNKNOWN_KEY,
		     "command line: --log-levl: names no setting that plugd knows; did you mean "
		     "log-level?");
	end(&load);
}

static void refuses_bad_values_with_their_name(void **state)
{
	struct load load = {.environment = {TEXT("PLUGD_LOG_LEVEL=")},
			    .flags = {{"http-body-limit", "lots"}}};

	run(&load, "log: {level: loud}");
	assert_int_equal(load.errors.count, 3);
	assert_error(&load, 1, ERR_CONFIG_TYPE,
		     "environment: PLUGD_LOG_LEVEL: \"\" is not debug, info, warn or error");
	assert_error(
		&load, 2, ERR_CONFIG_TYPE,
		"command line: --http-body-limit: \"lots\" is not a size such as 512KiB or 10MiB");
	end(&load);
}

static void passes_over_what_kubernetes_and_others_set(void **state)
{
	struct load load = {.environment = {TEXT("PLUGD_SERVICE_HOST=10.0.0.1"),
					    TEXT("PLUGD_SERVICE_PORT_HTTP=80"),
					    TEXT("PLUGD_PORT=tcp://10.0.0.1:80"),
					    TEXT("PLUGD_PORT_80_TCP_ADDR=10.0.0.1"),
					    TEXT("PLUGD_CONFIG=/etc/x.yaml"), TEXT("PLUGDX=1"),
					    TEXT("PLUGD_")}};

	run(&load, "");
	assert_int_equal(load.errors.count, 0);
	end(&load);
}

static void keeps_fifty_errors_and_counts_the_rest(void **state)
{
	struct load load = {0};
	char *yaml = mem_strdup("");
	char *text;
	size_t size;

	for (int i = 0; i < 70; i++) {
		char *more = mem_printf("%sx%d: 1\n", yaml, i);
		free(yaml);
		yaml = more;
	}
	run(&load, yaml);
	assert_int_equal(load.errors.count, 50);
	assert_int_equal(load.errors.more, 20);
	FILE *out = open_memstream(&text, &size);
	config_errors_print(&load.errors, out);
	fclose(out);
	assert_non_null(strstr(text,
			       "f.yaml:50: \"x49\" is not a key that plugd knows here [1001]\n"
			       "... and 20 more errors\n"));
	free(text);
	free(yaml);
	end(&load);
}

static void takes_a_thousand_plugins_and_no_more(void **state)
{
	for (unsigned over = 0; over <= 1; over++) {
		struct load load = {0};
		struct buf yaml = {0};

		buf_printf(&yaml, "whitelist: {file: w}\nplugins:\n");
		for (unsigned i = 0; i < 1000 + over; i++)
			buf_printf(&yaml, "- {name: p%u, executable: e}\n", i);
		buf_append(&yaml, "", 1);
		run(&load, (const char *)buf_front(&yaml));
		assert_int_equal(load.errors.count, over);
		if (over)
			assert_error(&load, 0, ERR_CONFIG_RANGE,
				     "f.yaml:2: plugins: has 1001 items, but 1000 are the most");
		else
			assert_int_equal(load.config.plugin_count, 1000);
		buf_deinit(&yaml);
		end(&load);
	}
}

static void takes_a_thousand_and_twenty_four_texts_and_no_more(void **state)
{
	struct load load = {0};
	struct buf yaml = {0};

	buf_printf(&yaml, "listen:\n");
	for (unsigned i = 0; i < 1025; i++)
		buf_printf(&yaml, "- :%u\n", i);
	buf_append(&yaml, "", 1);
	run(&load, (const char *)buf_front(&yaml));
	assert_int_equal(load.errors.count, 1);
	assert_error(&load, 0, ERR_CONFIG_RANGE,
		     "f.yaml:1: listen: has 1025 items, but 1024 are the most");
	buf_deinit(&yaml);
	end(&load);
}

/* ---- the file itself ---- */

static void reads_a_file_and_names_its_directory(void **state)
{
	char name[] = "/tmp/config_override_test.XXXXXX";
	static const char yaml[] = "whitelist: {file: w}\n";
	struct config_errors errors = {0};
	struct config config;
	int fd = mkstemp(name);

	assert_int_equal(write(fd, yaml, strlen(yaml)), strlen(yaml));
	close(fd);
	assert_int_equal(config_load(name, NULL, &config, &errors), 0);
	assert_string_equal(config.file, name);
	assert_string_equal(config.trust.whitelist_file, "/tmp/w");
	config_free(&config);
	unlink(name);

	assert_true(config_load(name, NULL, &config, &errors) < 0);
	assert_int_equal(errors.items[0].code, ERR_CONFIG_FILE);
	assert_non_null(strstr(errors.items[0].text, "No such file"));
	config_free(&config);
	config_errors_free(&errors);
}

static void refuses_what_is_no_file_of_text(void **state)
{
	static const char *const paths[] = {"/tmp", "/dev/zero", "/nowhere/x"};

	for (size_t i = 0; i < 3; i++) {
		struct config_errors errors = {0};
		struct config config;
		assert_true(config_load(paths[i], NULL, &config, &errors) < 0);
		assert_int_equal(errors.count, 1);
		assert_int_equal(errors.items[0].code, ERR_CONFIG_FILE);
		config_free(&config);
		config_errors_free(&errors);
	}
}

static void does_without_a_file(void **state)
{
	struct config_flag flag = {"listen", ":1"};
	struct config_overrides overrides = {.flags = &flag, .flag_count = 1};
	struct config_errors errors = {0};
	struct config config;

	assert_int_equal(config_load(NULL, &overrides, &config, &errors), 0);
	assert_string_equal(config.net.listen[0], ":1");
	assert_null(config.file);
	config_free(&config);
	config_errors_free(&errors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_a_list_of_the_environment_at_commas),
		cmocka_unit_test(collects_a_list_from_flags_of_one_name),
		cmocka_unit_test(takes_the_last_of_several_flags),
		cmocka_unit_test(begins_relative_paths_where_they_were_written),
		cmocka_unit_test(can_do_without_an_admin_socket),
		cmocka_unit_test(refuses_a_variable_that_names_no_setting),
		cmocka_unit_test(refuses_a_flag_that_names_no_setting),
		cmocka_unit_test(refuses_bad_values_with_their_name),
		cmocka_unit_test(passes_over_what_kubernetes_and_others_set),
		cmocka_unit_test(keeps_fifty_errors_and_counts_the_rest),
		cmocka_unit_test(takes_a_thousand_and_twenty_four_texts_and_no_more),
		cmocka_unit_test(takes_a_thousand_plugins_and_no_more),
		cmocka_unit_test(reads_a_file_and_names_its_directory),
		cmocka_unit_test(refuses_what_is_no_file_of_text),
		cmocka_unit_test(does_without_a_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
