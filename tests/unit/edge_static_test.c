/* Files for clients, the pure part: which name, which bytes, in which coding, and whether at
 * all. */
#include "edge/media_types.h"
#include "edge/sibling_kind.h"
#include "edge/static_conditions.h"
#include "edge/static_path.h"
#include "edge/static_range.h"
#include "net/date.h"
#include "tests/support/unit.h"

/* ---- names ---- */

static void a_name_is_one_that_a_client_may_have(void **state)
{
	static const struct {
		const char *rest;
		const char *name; /* NULL: none */
	} rows[] = {
		{"", ""},
		{"a.js", "a.js"},
		{"docs/", "docs/"},
		{"docs/deep/a b.html", "docs/deep/a b.html"},
		{"100%25", "100%"},
		{"%252F", "%2F"},
		{"\xc3\xa4.txt", "\xc3\xa4.txt"},
		{"a..b", "a..b"},
		{"/etc/passwd", NULL},
		{"a//b", NULL},
		{"a//", NULL},
		{"/", NULL},
		{"..", NULL},
		{"../etc/passwd", NULL},
		{"a/../../b", NULL},
		{".", NULL},
		{".git/config", NULL},
		{"docs/.htaccess", NULL},
		{"..%2F..%2Fetc", NULL},
		{"a%2Fb", NULL},
		{"a%2fb", NULL},
	};
	struct arena arena = {0};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *name = static_path_name(&arena, str_from(rows[i].rest));

		if ((name != NULL) != (rows[i].name != NULL) ||
		    (name && strcmp(name, rows[i].name) != 0))
			fail_msg("'%s': %s", rows[i].rest, name);
	}
	assert_null(static_path_name(&arena, STR_LITERAL("a\0b")));
	arena_deinit(&arena);
}

static void a_page_has_no_dot_in_its_last_segment(void **state)
{
	assert_true(static_path_is_page(STR_LITERAL("")));
	assert_true(static_path_is_page(STR_LITERAL("users/7")));
	assert_true(static_path_is_page(STR_LITERAL("v1.2/users/")));
	assert_false(static_path_is_page(STR_LITERAL("app.js")));
	assert_false(static_path_is_page(STR_LITERAL("users/app.12.js")));
}

static void a_slash_is_added_from_where_the_client_is(void **state)
{
	struct arena arena = {0};

	assert_str(static_path_with_slash(&arena, STR_LITERAL("/x/docs"), (struct str){NULL, 0}),
		   "./docs/");
	assert_str(
		static_path_with_slash(&arena, STR_LITERAL("//evil.example"), STR_LITERAL("a=//b")),
		"./evil.example/?a=//b");
	assert_str(static_path_with_slash(&arena, STR_LITERAL("/http:a b\r\n\\\xc3\xa4%25"),
					  (struct str){NULL, 0}),
		   "./http%3Aa%20b%0D%0A%5C%C3%A4%25/");
	arena_deinit(&arena);
}

/* ---- ranges ---- */

static void a_range_is_one_run_within_the_file(void **state)
{
	static const struct {
		const char *value;
		uint64_t size;
		enum range_verdict verdict;
		struct byte_range range;
	} rows[] = {
		{"bytes=0-499", 1000, RANGE_PART, {0, 500}},
		{"bytes=500-", 1000, RANGE_PART, {500, 500}},
		{"bytes=-300", 1000, RANGE_PART, {700, 300}},
		{"bytes=-3000", 1000, RANGE_PART, {0, 1000}},
		{"bytes=999-999", 1000, RANGE_PART, {999, 1}},
		{"bytes=900-99999", 1000, RANGE_PART, {900, 100}},
		{"bytes=0-18446744073709551615", 1000, RANGE_PART, {0, 1000}},
		{"bytes=0-99999999999999999999999", 1000, RANGE_PART, {0, 1000}},
		{"BYTES= 0-0 ", 1000, RANGE_PART, {0, 1}},
		{"bytes=, 0-0 ,,", 1000, RANGE_PART, {0, 1}},
		{"bytes=5000-, 3-4", 1000, RANGE_PART, {3, 2}},
		{"bytes=1000-", 1000, RANGE_UNSATISFIABLE, {0, 0}},
		{"bytes=1000-2000,5000-", 1000, RANGE_UNSATISFIABLE, {0, 0}},
		{"bytes=99999999999999999999999-", 1000, RANGE_UNSATISFIABLE, {0, 0}},
		{"bytes=-0", 1000, RANGE_UNSATISFIABLE, {0, 0}},
		{"bytes=0-", 0, RANGE_UNSATISFIABLE, {0, 0}},
		{"bytes=-5", 0, RANGE_UNSATISFIABLE, {0, 0}},
		{"bytes=0-1,3-4", 1000, RANGE_WHOLE, {0, 0}},
		{"bytes=0-,0-,0-,0-", 1000, RANGE_WHOLE, {0, 0}},
		{"bytes=5-4", 1000, RANGE_WHOLE, {0, 0}},
		{"bytes=", 1000, RANGE_WHOLE, {0, 0}},
		{"bytes=,", 1000, RANGE_WHOLE, {0, 0}},
		{"bytes=-", 1000, RANGE_WHOLE, {0, 0}},
		{"bytes=a-b", 1000, RANGE_WHOLE, {0, 0}},
		{"bytes=0x1-2", 1000, RANGE_WHOLE, {0, 0}},
		{"bytes=1 - 2", 1000, RANGE_WHOLE, {0, 0}},
		{"bytes=+1-2", 1000, RANGE_WHOLE, {0, 0}},
		{"bytes=1--2", 1000, RANGE_WHOLE, {0, 0}},
		{"bytes=1-2x", 1000, RANGE_WHOLE, {0, 0}},
		{"lines=0-1", 1000, RANGE_WHOLE, {0, 0}},
		{"bytes 0-1", 1000, RANGE_WHOLE, {0, 0}},
		{"", 1000, RANGE_WHOLE, {0, 0}},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct byte_range range = {0, 0};
		enum range_verdict got = range_read(str_from(rows[i].value), rows[i].size, &range);

		if (got != rows[i].verdict)
			fail_msg("'%s': %d", rows[i].value, got);
		if (got == RANGE_PART &&
		    (range.first != rows[i].range.first || range.count != rows[i].range.count))
			fail_msg("'%s': %llu+%llu", rows[i].value, (unsigned long long)range.first,
				 (unsigned long long)range.count);
	}
}

static void a_flood_of_ranges_is_passed_over(void **state)
{
	char value[1024] = "bytes=0-0";

	for (int i = 0; i < 40; i++)
		strcat(value, ",5000-");
	struct byte_range range;
	assert_int_equal(range_read(str_from(value), 1000, &range), RANGE_WHOLE);
}

/* ---- conditions ---- */

#define DATE	"Sun, 06 Nov 1994 08:49:37 GMT"
#define BEFORE	"Sun, 06 Nov 1994 08:49:36 GMT"
#define AFTER	"Sun, 06 Nov 1994 08:49:38 GMT"
#define MOMENT	INT64_C(784111777)
#define MAX_SET 3

/* Name and value by turns. */
struct asked {
	const char *fields[2 * MAX_SET + 1];
};

static size_t fill(const struct asked *asked, struct http_field fields[MAX_SET])
{
	size_t count = 0;

	for (; asked->fields[2 * count]; count++)
		fields[count] = (struct http_field){str_from(asked->fields[2 * count]),
						    str_from(asked->fields[2 * count + 1])};
	return count;
}

static const struct validators mine = {{"\"a\"", 3}, MOMENT, MOMENT + 100};

static void conditions_count_in_the_order_of_the_rfc(void **state)
{
	static const struct {
		struct asked asked;
		enum condition_verdict verdict;
	} rows[] = {
		{{{NULL}}, CONDITION_GO_ON},
		{{{"if-none-match", "\"a\""}}, CONDITION_NOT_MODIFIED},
		{{{"if-none-match", "W/\"a\""}}, CONDITION_NOT_MODIFIED},
		{{{"if-none-match", "\"b\", \"a\""}}, CONDITION_NOT_MODIFIED},
		{{{"if-none-match", "\"b\",\"c\""}}, CONDITION_GO_ON},
		{{{"if-none-match", "*"}}, CONDITION_NOT_MODIFIED},
		{{{"if-none-match", "a"}}, CONDITION_GO_ON},
		{{{"if-none-match", "\"a"}}, CONDITION_GO_ON},
		{{{"if-none-match", "\"b\"", "if-none-match", "\"a\""}}, CONDITION_NOT_MODIFIED},
		/* If-None-Match wins over the date. */
		{{{"if-none-match", "\"b\"", "if-modified-since", AFTER}}, CONDITION_GO_ON},
		{{{"if-modified-since", DATE}}, CONDITION_NOT_MODIFIED},
		{{{"if-modified-since", AFTER}}, CONDITION_NOT_MODIFIED},
		{{{"if-modified-since", BEFORE}}, CONDITION_GO_ON},
		{{{"if-modified-since", "yesterday"}}, CONDITION_GO_ON},
		{{{"if-match", "\"a\""}}, CONDITION_GO_ON},
		{{{"if-match", "*"}}, CONDITION_GO_ON},
		{{{"if-match", "W/\"a\""}}, CONDITION_FAILED},
		{{{"if-match", "\"b\""}}, CONDITION_FAILED},
		{{{"if-match", ""}}, CONDITION_FAILED},
		/* If-Match wins over the date, and both come before If-None-Match. */
		{{{"if-match", "\"a\"", "if-unmodified-since", BEFORE}}, CONDITION_GO_ON},
		{{{"if-match", "\"b\"", "if-none-match", "\"a\""}}, CONDITION_FAILED},
		{{{"if-match", "\"a\"", "if-none-match", "\"a\""}}, CONDITION_NOT_MODIFIED},
		{{{"if-unmodified-since", BEFORE}}, CONDITION_FAILED},
		{{{"if-unmodified-since", DATE}}, CONDITION_GO_ON},
		{{{"if-unmodified-since", BEFORE, "if-none-match", "\"a\""}}, CONDITION_FAILED},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct http_field fields[MAX_SET];
		size_t count = fill(&rows[i].asked, fields);

		if (conditions_judge(fields, count, &mine) != rows[i].verdict)
			fail_msg("row %zu", i);
	}
}

static void a_range_counts_for_this_very_content_alone(void **state)
{
	static const struct {
		struct asked asked;
		bool allows;
	} rows[] = {
		{{{NULL}}, true},
		{{{"if-range", "\"a\""}}, true},
		{{{"if-range", "\"b\""}}, false},
		{{{"if-range", "W/\"a\""}}, false},
		{{{"if-range", "\"a\", \"b\""}}, false},
		{{{"if-range", DATE}}, true},
		{{{"if-range", AFTER}}, false},
		{{{"if-range", BEFORE}}, false},
		{{{"if-range", "?"}}, false},
	};
	struct validators fresh = mine;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct http_field fields[MAX_SET];
		size_t count = fill(&rows[i].asked, fields);

		if (conditions_allow_range(fields, count, &mine) != rows[i].allows)
			fail_msg("row %zu", i);
	}
	/* Within the second in which it was written it may be written again. */
	fresh.now_s = MOMENT;
	struct http_field date = {STR_LITERAL("if-range"), STR_LITERAL(DATE)};
	assert_false(conditions_allow_range(&date, 1, &fresh));
}

static void a_date_has_one_of_three_forms(void **state)
{
	static const struct {
		const char *text;
		int64_t moment; /* -1: it is none */
	} rows[] = {
		{DATE, MOMENT},
		{"Sunday, 06-Nov-94 08:49:37 GMT", MOMENT},
		{"Sun Nov  6 08:49:37 1994", MOMENT},
		{"Thu, 01 Jan 1970 00:00:00 GMT", 0},
		{"Sun, 06 Nov 1994 08:49:37", -1},
		{"Sun, 06 Nov 1994 08:49:37 GMT, and more", -1},
		{"Sun, 06 Nov 1994 08:49:37 CET", -1},
		{"Sun, 36 Nov 1994 08:49:37 GMT", -1},
		{"784111777", -1},
		{"", -1},
	};
	char text[DATE_TEXT];

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t got = -1;

		if (!date_parse(str_from(rows[i].text), &got))
			got = -1;
		if (got != rows[i].moment)
			fail_msg("'%s': %lld", rows[i].text, (long long)got);
	}
	date_format(text, MOMENT);
	assert_string_equal(text, DATE);
}

/* ---- codings and types ---- */

static void a_coding_is_one_that_the_client_names(void **state)
{
	static const struct {
		const char *value; /* NULL: no such field */
		const char *taken; /* of br, gzip, zstd */
	} rows[] = {
		{NULL, ""},
		{"", ""},
		{"identity", ""},
		{"gzip", "gzip "},
		{"x-gzip", "gzip "},
		{"GZip", "gzip "},
		{"gzip, deflate, br, zstd", "br gzip zstd "},
		{"br;q=0, gzip;q=0.5", "gzip "},
		{"br ; q=0.000, *", "gzip zstd "},
		{"*;q=0, br", "br "},
		{"*", "br gzip zstd "},
		{"gzip;q=0.001", "gzip "},
		{"gzip;q=1.000;x=0", ""}, /* a weight is all that there may be */
		{"gzip;Q=0", ""},
		{"gzippy, xbr", ""},
	};
	static const char *const names[] = {"br", "gzip", "zstd"};

	assert_null(sibling_kind_find(STR_LITERAL("identity")));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct http_field field = {STR_LITERAL("accept-encoding"), str_from(rows[i].value)};
		char taken[64] = "";

		for (size_t j = 0; j < COUNT_OF(names); j++) {
			const struct sibling_kind *coding = sibling_kind_find(str_from(names[j]));

			if (!sibling_kind_is_accepted(coding, &field, rows[i].value != NULL))
				continue;
			strcat(taken, names[j]);
			strcat(taken, " ");
		}
		if (strcmp(taken, rows[i].taken) != 0)
			fail_msg("'%s': %s", rows[i].value, taken);
	}
}

static void a_type_follows_from_the_end_of_the_name(void **state)
{
	static const char unknown[] = "application/octet-stream";

	assert_str(media_type_of(STR_LITERAL("index.html")), "text/html; charset=utf-8");
	assert_str(media_type_of(STR_LITERAL("a/B.MIN.JS")), "text/javascript; charset=utf-8");
	assert_str(media_type_of(STR_LITERAL("x.7z")), "application/x-7z-compressed");
	assert_str(media_type_of(STR_LITERAL("x.zst")), "application/zstd");
	assert_str(media_type_of(STR_LITERAL("README")), unknown);
	assert_str(media_type_of(STR_LITERAL("x.")), unknown);
	assert_str(media_type_of(STR_LITERAL("")), unknown);
	assert_str(media_type_of(STR_LITERAL("x.unheard")), unknown);
	assert_str(media_type_of(STR_LITERAL("x.averyveryverylongone")), unknown);
}

/* The table is searched by halves, so every row must be found: one of each letter says little. */
static void every_type_of_the_table_is_found(void **state)
{
	static const char *const endings[] = {
		"7z",	  "aac",  "apng", "atom",	 "avif", "bmp",	 "br",	  "bz2",     "cjs",
		"css",	  "csv",  "doc",  "docx",	 "eot",	 "epub", "flac",  "geojson", "gif",
		"gz",	  "htm",  "html", "ico",	 "ics",	 "jpeg", "jpg",	  "js",	     "json",
		"jsonld", "jxl",  "m3u8", "m4a",	 "m4v",	 "map",	 "md",	  "mjs",     "mkv",
		"mov",	  "mp3",  "mp4",  "mpd",	 "odp",	 "ods",	 "odt",	  "oga",     "ogg",
		"ogv",	  "opus", "otf",  "pdf",	 "png",	 "ppt",	 "pptx",  "rss",     "rtf",
		"svg",	  "tar",  "tif",  "tiff",	 "ts",	 "ttf",	 "txt",	  "vtt",     "wasm",
		"wav",	  "weba", "webm", "webmanifest", "webp", "woff", "woff2", "xhtml",   "xls",
		"xlsx",	  "xml",  "xz",	  "zip",	 "zst",
	};

	for (size_t i = 0; i < COUNT_OF(endings); i++) {
		char name[32] = "x.";

		strcat(name, endings[i]);
		struct str type = media_type_of(str_from(name));
		if (str_eq(type, STR_LITERAL("application/octet-stream")))
			fail_msg("%s", endings[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_one_that_a_client_may_have),
		cmocka_unit_test(a_page_has_no_dot_in_its_last_segment),
		cmocka_unit_test(a_slash_is_added_from_where_the_client_is),
		cmocka_unit_test(a_range_is_one_run_within_the_file),
		cmocka_unit_test(a_flood_of_ranges_is_passed_over),
		cmocka_unit_test(conditions_count_in_the_order_of_the_rfc),
		cmocka_unit_test(a_range_counts_for_this_very_content_alone),
		cmocka_unit_test(a_date_has_one_of_three_forms),
		cmocka_unit_test(a_coding_is_one_that_the_client_names),
		cmocka_unit_test(a_type_follows_from_the_end_of_the_name),
		cmocka_unit_test(every_type_of_the_table_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
