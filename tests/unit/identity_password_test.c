/* Passwords: hashed as others hash them, read strictly, remembered for a while and bounded. */
#include "identity/logins.h"
#include "identity/password.h"
#include "tests/support/unit.h"

/* "ann" with the salt "0123456789abcdef", by Python's hashlib.scrypt(n=4096, r=8, p=1). */
static const char known[] = "$scrypt$ln=12,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$"
			    "CYnqrc+JZr21Kxdc+Udfg+bodd1hm4EmU/79W5y4iRs";

static bool is_password(const char *hash, const char *password)
{
	struct password_hash parsed;

	assert_null(password_parse(str_from(hash), &parsed));
	return password_is(&parsed, str_from(password));
}

static void a_hash_that_others_have_made_knows_its_password(void **state)
{
	assert_true(is_password(known, "ann"));
	assert_false(is_password(known, "anm"));
	assert_false(is_password(known, ""));
	assert_false(is_password(known, "ann "));
}

static void what_is_made_is_read_and_no_two_are_alike(void **state)
{
	char one[PASSWORD_TEXT], other[PASSWORD_TEXT];

	assert_true(password_make(STR_LITERAL("pass"), one));
	assert_true(password_make(STR_LITERAL("pass"), other));
	assert_string_not_equal(one, other);
	assert_true(is_password(one, "pass"));
	assert_false(is_password(one, "pas"));
}

#define SALT "MDEyMzQ1Njc4OWFiY2RlZg"
#define HASH "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void what_is_malformed_too_cheap_or_too_dear_is_refused(void **state)
{
	static const struct {
		const char *text;
		const char *why; /* NULL: it is good */
	} rows[] = {
		{"$scrypt$ln=12,r=8,p=1$" SALT "$" HASH, NULL},
		{"$scrypt$ln=16,r=8,p=1$" SALT "$" HASH, NULL},
		{"$argon2id$v=19$m=1,t=1,p=1$" SALT "$" HASH, "no hash by scrypt"},
		{"", "no hash by scrypt"},
		{"scrypt$ln=12,r=8,p=1$" SALT "$" HASH, "no hash by scrypt"},
		{"$scrypt", "well-formed"},
		{"$scrypt$", "well-formed"},
		{"$scrypt$ln=12,r=8,p=1", "8 bytes"},
		{"$scrypt$ln=12,r=8$" SALT "$" HASH, "well-formed"},
		{"$scrypt$r=8,ln=12,p=1$" SALT "$" HASH, "well-formed"},
		{"$scrypt$ln=12,r=8,p=1,x=1$" SALT "$" HASH, "well-formed"},
		{"$scrypt$ln=1x,r=8,p=1$" SALT "$" HASH, "well-formed"},
		{"$scrypt$ln=12,r=8,p=1$" SALT "$" HASH "$", "well-formed"},
		{"$scrypt$ln=12,r=8,p=1$" SALT, "8 bytes"},
		{"$scrypt$ln=12,r=8,p=1$YWJj$" HASH, "8 bytes"},
		{"$scrypt$ln=12,r=8,p=1$" SALT "$AAAA", "other than 32"},
		{"$scrypt$ln=12,r=8,p=1$!" SALT "$" HASH, "well-formed"},
		{"$scrypt$ln=11,r=8,p=1$" SALT "$" HASH, "too cheap"},
		{"$scrypt$ln=17,r=8,p=1$" SALT "$" HASH, "everybody up"},
		{"$scrypt$ln=64,r=8,p=1$" SALT "$" HASH, "everybody up"},
		{"$scrypt$ln=16,r=64,p=1$" SALT "$" HASH, "everybody up"},
		{"$scrypt$ln=12,r=8,p=64$" SALT "$" HASH, "everybody up"},
		{"$scrypt$ln=12,r=0,p=1$" SALT "$" HASH, "everybody up"},
		{"$scrypt$ln=12,r=8,p=0$" SALT "$" HASH, "everybody up"},
	};
	struct password_hash hash;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *why = password_parse(str_from(rows[i].text), &hash);

		if (!why != !rows[i].why || (why && !strstr(why, rows[i].why)))
			fail_msg("%s: %s", rows[i].text, why ? why : "is good");
	}
}

/* ---- what passwords may cost ---- */

static struct login_mark mark_of(struct logins *logins, const char *user, const char *password,
				 const char *hash)
{
	struct login_mark mark;

	assert_true(logins_mark(logins, str_from(user), str_from(password), str_from(hash), &mark));
	return mark;
}

static void a_login_is_remembered_for_its_time_and_for_its_hash_alone(void **state)
{
	struct logins *logins = logins_new();
	struct login_mark mark = mark_of(logins, "ann", "pass", "h");
	struct login_mark others[] = {
		mark_of(logins, "ann", "pas", "h"), mark_of(logins, "annp", "ass", "h"),
		mark_of(logins, "ann", "pass", "g"), mark_of(logins, "ann", "passh", "")};

	assert_false(logins_remember(logins, &mark, 0));
	logins_add(logins, &mark, 0, 10);
	assert_true(logins_remember(logins, &mark, 9999));
	assert_false(logins_remember(logins, &mark, 10000));
	for (size_t i = 0; i < COUNT_OF(others); i++)
		assert_false(logins_remember(logins, &others[i], 1));
	mark = mark_of(logins, "ann", "pass", "h");
	assert_true(logins_remember(logins, &mark, 1));
	logins_free(logins);
}

static void nothing_is_remembered_where_that_is_not_wanted(void **state)
{
	struct logins *logins = logins_new();
	struct login_mark mark = mark_of(logins, "ann", "pass", "h");

	logins_add(logins, &mark, 0, 0);
	assert_false(logins_remember(logins, &mark, 0));
	logins_free(logins);
}

static void another_process_makes_other_marks(void **state)
{
	struct logins *one = logins_new(), *other = logins_new();
	struct login_mark a = mark_of(one, "ann", "pass", "h");
	struct login_mark b = mark_of(other, "ann", "pass", "h");

	assert_memory_not_equal(&a, &b, sizeof(a));
	logins_free(one);
	logins_free(other);
}

static void so_many_are_hashed_in_a_second_and_no_more(void **state)
{
	struct logins *logins = logins_new();
	int64_t wait_ms;

	for (unsigned i = 0; i < 3; i++)
		assert_true(logins_may_hash(logins, 3, 1000, &wait_ms));
	assert_false(logins_may_hash(logins, 3, 1000, &wait_ms));
	assert_in_range(wait_ms, 300, 340);
	assert_true(logins_may_hash(logins, 3, 1000 + 340000, &wait_ms));
	logins_free(logins);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hash_that_others_have_made_knows_its_password),
		cmocka_unit_test(what_is_made_is_read_and_no_two_are_alike),
		cmocka_unit_test(what_is_malformed_too_cheap_or_too_dear_is_refused),
		cmocka_unit_test(a_login_is_remembered_for_its_time_and_for_its_hash_alone),
		cmocka_unit_test(nothing_is_remembered_where_that_is_not_wanted),
		cmocka_unit_test(another_process_makes_other_marks),
		cmocka_unit_test(so_many_are_hashed_in_a_second_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
