/* SHA-256 of libplug against digests that others have published or computed, and wherever the bytes
 * are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sdk/sha256.h"

static const char *hex_of(const uint8_t digest[SHA256_BYTES])
{
	static char text[2 * SHA256_BYTES + 1];

	for (size_t i = 0; i < SHA256_BYTES; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	return text;
}

/* The text, `times` times, in pieces of `piece` bytes. */
static const char *digest_of(const char *text, size_t times, size_t piece)
{
	uint8_t digest[SHA256_BYTES];
	struct sha256 sha;
	size_t len = strlen(text);

	sha256_init(&sha);
	for (size_t i = 0; i < times; i++) {
		for (size_t at = 0; at < len; at += piece)
			sha256_add(&sha, text + at, len - at < piece ? len - at : piece);
	}
	sha256_end(&sha, digest);
	return hex_of(digest);
}

/* The first four are the examples of NIST, the others are at the edges of the padding. */
static const struct {
	const char *text;
	size_t times;
	const char *digest;
} rows[] = {
	{"", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	{"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
	 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	{"aaaaaaaaaa", 100000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
	{"x", 55, "d5e285683cd4efc02d021a5c62014694958901005d6f71e89e0989fac77e4072"},
	{"x", 56, "04c26261370ee7541549d16dee320c723e3fd14671e66a099afe0a377c16888e"},
	{"x", 63, "75220b47218278e656f2013bb8f0c455a25eaf01e86c64924e9d48d89776d6f2"},
	{"x", 64, "7ce100971f64e7001e8fe5a51973ecdfe1ced42befe7ee8d5fd6219506b5393c"},
	{"x", 65, "9537c5fdf120482f7d58d25e9ed583f52c02b4e304ea814db1633ad565aed7e9"},
	{"x", 119, "000b48d4edf0fa7bee3c6236ecd2785baa5db4eeb8bb54341b029e0d9fa5fb0c"},
	{"x", 120, "13f05a0b594787f5ecd315edc96141bd3243203d1b7d4f0836f37308b276ba98"},
};

static void digests_are_those_of_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(digest_of(rows[i].text, rows[i].times, SIZE_MAX / 2),
				    rows[i].digest);
}

static void pieces_of_any_size_give_the_same_digest(void **state)
{
	static const char text[] =
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		"and some more";
	char whole[2 * SHA256_BYTES + 1];

	(void)state;
	snprintf(whole, sizeof(whole), "%s", digest_of(text, 3, sizeof(text)));
	for (size_t piece = 1; piece < sizeof(text); piece++)
		assert_string_equal(digest_of(text, 3, piece), whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_are_those_of_others),
		cmocka_unit_test(pieces_of_any_size_give_the_same_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
