/* What requests show to say who asks, in every form and malformation, and how they are asked. */
#include "identity/credentials.h"
#include "identity/method.h"
#include "tests/support/unit.h"

#define ALL 0xfu

static const struct http_client client = {.subject = "CN=batch"};

/* A request with at most two fields; names NULL: there are fewer. */
struct shown {
	const char *name1, *value1, *name2, *value2;
	unsigned kinds;
	const struct http_client *certificate;
	enum credentials_verdict verdict;
	enum credential_kind kind;
	const char *text;
};

static void check(const struct shown *row)
{
	struct http_field fields[] = {{str_from(row->name1), str_from(row->value1)},
				      {str_from(row->name2), str_from(row->value2)}};
	struct http_request request = {.fields = fields,
				       .field_count = (row->name1 != NULL) + (row->name2 != NULL)};
	struct credential found;

	assert_int_equal(credentials_read(&request, row->kinds, STR_LITERAL("X-Api-Key"),
					  row->certificate, &found),
			 row->verdict);
	if (row->verdict != CREDENTIALS_ONE)
		return;
	assert_int_equal(found.kind, row->kind);
	if (row->kind == CREDENTIAL_CERTIFICATE)
		assert_ptr_equal(found.certificate, row->certificate);
	else
		assert_str(found.text, row->text);
}

static void one_credential_is_read_and_several_are_refused(void **state)
{
	static const char auth[] = "authorization", key[] = "x-api-key";
	static const struct shown rows[] = {
		{.kinds = ALL, .verdict = CREDENTIALS_ABSENT},
		{key, "k", NULL, NULL, ALL, NULL, CREDENTIALS_ONE, CREDENTIAL_API_KEY, "k"},
		{auth, "Basic eA==", NULL, NULL, ALL, NULL, CREDENTIALS_ONE, CREDENTIAL_BASIC,
		 "eA=="},
		{auth, "bEARER  t", NULL, NULL, ALL, NULL, CREDENTIALS_ONE, CREDENTIAL_BEARER, "t"},
		{auth, "Bearer t", NULL, NULL, ALL, &client, CREDENTIALS_ONE, CREDENTIAL_BEARER,
		 "t"},
		{NULL, NULL, NULL, NULL, ALL, &client, CREDENTIALS_ONE, CREDENTIAL_CERTIFICATE,
		 NULL},
		/* of another kind than is asked for */
		{NULL, NULL, NULL, NULL, CREDENTIAL_BIT(CREDENTIAL_BASIC), &client,
		 CREDENTIALS_ABSENT, 0, NULL},
		{auth, "Bearer t", NULL, NULL, CREDENTIAL_BIT(CREDENTIAL_BASIC), NULL,
		 CREDENTIALS_ABSENT, 0, NULL},
		{auth, "Bearer t", key, "k", CREDENTIAL_BIT(CREDENTIAL_API_KEY), NULL,
		 CREDENTIALS_ONE, CREDENTIAL_API_KEY, "k"},
		{auth, "Negotiate t", NULL, NULL, ALL, NULL, CREDENTIALS_ABSENT, 0, NULL},
		{auth, "BasicX t", NULL, NULL, ALL, NULL, CREDENTIALS_ABSENT, 0, NULL},
		{auth, "", NULL, NULL, ALL, NULL, CREDENTIALS_ABSENT, 0, NULL},
		/* several */
		{auth, "Bearer t", key, "k", ALL, NULL, CREDENTIALS_SEVERAL, 0, NULL},
		{auth, "Bearer t", auth, "Bearer t", ALL, NULL, CREDENTIALS_SEVERAL, 0, NULL},
		{auth, "Bearer t", auth, "Basic t", ALL, NULL, CREDENTIALS_SEVERAL, 0, NULL},
		{key, "k", key, "k", ALL, NULL, CREDENTIALS_SEVERAL, 0, NULL},
		/* malformed, also with a certificate beside it */
		{auth, "Bearer", NULL, NULL, ALL, &client, CREDENTIALS_MALFORMED, 0, NULL},
		{auth, "Bearer a b", NULL, NULL, ALL, NULL, CREDENTIALS_MALFORMED, 0, NULL},
		{auth, "Basic a\tb", NULL, NULL, ALL, NULL, CREDENTIALS_MALFORMED, 0, NULL},
		{key, "", NULL, NULL, ALL, NULL, CREDENTIALS_MALFORMED, 0, NULL},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		check(&rows[i]);
}

static void what_is_too_long_is_refused_unread(void **state)
{
	static char text[CREDENTIAL_MAX_BYTES + 2];
	struct shown row = {"x-api-key",	text, NULL, NULL, ALL, NULL, CREDENTIALS_ONE,
			    CREDENTIAL_API_KEY, text};

	memset(text, 'a', CREDENTIAL_MAX_BYTES);
	check(&row);
	text[CREDENTIAL_MAX_BYTES] = 'a';
	row.verdict = CREDENTIALS_TOO_LONG;
	check(&row);
}

static void headers_with_credentials_are_told_from_others(void **state)
{
	struct str header = STR_LITERAL("X-Token");

	assert_true(credentials_is_header(STR_LITERAL("authorization"), header));
	assert_true(credentials_is_header(STR_LITERAL("x-token"), header));
	assert_false(credentials_is_header(STR_LITERAL("x-api-key"), header));
	assert_false(credentials_is_header(STR_LITERAL("proxy-authorization"), header));
}

static void each_way_is_asked_for_as_its_rfc_says(void **state)
{
	struct arena arena = {0};
	struct method bearer = {"jwt", CREDENTIAL_BEARER, "Bearer", NULL, NULL};

	assert_str(method_challenge(method_find(STR_LITERAL("basic")), "here", "invalid_token",
				    STR_LITERAL(""), &arena),
		   "Basic realm=\"here\", charset=\"UTF-8\"");
	assert_str(method_challenge(method_of(CREDENTIAL_API_KEY), "here", NULL, STR_LITERAL(""),
				    &arena),
		   "ApiKey realm=\"here\"");
	assert_int_equal(method_challenge(method_of(CREDENTIAL_CERTIFICATE), "here", NULL,
					  STR_LITERAL(""), &arena)
				 .len,
			 0);
	assert_str(method_challenge(&bearer, "here", NULL, STR_LITERAL(""), &arena),
		   "Bearer realm=\"here\"");
	assert_str(
		method_challenge(&bearer, "here", "insufficient_scope", STR_LITERAL("a b"), &arena),
		"Bearer realm=\"here\", error=\"insufficient_scope\", scope=\"a b\"");
	assert_null(method_find(STR_LITERAL("none")));
	arena_deinit(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_credential_is_read_and_several_are_refused),
		cmocka_unit_test(what_is_too_long_is_refused_unread),
		cmocka_unit_test(headers_with_credentials_are_told_from_others),
		cmocka_unit_test(each_way_is_asked_for_as_its_rfc_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
