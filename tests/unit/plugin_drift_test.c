/* What the next generation must still offer: each way in which a method that is used may differ. */
#include "observe/errors.h"
#include "plugin/drift.h"
#include "tests/support/unit.h"

/* A manifest of one service, a.v1.A, with these methods. */
#define MANIFEST(...)                                                                              \
	(&(struct manifest){.services =                                                            \
				    &(struct manifest_service){                                    \
					    .name = "a.v1.A",                                      \
					    .version = "1.0.0",                                    \
					    .methods = (struct manifest_method[]){__VA_ARGS__},    \
					    .method_count = COUNT_OF(                              \
						    ((struct manifest_method[]){__VA_ARGS__}))},   \
			    .service_count = 1})

#define METHOD(wanted, ...)                                                                        \
	{                                                                                          \
		.name = (wanted), .number = 1, .codec = CODEC_PROTOBUF, .input_type = "a.In",      \
		.output_type = "a.Out", __VA_ARGS__                                                \
	}

static const struct str service = {"a.v1.A", 6};

/* What drift says of the method Get; "" for no difference. */
static const char *said_of_get(const struct manifest *old, const struct manifest *next)
{
	static struct err err;
	struct drift drift;

	drift_init(&drift, old, next);
	drift_check(&drift, service, STR_LITERAL("Get"));
	if (drift_result(&drift, &err) == 0)
		return "";
	assert_int_equal(err.code, ERR_SWAP_DRIFT);
	return err.text;
}

static void the_same_is_no_difference(void **state)
{
	assert_string_equal(said_of_get(MANIFEST(METHOD("Get")), MANIFEST(METHOD("Get"))), "");
}

static void numbers_and_idempotence_are_each_generation_s_own(void **state)
{
	const struct manifest *next =
		MANIFEST(METHOD("New", .idempotent = true), {.name = "Get",
							     .number = 7,
							     .codec = CODEC_PROTOBUF,
							     .idempotent = true,
							     .input_type = "a.In",
							     .output_type = "a.Out"});

	assert_string_equal(said_of_get(MANIFEST(METHOD("Get")), next), "");
}

static void a_method_that_is_gone_is_named(void **state)
{
	assert_string_equal(said_of_get(MANIFEST(METHOD("Get")), MANIFEST(METHOD("Put"))),
			    "it does not offer what is used: a.v1.A/Get: it is gone");
}

static void a_method_that_was_never_there_is_not_missed(void **state)
{
	assert_string_equal(said_of_get(MANIFEST(METHOD("Put")), MANIFEST(METHOD("Put"))), "");
}

static void each_way_to_call_it_otherwise_is_named(void **state)
{
	static const struct {
		struct manifest_method next;
		const char *said;
	} rows[] = {
		{{.name = "Get",
		  .codec = CODEC_BYTES,
		  .input_type = "a.In",
		  .output_type = "a.Out"},
		 "a.v1.A/Get: its codec is bytes, it was protobuf"},
		{{.name = "Get",
		  .client_streams = true,
		  .input_type = "a.In",
		  .output_type = "a.Out"},
		 "a.v1.A/Get: it streams its request, before it does not stream"},
		{{.name = "Get",
		  .server_streams = true,
		  .input_type = "a.In",
		  .output_type = "a.Out"},
		 "a.v1.A/Get: it streams its answer, before it does not stream"},
		{{.name = "Get", .input_type = "b.In", .output_type = "a.Out"},
		 "a.v1.A/Get: it takes b.In, it took a.In"},
		{{.name = "Get", .input_type = "a.In", .output_type = "b.Out"},
		 "a.v1.A/Get: it gives b.Out, it gave a.Out"},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *said = said_of_get(MANIFEST(METHOD("Get")), MANIFEST(rows[i].next));

		assert_non_null(strstr(said, rows[i].said));
	}
}

static void all_differences_are_told_at_once(void **state)
{
	const struct manifest *old = MANIFEST(METHOD("Get"), METHOD("Put"), METHOD("List"));
	struct drift drift;
	struct err err;

	drift_init(&drift, old, MANIFEST(METHOD("Put")));
	drift_check_all(&drift);
	assert_int_equal(drift.differences, 2);
	assert_int_not_equal(drift_result(&drift, &err), 0);
	assert_non_null(strstr(err.text, "a.v1.A/Get: it is gone; a.v1.A/List: it is gone"));
}

static void more_differences_than_a_sentence_holds_are_still_a_refusal(void **state)
{
	static char names[64][48];
	static struct manifest_method methods[64];
	struct manifest_service many = {
		.name = "a.v1.A", .version = "1.0.0", .methods = methods, .method_count = 64};
	struct manifest old = {.services = &many, .service_count = 1};
	struct drift drift;
	struct err err;

	for (size_t i = 0; i < 64; i++) {
		memset(names[i], 'a' + (int)(i % 26), 40);
		methods[i] = (struct manifest_method){.name = names[i]};
	}
	drift_init(&drift, &old, MANIFEST(METHOD("Other")));
	drift_check_all(&drift);
	assert_int_equal(drift.differences, 64);
	assert_int_not_equal(drift_result(&drift, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_is_no_difference),
		cmocka_unit_test(numbers_and_idempotence_are_each_generation_s_own),
		cmocka_unit_test(a_method_that_is_gone_is_named),
		cmocka_unit_test(a_method_that_was_never_there_is_not_missed),
		cmocka_unit_test(each_way_to_call_it_otherwise_is_named),
		cmocka_unit_test(all_differences_are_told_at_once),
		cmocka_unit_test(more_differences_than_a_sentence_holds_are_still_a_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
