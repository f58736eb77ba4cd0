/* A plugin's own section: what YAML says, and the MessagePack that the plugin gets, as hexadecimal
 * digits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "config/config.h"

struct row {
	const char *name;
	const char *yaml; /* the section */
	const char *packed;
};

static const struct row rows[] = {
	{"an empty map", "{}", "80"},
	{"true and false without quotes are booleans", "{a: true, b: False}", "82a161c3a162c2"},
	{"yes, no, on and off are strings", "{a: yes, b: no, c: on, d: off}",
	 "84a161a3796573a162a26e6fa163a26f6ea164a36f6666"},
	{"nothing, a tilde and null are null", "{a: , b: ~, c: null, d: NULL}",
	 "84a161c0a162c0a163c0a164c0"},
	{"whole numbers are integers",
	 "{a: 0, b: 127, c: -1, d: +5, e: 300, f: 0x1F, g: 0o17, h: 007}",
	 "88a16100a1627fa163ffa16405a165cd012ca1661fa1670fa16807"},
	{"the largest and the smallest integer fit",
	 "{a: 18446744073709551615, b: -9223372036854775808}",
	 "82a161cfffffffffffffffffa162d38000000000000000"},
	{"numbers with a point or an exponent are floats", "{a: 1.5, b: 1e3, c: .5, d: -2.}",
	 "84a161cb3ff8000000000000a162cb408f400000000000a163cb3fe0000000000000a164cbc00000000000000"
	 "0"},
	{"infinities are floats", "{a: .inf, b: -.INF}",
	 "82a161cb7ff0000000000000a162cbfff0000000000000"},
	{"what only looks like a number is a string",
	 "{a: 1_000, b: 1.2.3, c: 0b1, d: 12e, e: +, f: 0x}",
	 "86a161a5315f303030a162a5312e322e33a163a3306231a164a3313265a165a12ba166a23078"},
	{"quotes make strings", "{a: \"1\", b: 'true', c: \"\"}", "83a161a131a162a474727565a163a0"},
	{"lists and maps nest", "{a: [1, [2], {b: c}]}",
	 "81a161930191"
	 "0281a162a163"},
	{"keys are strings", "{1: a, true: b}", "82a131a161a474727565a162"},
	{"the order stays", "{b: 1, a: 2}", "82a16201a16102"},
	{"a block of text is a string with its lines", "\n    a: |\n     1\n     2\n",
	 "81a161a4310a320a"},
	{"text is UTF-8", "{a: \xc3\xa9}", "81a161a2c3a9"},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))
#define HEAD "whitelist: {file: w}\nplugins:\n- name: p\n  executable: e\n  config: "

static void packs_row(void **state)
{
	const struct row *row = *state;
	char *yaml = mem_printf(HEAD "%s", row->yaml);
	struct config_errors errors = {0};
	struct config config;

	config_parse(str_from(yaml), "f.yaml", "/", NULL, &config, &errors);
	if (errors.count > 0)
		fail_msg("%s", errors.items[0].text);
	char *hex = mem_alloc(2 * config.plugins[0].config_len + 1);
	str_hex(hex, config.plugins[0].config, config.plugins[0].config_len);
	assert_string_equal(hex, row->packed);
	free(hex);
	free(yaml);
	config_errors_free(&errors);
	config_free(&config);
}

static void refuses_more_than_a_frame_holds(void **state)
{
	char *big = mem_alloc(CONFIG_PLUGIN_MAX_BYTES + 1);
	struct config_errors errors = {0};
	struct config config;

	memset(big, 'x', CONFIG_PLUGIN_MAX_BYTES);
	big[CONFIG_PLUGIN_MAX_BYTES] = '\0';
	char *yaml = mem_printf(HEAD "{a: %s}", big);
	assert_true(config_parse(str_from(yaml), "f.yaml", "/", NULL, &config, &errors) < 0);
	assert_int_equal(errors.count, 1);
	assert_non_null(
		strstr(errors.items[0].text, "f.yaml:5: plugins[0].config: takes 65544 bytes"));
	free(yaml);
	free(big);
	config_errors_free(&errors);
	config_free(&config);
}

int main(void)
{
	struct CMUnitTest tests[ROWS + 1];

	for (size_t i = 0; i < ROWS; i++)
		tests[i] = (struct CMUnitTest){rows[i].name, packs_row, NULL, NULL,
					       (void *)(uintptr_t)&rows[i]};
	tests[ROWS] = (struct CMUnitTest)cmocka_unit_test(refuses_more_than_a_frame_holds);
	return _cmocka_run_group_tests("config_pack", tests, ROWS + 1, NULL, NULL);
}
