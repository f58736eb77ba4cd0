/* A signature file is read strictly, signs exactly one text with one serial, and the highest serial
 * is remembered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "observe/errors.h"
#include "trust/serial.h"
#include "trust/signature.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HEX16	     "9e1c2b7a04d35f68"
#define HEX64	     "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define HEX128	     HEX64 HEX64
#define FIELDS	     "version: 1\nkey: " HEX16 "\nserial: 7\nsha256: " HEX64 "\n"
#define GOOD	     FIELDS "signature: " HEX128 "\n"

/* ---- the file ---- */

static void reads_what_it_writes(void **state)
{
	struct signature signature;
	struct signature again;
	struct buf text = {0};
	struct err err = {0};

	assert_int_equal(signature_parse(STR_LITERAL("# c\n\n \t\n" GOOD), "s", &signature, &err),
			 0);
	assert_int_equal(signature.serial, 7);
	assert_string_equal(signature.key_id, HEX16);
	signature_format(&signature, &text);
	assert_int_equal(signature_parse((struct str){(char *)buf_front(&text), buf_len(&text)},
					 "s", &again, &err),
			 0);
	assert_int_equal(again.serial, 7);
	assert_memory_equal(&again.bytes, &signature.bytes, sizeof(again.bytes));
	buf_deinit(&text);
}

static void refuses_what_is_no_signature_file(void **state)
{
	static const struct {
		const char *text;
		const char *says;
	} rows[] = {
		{"", "s:0: version is missing"},
		{"garbage\n", "s:1: this is no line"},
		{"version: 2\n", "s:1: version must be 1"},
		{"version: 1\nversion: 1\n", "s:2: version comes twice"},
		{"serial: 0\n", "s:1: serial must be"},
		{"serial: -1\n", "s:1: serial must be"},
		{"serial: 1000000000000000\n", "s:1: serial must be"},
		{"key: 9e1c\n", "s:1: key must be"},
		{"sha256: " HEX64 "0\n", "s:1: sha256 must be"},
		{"signature: " HEX64 "\n", "s:1: signature must be"},
		{"colour: red\n", "s:1: this is no line"},
		{FIELDS, "s:4: signature is missing"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct signature signature;
		struct err err = {0};

		assert_int_equal(signature_parse(str_from(rows[i].text), "s", &signature, &err),
				 -EINVAL);
		assert_int_equal(err.code, ERR_SIGNATURE_FILE);
		if (strncmp(err.text, rows[i].says, strlen(rows[i].says)) != 0)
			fail_msg("row %zu: %s", i, err.text);
	}
}

/* Wherever a file is cut, it is none any more: the last line's newline is all that may lack. */
static void refuses_every_truncated_file(void **state)
{
	for (size_t len = 0; len < strlen(GOOD) - 1; len++) {
		struct signature signature;
		struct err err = {0};

		assert_int_equal(signature_parse((struct str){GOOD, len}, "s", &signature, &err),
				 -EINVAL);
	}
}

/* ---- what is signed ---- */

static int check(const struct signature *signature, const struct digest *digest,
		 const struct ed25519_public *key)
{
	struct err err = {0};

	return signature_check(signature, digest, key, 1, "s", &err) == 0 ? 0 : err.code;
}

static void signs_one_text_with_one_serial(void **state)
{
	struct ed25519_private *key = ed25519_generate();
	struct ed25519_private *other = ed25519_generate();
	struct digest digest = {{1}};
	struct digest changed = {{2}};
	struct ed25519_public public;
	struct ed25519_public foreign;
	struct signature signature;

	ed25519_public_of(key, &public);
	ed25519_public_of(other, &foreign);
	assert_int_equal(signature_make(key, &digest, 7, &signature), 0);
	assert_int_equal(check(&signature, &digest, &public), 0);
	assert_int_equal(check(&signature, &changed, &public), ERR_SIGNATURE_WRONG);
	assert_int_equal(check(&signature, &digest, &foreign), ERR_SIGNATURE_KEY);
	ed25519_id(signature.key_id, &foreign); /* claims to be another's */
	assert_int_equal(check(&signature, &digest, &foreign), ERR_SIGNATURE_WRONG);
	ed25519_id(signature.key_id, &public);
	signature.serial = 8;
	assert_int_equal(check(&signature, &digest, &public), ERR_SIGNATURE_WRONG);
	signature.serial = 7;
	signature.digest = changed;
	assert_int_equal(check(&signature, &changed, &public), ERR_SIGNATURE_WRONG);
	ed25519_private_free(key);
	ed25519_private_free(other);
}

/* By openssl pkeyutl, from the words in docs/OPERATIONS.md and a key of RFC 8032. */
static void a_signature_of_another_implementation_is_accepted(void **state)
{
	static const char key_text[] =
		"ed25519:3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
	static const char text[] =
		"version: 1\nkey: 39f713d0a644253f\nserial: 7\nsha256: " HEX64 "\nsignature: "
		"f1dcd324faf6399e32a79162a10d0ccd401e244a028c7b03fde11c558e08cb0c"
		"40c0278d77fcfd05f477a4bbc1ff89a15b4288e7482f9c315fb1d745f6d1500f\n";
	struct ed25519_public key;
	struct signature signature;
	struct err err = {0};

	assert_null(ed25519_parse(str_from(key_text), &key));
	assert_int_equal(signature_parse(str_from(text), "s", &signature, &err), 0);
	assert_int_equal(check(&signature, &signature.digest, &key), 0);
}

/* A signature over the bare bytes, or over anything else, is none of a whitelist. */
static void signs_for_whitelists_alone(void **state)
{
	struct ed25519_private *key = ed25519_generate();
	struct signature signature = {.serial = 1, .digest = {{1}}};
	struct ed25519_public public;

	ed25519_public_of(key, &public);
	ed25519_id(signature.key_id, &public);
	assert_int_equal(ed25519_sign(key,
				      (struct str){(char *)signature.digest.bytes, DIGEST_BYTES},
				      &signature.bytes),
			 0);
	assert_int_equal(check(&signature, &signature.digest, &public), ERR_SIGNATURE_WRONG);
	ed25519_private_free(key);
}

/* ---- the serial ---- */

static int setup(void **state)
{
	char *directory = strdup("/tmp/serial-XXXXXX");

	assert_non_null(mkdtemp(directory));
	*state = directory;
	return 0;
}

static int teardown(void **state)
{
	char file[64];

	snprintf(file, sizeof(file), "%s/serial", (char *)*state);
	unlink(file);
	rmdir(*state);
	free(*state);
	return 0;
}

static void remembers_the_highest_serial(void **state)
{
	static const struct {
		uint64_t serial;
		uint8_t text;
		int code;
	} steps[] = {
		{5, 1, 0},
		{5, 1, 0},
		{5, 2, ERR_SIGNATURE_SERIAL},
		{4, 1, ERR_SIGNATURE_SERIAL},
		{10, 2, 0},
		{9, 3, ERR_SIGNATURE_SERIAL},
		{SIGNATURE_MAX_SERIAL, 4, 0},
		{10, 2, ERR_SIGNATURE_SERIAL},
	};
	char file[64];

	snprintf(file, sizeof(file), "%s/serial", (char *)*state);
	for (size_t i = 0; i < COUNT(steps); i++) {
		struct digest digest = {{steps[i].text}};
		struct err err = {0};

		serial_accept(file, steps[i].serial, &digest, &err);
		if (err.code != steps[i].code)
			fail_msg("step %zu: %d %s", i, err.code, err.text);
	}
}

static void refuses_when_it_cannot_remember(void **state)
{
	static const char *const texts[] = {"", "serial: 1\n", "serial: x\nsha256: " HEX64 "\n",
					    "serial: 1\nsha256: " HEX64 "\nmore\n",
					    "serial: 1\nsha256: " HEX64};
	struct digest digest = {{1}};
	char file[64];

	snprintf(file, sizeof(file), "%s/serial", (char *)*state);
	for (size_t i = 0; i < COUNT(texts); i++) {
		FILE *stream = fopen(file, "w");
		struct err err = {0};

		fputs(texts[i], stream);
		fclose(stream);
		assert_true(serial_accept(file, 9, &digest, &err) < 0);
		assert_int_equal(err.code, ERR_SERIAL_FILE);
	}
	unlink(file);
	snprintf(file, sizeof(file), "%s/no/serial", (char *)*state);
	struct err err = {0};

	assert_int_equal(serial_accept(file, 9, &digest, &err), -ENOENT);
	assert_int_equal(err.code, ERR_SERIAL_FILE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_it_writes),
		cmocka_unit_test(refuses_what_is_no_signature_file),
		cmocka_unit_test(refuses_every_truncated_file),
		cmocka_unit_test(signs_one_text_with_one_serial),
		cmocka_unit_test(a_signature_of_another_implementation_is_accepted),
		cmocka_unit_test(signs_for_whitelists_alone),
		cmocka_unit_test_setup_teardown(remembers_the_highest_serial, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_when_it_cannot_remember, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
