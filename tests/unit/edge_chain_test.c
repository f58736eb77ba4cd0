/* The chain itself, with the test in the place of its middlewares: who is asked in which order, and
 * what a refusal changes. It is compiled with chain.c alone; what the real middlewares do is in
 * edge_middlewares_test. */
#include "edge/mw.h"
#include "tests/support/unit.h"

/* What has been called, as words; and who refuses. */
static struct {
	char called[200];
	const char *refuses;
} chain_log;

static bool called(const char *what)
{
	strcat(strcat(chain_log.called, what), " ");
	return chain_log.refuses && strcmp(chain_log.refuses, what) == 0;
}

static bool answers(const char *what, struct exchange_error *error)
{
	bool refuses = called(what);

	if (refuses)
		*error = (struct exchange_error){.status = 418, .code = what};
	return !refuses;
}

static void add_field(const char *what, struct http_field *fields, size_t *count)
{
	called(what);
	fields[(*count)++] = (struct http_field){str_from(what), STR_LITERAL("")};
}

/* A middleware that has all four, under the name of a real one. */
#define MIDDLEWARE(mw, letter)                                                                     \
	static bool letter##_request(struct exchange *exchange, struct exchange_error *error)      \
	{                                                                                          \
		return answers(#letter ":request", error);                                         \
	}                                                                                          \
	static bool letter##_route(struct exchange *exchange, struct exchange_error *error)        \
	{                                                                                          \
		return answers(#letter ":route", error);                                           \
	}                                                                                          \
	static void letter##_response(struct exchange *exchange, struct http_field *fields,        \
				      size_t *count)                                               \
	{                                                                                          \
		add_field(#letter ":response", fields, count);                                     \
	}                                                                                          \
	static void letter##_done(struct exchange *exchange, struct log *log)                      \
	{                                                                                          \
		called(#letter ":done");                                                           \
	}                                                                                          \
	const struct middleware mw = {#letter, letter##_request, letter##_route,                   \
				      letter##_response, letter##_done}

MIDDLEWARE(mw_request_id, a);
MIDDLEWARE(mw_body_limit, b);
MIDDLEWARE(mw_deadline, c);
MIDDLEWARE(mw_access_log, d);
MIDDLEWARE(mw_metrics, e);

static int setup(void **state)
{
	chain_log.called[0] = '\0';
	chain_log.refuses = NULL;
	return 0;
}

static void the_order_is_that_of_the_array(void **state)
{
	static const struct middleware *const order[] = {&mw_request_id, &mw_body_limit,
							 &mw_deadline, &mw_access_log, &mw_metrics};

	assert_int_equal(chain_length, COUNT_OF(order));
	for (size_t i = 0; i < chain_length; i++)
		assert_ptr_equal(chain[i], order[i]);
}

static void every_stage_goes_from_top_to_bottom(void **state)
{
	struct exchange_error error = {.status = 0};
	struct http_field fields[EXCHANGE_EXTRA_FIELDS + 1] = {{STR_LITERAL("own"), {NULL, 0}}};
	size_t count = 1;

	assert_true(chain_request(NULL, &error));
	assert_true(chain_route(NULL, &error));
	chain_response(NULL, fields, &count);
	chain_done(NULL, NULL);
	assert_string_equal(chain_log.called,
			    "a:request b:request c:request d:request e:request "
			    "a:route b:route c:route d:route e:route "
			    "a:response b:response c:response d:response e:response "
			    "a:done b:done c:done d:done e:done ");
	assert_int_equal(error.status, 0);
	assert_int_equal(count, 6);
	assert_str(fields[0].name, "own");
	assert_str(fields[5].name, "e:response");
}

static void who_refuses_stops_it_and_those_below_never_see_it(void **state)
{
	static struct exchange exchange;
	struct exchange_error error = {.status = 0};

	chain_log.refuses = "b:request";
	assert_false(chain_request(&exchange, &error));
	assert_ptr_equal(exchange.refused_by, &mw_body_limit);
	assert_string_equal(chain_log.called, "a:request b:request ");
	assert_int_equal(error.status, 418);
	assert_string_equal(error.code, "b:request");

	setup(state);
	chain_log.refuses = "a:route";
	assert_false(chain_route(&exchange, &error));
	assert_ptr_equal(exchange.refused_by, &mw_request_id);
	assert_string_equal(chain_log.called, "a:route ");
	assert_string_equal(error.code, "a:route");
}

/* The middlewares of the chain may add no more than an answer has room for. */
static void there_is_room_for_a_field_of_each(void **state)
{
	assert_true(chain_length <= EXCHANGE_EXTRA_FIELDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_order_is_that_of_the_array, setup),
		cmocka_unit_test_setup(every_stage_goes_from_top_to_bottom, setup),
		cmocka_unit_test_setup(who_refuses_stops_it_and_those_below_never_see_it, setup),
		cmocka_unit_test_setup(there_is_room_for_a_field_of_each, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
