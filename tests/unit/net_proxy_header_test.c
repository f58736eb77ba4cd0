/* What a proxy says of its client before anything else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka needs those first */
#include <cmocka.h>

#include "net/proxy_header.h"

#define V2 "\r\n\r\n\0\r\nQUIT\n"

/* Addresses and ports: 192.0.2.7:258 to 198.51.100.1:443. */
#define V4_ADDRESSES "\xc0\x00\x02\x07\xc6\x33\x64\x01\x01\x02\x01\xbb"

struct row {
	const char *bytes;
	size_t len;
	enum proxy_header_verdict verdict;
	const char *peer; /* "own": the proxy itself */
};

#define ROW(text, ...)                                                                             \
	{                                                                                          \
		text, sizeof(text) - 1, __VA_ARGS__                                                \
	}

static const struct row rows[] = {
	/* version 1 */
	ROW("PROXY TCP4 192.0.2.7 198.51.100.1 52311 443\r\n", PROXY_HEADER_DONE,
	    "192.0.2.7:52311"),
	ROW("PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n", PROXY_HEADER_DONE, "[2001:db8::1]:1"),
	ROW("PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n", PROXY_HEADER_DONE, "192.0.2.7:1"),
	ROW("PROXY UNKNOWN\r\n", PROXY_HEADER_DONE, "unknown"),
	ROW("PROXY UNKNOWN 1.2.3.4 whatever\r\n", PROXY_HEADER_DONE, "unknown"),
	ROW("PROXY TCP4 192.0.2.7 198.51.100.1 52311 443\n", PROXY_HEADER_BAD, NULL),
	ROW("PROXY TCP4 192.0.2.7 198.51.100.1 52311 443\rX", PROXY_HEADER_BAD, NULL),
	ROW("PROXY TCP4 192.0.2.7 198.51.100.1 52311\r\n", PROXY_HEADER_BAD, NULL),
	ROW("PROXY TCP4 192.0.2.7 198.51.100.1 52311 443 \r\n", PROXY_HEADER_BAD, NULL),
	ROW("PROXY TCP4  192.0.2.7 198.51.100.1 52311 443\r\n", PROXY_HEADER_BAD, NULL),
	ROW("PROXY TCP4 192.0.2.07 198.51.100.1 52311 443\r\n", PROXY_HEADER_BAD, NULL),
	ROW("PROXY TCP4 192.0.2.7 198.51.100.1 052311 443\r\n", PROXY_HEADER_BAD, NULL),
	ROW("PROXY TCP4 192.0.2.7 198.51.100.1 65536 443\r\n", PROXY_HEADER_BAD, NULL),
	ROW("PROXY TCP4 192.0.2.7 198.51.100.1 -1 443\r\n", PROXY_HEADER_BAD, NULL),
	ROW("PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n", PROXY_HEADER_BAD, NULL),
	ROW("PROXY TCP6 192.0.2.7 198.51.100.1 1 2\r\n", PROXY_HEADER_BAD, NULL),
	ROW("PROXY UDP4 192.0.2.7 198.51.100.1 1 2\r\n", PROXY_HEADER_BAD, NULL),
	ROW("PROXY UNKNOWNS\r\n", PROXY_HEADER_BAD, NULL),
	ROW("PROXY \r\n", PROXY_HEADER_BAD, NULL),
	ROW("PROXY\r\n", PROXY_HEADER_BAD, NULL),
	ROW("proxy TCP4 192.0.2.7 198.51.100.1 1 2\r\n", PROXY_HEADER_BAD, NULL),
	/* 107 bytes with the end of the line, and one more */
	ROW("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
	    PROXY_HEADER_DONE, "unknown"),
	ROW("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 655355\r\n",
	    PROXY_HEADER_BAD, NULL),
	/* neither */
	ROW("GET / HTTP/1.1\r\nHost: a\r\n\r\n", PROXY_HEADER_BAD, NULL),
	ROW("\x16\x03\x01\x02\x00", PROXY_HEADER_BAD, NULL),
	/* version 2 */
	ROW(V2 "\x21\x11\x00\x0c" V4_ADDRESSES, PROXY_HEADER_DONE, "192.0.2.7:258"),
	ROW(V2 "\x21\x12\x00\x0c" V4_ADDRESSES, PROXY_HEADER_DONE, "192.0.2.7:258"),
	ROW(V2 "\x21\x21\x00\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
	       "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\x00\x50\x01\xbb",
	    PROXY_HEADER_DONE, "[2001:db8::1]:80"),
	ROW(V2 "\x20\x00\x00\x00", PROXY_HEADER_DONE, "own"),
	ROW(V2 "\x20\x11\x00\x0c" V4_ADDRESSES, PROXY_HEADER_DONE, "own"),
	ROW(V2 "\x20\xff\x00\x01?", PROXY_HEADER_DONE, "own"),
	ROW(V2 "\x21\x00\x00\x00", PROXY_HEADER_DONE, "unknown"),
	ROW(V2 "\x11\x11\x00\x0c" V4_ADDRESSES, PROXY_HEADER_BAD, NULL),
	ROW(V2 "\x22\x11\x00\x0c" V4_ADDRESSES, PROXY_HEADER_BAD, NULL),
	ROW(V2 "\x21\x41\x00\x0c" V4_ADDRESSES, PROXY_HEADER_BAD, NULL),
	ROW(V2 "\x21\x13\x00\x0c" V4_ADDRESSES, PROXY_HEADER_BAD, NULL),
	ROW(V2 "\x21\x10\x00\x0c" V4_ADDRESSES, PROXY_HEADER_BAD, NULL),
	ROW(V2 "\x21\x11\x00\x0b" V4_ADDRESSES, PROXY_HEADER_BAD, NULL),
	ROW(V2 "\x21\x31\x00\x0c" V4_ADDRESSES, PROXY_HEADER_BAD, NULL),
	/* what follows the addresses: nothing, a host name, a checksum (right, wrong, twice) */
	ROW(V2 "\x21\x11\x00\x12" V4_ADDRESSES "\x02\x00\x03"
	       "abc",
	    PROXY_HEADER_DONE, "192.0.2.7:258"),
	ROW(V2 "\x21\x11\x00\x12" V4_ADDRESSES "\x02\x00\x04"
	       "abc",
	    PROXY_HEADER_BAD, NULL),
	ROW(V2 "\x21\x11\x00\x0e" V4_ADDRESSES "\x02\x00", PROXY_HEADER_BAD, NULL),
	ROW(V2 "\x21\x11\x00\x13" V4_ADDRESSES "\x03\x00\x04\x40\x90\x44\xbe", PROXY_HEADER_DONE,
	    "192.0.2.7:258"),
	ROW(V2 "\x21\x11\x00\x13" V4_ADDRESSES "\x03\x00\x04\x40\x90\x44\xbf", PROXY_HEADER_BAD,
	    NULL),
	ROW(V2 "\x21\x11\x00\x12" V4_ADDRESSES "\x03\x00\x03\x40\x90\x44", PROXY_HEADER_BAD, NULL),
	ROW(V2 "\x21\x11\x00\x1a" V4_ADDRESSES "\x03\x00\x04\0\0\0\0\x03\x00\x04\0\0\0\0",
	    PROXY_HEADER_BAD, NULL),
	ROW(V2 "\x21\x11\xff\xff" V4_ADDRESSES, PROXY_HEADER_BAD, NULL),
};

static void check_done(const struct row *row, const struct proxy_header *header)
{
	char peer[IP_TEXT];

	assert_int_equal(header->bytes, row->len);
	ip_format_peer(&header->client, header->port, peer);
	assert_string_equal(header->is_own ? "own" : peer, row->peer);
}

static void headers_are_read_or_refused(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct proxy_header header;
		enum proxy_header_verdict verdict =
			proxy_header_read((const uint8_t *)rows[i].bytes, rows[i].len, &header);

		if (verdict != rows[i].verdict)
			fail_msg("row %zu is %d: %s", i, verdict, header.wrong ? header.wrong : "");
		assert_int_equal(verdict == PROXY_HEADER_BAD, header.wrong != NULL);
		if (verdict == PROXY_HEADER_DONE)
			check_done(&rows[i], &header);
	}
}

/* Whatever was said in how many pieces: more is wanted until all is there, and what follows is not
 * looked at. */
static void a_header_may_come_in_pieces_and_with_more_behind_it(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct proxy_header header;
		uint8_t bytes[256];

		if (rows[i].verdict != PROXY_HEADER_DONE)
			continue;
		for (size_t len = 0; len < rows[i].len; len++)
			assert_int_equal(
				proxy_header_read((const uint8_t *)rows[i].bytes, len, &header),
				PROXY_HEADER_MORE);
		memset(bytes, 0xff, sizeof(bytes));
		memcpy(bytes, rows[i].bytes, rows[i].len);
		assert_int_equal(proxy_header_read(bytes, sizeof(bytes), &header),
				 PROXY_HEADER_DONE);
		check_done(&rows[i], &header);
	}
}

/* A client of a Unix socket of the proxy's: who it is can't be told in our words. */
static void a_path_is_no_client(void **state)
{
	uint8_t bytes[16 + 216] = V2 "\x21\x31\x00\xd8/run/somewhere";
	struct proxy_header header;

	assert_int_equal(proxy_header_read(bytes, sizeof(bytes), &header), PROXY_HEADER_DONE);
	assert_int_equal(header.client.kind, IP_UNKNOWN);
	assert_false(header.is_own);
	assert_int_equal(header.bytes, sizeof(bytes));
}

/* 4096 bytes are a header, one more is none. */
static void a_header_has_a_limit(void **state)
{
	static uint8_t bytes[PROXY_HEADER_MAX + 1] = V2 "\x20\x00\x0f\xf0";
	struct proxy_header header;

	assert_int_equal(proxy_header_read(bytes, 16, &header), PROXY_HEADER_MORE);
	assert_int_equal(proxy_header_read(bytes, PROXY_HEADER_MAX, &header), PROXY_HEADER_DONE);
	assert_int_equal(header.bytes, PROXY_HEADER_MAX);
	bytes[15]++;
	assert_int_equal(proxy_header_read(bytes, 16, &header), PROXY_HEADER_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_read_or_refused),
		cmocka_unit_test(a_header_may_come_in_pieces_and_with_more_behind_it),
		cmocka_unit_test(a_path_is_no_client),
		cmocka_unit_test(a_header_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
