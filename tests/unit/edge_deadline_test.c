/* The client's own deadline: each spelling, what is none, and which one counts. */
#include "edge/deadline_header.h"
#include "tests/support/unit.h"

#define REFUSED (-1)

static int64_t read_header(const char *name, const char *value)
{
	struct http_field field = {str_from(name), str_from(value)};
	const struct http_field *wrong = NULL;
	int64_t ms;

	if (deadline_header_find(&field, 1, &ms, &wrong))
		return ms;
	assert_ptr_equal(wrong, &field);
	return REFUSED;
}

static void each_spelling_is_read(void **state)
{
	static const struct {
		const char *name, *value;
		int64_t ms;
	} rows[] = {
		{"x-request-timeout", "5", 5000},
		{"x-request-timeout", "0", 0},
		{"x-request-timeout", "250ms", 250},
		{"x-request-timeout", "1m30s", 90000},
		{"x-request-timeout", "9999999999", INT64_C(9999999999000)},
		{"x-request-timeout", "99999999999", REFUSED},
		{"x-request-timeout", "", REFUSED},
		{"x-request-timeout", "-1", REFUSED},
		{"x-request-timeout", "1.5s", REFUSED},
		{"x-request-timeout", "5 s", REFUSED},
		{"x-request-timeout", "soon", REFUSED},
		{"grpc-timeout", "2H", 7200000},
		{"grpc-timeout", "3M", 180000},
		{"grpc-timeout", "4S", 4000},
		{"grpc-timeout", "5m", 5},
		{"grpc-timeout", "1u", 1},
		{"grpc-timeout", "1000u", 1},
		{"grpc-timeout", "1001u", 2},
		{"grpc-timeout", "1n", 1},
		{"grpc-timeout", "99999999n", 100},
		{"grpc-timeout", "0n", 0},
		{"grpc-timeout", "99999999H", INT64_C(359999996400000)},
		{"grpc-timeout", "100000000S", REFUSED},
		{"grpc-timeout", "5", REFUSED},
		{"grpc-timeout", "S", REFUSED},
		{"grpc-timeout", "5s", REFUSED},
		{"grpc-timeout", "5 S", REFUSED},
		{"grpc-timeout", "", REFUSED},
		{"connect-timeout-ms", "1500", 1500},
		{"connect-timeout-ms", "9999999999", INT64_C(9999999999)},
		{"connect-timeout-ms", "10000000000", REFUSED},
		{"connect-timeout-ms", "1s", REFUSED},
		{"connect-timeout-ms", "", REFUSED},
		{"x-request-timeouts", "soon", DEADLINE_HEADER_NONE},
		{"timeout", "5", DEADLINE_HEADER_NONE},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(read_header(rows[i].name, rows[i].value), rows[i].ms);
}

static void the_shortest_counts_whatever_the_order(void **state)
{
	struct http_field fields[] = {{STR_LITERAL("x-request-timeout"), STR_LITERAL("5s")},
				      {STR_LITERAL("accept"), STR_LITERAL("*/*")},
				      {STR_LITERAL("grpc-timeout"), STR_LITERAL("2S")},
				      {STR_LITERAL("grpc-timeout"), STR_LITERAL("3S")},
				      {STR_LITERAL("connect-timeout-ms"), STR_LITERAL("4000")}};
	const struct http_field *wrong;
	int64_t ms;

	assert_true(deadline_header_find(fields, COUNT_OF(fields), &ms, &wrong));
	assert_int_equal(ms, 2000);
	assert_true(deadline_header_find(fields, 0, &ms, &wrong));
	assert_int_equal(ms, DEADLINE_HEADER_NONE);
	fields[3].value = STR_LITERAL("never");
	assert_false(deadline_header_find(fields, COUNT_OF(fields), &ms, &wrong));
	assert_ptr_equal(wrong, &fields[3]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_spelling_is_read),
		cmocka_unit_test(the_shortest_counts_whatever_the_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
