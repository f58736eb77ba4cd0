/* Health: what becomes of an instance after so many answers and silences, when it is asked, and
 * what a PONG says. */
#include <errno.h>

#include "observe/errors.h"
#include "plugin/health.h"
#include "proto/plugd.pb-c.h"
#include "tests/support/unit.h"

/* News as letters: h(ealthy) d(egraded) u(nhealthy) s(ilence); returned is the condition after
 * each, as a letter: H, D, U, O(ffline). */
static const char *judge(const char *news, unsigned failure_limit)
{
	static const enum health_news by_letter[] = {
		['h'] = HEALTH_SAYS_HEALTHY,
		['d'] = HEALTH_SAYS_DEGRADED,
		['u'] = HEALTH_SAYS_UNHEALTHY,
		['s'] = HEALTH_SILENT,
	};
	static char out[64];
	struct health health = {0};
	size_t i;

	for (i = 0; news[i]; i++)
		out[i] = "HDUO"[health_judge(&health, by_letter[(unsigned char)news[i]],
					     failure_limit)];
	out[i] = '\0';
	return out;
}

static void it_is_healthy_until_it_says_otherwise(void **state)
{
	assert_string_equal(judge("hhh", 3), "HHH");
	assert_int_equal((struct health){0}.condition, HEALTH_HEALTHY);
}

static void bad_news_of_any_kind_degrades_at_once(void **state)
{
	assert_string_equal(judge("d", 3), "D");
	assert_string_equal(judge("u", 3), "D");
	assert_string_equal(judge("s", 3), "D");
}

static void it_takes_two_healthy_answers_in_a_row_to_come_back(void **state)
{
	assert_string_equal(judge("dhh", 3), "DDH");
	assert_string_equal(judge("dhdhdhh", 3), "DDDDDDH");
	assert_string_equal(judge("dhshh", 3), "DDDDH");
}

static void degraded_may_last_for_ever(void **state)
{
	assert_string_equal(judge("dddddddddd", 3), "DDDDDDDDDD");
}

static void unhealthy_takes_the_limit_in_a_row(void **state)
{
	assert_string_equal(judge("uuu", 3), "DDU");
	assert_string_equal(judge("u", 1), "U");
	assert_string_equal(judge("uuhuuduuu", 3), "DDDDDDDDU");
}

static void offline_takes_the_limit_in_a_row(void **state)
{
	assert_string_equal(judge("sss", 3), "DDO");
	assert_string_equal(judge("s", 1), "O");
	assert_string_equal(judge("sshssdssusss", 3), "DDDDDDDDDDDO");
}

/* Who says that it is ill whenever it says something doesn't escape by being silent now and
 * then. */
static void silences_between_bad_answers_excuse_nothing(void **state)
{
	assert_string_equal(judge("ususu", 3), "DDDDU");
}

static void what_is_replaced_does_not_come_back(void **state)
{
	assert_string_equal(judge("uuhhh", 2), "DUUUU");
	assert_string_equal(judge("sshhh", 2), "DOOOO");
}

/* ---- when ---- */

static void the_first_question_comes_by_chance_within_an_interval(void **state)
{
	assert_int_equal(health_first_wait_ms(30000, 0), 1);
	assert_int_equal(health_first_wait_ms(30000, 29999), 30000);
	assert_int_equal(health_first_wait_ms(30000, 30000), 1);
	assert_int_equal(health_first_wait_ms(1, UINT32_MAX), 1);
}

static void the_next_comes_an_interval_after_the_last(void **state)
{
	assert_int_equal(health_next_wait_ms(30000, 1000, 1005), 29995);
	assert_int_equal(health_next_wait_ms(1000, 1000, 6000), 0);
}

/* ---- PONG ---- */

static int take(const Plugd__V1__Pong *pong, struct health_report *out)
{
	uint8_t body[4096];
	size_t len = plugd__v1__pong__pack(pong, body);
	struct err err;

	return health_report_take((struct wire_bytes){body, len}, out, &err);
}

static void a_pong_is_read_with_what_it_cannot_reach(void **state)
{
	char *names[] = {(char *)"db", (char *)"cache"};
	Plugd__V1__Pong pong = PLUGD__V1__PONG__INIT;
	struct health_report report;

	pong.seq = 7;
	pong.health = PLUGD__V1__HEALTH__UNHEALTHY;
	pong.message = (char *)"the disk is full";
	pong.n_unavailable = 2;
	pong.unavailable = names;
	assert_int_equal(take(&pong, &report), 0);
	assert_int_equal(report.seq, 7);
	assert_int_equal(report.news, HEALTH_SAYS_UNHEALTHY);
	assert_string_equal(report.message, "the disk is full");
	assert_string_equal(report.unavailable, "db, cache");
}

static void long_texts_are_cut(void **state)
{
	char text[1000] = "";
	char *names[] = {text, text, text};
	Plugd__V1__Pong pong = PLUGD__V1__PONG__INIT;
	struct health_report report;

	memset(text, 'x', sizeof(text) - 1);
	pong.message = text;
	pong.n_unavailable = 3;
	pong.unavailable = names;
	assert_int_equal(take(&pong, &report), 0);
	assert_int_equal(strlen(report.message), sizeof(report.message) - 1);
	assert_int_equal(strlen(report.unavailable), sizeof(report.unavailable) - 1);
}

static void a_health_that_means_nothing_is_refused(void **state)
{
	Plugd__V1__Pong pong = PLUGD__V1__PONG__INIT;
	struct health_report report;

	pong.health = (Plugd__V1__Health)3;
	assert_int_equal(take(&pong, &report), -EINVAL);
	pong.health = (Plugd__V1__Health)-1;
	assert_int_equal(take(&pong, &report), -EINVAL);
}

static void bytes_that_are_no_pong_are_refused(void **state)
{
	struct health_report report;
	struct err err;

	assert_int_equal(
		health_report_take((struct wire_bytes){(const uint8_t *)"\xff", 1}, &report, &err),
		-EINVAL);
	assert_int_equal(err.code, ERR_PROTOCOL_FRAME);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_healthy_until_it_says_otherwise),
		cmocka_unit_test(bad_news_of_any_kind_degrades_at_once),
		cmocka_unit_test(it_takes_two_healthy_answers_in_a_row_to_come_back),
		cmocka_unit_test(degraded_may_last_for_ever),
		cmocka_unit_test(unhealthy_takes_the_limit_in_a_row),
		cmocka_unit_test(offline_takes_the_limit_in_a_row),
		cmocka_unit_test(silences_between_bad_answers_excuse_nothing),
		cmocka_unit_test(what_is_replaced_does_not_come_back),
		cmocka_unit_test(the_first_question_comes_by_chance_within_an_interval),
		cmocka_unit_test(the_next_comes_an_interval_after_the_last),
		cmocka_unit_test(a_pong_is_read_with_what_it_cannot_reach),
		cmocka_unit_test(long_texts_are_cut),
		cmocka_unit_test(a_health_that_means_nothing_is_refused),
		cmocka_unit_test(bytes_that_are_no_pong_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
