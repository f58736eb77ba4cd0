/* Cages as plans: what a profile asks for, that nothing is lost on the way to the keeper, and that
 * bytes that are no cage are refused. What the walls keep off is tested by plugins that try. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "observe/errors.h"
#include "tests/support/unit.h"
#include "trust/cage.h"
#include "trust/call_filter.h"

static struct cage *make(const struct sandbox_opts *opts, const char *plugin)
{
	struct cage *cage;
	struct err err;

	if (cage_new(opts, plugin, geteuid() == 0, &cage, &err) < 0)
		fail_msg("%s", err.text);
	return cage;
}

static struct cage *make_strict(void)
{
	char *ports[] = {(char[]){"80"}, (char[]){"443"}, NULL};
	char *paths[] = {(char[]){"/usr"}, NULL};

	return make(&(struct sandbox_opts){.profile = SANDBOX_STRICT,
					   .required = true,
					   .on_violation = SANDBOX_KILL,
					   .memory_bytes = 1000,
					   .connect = ports,
					   .write = paths},
		    "p");
}

static void assert_same(const struct cage *a, const struct cage *b)
{
	assert_int_equal(a->asked, b->asked);
	assert_int_equal(a->required, b->required);
	assert_int_equal(a->on_violation, b->on_violation);
	assert_int_equal(a->uid, b->uid);
	assert_memory_equal(a->limits, b->limits, sizeof(a->limits));
	assert_int_equal(a->filter_count, b->filter_count);
	assert_memory_equal(a->filter, b->filter, a->filter_count * sizeof(a->filter[0]));
	assert_int_equal(a->port_count, b->port_count);
	for (size_t i = 0; i < a->port_count; i++) {
		assert_int_equal(a->ports[i].port, b->ports[i].port);
		assert_int_equal(a->ports[i].bind, b->ports[i].bind);
	}
	assert_int_equal(a->rule_count, b->rule_count);
	for (size_t i = 0; i < a->rule_count; i++) {
		assert_string_equal(a->rules[i].path, b->rules[i].path);
		assert_int_equal(a->rules[i].access, b->rules[i].access);
	}
}

static void nothing_is_lost_on_the_way(void **state)
{
	struct cage *cage = make_strict();
	struct buf bytes = {0};
	struct cage arrived;

	cage_pack(cage, &bytes);
	assert_int_equal(cage_unpack(buf_front(&bytes), buf_len(&bytes), &arrived), 0);
	assert_true(arrived.port_count == 2 && arrived.rule_count > 10);
	assert_same(cage, &arrived);
	cage_deinit(&arrived);
	buf_deinit(&bytes);
	cage_free(cage);
}

/* In memory of its own, so that a byte read behind its end is found. */
static int unpack_first(const struct buf *bytes, size_t len)
{
	uint8_t *copy = mem_alloc(len + 1);
	struct cage cage;
	int r;

	memcpy(copy, buf_front(bytes), len);
	copy = mem_realloc(copy, len > 0 ? len : 1);
	r = cage_unpack(copy, len, &cage);
	if (r == 0)
		cage_deinit(&cage);
	free(copy);
	return r;
}

static void a_part_of_one_is_refused(void **state)
{
	struct cage *cage = make_strict();
	struct buf bytes = {0};

	cage_pack(cage, &bytes);
	for (size_t len = 0; len < buf_len(&bytes); len++)
		assert_int_equal(unpack_first(&bytes, len), -EBADMSG);
	assert_int_equal(unpack_first(&bytes, buf_len(&bytes)), 0);
	buf_append(&bytes, "", 1);
	assert_int_equal(unpack_first(&bytes, buf_len(&bytes)), -EBADMSG);
	buf_deinit(&bytes);
	cage_free(cage);
}

static void none_asks_for_nothing(void **state)
{
	struct cage *cage = make(&(struct sandbox_opts){0}, "p");

	assert_int_equal(cage->asked, 0);
	assert_false(cage_wants_keeper_caged(cage));
	assert_false(cage_wants_keeper_caged(NULL));
	cage_free(cage);
}

static void each_profile_asks_for_all_of_the_one_before(void **state)
{
	struct cage *standard = make(&(struct sandbox_opts){.profile = SANDBOX_STANDARD}, "p");
	struct cage *strict = make(&(struct sandbox_opts){.profile = SANDBOX_STRICT}, "p");

	assert_int_equal(standard->asked & ~strict->asked, 0);
	assert_int_not_equal(standard->asked, strict->asked);
	assert_false(cage_wants_keeper_caged(standard));
	assert_true(cage_wants_keeper_caged(strict));
	assert_true(strict->asked & WALL_BIT(WALL_NETWORK));
	cage_free(standard);
	cage_free(strict);
}

static void ports_need_a_network(void **state)
{
	struct cage *cage = make_strict();

	assert_false(cage->asked & WALL_BIT(WALL_NETWORK));
	assert_true(cage->asked & WALL_BIT(WALL_PORTS));
	cage_free(cage);
}

static uid_t user_of(const char *plugin)
{
	static char own[] = "own";
	struct cage *cage = make(&(struct sandbox_opts){.user = own}, plugin);
	uid_t uid = cage->uid;

	cage_free(cage);
	return uid;
}

/* Written down, because files in the world belong to it. */
static void the_same_name_is_the_same_user_for_ever(void **state)
{
	assert_int_equal(user_of("thumbnail"), user_of("thumbnail"));
	assert_int_not_equal(user_of("thumbnail"), user_of("thumbnail2"));
	assert_int_equal(user_of("a"), 0x740c292c);
}

static void numbers_and_names_are_users(void **state)
{
	static char number[] = "4711";
	static char name[] = "root";
	static char group[] = "12";
	struct cage *cage = make(&(struct sandbox_opts){.user = number}, "p");

	assert_true(cage->uid == 4711 && cage->gid == 4711);
	cage_free(cage);
	cage = make(&(struct sandbox_opts){.user = name, .group = group}, "p");
	assert_true(cage->uid == 0 && cage->gid == 12);
	cage_free(cage);
}

static void the_host_s_user_is_no_other(void **state)
{
	static char host[] = "host";
	struct cage *cage =
		make(&(struct sandbox_opts){.profile = SANDBOX_STRICT, .user = host}, "p");

	assert_false(cage->asked & WALL_BIT(WALL_USER));
	cage_free(cage);
}

static void names_of_calls_are_known(void **state)
{
	char name[48];

	assert_null(call_filter_check(str_from("ptrace")));
	assert_non_null(call_filter_check(str_from("ptrase")));
	assert_non_null(call_filter_check(str_from("")));
	assert_string_equal(call_filter_name(0x7ffffff, name, sizeof(name)), "call 134217727");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost_on_the_way),
		cmocka_unit_test(a_part_of_one_is_refused),
		cmocka_unit_test(none_asks_for_nothing),
		cmocka_unit_test(each_profile_asks_for_all_of_the_one_before),
		cmocka_unit_test(ports_need_a_network),
		cmocka_unit_test(the_same_name_is_the_same_user_for_ever),
		cmocka_unit_test(numbers_and_names_are_users),
		cmocka_unit_test(the_host_s_user_is_no_other),
		cmocka_unit_test(names_of_calls_are_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
