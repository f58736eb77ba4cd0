/* The audit trail: whatever is done to its file shows, and names the first record that is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/member.h"
#include "observe/errors.h"
#include "tests/support/audit_world.h"
#include "trust/audit_anchor.h"
#include "trust/audit_file.h"

/* By another implementation, from the words in audit_chain.h. */
#define GOLDEN_HASH "sha256:80b02a21786281f44c9d70a3736ceb954d31f8590f82c1f3fe8c9c5b8bc2aab5"

/* ---- what is written ---- */

static void records_stand_in_a_chain_over_restarts(void **state)
{
	struct fixture *fixture = *state;
	struct stat status;

	make_trail(fixture, 3);
	make_trail(fixture, 4);
	assert_int_equal(count_good(fixture), 7);
	assert_int_equal(stat(fixture->file, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
}

static void a_record_has_what_was_said(void **state)
{
	struct fixture *fixture = *state;
	struct audit_cursor *cursor;
	struct audit_row row;
	struct store *store;

	make_trail(fixture, 1);
	assert_int_equal(audit_file_open(fixture->file, true, &store, &fixture->err), 0);
	assert_int_equal(audit_cursor_open(store, 1, &cursor, &fixture->err), 0);
	assert_int_equal(audit_cursor_next(cursor, &row, &fixture->err), 1);
	assert_true(str_eq(row.event, str_from("plugin.start")));
	assert_true(str_eq(row.subject, str_from("plugin")));
	assert_true(str_eq(row.actor, str_from("uid=7 gid=8 pid=9")));
	assert_true(str_eq(row.details, str_from("{\"number\":1}")));
	assert_int_equal(audit_cursor_next(cursor, &row, &fixture->err), 0);
	audit_cursor_close(cursor);
	store_close(store);
}

/* Whoever verifies with something else than this program must get the same. */
static void the_hash_is_the_one_that_is_documented(void **state)
{
	struct audit_row row = {.seq = 1,
				.time_ms = 2,
				.event = str_from("e"),
				.subject = str_from(""),
				.actor = str_from("host"),
				.details = str_from("{}")};
	struct digest hash;
	char text[DIGEST_TEXT];

	assert_int_equal(audit_row_hash(&row, &hash), 0);
	assert_string_equal(digest_format(text, &hash), GOLDEN_HASH);
}

/* By openssl pkeyutl, from the words in audit_anchor.c and a key of RFC 8032. */
static void an_anchor_of_another_implementation_is_accepted(void **state)
{
	static const char key_text[] =
		"ed25519:3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
	static const char details[] =
		"{\"seq\":10,\"hash\":\"sha256:"
		"0102030000000000000000000000000000000000000000000000000000000000\","
		"\"key\":\"39f713d0a644253f\",\"signature\":"
		"\"756be720bfa1ccdb0730cf3fb4fa3f76bc4b2c40beb57644730befada98c6521"
		"872c8b8f7d782e64d32bb0a68658cb1258e773ecae838ee896e76f38ac70b90e\"}";
	struct audit_link link = {.seq = 10, .hash = {{1, 2, 3}}};
	struct ed25519_public key;
	struct err err;

	assert_null(ed25519_parse(str_from(key_text), &key));
	assert_int_equal(audit_anchor_check(str_from(details), &link, &key, &err), 0);
}

/* ---- what is done to it ---- */

static void every_change_is_found_and_named(void **state)
{
	static const struct {
		const char *sql;
		const char *says;
	} rows[] = {
		{"UPDATE record SET time_ms = time_ms + 1 WHERE seq = 3", "record 3 was changed"},
		{"UPDATE record SET event = 'plugin.end' WHERE seq = 3", "record 3 was changed"},
		{"UPDATE record SET subject = 'other' WHERE seq = 3", "record 3 was changed"},
		{"UPDATE record SET actor = 'host' WHERE seq = 3", "record 3 was changed"},
		{"UPDATE record SET details = '{}' WHERE seq = 3", "record 3 was changed"},
		{"UPDATE record SET previous = zeroblob(32) WHERE seq = 3", "record 3 was changed"},
		{"UPDATE record SET hash = zeroblob(32) WHERE seq = 3", "record 3 was changed"},
		{"UPDATE record SET hash = x'00' WHERE seq = 3", "record 3 was changed"},
		/* what moves from one text to the next does not keep the hash */
		{"UPDATE record SET event = 'plugin.startplugin', subject = '' WHERE seq = 3",
		 "record 3 was changed"},
		{"DELETE FROM record WHERE seq = 1", "record 1 is missing"},
		{"DELETE FROM record WHERE seq = 3", "record 3 is missing"},
		{"DELETE FROM record WHERE seq BETWEEN 2 AND 5", "record 2 is missing"},
		{"DELETE FROM record WHERE seq = 3; UPDATE record SET seq = 3 WHERE seq = 4; "
		 "UPDATE record SET seq = 4 WHERE seq = 5; UPDATE record SET seq = 5 WHERE seq = 6",
		 "record 3 was changed"},
		{"UPDATE record SET seq = 99 WHERE seq = 3; UPDATE record SET seq = 3 WHERE seq = "
		 "4; "
		 "UPDATE record SET seq = 4 WHERE seq = 99",
		 "record 3 was changed"},
		{"INSERT INTO record SELECT 7, time_ms, event, subject, actor, details, previous, "
		 "hash FROM record WHERE seq = 6",
		 "record 7 was changed"},
		{"INSERT INTO record SELECT 0, time_ms, event, subject, actor, details, previous, "
		 "hash FROM record WHERE seq = 1",
		 "record 1 is missing"},
		{"INSERT INTO record SELECT 9, time_ms, event, subject, actor, details, previous, "
		 "hash FROM record WHERE seq = 6",
		 "record 7 is missing"},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct audit_report report;

		make_trail(fixture, 6);
		tamper(fixture, rows[i].sql);
		assert_int_equal(verify_with(fixture, &(struct audit_proof){0}, &report), -EBADMSG);
		assert_int_equal(fixture->err.code, ERR_AUDIT_CHAIN);
		if (!strstr(fixture->err.text, rows[i].says))
			fail_msg("row %zu: %s", i, fixture->err.text);
		assert_int_equal(unlink(fixture->file), 0);
	}
}

/* The whole chain, with right hashes, by somebody who has no key. */
static void rewrite(struct fixture *fixture, int count)
{
	struct audit_opts opts = fixture->opts;

	assert_int_equal(unlink(fixture->file), 0);
	fixture->opts.anchor_key = NULL;
	make_trail(fixture, count);
	fixture->opts = opts;
}

static struct digest head_of(struct fixture *fixture)
{
	struct audit_report report;

	assert_int_equal(verify_with(fixture, &(struct audit_proof){0}, &report), 0);
	return report.last.hash;
}

static void a_cut_end_is_found_by_a_head_kept_elsewhere(void **state)
{
	struct fixture *fixture = *state;
	struct audit_report report;
	struct audit_proof proof = {0};
	struct digest head;

	make_trail(fixture, 6);
	head = head_of(fixture);
	proof.head = &head;
	assert_int_equal(verify_with(fixture, &proof, &report), 0);
	make_trail(fixture, 2); /* what was added since is fine */
	assert_int_equal(verify_with(fixture, &proof, &report), 0);
	tamper(fixture, "DELETE FROM record WHERE seq > 5");
	assert_int_equal(count_good(fixture), 5); /* the chain alone can't know */
	assert_int_equal(verify_with(fixture, &proof, &report), -EBADMSG);
	assert_non_null(strstr(fixture->err.text, "cut off"));
	rewrite(fixture, 8);
	assert_int_equal(verify_with(fixture, &proof, &report), -EBADMSG);
}

static struct ed25519_public make_key(struct fixture *fixture)
{
	struct ed25519_private *key = ed25519_generate();
	struct ed25519_public public;

	assert_int_equal(ed25519_write(key, fixture->key, &fixture->err), 0);
	ed25519_public_of(key, &public);
	ed25519_private_free(key);
	fixture->opts.anchor_key = fixture->key;
	return public;
}

static void a_chain_written_anew_is_found_by_its_anchors(void **state)
{
	struct fixture *fixture = *state;
	struct ed25519_public key = make_key(fixture);
	struct ed25519_public other = key;
	struct audit_proof proof = {.key = &key};
	struct audit_report report;

	make_trail(fixture, 25);
	assert_int_equal(verify_with(fixture, &proof, &report), 0);
	assert_int_equal(report.anchors, 3); /* after 10, after 20, at the end */
	assert_int_equal(report.anchored, report.last.seq - 1);
	other.bytes[0] ^= 1;
	proof.key = &other;
	assert_int_equal(verify_with(fixture, &proof, &report), -EBADMSG);
	assert_non_null(strstr(fixture->err.text, "another key"));
	proof.key = &key;
	rewrite(fixture, 25);
	assert_int_equal(verify_with(fixture, &proof, &report), -EBADMSG);
	assert_non_null(strstr(fixture->err.text, "no anchor"));
}

/* Anchors are copied from the true chain into one with other records. */
static void an_anchor_fits_one_place(void **state)
{
	struct fixture *fixture = *state;
	struct ed25519_private *key = ed25519_generate();
	struct audit_link link = {.seq = 10, .hash = {{1, 2, 3}}};
	struct ed25519_public public;
	json_t *details = audit_anchor_new(key, &link);
	char *text = json_dumps(details, 0);

	ed25519_public_of(key, &public);
	assert_int_equal(audit_anchor_check(str_from(text), &link, &public, &fixture->err), 0);
	link.seq = 11;
	assert_int_equal(audit_anchor_check(str_from(text), &link, &public, &fixture->err),
			 -EBADMSG);
	link = (struct audit_link){.seq = 10, .hash = {{1, 2, 4}}};
	assert_int_equal(audit_anchor_check(str_from(text), &link, &public, &fixture->err),
			 -EBADMSG);
	/* and the signature says the same as the members */
	member_int(details, "seq", 11);
	free(text);
	text = json_dumps(details, 0);
	link = (struct audit_link){.seq = 11, .hash = {{1, 2, 3}}};
	assert_int_equal(audit_anchor_check(str_from(text), &link, &public, &fixture->err),
			 -EBADMSG);
	assert_non_null(strstr(fixture->err.text, "signature"));
	free(text);
	json_decref(details);
	ed25519_private_free(key);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, audit_world_setup, audit_world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(records_stand_in_a_chain_over_restarts),
		CASE(a_record_has_what_was_said),
		CASE(the_hash_is_the_one_that_is_documented),
		CASE(an_anchor_of_another_implementation_is_accepted),
		CASE(every_change_is_found_and_named),
		CASE(a_cut_end_is_found_by_a_head_kept_elsewhere),
		CASE(a_chain_written_anew_is_found_by_its_anchors),
		CASE(an_anchor_fits_one_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
