/* Answers as bytes, and what may be in them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs those first */
#include <cmocka.h>

#include "net/date.h"
#include "net/http1_answer.h"

#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"

static const struct http_field many[] = {
	{{"X-A", 3}, {"1", 1}},
	{{"Connection", 10}, {"x", 1}},
	{{"keep-alive", 10}, {"x", 1}},
	{{"Proxy-Connection", 16}, {"x", 1}},
	{{"Transfer-Encoding", 17}, {"gzip", 4}},
	{{"content-length", 14}, {"99", 2}},
	{{"Upgrade", 7}, {"x", 1}},
	{{"Trailer", 7}, {"x", 1}},
	{{"TE", 2}, {"x", 1}},
	{{"proxy-authenticate", 18}, {"x", 1}},
	{{"x-empty", 7}, {NULL, 0}},
};

static const struct http_field dated[] = {{{"Date", 4}, {"mine", 4}}};

struct row {
	const char *what;
	const char *method;
	unsigned version;
	unsigned status;
	const struct http_field *fields;
	size_t field_count;
	int64_t length; /* promised; -1: none */
	size_t len;	/* there at once */
	bool end;
	bool may_keep;
	const char *expected;
	enum http1_framing framing;
};

static const struct row rows[] = {
	{"a whole answer", "GET", 11, 200, NULL, 0, -1, 5, true, true,
	 "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ndate: " DATE "\r\n\r\n", HTTP1_LENGTH},
	{"an empty one", "GET", 11, 404, NULL, 0, -1, 0, true, true,
	 "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\ndate: " DATE "\r\n\r\n", HTTP1_LENGTH},
	{"the last of a connection", "GET", 11, 200, NULL, 0, -1, 0, true, false,
	 "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\ndate: " DATE "\r\n\r\n",
	 HTTP1_LENGTH},
	{"a length known before", "GET", 11, 200, NULL, 0, 1000, 5, false, true,
	 "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\ndate: " DATE "\r\n\r\n", HTTP1_LENGTH},
	{"a length that nobody knows", "GET", 11, 200, NULL, 0, -1, 5, false, true,
	 "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ndate: " DATE "\r\n\r\n", HTTP1_CHUNKS},
	{"no chunks for HTTP/1.0", "GET", 10, 200, NULL, 0, -1, 5, false, true,
	 "HTTP/1.1 200 OK\r\nconnection: close\r\ndate: " DATE "\r\n\r\n", HTTP1_UNTIL_CLOSE},
	{"keep-alive is told to HTTP/1.0", "GET", 10, 200, NULL, 0, -1, 5, true, true,
	 "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: keep-alive\r\ndate: " DATE "\r\n\r\n",
	 HTTP1_LENGTH},
	{"HEAD has the length and no body", "HEAD", 11, 200, NULL, 0, -1, 5, true, true,
	 "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ndate: " DATE "\r\n\r\n", HTTP1_NO_BODY},
	{"HEAD of what has no length", "HEAD", 11, 200, NULL, 0, -1, 5, false, true,
	 "HTTP/1.1 200 OK\r\ndate: " DATE "\r\n\r\n", HTTP1_NO_BODY},
	{"204 has neither", "GET", 11, 204, NULL, 0, 7, 5, true, true,
	 "HTTP/1.1 204 No Content\r\ndate: " DATE "\r\n\r\n", HTTP1_NO_BODY},
	{"205 is empty", "GET", 11, 205, NULL, 0, 7, 5, true, true,
	 "HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\ndate: " DATE "\r\n\r\n",
	 HTTP1_NO_BODY},
	{"304 says nothing of a length that it doesn't know", "GET", 11, 304, NULL, 0, -1, 0, true,
	 true, "HTTP/1.1 304 Not Modified\r\ndate: " DATE "\r\n\r\n", HTTP1_NO_BODY},
	{"304 with the length of the 200", "GET", 11, 304, NULL, 0, 7, 0, true, true,
	 "HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\ndate: " DATE "\r\n\r\n", HTTP1_NO_BODY},
	{"an unknown status", "GET", 11, 599, NULL, 0, -1, 0, true, true,
	 "HTTP/1.1 599 \r\ncontent-length: 0\r\ndate: " DATE "\r\n\r\n", HTTP1_LENGTH},
	{"hop-by-hop fields and a foreign length are dropped", "GET", 11, 200, many, 11, -1, 0,
	 true, true,
	 "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nX-A: 1\r\nx-empty: \r\ndate: " DATE "\r\n\r\n",
	 HTTP1_LENGTH},
	{"a Date of their own", "GET", 11, 200, dated, 1, -1, 0, true, true,
	 "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nDate: mine\r\n\r\n", HTTP1_LENGTH},
	{"the largest length", "GET", 11, 200, NULL, 0, INT64_MAX, 0, false, true,
	 "HTTP/1.1 200 OK\r\ncontent-length: 9223372036854775807\r\ndate: " DATE "\r\n\r\n",
	 HTTP1_LENGTH},
};

static void heads_are_what_the_rows_say(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct http_request request = {.method = str_from(row->method),
					       .version = row->version};
		struct http_response response = {
			.status = row->status,
			.fields = row->fields,
			.field_count = row->field_count,
			.has_content_length = row->length >= 0,
			.content_length = row->length >= 0 ? (uint64_t)row->length : 0,
		};
		struct buf out = {0};
		struct http1_answer answer =
			http1_answer_plan(&request, &response, row->len, row->end, row->may_keep);
		http1_answer_head(&out, &answer, &request, &response, STR_LITERAL(DATE));
		buf_append(&out, "", 1);
		if (strcmp((char *)buf_front(&out), row->expected) != 0)
			fail_msg("%s:\n%s", row->what, (char *)buf_front(&out));
		assert_int_equal(answer.framing, row->framing);
		assert_int_equal(answer.keep_alive,
				 row->may_keep && row->framing != HTTP1_UNTIL_CLOSE);
		buf_deinit(&out);
	}
}

/* The pieces as one text. */
static char *join(const struct http1_pieces *body)
{
	static char text[256];
	size_t len = 0;

	for (size_t i = 0; i < body->count; i++) {
		assert_true(len + body->pieces[i].len < sizeof(text));
		if (body->pieces[i].len > 0)
			memcpy(text + len, body->pieces[i].data, body->pieces[i].len);
		len += body->pieces[i].len;
	}
	text[len] = '\0';
	return text;
}

static void a_chunk_has_its_size_before_it(void **state)
{
	struct http1_answer answer = {.framing = HTTP1_CHUNKS};
	struct http1_pieces body;
	static const struct {
		size_t len;
		const char *text;
	} sizes[] = {{1, "1\r\n"},	   {15, "f\r\n"},      {16, "10\r\n"},
		     {65536, "10000\r\n"}, {0xabc, "abc\r\n"}, {SIZE_MAX, "ffffffffffffffff\r\n"}};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		http1_answer_body(&answer, (struct str){"", sizes[i].len}, false, &body);
		assert_true(str_eq(body.pieces[0], str_from(sizes[i].text)));
	}
	assert_true(http1_answer_body(&answer, STR_LITERAL("abc"), false, &body));
	assert_string_equal(join(&body), "3\r\nabc\r\n");
	assert_true(http1_answer_body(&answer, STR_LITERAL(""), false, &body));
	assert_string_equal(join(&body), "");
	assert_true(http1_answer_body(&answer, STR_LITERAL("abc"), true, &body));
	assert_string_equal(join(&body), "3\r\nabc\r\n0\r\n\r\n");
	assert_true(http1_answer_body(&answer, STR_LITERAL(""), true, &body));
	assert_string_equal(join(&body), "0\r\n\r\n");
}

static void a_body_is_as_long_as_was_said(void **state)
{
	struct http1_answer answer = {.framing = HTTP1_LENGTH, .left = 4};
	struct http1_pieces body;

	assert_true(http1_answer_body(&answer, STR_LITERAL("abc"), false, &body));
	assert_string_equal(join(&body), "abc");
	assert_true(http1_answer_body(&answer, STR_LITERAL("defg"), true, &body));
	assert_string_equal(join(&body), "d");
	answer.left = 4;
	assert_false(http1_answer_body(&answer, STR_LITERAL("abc"), true, &body));
}

static void an_answer_without_a_body_stays_without(void **state)
{
	struct http1_answer answer = {.framing = HTTP1_NO_BODY};
	struct http1_pieces body;

	assert_true(http1_answer_body(&answer, STR_LITERAL("abc"), true, &body));
	assert_int_equal(body.count, 0);
}

static void dates_are_in_the_preferred_form(void **state)
{
	char text[DATE_TEXT];

	date_format(text, 784111777);
	assert_string_equal(text, DATE);
	date_format(text, 0);
	assert_string_equal(text, "Thu, 01 Jan 1970 00:00:00 GMT");
	date_format(text, 1709164800);
	assert_string_equal(text, "Thu, 29 Feb 2024 00:00:00 GMT");
}

/* ---- what may be sent ---- */

static unsigned responded;

static void fake_respond(struct http_stream *stream, const struct http_response *response,
			 const void *body, size_t len, bool end)
{
	responded++;
}

static const struct http_stream_ops fake_ops = {.respond = fake_respond};

static int try_field(const char *name, size_t name_len, const char *value, size_t value_len)
{
	struct http_stream stream = {.ops = &fake_ops};
	struct http_field field = {{name, name_len}, {value, value_len}};
	struct http_response response = {.status = 200, .fields = &field, .field_count = 1};

	return http_stream_respond(&stream, &response, NULL, 0, true);
}

static void a_response_cant_be_split_by_a_field(void **state)
{
	responded = 0;
	assert_int_equal(try_field("x", 1, "a\r\nSet-Cookie: b", 16), -EINVAL);
	assert_int_equal(try_field("x", 1, "a\nb", 3), -EINVAL);
	assert_int_equal(try_field("x", 1, "a\rb", 3), -EINVAL);
	assert_int_equal(try_field("x", 1, "a\0b", 3), -EINVAL);
	assert_int_equal(try_field("x", 1, "0123456789\x1b", 11), -EINVAL);
	assert_int_equal(try_field("x\r\ny", 4, "a", 1), -EINVAL);
	assert_int_equal(try_field("x y", 3, "a", 1), -EINVAL);
	assert_int_equal(try_field("x:", 2, "a", 1), -EINVAL);
	assert_int_equal(try_field("", 0, "a", 1), -EINVAL);
	assert_int_equal(responded, 0);
	assert_int_equal(try_field("x", 1, "a\tb \xc3\xa4", 6), 0);
	assert_int_equal(try_field("x", 1, NULL, 0), 0);
	assert_int_equal(responded, 2);
}

static void only_final_statuses_may_be_sent(void **state)
{
	struct http_stream stream = {.ops = &fake_ops};
	static const unsigned bad[] = {0, 100, 101, 199, 600, 1000};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct http_response response = {.status = bad[i]};
		assert_int_equal(http_stream_respond(&stream, &response, NULL, 0, true), -EINVAL);
	}
}

static void a_segment_is_decoded_once_more(void **state)
{
	struct arena arena = {0};

	assert_true(str_eq(http_segment_decode(&arena, STR_LITERAL("a%2Fb%25c")),
			   STR_LITERAL("a/b%c")));
	assert_true(str_eq(http_segment_decode(&arena, STR_LITERAL("%2F")), STR_LITERAL("/")));
	assert_true(str_eq(http_segment_decode(&arena, STR_LITERAL("%252F")), STR_LITERAL("%2F")));
	assert_true(str_eq(http_segment_decode(&arena, STR_LITERAL("ab%")), STR_LITERAL("ab%")));
	assert_true(str_eq(http_segment_decode(&arena, STR_LITERAL("ab%2")), STR_LITERAL("ab%2")));
	assert_true(str_eq(http_segment_decode(&arena, STR_LITERAL("")), STR_LITERAL("")));
	arena_deinit(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads_are_what_the_rows_say),
		cmocka_unit_test(a_chunk_has_its_size_before_it),
		cmocka_unit_test(a_body_is_as_long_as_was_said),
		cmocka_unit_test(an_answer_without_a_body_stays_without),
		cmocka_unit_test(dates_are_in_the_preferred_form),
		cmocka_unit_test(a_response_cant_be_split_by_a_field),
		cmocka_unit_test(only_final_statuses_may_be_sent),
		cmocka_unit_test(a_segment_is_decoded_once_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
