/* The decisions about compressed answers, in tables. */
#include "base/arena.h"
#include "edge/compress.h"
#include "tests/support/unit.h"

#define LIST(...) ((char *[]){__VA_ARGS__, NULL})

static char any_image[] = "image/*", brotli[] = "br", gzip[] = "gzip";

/* "name: value\n" lines into fields. */
static size_t read_fields(struct arena *arena, const char *lines, struct http_field *fields)
{
	size_t count = 0;

	while (*lines) {
		const char *colon = strchr(lines, ':'), *end = strchr(lines, '\n');

		fields[count++] = (struct http_field){
			arena_str(arena, (struct str){lines, (size_t)(colon - lines)}),
			arena_str(arena, (struct str){colon + 2, (size_t)(end - colon) - 2})};
		lines = end + 1;
	}
	return count;
}

static struct compress_policy usual_policy(void)
{
	struct compress_policy policy;

	compress_policy_init(&policy, &(struct compress_opts){.enabled = true, .min_bytes = 1000},
			     NULL);
	return policy;
}

static enum compress_verdict decide(const struct compress_policy *policy, const char *method,
				    const char *asked, unsigned status, const char *answer,
				    uint64_t bytes, enum coding_id *coding)
{
	struct arena arena = {0};
	struct http_field in[10], out[10];
	struct http_request request = {.method = str_from(method), .fields = in};
	struct http_response response = {.status = status, .fields = out};
	enum compress_verdict verdict;

	request.field_count = read_fields(&arena, asked, in);
	response.field_count = read_fields(&arena, answer, out);
	verdict = compress_decide(policy, &request, &response, bytes, coding);
	arena_deinit(&arena);
	return verdict;
}

static void only_what_gets_smaller_and_may_is_compressed(void **state)
{
	static const struct {
		unsigned status;
		const char *answer;
		uint64_t bytes;
		enum compress_verdict verdict;
	} rows[] = {
		{200, "content-type: text/html\n", 1000, COMPRESS_CODED},
		{200, "Content-Type: TEXT/HTML; charset=utf-8\n", 1000, COMPRESS_CODED},
		{200, "content-type: text/html\n", 999, COMPRESS_NEVER},
		{200, "content-type: text/html\n", 0, COMPRESS_NEVER},
		{200, "content-type: text/event-stream\n", SIZE_UNKNOWN, COMPRESS_CODED},
		{200, "content-type: application/json\n", 5000, COMPRESS_CODED},
		{404, "content-type: application/problem+json\n", 5000, COMPRESS_CODED},
		{200, "content-type: image/svg+xml\n", 5000, COMPRESS_CODED},
		{200, "content-type: image/png\n", 5000, COMPRESS_NEVER},
		{200, "content-type: video/mp4\n", 5000, COMPRESS_NEVER},
		{200, "content-type: application/zip\n", 5000, COMPRESS_NEVER},
		{200, "content-type: application/octet-stream\n", 5000, COMPRESS_NEVER},
		{200, "content-type: application/+json\n", 5000, COMPRESS_NEVER},
		{200, "content-type: \n", 5000, COMPRESS_NEVER},
		{200, "", 5000, COMPRESS_NEVER},
		{204, "content-type: text/html\n", SIZE_UNKNOWN, COMPRESS_NEVER},
		{205, "content-type: text/html\n", SIZE_UNKNOWN, COMPRESS_NEVER},
		{206, "content-type: text/html\n", 5000, COMPRESS_NEVER},
		{304, "content-type: text/html\n", 5000, COMPRESS_NEVER},
		{200, "content-type: text/html\ncontent-encoding: br\n", 5000, COMPRESS_NEVER},
		{200, "content-type: text/html\ncontent-range: bytes 0-9/10\n", 5000,
		 COMPRESS_NEVER},
		{200, "content-type: text/html\ncache-control: public, No-Transform\n", 5000,
		 COMPRESS_NEVER},
		{200, "content-type: text/html\ncache-control: a\ncache-control: no-transform\n",
		 5000, COMPRESS_NEVER},
		{200, "content-type: text/html\ncache-control: no-transform-not\n", 5000,
		 COMPRESS_CODED},
		{200, "content-type: text/html\nContent-Digest: sha-256=:YQ==:\n", 5000,
		 COMPRESS_NEVER},
	};
	struct compress_policy policy = usual_policy();

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		enum coding_id coding = CODING_COUNT;
		enum compress_verdict verdict =
			decide(&policy, "GET", "accept-encoding: gzip, br\n", rows[i].status,
			       rows[i].answer, rows[i].bytes, &coding);

		if (verdict != rows[i].verdict)
			fail_msg("%u %s: %d", rows[i].status, rows[i].answer, (int)verdict);
		assert_true(verdict != COMPRESS_CODED || coding == CODING_BROTLI);
	}
}

static void what_a_client_says_decides(void **state)
{
	static const struct {
		const char *method, *asked;
		uint64_t bytes;
		enum compress_verdict verdict;
	} rows[] = {
		{"GET", "", 5000, COMPRESS_DEPENDS},
		{"GET", "accept-encoding: identity\n", 5000, COMPRESS_DEPENDS},
		{"GET", "accept-encoding: gzip\ncache-control: no-transform\n", 5000,
		 COMPRESS_NEVER},
		{"GET", "accept-encoding: gzip\n", 5000, COMPRESS_CODED},
		{"GET", "accept-encoding: a\naccept-encoding: gzip\n", 5000, COMPRESS_CODED},
		{"GET", "accept-encoding: gzip, identity;q=0\n", 10, COMPRESS_CODED},
		{"GET", "accept-encoding: identity;q=0\n", 10, COMPRESS_DEPENDS},
		{"HEAD", "accept-encoding: gzip\n", 5000, COMPRESS_CODED},
		{"HEAD", "accept-encoding: gzip\n", 10, COMPRESS_NEVER},
		{"HEAD", "accept-encoding: gzip\n", SIZE_UNKNOWN, COMPRESS_DEPENDS},
	};
	struct compress_policy policy = usual_policy();

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		enum coding_id coding;
		enum compress_verdict verdict =
			decide(&policy, rows[i].method, rows[i].asked, 200,
			       "content-type: text/html\n", rows[i].bytes, &coding);

		if (verdict != rows[i].verdict)
			fail_msg("%s %s: %d", rows[i].method, rows[i].asked, (int)verdict);
	}
}

static void a_list_of_types_never_has_dense_ones(void **state)
{
	struct compress_policy policy = usual_policy();
	enum coding_id coding;

	policy.types = LIST(any_image);
	assert_int_equal(decide(&policy, "GET", "accept-encoding: gzip\n", 200,
				"content-type: image/bmp\n", 5000, &coding),
			 COMPRESS_CODED);
	assert_int_equal(decide(&policy, "GET", "accept-encoding: gzip\n", 200,
				"content-type: image/png\n", 5000, &coding),
			 COMPRESS_NEVER);
	assert_int_equal(decide(&policy, "GET", "accept-encoding: gzip\n", 200,
				"content-type: text/html\n", 5000, &coding),
			 COMPRESS_NEVER);
}

static void a_route_says_otherwise_than_the_edge(void **state)
{
	struct compress_opts edge = {.encodings = LIST(gzip, brotli), .min_bytes = 7};
	struct route_compress_opts own = {
		.wish = COMPRESS_ON, .min_bytes = 8, .types = LIST(any_image)};
	struct compress_policy policy;

	compress_policy_init(&policy, &edge, &(struct route_compress_opts){0});
	assert_false(policy.is_on);
	assert_int_equal(policy.min_bytes, 7);
	assert_null(policy.types);
	assert_int_equal(policy.order_count, 2);
	assert_int_equal(policy.order[0], CODING_GZIP);
	compress_policy_init(&policy, &edge, &own);
	assert_true(policy.is_on);
	assert_int_equal(policy.min_bytes, 8);
	assert_ptr_equal(policy.types, own.types);
	edge.enabled = true;
	compress_policy_init(&policy, &edge, &(struct route_compress_opts){.wish = COMPRESS_OFF});
	assert_false(policy.is_on);
	compress_policy_init(&policy, &edge, &(struct route_compress_opts){0});
	assert_true(policy.is_on);
}

static void a_type_is_written_whole_or_with_a_star(void **state)
{
	static const struct {
		const char *text;
		const char *wrong; /* part of the reason; NULL: it is one */
	} rows[] = {
		{"text/*", NULL},
		{"application/json", NULL},
		{"application/*+xml", NULL},
		{"image/*", NULL},
		{"", "no media type"},
		{"json", "no media type"},
		{"/json", "no media type"},
		{"text/", "no media type"},
		{"*/*", "no media type"},
		{"text/html;q", "no media type"},
		{"a b/c", "no media type"},
		{"text/a*", "no whole name"},
		{"text/*a", "no whole name"},
		{"text/**", "no whole name"},
		{"image/png", "own format"},
		{"Video/MP4", "own format"},
		{"video/*", "own format"},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *wrong = compress_check_type(str_from(rows[i].text));

		if ((wrong == NULL) != (rows[i].wrong == NULL) ||
		    (wrong && !strstr(wrong, rows[i].wrong)))
			fail_msg("'%s': %s", rows[i].text, wrong ? wrong : "taken");
	}
}

static void a_head_is_changed_as_its_body_is(void **state)
{
	static const struct {
		const char *before, *after;
	} rows[] = {
		{"", "vary: Accept-Encoding\ncontent-encoding: gzip\n"},
		{"Vary: Origin\n", "Vary: Origin, Accept-Encoding\ncontent-encoding: gzip\n"},
		{"vary: \n", "vary: \nvary: Accept-Encoding\ncontent-encoding: gzip\n"},
		{"vary: *\n", "vary: *\ncontent-encoding: gzip\n"},
		{"vary: a, accept-ENCODING ,b\n",
		 "vary: a, accept-ENCODING ,b\ncontent-encoding: gzip\n"},
		{"vary: a\nvary: accept-encoding\n",
		 "vary: a\nvary: accept-encoding\ncontent-encoding: gzip\n"},
		{"ETag: \"x\"\nvary: *\n", "ETag: W/\"x\"\nvary: *\ncontent-encoding: gzip\n"},
		{"etag: W/\"x\"\nvary: *\n", "etag: W/\"x\"\nvary: *\ncontent-encoding: gzip\n"},
		{"accept-ranges: bytes\nvary: *\nAccept-Ranges: a\n",
		 "vary: *\ncontent-encoding: gzip\n"},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena arena = {0};
		struct http_field fields[10];
		size_t count = read_fields(&arena, rows[i].before, fields);
		char got[200] = "";

		compress_vary(&arena, fields, &count);
		compress_head(CODING_GZIP, &arena, fields, &count);
		for (size_t k = 0; k < count; k++)
			strcat(got, arena_printf(&arena, "%.*s: %.*s\n", STR_ARG(fields[k].name),
						 STR_ARG(fields[k].value)));
		assert_string_equal(got, rows[i].after);
		arena_deinit(&arena);
	}
}

static void an_unchanged_answer_has_the_tag_that_the_client_has(void **state)
{
	static const struct {
		const char *asked, *tag, *after;
	} rows[] = {
		{"if-none-match: W/\"x\"\n", "\"x\"", "W/\"x\""},
		{"if-none-match: \"a\", W/\"x\"\n", "\"x\"", "W/\"x\""},
		{"if-none-match: \"x\"\n", "\"x\"", "\"x\""},
		{"if-none-match: W/\"y\"\n", "\"x\"", "\"x\""},
		{"if-none-match: *\n", "\"x\"", "\"x\""},
		{"", "\"x\"", "\"x\""},
		{"if-none-match: W/\"x\"\n", "W/\"x\"", "W/\"x\""},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena arena = {0};
		struct http_field in[2];
		struct http_field out[] = {{STR_LITERAL("etag"), str_from(rows[i].tag)}};
		struct http_request request = {.fields = in};

		request.field_count = read_fields(&arena, rows[i].asked, in);
		compress_not_modified(&request, &arena, out, 1);
		assert_str(out[0].value, rows[i].after);
		arena_deinit(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_gets_smaller_and_may_is_compressed),
		cmocka_unit_test(what_a_client_says_decides),
		cmocka_unit_test(a_list_of_types_never_has_dense_ones),
		cmocka_unit_test(a_route_says_otherwise_than_the_edge),
		cmocka_unit_test(a_type_is_written_whole_or_with_a_star),
		cmocka_unit_test(a_head_is_changed_as_its_body_is),
		cmocka_unit_test(an_unchanged_answer_has_the_tag_that_the_client_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
