/* The whitelist's text, row by row: what is accepted, what is refused with which words, who may
 * run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "observe/errors.h"
#include "trust/whitelist.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* SHA-256 of "test". */
#define DIGITS "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define UPPER  "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08"
#define HEAD   "version: 1\nplugins:\n"
#define HASH   "    hash: sha256:" DIGITS "\n"

static struct whitelist *parse(const char *text)
{
	struct whitelist_problems problems = {0};
	struct whitelist *list = NULL;

	if (whitelist_parse(str_from(text), "w.yaml", &list, &problems) < 0)
		fail_msg("%s", problems.rows[0].err.text);
	assert_int_equal(problems.count, 0);
	return list;
}

/* ---- digests ---- */

static void hashes_bytes_given_in_pieces(void **state)
{
	struct digest_stream *stream = digest_stream_new();
	struct digest digest;
	char text[DIGEST_TEXT];

	digest_stream_add(stream, "te", 2);
	digest_stream_add(stream, "", 0);
	digest_stream_add(stream, "st", 2);
	assert_int_equal(digest_stream_end(stream, &digest), 0);
	assert_string_equal(digest_format(text, &digest), "sha256:" DIGITS);
	digest_stream_free(digest_stream_new());
}

static void reads_every_form_of_a_hash_and_no_other(void **state)
{
	static const struct {
		const char *text;
		const char *wrong; /* NULL: good */
	} rows[] = {
		{DIGITS, NULL},
		{UPPER, NULL},
		{"sha256:" DIGITS, NULL},
		{"SHA256:" UPPER, NULL},
		{"Sha256:" DIGITS, NULL},
		{"", "is empty"},
		{"sha256:", "has fewer than 64"},
		{"sha256:9f86", "has fewer than 64"},
		{DIGITS "0", "has more than 64"},
		{"sha256:" DIGITS "00", "has more than 64"},
		{"sha512:" DIGITS, "names an algorithm other than sha256"},
		{"sha256:sha256:" DIGITS, "names an algorithm other than sha256"},
		{"0x" DIGITS, "has a character that is not"},
		{" " DIGITS, "has a character that is not"},
		{"sha256-n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=", "has a character"},
	};
	struct digest expected;

	assert_null(digest_parse(str_from(DIGITS), &expected));
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct digest digest = {{0}};
		const char *wrong = digest_parse(str_from(rows[i].text), &digest);

		if (!rows[i].wrong) {
			assert_null(wrong);
			assert_true(digest_eq(&digest, &expected));
		} else if (!wrong || strncmp(wrong, rows[i].wrong, strlen(rows[i].wrong)) != 0) {
			fail_msg("'%s': %s", rows[i].text, wrong ? wrong : "accepted");
		}
	}
	assert_non_null(digest_parse((struct str){"\0", 1}, &expected));
}

/* ---- the text ---- */

static void reads_all_that_an_entry_may_have(void **state)
{
	struct whitelist *list = parse(HEAD "  - name: echo\n"
					    "    path: /opt/echo\n"
					    "    hash: \"SHA256:" UPPER "\"\n"
					    "    algorithm: SHA256\n"
					    "    enabled: false\n"
					    "    metadata: {owner: team-a, build: 12, note: }\n"
					    "\n"
					    "  - {path: '/opt/other', hash: " DIGITS "}\n");
	const struct whitelist_entry *echo = whitelist_find_path(list, "/opt/echo");
	const struct whitelist_entry *other = whitelist_at(list, 1);

	assert_int_equal(whitelist_count(list), 2);
	assert_ptr_equal(whitelist_find_name(list, "echo"), echo);
	assert_ptr_equal(whitelist_at(list, 0), echo);
	assert_false(echo->enabled);
	assert_int_equal(echo->line, 3);
	assert_int_equal(echo->metadata_count, 3);
	assert_string_equal(echo->metadata[1].key, "build");
	assert_string_equal(echo->metadata[1].value, "12");
	assert_string_equal(echo->metadata[2].value, "");
	assert_null(other->name);
	assert_true(other->enabled);
	assert_int_equal(other->line, 10);
	assert_true(digest_eq(&echo->digest, &other->digest));
	assert_null(whitelist_find_path(list, "/opt"));
	assert_null(whitelist_find_name(list, "other"));
	assert_null(whitelist_at(list, 2));
	whitelist_free(list);
}

static void a_list_of_nothing_allows_nothing(void **state)
{
	struct whitelist *list = parse("version: 1\nplugins: []\n");

	assert_int_equal(whitelist_count(list), 0);
	assert_null(whitelist_find_path(list, "/bin/sh"));
	whitelist_free(list);
	whitelist_free(parse(HEAD));
}

static void refuses_each_mistake_with_its_line_and_the_remedy(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *says;
	} rows[] = {
		{"", ERR_WHITELIST_FILE, "w.yaml:1: the file is empty; a whitelist begins with"},
		{"- a\n", ERR_WHITELIST_FILE, "w.yaml:1: this is not a map"},
		{"plugins: []\n", ERR_CONFIG_MISSING, "w.yaml:1: version is missing; write"},
		{"version: 1\n", ERR_CONFIG_MISSING, "w.yaml:1: plugins is missing; write"},
		{"version: 2\nplugins: []\n", ERR_CONFIG_RANGE, "w.yaml:1: version must be 1"},
		{"version: \"1\"\nplugins: []\n", ERR_CONFIG_RANGE, "w.yaml:1: version must be 1"},
		{HEAD "plugins: []\n", ERR_CONFIG_DUPLICATE,
		 "w.yaml:3: the key 'plugins' comes twice; the first is on line 2"},
		{"version: 1\nplugin: []\nplugins: []\n", ERR_CONFIG_UNKNOWN_KEY,
		 "w.yaml:2: unknown key 'plugin'; did you mean 'plugins'?"},
		{"version: 1\nplugins: {a: b}\n", ERR_CONFIG_TYPE,
		 "w.yaml:2: plugins must be a list of entries, not a map"},
		{HEAD "  - /opt/echo\n", ERR_CONFIG_TYPE,
		 "w.yaml:3: an entry must be a map with path and hash, not text"},
		{HEAD "  - path: /opt/echo\n", ERR_CONFIG_MISSING,
		 "w.yaml:3: the entry has no hash; is the file complete?"},
		{HEAD "  - path: /opt/echo\n    hash: sha256:9f86d0", ERR_CONFIG_TYPE,
		 "w.yaml:4: hash has fewer than 64 hexadecimal digits; write \"sha256:\""},
		{HEAD "  - path: /opt/echo\n    hash: [1]\n", ERR_CONFIG_TYPE,
		 "w.yaml:4: hash is not text"},
		{HEAD "  - path: opt/echo\n" HASH, ERR_CONFIG_RANGE,
		 "w.yaml:3: path 'opt/echo' must be absolute"},
		{HEAD "  - path: /opt/../echo\n" HASH, ERR_CONFIG_RANGE, "w.yaml:3: path"},
		{HEAD "  - path: /opt/./echo\n" HASH, ERR_CONFIG_RANGE, "w.yaml:3: path"},
		{HEAD "  - path: /opt//echo\n" HASH, ERR_CONFIG_RANGE, "w.yaml:3: path"},
		{HEAD "  - path: /opt/echo/\n" HASH, ERR_CONFIG_RANGE, "w.yaml:3: path"},
		{HEAD "  - path: /\n" HASH, ERR_CONFIG_RANGE, "w.yaml:3: path"},
		{HEAD "  - path: \"/opt/e\\ncho\"\n" HASH, ERR_CONFIG_TYPE,
		 "w.yaml:3: path has a control character in it"},
		{HEAD "  - path: \"/opt/e\\0cho\"\n" HASH, ERR_WHITELIST_FILE,
		 "w.yaml:3: there is a NUL (\\0) in this text"},
		{HEAD "  - \"path\\0\": /a\n" HASH, ERR_WHITELIST_FILE, "w.yaml:3: there is a NUL"},
		{HEAD "  - path:\n" HASH, ERR_CONFIG_TYPE,
		 "w.yaml:3: path must be text, not empty"},
		{HEAD "  - path: /a\n    pth: /b\n" HASH, ERR_CONFIG_UNKNOWN_KEY,
		 "w.yaml:4: unknown key 'pth'; did you mean 'path'?"},
		{HEAD "  - path: /a\n    sandbox: on\n" HASH, ERR_CONFIG_UNKNOWN_KEY,
		 "w.yaml:4: unknown key 'sandbox'; known here: name, path, hash"},
		{HEAD "  - path: /a\n    path: /b\n" HASH, ERR_CONFIG_DUPLICATE,
		 "w.yaml:4: the key 'path' comes twice; the first is on line 3"},
		{HEAD "  - path: /a\n    enabled: yes\n" HASH, ERR_CONFIG_TYPE,
		 "w.yaml:4: enabled must be true or false"},
		{HEAD "  - path: /a\n    algorithm: md5\n" HASH, ERR_CONFIG_RANGE,
		 "w.yaml:4: algorithm must be sha256"},
		{HEAD "  - path: /a\n    metadata: x\n" HASH, ERR_CONFIG_TYPE,
		 "w.yaml:4: metadata must be a map"},
		{HEAD "  - path: /a\n    metadata: {a: [b]}\n" HASH, ERR_CONFIG_TYPE,
		 "w.yaml:4: metadata 'a' must be text, not a list"},
		{HEAD "  - path: /a\n    name: ''\n" HASH, ERR_CONFIG_TYPE,
		 "w.yaml:4: name must be text, not empty"},
		{HEAD "  - path: /a\n" HASH "  - path: /a\n" HASH, ERR_CONFIG_DUPLICATE,
		 "w.yaml:5: the path '/a' is listed already on line 3"},
		{HEAD "  - path: /a\n    name: n\n" HASH "  - path: /b\n    name: n\n" HASH,
		 ERR_CONFIG_DUPLICATE, "w.yaml:6: the name 'n' is listed already on line 3"},
		{HEAD "  - path: /a\n\thash: x\n", ERR_WHITELIST_FILE,
		 "w.yaml:4: the line is indented with a tab; YAML wants spaces"},
		{HEAD "  - path: \"/a\n", ERR_WHITELIST_FILE, "w.yaml:3: double-quoted scalar"},
		{"\x7f"
		 "ELF\x02\x01\x01",
		 ERR_WHITELIST_FILE, "w.yaml:1: the byte 0x02 is not"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct whitelist_problems problems = {0};
		struct whitelist *list = NULL;

		if (whitelist_parse(str_from(rows[i].text), "w.yaml", &list, &problems) == 0)
			fail_msg("row %zu is accepted", i);
		assert_null(list);
		if (strncmp(problems.rows[0].err.text, rows[i].says, strlen(rows[i].says)) != 0)
			fail_msg("row %zu: '%s'", i, problems.rows[0].err.text);
		assert_int_equal(problems.rows[0].err.code, rows[i].code);
		assert_int_equal(problems.count, 1);
		whitelist_problems_deinit(&problems);
	}
}

static void tells_all_mistakes_at_once_in_the_order_of_lines(void **state)
{
	struct whitelist_problems problems = {0};
	struct whitelist *list = NULL;

	assert_true(whitelist_parse(str_from("version: 3\n"
					     "plugins:\n"
					     "  - path: /a\n"
					     "    hash: zz\n"
					     "  - path: /a\n"
					     "    hsh: " DIGITS "\n"
					     "  - 17\n"
					     "pluginz:\n"),
				    "w.yaml", &list, &problems) < 0);
	assert_int_equal(problems.count, 7);
	for (size_t i = 0; i < problems.count; i++) {
		static const unsigned lines[] = {1, 4, 5, 5, 6, 7, 8};

		assert_int_equal(problems.rows[i].line, lines[i]);
	}
	whitelist_problems_deinit(&problems);
}

static void counts_mistakes_beyond_the_hundredth(void **state)
{
	struct whitelist_problems problems = {0};
	struct whitelist *list = NULL;
	struct buf text = {0};

	buf_printf(&text, HEAD);
	for (int i = 0; i < 250; i++)
		buf_printf(&text, "  - 1\n");
	assert_true(whitelist_parse((struct str){(char *)buf_front(&text), buf_len(&text)},
				    "w.yaml", &list, &problems) < 0);
	assert_int_equal(problems.count, 100);
	assert_int_equal(problems.more, 150);
	whitelist_problems_deinit(&problems);
	buf_deinit(&text);
}

static void finds_one_of_a_hundred_thousand_entries(void **state)
{
	struct whitelist_problems problems = {0};
	struct whitelist *list = NULL;
	struct buf text = {0};
	char path[64];

	buf_printf(&text, HEAD);
	for (unsigned i = 0; i < 100000; i++)
		buf_printf(&text, "  - {name: p%u, path: /opt/p%u, hash: " DIGITS "}\n", i, i);
	assert_int_equal(whitelist_parse((struct str){(char *)buf_front(&text), buf_len(&text)},
					 "w.yaml", &list, &problems),
			 0);
	buf_deinit(&text);
	assert_int_equal(whitelist_count(list), 100000);
	for (unsigned i = 0; i < 100000; i += 777) {
		snprintf(path, sizeof(path), "/opt/p%u", i);
		assert_int_equal(whitelist_find_path(list, path)->line, i + 3);
		assert_int_equal(whitelist_find_name(list, path + 5)->line, i + 3);
	}
	whitelist_free(list);
}

/* ---- the decision ---- */

static void admits_by_path_and_only_the_plugin_that_is_named(void **state)
{
	struct whitelist *list = parse(HEAD "  - path: /real/echo\n    name: echo\n" HASH
					    "  - path: /link/echo\n    enabled: false\n" HASH
					    "  - path: /link/tool\n" HASH);
	static const struct {
		const char *path;
		const char *real;
		const char *plugin;
		int code; /* 0: may run */
		const char *says;
	} rows[] = {
		{"/real/echo", "/real/echo", "echo", 0, ""},
		{"/real/echo", "/real/echo", NULL, 0, ""}, /* as an interpreter */
		{"/real/echo", "/real/echo", "kv", ERR_WHITELIST_PLUGIN,
		 "w.yaml:3: '/real/echo' is pinned for the plugin 'echo', not for 'kv'"},
		{"/link/echo", "/real/echo", "echo", 0, ""}, /* the real path decides */
		{"/link/echo", "/elsewhere", "echo", ERR_WHITELIST_DISABLED,
		 "w.yaml:6: the entry of '/link/echo' is disabled"},
		{"/link/tool", "/real/tool", "anybody", 0, ""},
		{"/real/tool", "/real/tool", "tool", ERR_WHITELIST_UNLISTED,
		 "'/real/tool' is not in the whitelist w.yaml"},
		{"echo", "echo", "echo", ERR_WHITELIST_UNLISTED, "'echo' is not"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct whitelist_entry *entry = NULL;
		struct err err = {0};
		int rc = whitelist_admit(
			list,
			&(struct whitelist_question){rows[i].path, rows[i].real, rows[i].plugin},
			&entry, &err);

		assert_int_equal(rc < 0, rows[i].code != 0);
		assert_int_equal(entry == NULL, rows[i].code != 0);
		assert_int_equal(err.code, rows[i].code);
		assert_memory_equal(err.text, rows[i].says, strlen(rows[i].says));
	}
	whitelist_free(list);
}

static void refuses_other_bytes_and_names_both_hashes(void **state)
{
	struct whitelist *list = parse(HEAD "  - path: /a\n" HASH);
	const struct whitelist_entry *entry = whitelist_at(list, 0);
	struct digest other = entry->digest;
	struct err err = {0};

	assert_int_equal(whitelist_check(list, entry, &other, &err), 0);
	other.bytes[31] ^= 1;
	assert_true(whitelist_check(list, entry, &other, &err) < 0);
	assert_int_equal(err.code, ERR_WHITELIST_MISMATCH);
	assert_non_null(strstr(err.text, "0a09, but sha256:" DIGITS " is pinned"));
	whitelist_free(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_bytes_given_in_pieces),
		cmocka_unit_test(reads_every_form_of_a_hash_and_no_other),
		cmocka_unit_test(reads_all_that_an_entry_may_have),
		cmocka_unit_test(a_list_of_nothing_allows_nothing),
		cmocka_unit_test(refuses_each_mistake_with_its_line_and_the_remedy),
		cmocka_unit_test(tells_all_mistakes_at_once_in_the_order_of_lines),
		cmocka_unit_test(counts_mistakes_beyond_the_hundredth),
		cmocka_unit_test(finds_one_of_a_hundred_thousand_entries),
		cmocka_unit_test(admits_by_path_and_only_the_plugin_that_is_named),
		cmocka_unit_test(refuses_other_bytes_and_names_both_hashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
