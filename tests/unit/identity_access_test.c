/* Rules held against principals: all parts must hold, and an empty rule asks for nothing. */
#include "identity/access.h"
#include "proto/wire_caller.h"
#include "tests/support/unit.h"

static const struct str roles[] = {{"reader", 6}, {"writer", 6}};
static const struct str scopes[] = {{"a:read", 6}, {"a:list", 6}};
static const struct claim claims[] = {
	{{"dept", 4}, {"sales", 5}}, {{"group", 5}, {"x", 1}}, {{"group", 5}, {"y", 1}}};
static struct principal ann = {
	.method = "jwt",
	.subject = {"ann", 3},
	.tenant = {"acme", 4},
	.roles = roles,
	.role_count = 2,
	.scopes = scopes,
	.scope_count = 2,
	.claims = claims,
	.claim_count = 3,
};

#define LIST(...) ((char **)(const char *[]){__VA_ARGS__, NULL})

static void each_part_of_a_rule_must_hold(void **state)
{
	const struct {
		struct auth_opts rule;
		enum access_verdict verdict;
	} rows[] = {
		{{0}, ACCESS_ALLOWED},
		{{.any_role = LIST(NULL)}, ACCESS_ALLOWED},
		{{.any_role = LIST("admin", "writer")}, ACCESS_ALLOWED},
		{{.any_role = LIST("admin", "write")}, ACCESS_LACKS_ROLE},
		{{.any_role = LIST("writers")}, ACCESS_LACKS_ROLE},
		{{.all_roles = LIST("writer", "reader")}, ACCESS_ALLOWED},
		{{.all_roles = LIST("writer", "admin")}, ACCESS_LACKS_ROLE},
		{{.any_scope = LIST("b", "a:list")}, ACCESS_ALLOWED},
		{{.any_scope = LIST("b")}, ACCESS_LACKS_SCOPE},
		{{.all_scopes = LIST("a:list", "a:read")}, ACCESS_ALLOWED},
		{{.all_scopes = LIST("a:list", "b")}, ACCESS_LACKS_SCOPE},
		{{.claims = LIST("dept=sales", "group=y")}, ACCESS_ALLOWED},
		{{.claims = LIST("dept=sale")}, ACCESS_LACKS_CLAIM},
		{{.claims = LIST("dept=")}, ACCESS_LACKS_CLAIM},
		{{.claims = LIST("other=x")}, ACCESS_LACKS_CLAIM},
		{{.claims = LIST("tenant=acme")}, ACCESS_ALLOWED},
		{{.claims = LIST("tenant=other")}, ACCESS_LACKS_CLAIM},
		{{.any_role = LIST("reader"), .any_scope = LIST("b")}, ACCESS_LACKS_SCOPE},
		{{.any_role = LIST("admin"), .any_scope = LIST("a:read")}, ACCESS_LACKS_ROLE},
		{{.any_role = LIST("reader"),
		  .all_scopes = LIST("a:read"),
		  .claims = LIST("dept=x")},
		 ACCESS_LACKS_CLAIM},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (access_check(&rows[i].rule, &ann) != rows[i].verdict)
			fail_msg("row %zu", i);
	}
}

/* A claim named tenant in a token is not the tenant that plugd has established. */
static void the_tenant_is_the_principals_own(void **state)
{
	static const struct claim forged[] = {{{"tenant", 6}, {"other", 5}}};
	struct principal both = ann;
	struct principal none = ann;
	struct auth_opts rule = {.claims = LIST("tenant=other")};

	both.claims = forged;
	both.claim_count = 1;
	assert_int_equal(access_check(&rule, &both), ACCESS_LACKS_CLAIM);
	none.tenant = (struct str){NULL, 0};
	assert_int_equal(access_check(&rule, &none), ACCESS_LACKS_CLAIM);
}

static void a_rule_says_what_it_asks_for(void **state)
{
	struct arena arena = {0};
	struct auth_opts rule = {.all_scopes = LIST("a", "b"), .any_scope = LIST("c")};
	struct auth_opts empty = {.any_role = LIST(NULL)};

	assert_str(access_scopes(&rule, &arena), "a b c");
	assert_str(access_scopes(&empty, &arena), "");
	assert_true(access_asks(&rule));
	assert_false(access_asks(&empty));
	arena_deinit(&arena);
}

static void what_goes_to_plugins_is_sealed_and_bounded(void **state)
{
	struct arena arena = {0};
	struct principal sealed = ann;
	struct wire_caller caller;
	struct wire_bytes text;
	const char *why;

	sealed.claim_count = 1;
	sealed.claims_json = principal_claims_json(&sealed, &arena);
	assert_str(sealed.claims_json, "{\"dept\":\"sales\"}");
	assert_true(principal_seal(&sealed, &arena));
	assert_true(wire_get_caller(sealed.caller, &caller, &why));
	assert_true(wire_next_text(&caller.roles, WIRE_CALLER_ROLES_FIELD, &text));
	assert_str((struct str){(const char *)text.data, text.len}, "reader");
	sealed.claims_json =
		(struct str){arena_zalloc(&arena, PRINCIPAL_MAX_BYTES), PRINCIPAL_MAX_BYTES};
	assert_false(principal_seal(&sealed, &arena));
	arena_deinit(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_part_of_a_rule_must_hold),
		cmocka_unit_test(the_tenant_is_the_principals_own),
		cmocka_unit_test(a_rule_says_what_it_asks_for),
		cmocka_unit_test(what_goes_to_plugins_is_sealed_and_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
