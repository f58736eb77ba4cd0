/* What the HTTP/1.1 parser accepts and refuses, as conversations. Each is fed whole, byte by byte,
 * and cut in two at every position: the result must be the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs those first */
#include <cmocka.h>

#include "../support/http1_transcript.h"
#include "base/mem.h"

#define GET   "GET / HTTP/1.1\r\n"
#define HEAD  GET "Host: a\r\n"
#define POST  "POST / HTTP/1.1\r\nHost: a\r\n"
#define CHUNK POST "Transfer-Encoding: chunked\r\n\r\n"
#define OK    "GET / HTTP/1.1 host=a keep\n"
#define OK_CH "POST / HTTP/1.1 host=a keep chunked\n"

struct row {
	const char *what;
	const char *input;
	const char *expected;
	size_t len; /* 0: strlen(input) */
};

static const struct http1_limits limits = {
	.header_bytes = 4096, .header_count = 20, .uri_bytes = 4096};

static const struct row accepted[] = {
	{"the smallest request", HEAD "\r\n", OK},
	{"an ordinary request",
	 "GET /a/b?c=d&e HTTP/1.1\r\nHost: example.com:8080\r\nX-One: 1\r\nx-two:\t 2 \t\r\n\r\n",
	 "GET /a/b?c=d&e HTTP/1.1 host=example.com:8080 keep x-one=[1] x-two=[2]\n"},
	{"two requests behind each other", HEAD "\r\n" HEAD "\r\n", OK OK},
	{"one empty line before a request", "\r\n" HEAD "\r\n", OK},
	{"an empty line before each request", "\r\n" HEAD "\r\n\r\n" HEAD "\r\n", OK OK},
	{"an empty value", HEAD "X-E:\r\n\r\n", "GET / HTTP/1.1 host=a keep x-e=[]\n"},
	{"bytes from 0x80 on in a value", HEAD "X-E: gr\xc3\xbc\xdf\r\n\r\n",
	 "GET / HTTP/1.1 host=a keep x-e=[gr\xc3\xbc\xdf]\n"},
	{"any token as a method", "M-SEARCH! / HTTP/1.1\r\nHost: a\r\n\r\n",
	 "M-SEARCH! / HTTP/1.1 host=a keep\n"},
	{"a body with a length", POST "Content-Length: 5\r\n\r\nhello",
	 "POST / HTTP/1.1 host=a keep length=5\nbody hello\nend\n"},
	{"a request behind a body", POST "Content-Length: 2\r\n\r\nhi" HEAD "\r\n",
	 "POST / HTTP/1.1 host=a keep length=2\nbody hi\nend\n" OK},
	{"an empty body", POST "Content-Length: 0\r\n\r\n",
	 "POST / HTTP/1.1 host=a keep length=0\nend\n"},
	{"a chunked body", CHUNK "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n" HEAD "\r\n",
	 OK_CH "body hello!\nend\n" OK},
	{"an empty chunked body", CHUNK "0\r\n\r\n", OK_CH "end\n"},
	{"upper and lower hexadecimal sizes",
	 CHUNK "A\r\n0123456789\r\n0b\r\n0123456789a\r\n000\r\n\r\n",
	 OK_CH "body 01234567890123456789a\nend\n"},
	{"chunk extensions", CHUNK "1;a;b=c;d=\"e \\\" ;\xc3\"\r\nx\r\n0;last\r\n\r\n",
	 OK_CH "body x\nend\n"},
	{"trailers, which are dropped", CHUNK "1\r\nx\r\n0\r\nX-A: b\r\nContent-Length: 9\r\n\r\n",
	 OK_CH "body x\nend\n"},
	{"chunked in any case", POST "Transfer-Encoding:  ChunKed \r\n\r\n0\r\n\r\n",
	 OK_CH "end\n"},
	{"100-continue", POST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n",
	 "POST / HTTP/1.1 host=a keep expect length=1\n"},
	{"an expectation of an HTTP/1.0 client means nothing",
	 "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n",
	 "POST / HTTP/1.0 host= length=1\n"},
	{"Connection: close", HEAD "Connection: x , CLOSE\r\n\r\n", "GET / HTTP/1.1 host=a\n"},
	{"Connection: close in a second field", HEAD "Connection: x\r\nConnection: close\r\n\r\n",
	 "GET / HTTP/1.1 host=a\n"},
	{"HTTP/1.0 closes", "GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.0 host=\n"},
	{"HTTP/1.0 with keep-alive", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
	 "GET / HTTP/1.0 host= keep\n"},
	{"a later minor version is read as ours", "GET / HTTP/1.9\r\nHost: a\r\n\r\n", OK},
	{"an absolute target wins over Host",
	 "GET http://b:80/x?y HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n\r\n",
	 "GET /x?y HTTP/1.1 host=b:80 keep x-a=[1]\n"},
	{"OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * HTTP/1.1 host=a keep\n"},
	{"an empty Host", GET "Host:\r\n\r\n", "GET / HTTP/1.1 host= keep\n"},
	{"an IPv6 host", GET "Host: [::1]:80\r\n\r\n", "GET / HTTP/1.1 host=[::1]:80 keep\n"},
	{"half a head is nothing yet", "GET / HTTP/1.1\r\nHos", ""},
	{"half a body", POST "Content-Length: 5\r\n\r\nhel",
	 "POST / HTTP/1.1 host=a keep length=5\nbody hel\n"},
};

/* Each is somebody's request smuggling, or would be. */
static const struct row refused[] = {
	{"both lengths", POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	 "refused LENGTH_AND_CHUNKED\n"},
	{"both lengths, the other way round",
	 POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
	 "refused LENGTH_AND_CHUNKED\n"},
	{"two equal Content-Length", POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
	 "refused LENGTH_SEVERAL\n"},
	{"two different Content-Length", POST "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
	 "refused LENGTH_SEVERAL\n"},
	{"a list of lengths", POST "Content-Length: 1, 1\r\n\r\nx", "refused LENGTH\n"},
	{"a signed length", POST "Content-Length: +1\r\n\r\nx", "refused LENGTH\n"},
	{"a negative length", POST "Content-Length: -1\r\n\r\nx", "refused LENGTH\n"},
	{"a hexadecimal length", POST "Content-Length: 0x1\r\n\r\nx", "refused LENGTH\n"},
	{"an empty length", POST "Content-Length:\r\n\r\n", "refused LENGTH\n"},
	{"a length with a space in it", POST "Content-Length: 1 1\r\n\r\nx", "refused LENGTH\n"},
	{"a length that overflows", POST "Content-Length: 18446744073709551617\r\n\r\nx",
	 "refused LENGTH\n"},
	{"two Transfer-Encoding fields",
	 POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
	 "refused CODING\n"},
	{"chunked twice", POST "Transfer-Encoding: chunked, chunked\r\n\r\n", "refused CODING\n"},
	{"chunked not last", POST "Transfer-Encoding: chunked, gzip\r\n\r\n", "refused CODING\n"},
	{"an empty Transfer-Encoding", POST "Transfer-Encoding:\r\n\r\n", "refused CODING\n"},
	{"a list with empty members", POST "Transfer-Encoding: ,chunked\r\n\r\n",
	 "refused CODING\n"},
	{"another coding before chunked", POST "Transfer-Encoding: gzip, chunked\r\n\r\n",
	 "refused CODING_UNKNOWN\n"},
	{"an unknown coding", POST "Transfer-Encoding: xchunked\r\n\r\n",
	 "refused CODING_UNKNOWN\n"},
	{"identity", POST "Transfer-Encoding: identity\r\n\r\n", "refused CODING_UNKNOWN\n"},
	{"a quoted coding", POST "Transfer-Encoding: \"chunked\"\r\n\r\n",
	 "refused CODING_UNKNOWN\n"},
	{"a vertical tab before chunked", POST "Transfer-Encoding: \vchunked\r\n\r\n",
	 "refused FIELD_VALUE\n"},
	{"Transfer-Encoding in HTTP/1.0",
	 "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	 "refused CODING_VERSION\n"},
	{"a chunk size with 0x", CHUNK "0x1\r\nx\r\n0\r\n\r\n", OK_CH "refused CHUNK_SIZE\n"},
	{"a chunk size with +", CHUNK "+1\r\nx\r\n0\r\n\r\n", OK_CH "refused CHUNK_SIZE\n"},
	{"a chunk size with -", CHUNK "-1\r\nx\r\n0\r\n\r\n", OK_CH "refused CHUNK_SIZE\n"},
	{"a space before a chunk size", CHUNK " 1\r\nx\r\n0\r\n\r\n", OK_CH "refused CHUNK_SIZE\n"},
	{"a space behind a chunk size", CHUNK "1 \r\nx\r\n0\r\n\r\n", OK_CH "refused CHUNK_SIZE\n"},
	{"a space before an extension", CHUNK "1 ;a\r\nx\r\n0\r\n\r\n",
	 OK_CH "refused CHUNK_SIZE\n"},
	{"no chunk size", CHUNK "\r\nx\r\n0\r\n\r\n", OK_CH "refused CHUNK_SIZE\n"},
	{"an extension without a size", CHUNK ";a\r\nx\r\n0\r\n\r\n", OK_CH "refused CHUNK_SIZE\n"},
	{"a chunk size that overflows", CHUNK "10000000000000001\r\nx\r\n",
	 OK_CH "refused CHUNK_SIZE\n"},
	{"a chunk size with endless zeros", CHUNK "0000000000000000\r\n\r\n",
	 OK_CH "refused CHUNK_SIZE\n"},
	{"a chunk size line that ends with LF", CHUNK "1\nx\r\n0\r\n\r\n",
	 OK_CH "refused CHUNK_SIZE\n"},
	{"a chunk size line that ends with CR", CHUNK "1\rx\r\n0\r\n\r\n",
	 OK_CH "refused CHUNK_SIZE\n"},
	{"a LF in an extension", CHUNK "1;a\nb\r\nx\r\n0\r\n\r\n",
	 OK_CH "refused CHUNK_EXTENSION\n"},
	{"a CR in a quoted extension", CHUNK "1;a=\"\r\n\"\r\nx\r\n0\r\n\r\n",
	 OK_CH "refused CHUNK_EXTENSION\n"},
	{"a space in an extension", CHUNK "1;a b\r\nx\r\n0\r\n\r\n",
	 OK_CH "refused CHUNK_EXTENSION\n"},
	{"a chunk longer than it says", CHUNK "1\r\nxy\r\n0\r\n\r\n",
	 OK_CH "body x\nrefused CHUNK_END\n"},
	{"two other bytes behind a chunk", CHUNK "1\r\nxXX0\r\n\r\n",
	 OK_CH "body x\nrefused CHUNK_END\n"},
	{"a chunk that ends with LF", CHUNK "1\r\nx\n0\r\n\r\n",
	 OK_CH "body x\nrefused CHUNK_END\n"},
	{"a lone CR in a trailer", CHUNK "0\r\nX:\rGET / HTTP/1.1\r\n\r\n",
	 OK_CH "refused TRAILER\n"},
	{"a folded trailer", CHUNK "0\r\nX: a\r\n b\r\n\r\n", OK_CH "refused TRAILER\n"},
	{"a trailer without a name", CHUNK "0\r\n: a\r\n\r\n", OK_CH "refused TRAILER\n"},
	{"a trailer without a colon", CHUNK "0\r\nX\r\n\r\n", OK_CH "refused TRAILER\n"},
	{"a trailer that ends with LF", CHUNK "0\r\nX: a\n\r\n", OK_CH "refused TRAILER\n"},
	{"an end that is CR and something", CHUNK "0\r\n\rX", OK_CH "refused TRAILER\n"},
	{"lines that end with LF", "GET / HTTP/1.1\nHost: a\n\n", "refused LINE_END\n"},
	{"a field line that ends with LF", HEAD "X: a\nY: b\r\n\r\n", "refused LINE_END\n"},
	{"an end of head that is LF", HEAD "\n", "refused LINE_END\n"},
	{"a lone CR in a value", HEAD "X: a\rY: b\r\n\r\n", "refused FIELD_VALUE\n"},
	{"a lone CR that ends an empty value (CVE-2023-30589)",
	 HEAD "X:\rTransfer-Encoding: chunked\r\n\r\n", "refused FIELD_VALUE\n"},
	{"CR CR LF", HEAD "X: a\r\r\n\r\n", "refused FIELD_VALUE\n"},
	{"a lone CR in the request line", "GET /\rx HTTP/1.1\r\nHost: a\r\n\r\n",
	 "refused TARGET_CHARACTER\n"},
	{"a folded field", HEAD "X: a\r\n b\r\n\r\n", "refused FIELD_FOLDED\n"},
	{"a field folded with TAB", HEAD "X: a\r\n\tb\r\n\r\n", "refused FIELD_FOLDED\n"},
	{"a space before the first field", GET " Host: a\r\n\r\n", "refused FIELD_FOLDED\n"},
	{"a space before the colon", HEAD "Content-Length : 3\r\n\r\nabc", "refused FIELD_NAME\n"},
	{"a TAB before the colon", HEAD "X\t: 3\r\n\r\n", "refused FIELD_NAME\n"},
	{"no colon", HEAD "X\r\n\r\n", "refused FIELD_NAME\n"},
	{"no name", HEAD ": a\r\n\r\n", "refused FIELD_NAME\n"},
	{"a name that is not a token", HEAD "X(y): a\r\n\r\n", "refused FIELD_NAME\n"},
	{"a name with a byte from 0x80 on", HEAD "X\xc3\xa4: a\r\n\r\n", "refused FIELD_NAME\n"},
	{"a control character in a value", HEAD "X: a\x01z\r\n\r\n", "refused FIELD_VALUE\n"},
	{"DEL in a value", HEAD "X: abcdefghijkl\x7f\r\n\r\n", "refused FIELD_VALUE\n"},
	{"NUL in a value", HEAD "X: a\0z\r\n\r\n", "refused FIELD_VALUE\n",
	 sizeof(HEAD "X: a\0z\r\n\r\n") - 1},
	{"NUL in a name", HEAD "X\0: a\r\n\r\n", "refused FIELD_NAME\n",
	 sizeof(HEAD "X\0: a\r\n\r\n") - 1},
	{"no Host", GET "\r\n", "refused HOST_MISSING\n"},
	{"two Hosts", HEAD "Host: b\r\n\r\n", "refused HOST_SEVERAL\n"},
	{"two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n",
	 "refused HOST_SEVERAL\n"},
	{"a Host with a path", GET "Host: a/b\r\n\r\n", "refused HOST_INVALID\n"},
	{"a Host with user information", GET "Host: u@a\r\n\r\n", "refused HOST_INVALID\n"},
	{"a list of Hosts", GET "Host: a, b\r\n\r\n", "refused HOST_INVALID\n"},
	{"a Host with a bad port", GET "Host: a:99999\r\n\r\n", "refused HOST_INVALID\n"},
	{"an absolute target does not excuse a bad Host",
	 "GET http://a/ HTTP/1.1\r\nHost: a b\r\n\r\n", "refused HOST_INVALID\n"},
	{"another expectation", POST "Expect: 200-ok\r\nContent-Length: 1\r\n\r\n",
	 "refused EXPECTATION\n"},
	{"a method that is not a token", "GE(T / HTTP/1.1\r\nHost: a\r\n\r\n", "refused METHOD\n"},
	{"no method", " / HTTP/1.1\r\nHost: a\r\n\r\n", "refused METHOD\n"},
	{"two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "refused REQUEST_LINE\n"},
	{"two spaces before the version", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n",
	 "refused REQUEST_LINE\n"},
	{"a TAB as separator", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", "refused METHOD\n"},
	{"a space behind the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
	 "refused REQUEST_LINE\n"},
	{"HTTP/0.9", "GET /\r\n\r\n", "refused REQUEST_LINE\n"},
	{"a version in small letters", "GET / http/1.1\r\nHost: a\r\n\r\n",
	 "refused REQUEST_LINE\n"},
	{"a long version", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", "refused REQUEST_LINE\n"},
	{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "refused VERSION\n"},
	{"CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", "refused CONNECT\n"},
	{"* for another method than OPTIONS", "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
	 "refused TARGET\n"},
	{"another scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "refused TARGET\n"},
	{"a fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", "refused TARGET_CHARACTER\n"},
	{"raw UTF-8 in a target", "GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n",
	 "refused TARGET_CHARACTER\n"},
	{"%00 in a path", "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", "refused PATH_CHARACTER\n"},
	{"TLS", "\x16\x03\x01\x02\x00\x01", "refused HAS_NO_TLS\n", 6},
	{"two empty lines before a request", "\r\n\r\n" HEAD "\r\n", "refused REQUEST_LINE\n"},
	{"nothing after a fault is believed", GET "\r\n" HEAD "\r\n", "refused HOST_MISSING\n"},
};

/* ---- feeding ---- */

static size_t cut_at(void *user, size_t n)
{
	return n == 0 ? *(size_t *)user : SIZE_MAX;
}

static size_t cut_bytes(void *user, size_t n)
{
	return 1;
}

static void check(const struct row *row, const uint8_t *data, size_t len, http1_cut_fn *cut,
		  void *user, const char *how, size_t position)
{
	struct buf out = {0};

	http1_transcript(&out, limits, data, len, cut, user);
	buf_append(&out, "", 1);
	if (strcmp((char *)buf_front(&out), row->expected) != 0)
		fail_msg("%s, %s %zu:\n%s--- instead of ---\n%s", row->what, how, position,
			 (char *)buf_front(&out), row->expected);
	buf_deinit(&out);
}

/* In memory of exactly its size, so that a look beyond its end is found. */
static void check_row(const struct row *row)
{
	size_t len = row->len ? row->len : strlen(row->input);
	uint8_t *data = mem_alloc(len);
	size_t whole = len;

	memcpy(data, row->input, len);
	check(row, data, len, cut_at, &whole, "whole", 0);
	check(row, data, len, cut_bytes, NULL, "byte by byte", 0);
	for (size_t position = 1; position < len; position++)
		check(row, data, len, cut_at, &position, "cut at", position);
	free(data);
}

static void requests_are_understood_wherever_they_are_cut(void **state)
{
	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++)
		check_row(&accepted[i]);
}

static void what_can_be_read_in_two_ways_is_refused(void **state)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		check_row(&refused[i]);
}

/* ---- limits ---- */

static void check_long(const char *what, const char *before, size_t count, const char *unit,
		       const char *after, const char *expected)
{
	struct buf input = {0};

	buf_append(&input, before, strlen(before));
	for (size_t i = 0; i < count; i++)
		buf_append(&input, unit, strlen(unit));
	buf_append(&input, after, strlen(after) + 1);
	check_row(&(struct row){what, (char *)buf_front(&input), expected, 0});
	buf_deinit(&input);
}

static void a_head_is_bounded_in_bytes_and_fields(void **state)
{
	check_long("a long target", "GET /", 5000, "a", " HTTP/1.1\r\n\r\n",
		   "refused TARGET_LONG\n");
	check_long("a target without end", "GET /", 5000, "a", "", "refused TARGET_LONG\n");
	check_long("a long field", HEAD "X: ", 5000, "a", "\r\n\r\n", "refused HEAD_LONG\n");
	check_long("a field without end", HEAD "X: ", 5000, "a", "", "refused HEAD_LONG\n");
	check_long("too many fields", HEAD, 20, "y: \r\n", "\r\n", "refused FIELD_COUNT\n");
	check_long("as many fields as allowed", HEAD, 19, "y: \r\n", "\r\n", OK);
	check_long("too many long fields", HEAD, 10, "y: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n",
		   "\r\n", OK);
}

static void chunk_extensions_and_trailers_are_bounded(void **state)
{
	check_long("a long extension", CHUNK "1;", 300, "a", "\r\nx\r\n0\r\n\r\n",
		   OK_CH "refused CHUNK_EXTENSION\n");
	check_long("a long trailer", CHUNK "0\r\nX: ", 9000, "a", "\r\n\r\n",
		   OK_CH "refused TRAILER\n");
	check_long("many trailers", CHUNK "0\r\n", 2000, "X: 1\r\n", "\r\n",
		   OK_CH "refused TRAILER\n");
}

static void many_small_extensions_are_bounded_too(void **state)
{
	struct buf input = {0}, out = {0};
	size_t whole = SIZE_MAX;

	buf_printf(&input, CHUNK);
	for (int i = 0; i < 200; i++)
		buf_printf(&input, "1;%0100d\r\nx\r\n", 0);
	http1_transcript(&out, limits, buf_front(&input), buf_len(&input), cut_at, &whole);
	buf_append(&out, "", 1);
	assert_non_null(strstr((char *)buf_front(&out), "refused CHUNK_EXTENSION"));
	buf_deinit(&out);
	buf_deinit(&input);
}

static void every_fault_has_a_status_and_a_sentence(void **state)
{
	for (size_t i = 1; i < FAULT_COUNT; i++) {
		assert_in_range(fault_rows[i].status, 400, 505);
		assert_true(strlen(fault_rows[i].why) > 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_understood_wherever_they_are_cut),
		cmocka_unit_test(what_can_be_read_in_two_ways_is_refused),
		cmocka_unit_test(a_head_is_bounded_in_bytes_and_fields),
		cmocka_unit_test(chunk_extensions_and_trailers_are_bounded),
		cmocka_unit_test(many_small_extensions_are_bounded_too),
		cmocka_unit_test(every_fault_has_a_status_and_a_sentence),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
