/* Keys in files and on one line, and what a signature holds fast. */
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
#include "trust/ed25519.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct fixture {
	char directory[64];
	char file[96];
	char public_file[112];
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	strcpy(fixture->directory, "/tmp/ed25519-XXXXXX");
	assert_non_null(mkdtemp(fixture->directory));
	snprintf(fixture->file, sizeof(fixture->file), "%s/key", fixture->directory);
	snprintf(fixture->public_file, sizeof(fixture->public_file), "%s.pub", fixture->file);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	unlink(fixture->file);
	unlink(fixture->public_file);
	rmdir(fixture->directory);
	free(fixture);
	return 0;
}

static void write_text(const char *file, const char *text, mode_t mode)
{
	FILE *stream = fopen(file, "w");

	assert_non_null(stream);
	fputs(text, stream);
	fclose(stream);
	assert_int_equal(chmod(file, mode), 0);
}

/* RFC 8032, 7.1, test 2: one byte. */
static void verifies_a_signature_of_the_standard(void **state)
{
	static const char key_text[] =
		"ed25519:3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
	static const char text[] =
		"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
		"085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
	struct ed25519_signature signature;
	struct ed25519_public key;
	char again[ED25519_PUBLIC_TEXT];

	assert_null(ed25519_parse(str_from(key_text), &key));
	assert_string_equal(ed25519_format(again, &key), key_text);
	assert_true(str_unhex(str_from(text), signature.bytes, sizeof(signature.bytes)));
	assert_true(ed25519_verify(&key, STR_LITERAL("\x72"), &signature));
	assert_false(ed25519_verify(&key, STR_LITERAL("\x73"), &signature));
	assert_false(ed25519_verify(&key, STR_LITERAL(""), &signature));
	signature.bytes[63] ^= 1;
	assert_false(ed25519_verify(&key, STR_LITERAL("\x72"), &signature));
}

static void refuses_what_is_no_public_key(void **state)
{
	static const char *const rows[] = {
		"",
		"ed25519:",
		"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
		"ed25519:3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660",
		"ed25519:3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c0",
		"ed25519:gd4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"};
	struct ed25519_public key;

	for (size_t i = 0; i < COUNT(rows); i++)
		assert_non_null(ed25519_parse(str_from(rows[i]), &key));
}

static void keys_come_back_from_their_files(void **state)
{
	struct fixture *fixture = *state;
	struct ed25519_private *made = ed25519_generate();
	struct ed25519_private *loaded;
	struct ed25519_signature signature;
	struct ed25519_public expected;
	struct ed25519_public public;
	char id[ED25519_ID_TEXT];
	struct stat status;
	struct err err;

	assert_non_null(made);
	assert_int_equal(ed25519_write(made, fixture->file, &err), 0);
	ed25519_public_of(made, &expected);
	ed25519_private_free(made);
	assert_int_equal(stat(fixture->file, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(ed25519_load_public(fixture->public_file, &public, &err), 0);
	assert_memory_equal(&public, &expected, sizeof(public));
	assert_int_equal(strlen(ed25519_id(id, &public)), 16);
	assert_int_equal(ed25519_load_private(fixture->file, &loaded, &err), 0);
	assert_int_equal(ed25519_sign(loaded, STR_LITERAL("text"), &signature), 0);
	assert_true(ed25519_verify(&public, STR_LITERAL("text"), &signature));
	ed25519_private_free(loaded);
}

static void never_overwrites_a_key(void **state)
{
	struct fixture *fixture = *state;
	struct ed25519_private *key = ed25519_generate();
	struct stat status;
	struct err err;

	write_text(fixture->file, "mine", 0600);
	assert_int_equal(ed25519_write(key, fixture->file, &err), -EEXIST);
	assert_int_equal(err.code, ERR_KEY_FILE);
	assert_int_equal(stat(fixture->file, &status), 0);
	assert_int_equal(status.st_size, 4);
	assert_int_equal(access(fixture->public_file, F_OK), -1); /* nothing is left behind */
	unlink(fixture->file);
	write_text(fixture->public_file, "mine", 0600);
	assert_int_equal(ed25519_write(key, fixture->file, &err), -EEXIST);
	assert_int_equal(access(fixture->file, F_OK), -1);
	ed25519_private_free(key);
}

static void refuses_a_key_that_others_may_read(void **state)
{
	static const mode_t modes[] = {0640, 0604, 0620, 0602, 0610};
	struct fixture *fixture = *state;
	struct ed25519_private *key = ed25519_generate();
	struct ed25519_private *loaded;
	struct err err;

	assert_int_equal(ed25519_write(key, fixture->file, &err), 0);
	ed25519_private_free(key);
	for (size_t i = 0; i < COUNT(modes); i++) {
		chmod(fixture->file, modes[i]);
		assert_true(ed25519_load_private(fixture->file, &loaded, &err) < 0);
		assert_int_equal(err.code, ERR_KEY_FILE);
		assert_non_null(strstr(err.text, "chmod 600"));
	}
}

/* An RSA key and an encrypted one are made by the same library in the system tests; here is what is
 * no key at all, and the public half where the private one should be. */
static void refuses_what_is_no_key(void **state)
{
	static const char *const rows[] = {
		"",
		"garbage\n",
		"-----BEGIN PRIVATE KEY-----\n",
		"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE "
		"KEY-----\n",
		/* X25519, a key for something else */
		"-----BEGIN PRIVATE KEY-----\n"
		"MC4CAQAwBQYDK2VuBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n"
		"-----END PRIVATE KEY-----\n",
	};
	struct fixture *fixture = *state;
	struct ed25519_private *loaded;
	struct ed25519_public public;
	struct err err;

	for (size_t i = 0; i < COUNT(rows); i++) {
		write_text(fixture->file, rows[i], 0600);
		assert_true(ed25519_load_private(fixture->file, &loaded, &err) < 0);
		assert_int_equal(err.code, ERR_KEY_FILE);
		assert_true(ed25519_load_public(fixture->file, &public, &err) < 0);
		assert_int_equal(err.code, ERR_KEY_FILE);
	}
	assert_true(ed25519_load_private(fixture->directory, &loaded, &err) < 0);
	assert_non_null(strstr(err.text, "regular"));
	assert_int_equal(ed25519_load_private("/nowhere/key", &loaded, &err), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verifies_a_signature_of_the_standard),
		cmocka_unit_test(refuses_what_is_no_public_key),
		cmocka_unit_test_setup_teardown(keys_come_back_from_their_files, setup, teardown),
		cmocka_unit_test_setup_teardown(never_overwrites_a_key, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_a_key_that_others_may_read, setup,
						teardown),
		cmocka_unit_test_setup_teardown(refuses_what_is_no_key, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
