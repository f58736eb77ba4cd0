/* What a client wants, in a table. */
#include "net/accept_encoding.h"
#include "tests/support/unit.h"

#define BR   CODING_BROTLI
#define GZIP CODING_GZIP
#define ZSTD CODING_ZSTD
#define NONE CODING_COUNT

static const enum coding_id order[] = {CODING_ZSTD, CODING_BROTLI, CODING_GZIP};

static void a_client_gets_what_it_wants_most(void **state)
{
	static const struct {
		const char *value;
		enum coding_id best;
		bool needs_one;
	} rows[] = {
		{"", NONE, false},
		{"gzip", GZIP, false},
		{"GZIP", GZIP, false},
		{"x-gzip", GZIP, false},
		{"gzip, deflate", GZIP, false},
		{"deflate, compress", NONE, false},
		{"gzip, deflate, br, zstd", ZSTD, false},
		{"gzip, br", BR, false},
		{"gzip;q=1.0, br;q=0.9", GZIP, false},
		{"gzip;q=0.5,br;q=0.501", BR, false},
		{"br;q=0, gzip;q=0.001", GZIP, false},
		{"gzip;q=0", NONE, false},
		{"gzip ; Q=0.3 ,\tbr;q=0.2", GZIP, false},
		{"*", ZSTD, false},
		{"*;q=0.5", ZSTD, false},
		{"*, zstd;q=0", BR, false},
		{"zstd;q=0.1, *;q=0.5", BR, false},
		{"identity", NONE, false},
		{"identity, gzip", GZIP, false},
		{"identity, gzip;q=0.5", NONE, false},
		{"identity;q=0.5, gzip;q=0.5", GZIP, false},
		{"identity;q=0.4, gzip;q=0.5", GZIP, false},
		{"identity;q=0", NONE, true},
		{"identity;q=0, gzip", GZIP, true},
		{"gzip, *;q=0", GZIP, true},
		{"*;q=0", NONE, true},
		{"identity;q=0.1, *;q=0", NONE, false},
		{"*;q=0.000", NONE, true},
		/* Elements that are malformed say nothing. */
		{"gzip;q", NONE, false},
		{"gzip;", NONE, false},
		{"gzip;q=", NONE, false},
		{"gzip;q=2", NONE, false},
		{"gzip;q=1.1", NONE, false},
		{"gzip;q=1.001", NONE, false},
		{"gzip;q=0.1234", NONE, false},
		{"gzip;q=-1", NONE, false},
		{"gzip;q=0,5", NONE, false},
		{"gzip;q=1.000, br;x=1", GZIP, false},
		{"gzip;q=0.5;q=1", NONE, false},
		{"gz ip, br", BR, false},
		{"g\xffzip", NONE, false},
		{",,,gzip,,", GZIP, false},
		{";q=1", NONE, false},
		{"gzip;q=1.", GZIP, false},
		/* The least counts of what is said twice. */
		{"gzip, gzip;q=0", NONE, false},
		{"gzip;q=0, gzip", NONE, false},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct accept_encoding accept;
		enum coding_id best;

		accept_encoding_init(&accept);
		accept_encoding_add(&accept, str_from(rows[i].value));
		best = accept_encoding_choose(&accept, order, COUNT_OF(order));
		if (best != rows[i].best || accept_encoding_needs_one(&accept) != rows[i].needs_one)
			fail_msg("'%s': %d", rows[i].value, (int)best);
	}
}

static void several_fields_are_one_list(void **state)
{
	struct accept_encoding accept;

	accept_encoding_init(&accept);
	accept_encoding_add(&accept, STR_LITERAL("gzip;q=0.5"));
	accept_encoding_add(&accept, STR_LITERAL("br"));
	assert_int_equal(accept_encoding_choose(&accept, order, COUNT_OF(order)), BR);
}

static void the_operators_order_counts_between_equals(void **state)
{
	static const enum coding_id other[] = {CODING_GZIP, CODING_ZSTD};
	struct accept_encoding accept;

	accept_encoding_init(&accept);
	accept_encoding_add(&accept, STR_LITERAL("br, zstd, gzip"));
	assert_int_equal(accept_encoding_choose(&accept, other, 2), GZIP);
	assert_int_equal(accept_encoding_choose(&accept, other, 0), NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_gets_what_it_wants_most),
		cmocka_unit_test(several_fields_are_one_list),
		cmocka_unit_test(the_operators_order_counts_between_equals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
