/* Whom claims mean, and what is remembered of tokens: for their time, within bounds. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "identity/jwks_schedule.h"
#include "identity/jwt_principal.h"
#include "identity/token_cache.h"
#include "tests/support/unit.h"

/* ---- claims ---- */

static const struct jwt_issuer_opts defaults = {
	.subject_claim = (char *)"sub",
	.roles_claim = (char *)"roles",
};

static enum jwt_verdict make(const char *claims, const struct jwt_issuer_opts *opts,
			     struct arena *arena, struct principal *out)
{
	json_t *object = json_loads(claims, 0, NULL);
	enum jwt_verdict verdict;

	assert_non_null(object);
	verdict = jwt_principal_make(object, opts, arena, out);
	json_decref(object);
	return verdict;
}

struct list_row {
	const char *claims;
	const char *roles, *scopes; /* joined by '|' */
};

static const struct list_row list_rows[] = {
	{"{\"sub\":\"a\"}", "", ""},
	{"{\"sub\":\"a\",\"roles\":[\"x\",\"y z\"],\"scope\":\"r w\"}", "x|y z", "r|w"},
	{"{\"sub\":\"a\",\"roles\":\"x y\",\"scp\":[\"r\",\"w\"]}", "x|y", "r|w"},
	{"{\"sub\":\"a\",\"scope\":\"r\",\"scp\":[\"w\"]}", "", "r"},
	{"{\"sub\":\"a\",\"roles\":[\"x\",7,null,\"\",[\"y\"]],\"scope\":\"  r  \"}", "x", "r"},
	{"{\"sub\":\"a\",\"roles\":{\"x\":1},\"scope\":7}", "", ""},
};

static void assert_list(const struct str *items, size_t count, const char *expected)
{
	char text[128] = "";

	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			strcat(text, "|");
		strncat(text, items[i].data, items[i].len);
	}
	assert_string_equal(text, expected);
}

static void roles_and_scopes_are_lists_or_texts(void **state)
{
	for (size_t i = 0; i < COUNT_OF(list_rows); i++) {
		struct arena arena = {0};
		struct principal who;

		assert_int_equal(make(list_rows[i].claims, &defaults, &arena, &who), JWT_IS_GOOD);
		assert_list(who.roles, who.role_count, list_rows[i].roles);
		assert_list(who.scopes, who.scope_count, list_rows[i].scopes);
		arena_deinit(&arena);
	}
}

static void a_claim_may_be_a_path(void **state)
{
	const struct jwt_issuer_opts opts = {
		.subject_claim = (char *)"https://acme.test/user",
		.roles_claim = (char *)"realm_access.roles",
		.scopes_claim = (char *)"a.b.c",
		.tenant_claim = (char *)"org.id",
	};
	struct arena arena = {0};
	struct principal who;

	assert_int_equal(
		make("{\"https://acme.test/user\":\"ada\",\"realm_access\":{\"roles\":[\"x\"]},"
		     "\"a\":{\"b\":{\"c\":\"r w\"}},\"org.id\":\"acme\",\"org\":{\"id\":\"no\"}}",
		     &opts, &arena, &who),
		JWT_IS_GOOD);
	assert_str(who.subject, "ada");
	assert_str(who.tenant, "acme");
	assert_list(who.roles, who.role_count, "x");
	assert_list(who.scopes, who.scope_count, "r|w");
	arena_deinit(&arena);
}

static void nobody_is_not_let_in(void **state)
{
	struct arena arena = {0};
	struct principal who;
	char *large = malloc(20000);

	assert_int_equal(make("{}", &defaults, &arena, &who), JWT_IS_SUBJECT);
	assert_int_equal(make("{\"sub\":\"\"}", &defaults, &arena, &who), JWT_IS_SUBJECT);
	assert_int_equal(make("{\"sub\":7}", &defaults, &arena, &who), JWT_IS_SUBJECT);
	snprintf(large, 20000, "{\"sub\":\"%019000d\"}", 0);
	assert_int_equal(make(large, &defaults, &arena, &who), JWT_IS_LARGE);
	free(large);
	arena_deinit(&arena);
}

static void rules_find_claims_and_plugins_see_all(void **state)
{
	static const char text[] =
		"{\"sub\":\"a\",\"n\":7,\"b\":true,\"l\":[\"x\",8],\"o\":{\"p\":1},"
		"\"z\":null,\"t\":\"u\"}";
	struct arena arena = {0};
	struct principal who;

	assert_int_equal(make(text, &defaults, &arena, &who), JWT_IS_GOOD);
	assert_str(who.claims_json, text);
	assert_true(principal_has_claim(&who, STR_LITERAL("n"), STR_LITERAL("7")));
	assert_true(principal_has_claim(&who, STR_LITERAL("b"), STR_LITERAL("true")));
	assert_true(principal_has_claim(&who, STR_LITERAL("l"), STR_LITERAL("x")));
	assert_true(principal_has_claim(&who, STR_LITERAL("l"), STR_LITERAL("8")));
	assert_true(principal_has_claim(&who, STR_LITERAL("t"), STR_LITERAL("u")));
	assert_false(principal_has_claim(&who, STR_LITERAL("o"), STR_LITERAL("1")));
	assert_false(principal_has_claim(&who, STR_LITERAL("z"), STR_LITERAL("null")));
	arena_deinit(&arena);
}

/* ---- the cache ---- */

/* In the set of the lowest byte; told apart by the last. */
static struct digest token_of(uint8_t set, uint8_t number)
{
	struct digest token = {{set}};

	token.bytes[DIGEST_BYTES - 1] = number;
	return token;
}

static void put(struct token_cache *cache, uint8_t set, uint8_t number, const struct principal *who)
{
	const struct token_basis basis = {.issuer = number, .edition = 3, .until_s = 100};
	struct digest token = token_of(set, number);

	token_cache_put(cache, &token, &basis, who);
}

static const struct principal *find(struct token_cache *cache, uint8_t set, uint8_t number)
{
	struct digest token = token_of(set, number);
	struct token_basis basis;
	const struct principal *who = token_cache_find(cache, &token, &basis);

	if (who) {
		assert_int_equal(basis.issuer, number);
		assert_int_equal(basis.edition, 3);
		assert_int_equal(basis.until_s, 100);
	}
	return who;
}

static void a_token_is_remembered_as_it_was(void **state)
{
	struct token_cache *cache = token_cache_new(8);
	struct arena arena = {0};
	struct principal who;
	const struct principal *again;
	struct digest token = token_of(0, 1);

	assert_int_equal(make("{\"sub\":\"ada\",\"roles\":[\"x\"],\"scope\":\"r\"}", &defaults,
			      &arena, &who),
			 JWT_IS_GOOD);
	put(cache, 0, 1, &who);
	arena_deinit(&arena); /* it has copies */
	again = find(cache, 0, 1);
	assert_non_null(again);
	assert_str(again->subject, "ada");
	assert_list(again->roles, again->role_count, "x");
	assert_list(again->scopes, again->scope_count, "r");
	assert_true(principal_has_claim(again, STR_LITERAL("sub"), STR_LITERAL("ada")));
	assert_true(again->caller.len > 0);
	assert_null(find(cache, 0, 2));
	token_cache_drop(cache, &token);
	assert_null(find(cache, 0, 1));
	assert_int_equal(token_cache_count(cache), 0);
	token_cache_free(cache);
}

static void who_was_used_least_lately_goes(void **state)
{
	struct token_cache *cache = token_cache_new(8); /* 2 sets of 4 */
	const struct principal who = {.method = "jwt", .subject = STR_LITERAL("ada")};

	for (uint8_t i = 1; i <= 4; i++)
		put(cache, 0, i, &who);
	put(cache, 1, 9, &who);
	assert_non_null(find(cache, 0, 1)); /* now 2 is the oldest */
	put(cache, 0, 5, &who);
	assert_null(find(cache, 0, 2));
	assert_non_null(find(cache, 0, 1));
	assert_non_null(find(cache, 0, 5));
	assert_non_null(find(cache, 1, 9));
	put(cache, 0, 5, &who); /* takes its own place again */
	assert_non_null(find(cache, 0, 3));
	for (unsigned i = 0; i < 1000; i++)
		put(cache, (uint8_t)i, (uint8_t)(i / 2), &who);
	assert_int_equal(token_cache_count(cache), 8);
	token_cache_free(cache);
}

/* ---- when keys are fetched ---- */

static void a_server_is_asked_in_its_time_and_within_ours(void **state)
{
	struct jwks_schedule schedule = {.longest_ms = 3600000, .shortest_ms = 30000};

	assert_int_equal(jwks_schedule_succeed(&schedule, -1, 0), 3600000);
	assert_int_equal(jwks_schedule_succeed(&schedule, 600, 0), 600000);
	assert_int_equal(jwks_schedule_succeed(&schedule, 600, 999), 600000 - 59940);
	assert_int_equal(jwks_schedule_succeed(&schedule, 86400, 0), 3600000);
	assert_int_equal(jwks_schedule_succeed(&schedule, 0, 0), 30000);
}

static void failures_are_tried_again_more_and_more_rarely(void **state)
{
	struct jwks_schedule schedule = {.longest_ms = 3600000, .shortest_ms = 30000};
	int64_t last_ms = 0;

	for (int i = 0; i < 10; i++) {
		int64_t delay_ms = jwks_schedule_fail(&schedule, UINT32_MAX);

		assert_true(delay_ms > last_ms && delay_ms <= 3600000);
		last_ms = delay_ms;
	}
	for (int i = 0; i < 100; i++)
		assert_true(jwks_schedule_fail(&schedule, UINT32_MAX) <= 3600000);
	jwks_schedule_succeed(&schedule, -1, 0);
	assert_true(jwks_schedule_fail(&schedule, UINT32_MAX) <= 1000);
}

static void tokens_ask_once_in_so_long(void **state)
{
	struct jwks_schedule schedule = {.longest_ms = 3600000, .shortest_ms = 30000};

	assert_true(jwks_schedule_may_ask(&schedule, 0));
	jwks_schedule_begin(&schedule, 1000);
	assert_false(jwks_schedule_may_ask(&schedule, 1000));
	assert_false(jwks_schedule_may_ask(&schedule, 30999));
	assert_true(jwks_schedule_may_ask(&schedule, 31000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roles_and_scopes_are_lists_or_texts),
		cmocka_unit_test(a_claim_may_be_a_path),
		cmocka_unit_test(nobody_is_not_let_in),
		cmocka_unit_test(rules_find_claims_and_plugins_see_all),
		cmocka_unit_test(a_token_is_remembered_as_it_was),
		cmocka_unit_test(who_was_used_least_lately_goes),
		cmocka_unit_test(a_server_is_asked_in_its_time_and_within_ours),
		cmocka_unit_test(failures_are_tried_again_more_and_more_rarely),
		cmocka_unit_test(tokens_ask_once_in_so_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
