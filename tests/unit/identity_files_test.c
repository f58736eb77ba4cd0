/* Files of keys and users: what is good is read as it stands, what is not is refused with its line,
 * and times are times that exist. */
#include "identity/entries.h"
#include "identity/expiry.h"
#include "observe/errors.h"
#include "tests/support/unit.h"

static const char *check_name(struct str name)
{
	return str_eq(name, STR_LITERAL("bad")) ? "is bad" : NULL;
}

static const char *check_hash(struct str hash)
{
	return str_eq(hash, STR_LITERAL("bad")) ? "is bad too" : NULL;
}

static const struct entries_kind kind = {"keys", "id", "api_key", check_name, check_hash};

static int parse(const char *text, struct arena *arena, struct entries *out, struct err *err)
{
	return entries_parse(str_from(text), "keys.yaml", &kind, arena, out, err);
}

static void entries_are_read_as_they_stand_and_found_by_name(void **state)
{
	static const char text[] = "keys:\n"
				   "  - {id: b, hash: h2, expires: 1970-01-02}\n"
				   "  - id: a\n"
				   "    hash: h1\n"
				   "    subject: ann\n"
				   "    roles: [x, y]\n"
				   "    scopes: [s]\n"
				   "    tenant: acme\n"
				   "    claims: {dept: \"s\\\"q\"}\n";
	struct arena arena = {0};
	struct entries entries;
	const struct entry *entry;
	struct err err;

	assert_int_equal(parse(text, &arena, &entries, &err), 0);
	assert_int_equal(entries.count, 2);
	entry = entries_find(&entries, STR_LITERAL("a"));
	assert_str(entry->hash, "h1");
	assert_str(entry->principal.subject, "ann");
	assert_str(entry->principal.roles[1], "y");
	assert_int_equal(entry->principal.role_count, 2);
	assert_str(entry->principal.scopes[0], "s");
	assert_str(entry->principal.tenant, "acme");
	assert_str(entry->principal.claims_json, "{\"dept\":\"s\\\"q\"}");
	assert_true(entry->expires_s == ENTRY_NEVER);
	assert_true(entry->principal.caller.len > 0);
	entry = entries_find(&entries, STR_LITERAL("b"));
	assert_str(entry->principal.subject, "b");
	assert_int_equal(entry->expires_s, 86400);
	assert_null(entries_find(&entries, STR_LITERAL("c")));
	assert_int_equal(parse("keys: []", &arena, &entries, &err), 0);
	assert_null(entries_find(&entries, STR_LITERAL("a")));
	arena_deinit(&arena);
}

static void what_is_not_understood_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} rows[] = {
		{"", "keys.yaml:1: keys must be"},
		{"users: []", "must be the one key"},
		{"keys: []\nusers: []", "must be the one key"},
		{"keys: {}", "with a list"},
		{"keys:\n- x", "keys.yaml:2: an entry must be a map"},
		{"keys:\n- {hash: h}", "id is missing"},
		{"keys:\n- {id: a}", "hash is missing"},
		{"keys:\n- {id: bad, hash: h}", "id is bad"},
		{"keys:\n- {id: a, hash: bad}", "hash is bad too"},
		{"keys:\n- {id: a, id: b, hash: h}", "is there twice"},
		{"keys:\n- {id: a, hash: h}\n- {id: a, hash: g}", "keys.yaml:3: id is another"},
		{"keys:\n- {id: a, hash: h,\n   expire: 2027-01-01}", "keys.yaml:3: expire is not"},
		{"keys:\n- {id: a, hash: h, expires: soon}", "expires must be"},
		{"keys:\n- {id: a, hash: h, roles: x}", "roles must be a list"},
		{"keys:\n- {id: a, hash: h, roles: [[x]]}", "roles must be a list of texts"},
		{"keys:\n- {id: a, hash: h, roles: [\"\"]}", "roles must be a list of texts"},
		{"keys:\n- {id: a, hash: h, claims: [x]}", "claims must be a map"},
		{"keys:\n- {id: a, hash: h, claims: {x: [1]}}", "x must be a text"},
		{"keys:\n- {id: a, hash: h, claims: {x: 1, x: 2}}", "stands in claims twice"},
		{"keys:\n- {id: a, hash: ~}", "hash must be a text"},
		{"keys:\n- {id: [a], hash: h}", "id must be a text"},
		{"keys: [", "keys.yaml:"},
	};
	struct arena arena = {0};
	struct entries entries;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct err err = {0};

		assert_true(parse(rows[i].text, &arena, &entries, &err) < 0);
		assert_int_equal(err.code, ERR_IDENTITY_FILE);
		if (!strstr(err.text, rows[i].why))
			fail_msg("'%s' is not in: %s", rows[i].why, err.text);
	}
	arena_deinit(&arena);
}

static void times_are_times_that_exist(void **state)
{
	static const struct {
		const char *text;
		int64_t wall_s; /* -1: refused */
	} rows[] = {
		{"1970-01-01", 0},
		{"1970-01-01T00:00:01Z", 1},
		{"2024-02-29", 1709164800},
		{"2000-02-29T23:59:59Z", 951868799},
		{"2023-02-29", -1},
		{"2027-04-31", -1},
		{"2027-13-01", -1},
		{"2027-00-10", -1},
		{"2027-01-00", -1},
		{"2027-1-1", -1},
		{"2027-01-01T24:00:00Z", -1},
		{"2027-01-01T00:60:00Z", -1},
		{"2027-01-01T00:00:00", -1},
		{"2027-01-01 00:00:00Z", -1},
		{"2027-01-01T00:00:00+01:00", -1},
		{"-027-01-01", -1},
		{"", -1},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t wall_s = -1;

		if (expiry_parse(str_from(rows[i].text), &wall_s) != (rows[i].wall_s >= 0) ||
		    wall_s != rows[i].wall_s)
			fail_msg("%s", rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_are_read_as_they_stand_and_found_by_name),
		cmocka_unit_test(what_is_not_understood_is_refused_with_its_line),
		cmocka_unit_test(times_are_times_that_exist),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
