/* A request as a line of the combined format: byte for byte, and whatever the client has sent. */
#include "edge/combined.h"
#include "tests/support/unit.h"

static struct arena arena;

static int setup(void **state)
{
	arena_reset(&arena);
	return 0;
}

static struct combined whole(void)
{
	return (struct combined){
		.peer = STR_LITERAL("192.0.2.7:52311"),
		.wall_ms = INT64_C(1795788301678),
		.method = STR_LITERAL("GET"),
		.target = STR_LITERAL("/a?b=1"),
		.version = 11,
		.status = 200,
		.out_bytes = 512,
		.referer = STR_LITERAL("https://a.example/x y"),
		.agent = STR_LITERAL("curl/7.88 (x)"),
		.us = 830,
		.queue_us = 12,
		.plugin_us = 700,
		.edge_us = 118,
		.id = STR_LITERAL("5e1f"),
	};
}

static void assert_line(const struct combined *entry, const char *expected)
{
	assert_str(combined_line(&arena, entry), expected);
}

static void a_request_is_one_line(void **state)
{
	struct combined entry = whole();

	assert_line(&entry, "192.0.2.7 - - [27/Nov/2026:14:05:01 +0000] \"GET /a?b=1 HTTP/1.1\" "
			    "200 512 \"https://a.example/x y\" \"curl/7.88 (x)\" us=830 "
			    "queue_us=12 plugin_us=700 edge_us=118 id=5e1f\n");
}

static void what_is_not_there_is_a_dash(void **state)
{
	struct combined entry = {.status = 400};

	assert_line(&entry, "- - - [01/Jan/1970:00:00:00 +0000] \"-\" 400 0 \"-\" \"-\" us=0 "
			    "queue_us=0 plugin_us=0 edge_us=0 id=-\n");
}

static void the_port_is_left_out(void **state)
{
	static const char *const rows[][2] = {
		{"192.0.2.7:1", "192.0.2.7"},
		{"[2001:db8::1]:52311", "2001:db8::1"},
		{"unix", "unix"},
		{"unknown", "unknown"},
		{"[::1]:0", "::1"},
		{"", "-"},
		{":", "-"},
		{"[]:1", "-"},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct combined entry = {.peer = str_from(rows[i][0])};
		struct str line = combined_line(&arena, &entry);

		assert_memory_equal(line.data, rows[i][1], strlen(rows[i][1]));
		assert_memory_equal(line.data + strlen(rows[i][1]), " - - [", 6);
	}
}

/* Every byte, in every text: the line has one end, and as many quotes and spaces as ever. */
static void no_byte_of_a_client_forges_a_line_or_a_field(void **state)
{
	static const size_t texts[] = {
		offsetof(struct combined, peer),    offsetof(struct combined, user),
		offsetof(struct combined, method),  offsetof(struct combined, target),
		offsetof(struct combined, referer), offsetof(struct combined, agent),
		offsetof(struct combined, id),
	};

	for (int byte = 0; byte < 256; byte++) {
		const char value[] = {'a', (char)byte, 'b'};

		for (size_t i = 0; i < COUNT_OF(texts); i++) {
			struct combined entry = whole();
			struct str line;
			size_t quotes = 0, ends = 0;

			entry.referer = STR_LITERAL("r");
			entry.agent = STR_LITERAL("u");
			*(struct str *)((char *)&entry + texts[i]) = (struct str){value, 3};
			line = combined_line(&arena, &entry);
			for (size_t at = 0; at < line.len; at++) {
				unsigned char c = (unsigned char)line.data[at];

				quotes += c == '"';
				ends += c == '\n';
				assert_true(c == '\n' || (c >= ' ' && c < 0x7f));
			}
			assert_int_equal(quotes, 6);
			assert_int_equal(ends, 1);
			assert_int_equal(line.data[line.len - 1], '\n');
		}
	}
}

static void what_could_mean_something_is_written_in_hex(void **state)
{
	struct combined entry = whole();

	entry.target = STR_LITERAL("/\"\\ \x7f\xc3");
	entry.agent = STR_LITERAL("a\n1.2.3.4 - - \"\t\x1b[2J");
	entry.user = STR_LITERAL("CN=a b,O=\"c\"");
	assert_line(&entry,
		    "192.0.2.7 - CN=a\\x20b,O=\\x22c\\x22 [27/Nov/2026:14:05:01 +0000] "
		    "\"GET /\\x22\\x5c\\x20\\x7f\\xc3 HTTP/1.1\" 200 512 "
		    "\"https://a.example/x y\" \"a\\x0a1.2.3.4 - - \\x22\\x09\\x1b[2J\" us=830 "
		    "queue_us=12 plugin_us=700 edge_us=118 id=5e1f\n");
}

static void the_longest_line_fits(void **state)
{
	static char text[COMBINED_TEXT_BYTES + 100];
	struct str all = {text, sizeof(text)};
	struct combined entry = {all,	    all,	INT64_MAX,  all,       all,
				 20,	    UINT32_MAX, UINT64_MAX, all,       all,
				 INT64_MAX, INT64_MAX,	INT64_MAX,  INT64_MAX, all};
	struct str line;

	memset(text, '\n', sizeof(text));
	line = combined_line(&arena, &entry);
	assert_true(line.len > 7 * 4 * COMBINED_TEXT_BYTES);
	assert_true(line.len < 7 * 4 * COMBINED_TEXT_BYTES + 400);
	assert_ptr_equal(memchr(line.data, '\n', line.len), line.data + line.len - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_request_is_one_line, setup),
		cmocka_unit_test_setup(what_is_not_there_is_a_dash, setup),
		cmocka_unit_test_setup(the_port_is_left_out, setup),
		cmocka_unit_test_setup(no_byte_of_a_client_forges_a_line_or_a_field, setup),
		cmocka_unit_test_setup(what_could_mean_something_is_written_in_hex, setup),
		cmocka_unit_test_setup(the_longest_line_fits, setup),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	arena_deinit(&arena);
	return failed;
}
