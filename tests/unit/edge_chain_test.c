/* The chain itself, with the test in the place of its middlewares: who is asked in which order, and
 * what a refusal changes. It is compiled with chain.c alone; what the real middlewares do is in
 * edge_middlewares_test. */
#include <stdio.h>

#include "edge/mw.h"
#include "tests/support/unit.h"

/* What has been called, as words; and who refuses. */
static struct {
	char called[200];
	const char *refuses;
	bool waits; /* in place of refusing */
} chain_log;

static bool called(const char *what)
{
	strcat(strcat(chain_log.called, what), " ");
	return chain_log.refuses && strcmp(chain_log.refuses, what) == 0;
}

static bool answers(const char *what, struct exchange_error *error)
{
	bool refuses = called(what);

	if (refuses && chain_log.waits)
		return false;
	if (refuses)
		*error = (struct exchange_error){.status = 418, .code = what};
	return !refuses;
}

static void add_field(const char *what, struct http_field *fields, size_t *count)
{
	called(what);
	fields[(*count)++] = (struct http_field){str_from(what), STR_LITERAL("")};
}

/* A middleware that has all five, under the name of a real one. */
#define MIDDLEWARE(mw, letter)                                                                     \
	static bool letter##_request(struct exchange *exchange, struct exchange_error *error)      \
	{                                                                                          \
		return answers(#letter ":request", error);                                         \
	}                                                                                          \
	static bool letter##_admit(struct exchange *exchange, struct exchange_error *error)        \
	{                                                                                          \
		return answers(#letter ":admit", error);                                           \
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
	const struct middleware mw = {#letter,	      letter##_request,	 letter##_admit,           \
				      letter##_route, letter##_response, letter##_done}

MIDDLEWARE(mw_request_id, a);
MIDDLEWARE(mw_client, b);
MIDDLEWARE(mw_lists, c);
MIDDLEWARE(mw_rate, d);
MIDDLEWARE(mw_identity, e);
MIDDLEWARE(mw_rate_principal, f);
MIDDLEWARE(mw_cors, g);
MIDDLEWARE(mw_security, h);
MIDDLEWARE(mw_shed, i);
MIDDLEWARE(mw_concurrency, j);
MIDDLEWARE(mw_body_limit, k);
MIDDLEWARE(mw_decompress, l);
MIDDLEWARE(mw_deadline, m);
MIDDLEWARE(mw_access_log, n);
MIDDLEWARE(mw_metrics, o);

static int setup(void **state)
{
	chain_log.called[0] = '\0';
	chain_log.refuses = NULL;
	chain_log.waits = false;
	return 0;
}

static void the_order_is_that_of_the_array(void **state)
{
	static const struct middleware *const order[] = {
		&mw_request_id,	    &mw_client,	    &mw_lists,	  &mw_rate,	  &mw_identity,
		&mw_rate_principal, &mw_cors,	    &mw_security, &mw_shed,	  &mw_concurrency,
		&mw_body_limit,	    &mw_decompress, &mw_deadline, &mw_access_log, &mw_metrics};

	assert_int_equal(chain_length, COUNT_OF(order));
	for (size_t i = 0; i < chain_length; i++)
		assert_ptr_equal(chain[i], order[i]);
}

/* "a:what b:what …", for all in the chain. */
static char *all_of(const char *what)
{
	static char text[200];

	text[0] = '\0';
	for (size_t i = 0; i < chain_length; i++)
		sprintf(text + strlen(text), "%c:%s ", (char)('a' + i), what);
	return text;
}

static void assert_all_called(const char *what)
{
	assert_string_equal(chain_log.called, all_of(what));
	chain_log.called[0] = '\0';
}

static void every_stage_goes_from_top_to_bottom(void **state)
{
	static struct exchange exchange;
	struct exchange_error error = {.status = 0};
	struct http_field fields[EXCHANGE_EXTRA_FIELDS + 1] = {{STR_LITERAL("own"), {NULL, 0}}};
	size_t count = 1;

	assert_true(chain_request(NULL, &error));
	assert_all_called("request");
	assert_true(chain_admit(&exchange, &error));
	assert_all_called("admit");
	assert_true(chain_route(NULL, &error));
	assert_all_called("route");
	chain_response(NULL, fields, &count);
	assert_all_called("response");
	chain_done(NULL, NULL);
	assert_all_called("done");
	assert_int_equal(error.status, 0);
	assert_int_equal(count, 1 + chain_length);
	assert_str(fields[0].name, "own");
	assert_str(fields[5].name, "e:response");
}

static void who_refuses_stops_it_and_those_below_never_see_it(void **state)
{
	static struct exchange exchange;
	struct exchange_error error = {.status = 0};

	chain_log.refuses = "b:request";
	assert_false(chain_request(&exchange, &error));
	assert_ptr_equal(exchange.refused_by, &mw_client);
	assert_string_equal(chain_log.called, "a:request b:request ");
	assert_int_equal(error.status, 418);
	assert_string_equal(error.code, "b:request");

	setup(state);
	chain_log.refuses = "c:admit";
	assert_false(chain_admit(&exchange, &error));
	assert_ptr_equal(exchange.refused_by, &mw_lists);
	assert_string_equal(chain_log.called, "a:admit b:admit c:admit ");
	assert_string_equal(error.code, "c:admit");

	setup(state);
	chain_log.refuses = "a:route";
	assert_false(chain_route(&exchange, &error));
	assert_ptr_equal(exchange.refused_by, &mw_request_id);
	assert_string_equal(chain_log.called, "a:route ");
	assert_string_equal(error.code, "a:route");
}

static void who_has_waited_is_asked_again_and_those_above_are_not(void **state)
{
	static struct exchange exchange;
	struct exchange_error error = {.status = 0};

	chain_log.refuses = "c:admit";
	chain_log.waits = true;
	assert_false(chain_admit(&exchange, &error));
	assert_int_equal(error.status, 0);
	assert_null(exchange.refused_by);
	chain_log.refuses = "e:admit";
	assert_false(chain_admit(&exchange, &error));
	assert_string_equal(chain_log.called, "a:admit b:admit c:admit c:admit d:admit e:admit ");
	chain_log.refuses = NULL;
	assert_true(chain_admit(&exchange, &error));
	assert_string_equal(chain_log.called + strlen("a:admit b:admit c:admit c:admit d:admit "),
			    "e:admit e:admit f:admit g:admit h:admit i:admit j:admit k:admit "
			    "l:admit m:admit n:admit o:admit ");
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
		cmocka_unit_test_setup(who_has_waited_is_asked_again_and_those_above_are_not,
				       setup),
		cmocka_unit_test_setup(there_is_room_for_a_field_of_each, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
