/* A plugin's HTTP answer out of the payloads in which it travels, wherever it is cut; and what
 * clients are told when something goes wrong. */
#include <jansson.h>
#include <stdlib.h>

#include "base/buf.h"
#include "edge/answer_reader.h"
#include "edge/error_body.h"
#include "tests/support/unit.h"

static void append_message(struct buf *out, uint32_t status, const char *name, size_t body_len)
{
	uint8_t pair[200];
	struct wire_http_response message = {.status = status, .body = {NULL, body_len}};
	size_t head;

	if (name)
		message.headers = (struct wire_bytes){
			pair,
			wire_put_pair(pair, WIRE_HTTP_RESPONSE_HEADERS_FIELD,
				      (struct wire_bytes){(const uint8_t *)name, strlen(name)},
				      (struct wire_bytes){(const uint8_t *)"value", 5})};
	head = wire_put_http_response_head(buf_reserve(out, 400), &message);
	buf_commit(out, head);
	for (size_t i = 0; i < body_len; i++)
		buf_append(out, &"0123456789"[i % 10], 1);
}

struct seen {
	unsigned heads;
	uint32_t status;
	size_t header_bytes;
	struct buf body;
};

static bool feed(struct answer_reader *reader, struct seen *seen, const uint8_t *data, size_t len,
		 bool more, const char **why)
{
	struct answer_piece piece;

	if (!answer_reader_feed(reader, (struct wire_bytes){data, len}, more, &piece, why))
		return false;
	if (piece.is_head) {
		seen->heads++;
		seen->status = piece.status;
		seen->header_bytes = piece.headers.len;
	}
	buf_append(&seen->body, piece.body.data, piece.body.len);
	return true;
}

static void a_message_cut_anywhere_reads_the_same(void **state)
{
	struct buf whole = {0};

	append_message(&whole, 201, "x-name", 37);
	for (size_t first = 0; first <= buf_len(&whole); first++) {
		for (size_t second = first; second <= buf_len(&whole); second += 5) {
			struct answer_reader reader;
			struct seen seen = {0};
			const char *why;

			answer_reader_init(&reader);
			assert_true(feed(&reader, &seen, buf_front(&whole), first, true, &why));
			assert_true(feed(&reader, &seen, buf_front(&whole) + first, second - first,
					 true, &why));
			assert_true(feed(&reader, &seen, buf_front(&whole) + second,
					 buf_len(&whole) - second, false, &why));
			assert_int_equal(seen.heads, 1);
			assert_int_equal(seen.status, 201);
			assert_int_not_equal(seen.header_bytes, 0);
			assert_int_equal(buf_len(&seen.body), 37);
			assert_memory_equal(buf_front(&seen.body),
					    "0123456789012345678901234567890123456", 37);
			buf_deinit(&seen.body);
			answer_reader_deinit(&reader);
		}
	}
	buf_deinit(&whole);
}

static void later_messages_have_only_a_body(void **state)
{
	struct buf first = {0}, later = {0};
	struct answer_reader reader;
	struct seen seen = {0};
	const char *why;

	append_message(&first, 200, NULL, 0);
	append_message(&later, 0, NULL, 12);
	answer_reader_init(&reader);
	assert_true(feed(&reader, &seen, buf_front(&first), buf_len(&first), false, &why));
	assert_true(feed(&reader, &seen, buf_front(&later), buf_len(&later), false, &why));
	assert_true(feed(&reader, &seen, buf_front(&later), 5, true, &why));
	assert_true(feed(&reader, &seen, buf_front(&later) + 5, buf_len(&later) - 5, false, &why));
	assert_int_equal(seen.heads, 1);
	assert_int_equal(buf_len(&seen.body), 24);
	assert_false(feed(&reader, &seen, buf_front(&first), buf_len(&first), false, &why));
	assert_non_null(strstr(why, "later message"));
	answer_reader_deinit(&reader);
	buf_deinit(&seen.body);
	buf_deinit(&first);
	buf_deinit(&later);
}

/* Feeds it in two pieces, cut at `cut`, and with `extra` bytes at the end. */
static void refuses(uint32_t status, size_t cut, size_t left_out, const char *says)
{
	struct answer_reader reader;
	struct seen seen = {0};
	struct buf whole = {0};
	const char *why = "";
	bool taken;

	append_message(&whole, status, NULL, 20);
	buf_append(&whole, "xxxx", 4);
	answer_reader_init(&reader);
	taken = feed(&reader, &seen, buf_front(&whole), cut, true, &why) &&
		feed(&reader, &seen, buf_front(&whole) + cut, buf_len(&whole) - cut - left_out,
		     false, &why);
	assert_false(taken);
	if (!strstr(why, says))
		fail_msg("\"%s\" does not say \"%s\"", why, says);
	answer_reader_deinit(&reader);
	buf_deinit(&seen.body);
	buf_deinit(&whole);
}

static void a_body_is_as_long_as_it_says(void **state)
{
	refuses(200, 10, 0, "longer");
	refuses(200, 10, 6, "shorter");
}

static void an_answer_without_a_status_is_none(void **state)
{
	refuses(0, 10, 4, "no status");
}

static void a_head_without_end_is_refused(void **state)
{
	static const uint8_t begin[] = {0x12, 0xff, 0xff, 0xff, 0x7f};
	static uint8_t zeros[64 << 10];
	struct answer_reader reader;
	struct seen seen = {0};
	const char *why = NULL;
	bool taken;

	answer_reader_init(&reader);
	taken = feed(&reader, &seen, begin, sizeof(begin), true, &why);
	for (int i = 0; i < 20 && taken; i++)
		taken = feed(&reader, &seen, zeros, sizeof(zeros), true, &why);
	assert_false(taken);
	assert_non_null(strstr(why, "too long"));
	answer_reader_deinit(&reader);
	buf_deinit(&seen.body);
}

static void an_error_is_json_whatever_bytes_the_plugin_said(void **state)
{
	static const struct {
		const char *said;
		const char *told;
	} rows[] = {{"no \"such\" key\n", "no \"such\" key\n"},
		    {"caf\xc3\xa9", "caf\xc3\xa9"},
		    {"caf\xe9!", "caf?!"}};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct exchange_error error = {
			.status = 404, .code = "NOT_FOUND", .message = str_from(rows[i].said)};
		struct arena arena = {0};
		struct str body = error_body(&arena, &error, STR_LITERAL("id-1"));
		json_t *json = json_loadb(body.data, body.len, JSON_REJECT_DUPLICATES, NULL);

		assert_non_null(json);
		assert_string_equal(json_string_value(json_object_get(json, "code")), "NOT_FOUND");
		assert_string_equal(json_string_value(json_object_get(json, "message")),
				    rows[i].told);
		assert_string_equal(json_string_value(json_object_get(json, "request_id")), "id-1");
		json_decref(json);
		arena_deinit(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_cut_anywhere_reads_the_same),
		cmocka_unit_test(later_messages_have_only_a_body),
		cmocka_unit_test(a_body_is_as_long_as_it_says),
		cmocka_unit_test(an_answer_without_a_status_is_none),
		cmocka_unit_test(a_head_without_end_is_refused),
		cmocka_unit_test(an_error_is_json_whatever_bytes_the_plugin_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
