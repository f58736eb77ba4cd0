/* Who answers to a service's name, as plugins come, go and tell something else. */
#include <errno.h>
#include <stdlib.h>

#include "observe/errors.h"
#include "proto/wire_http.h"
#include "registry/service.h"
#include "tests/support/unit.h"

static const struct manifest_method methods[] = {{.number = 1, .name = "Get"},
						 {.number = 2, .name = "Put"}};
static const struct manifest_service kv_service = {"kv.v1.Kv", "1.0.0", methods, 2};
static const struct manifest_service services[] = {{"kv.v1.Kv", "1.0.0", methods, 2},
						   {WIRE_HTTP_SERVICE, "1.0.0", methods, 1}};
static const struct manifest kv_manifest = {.services = services, .service_count = 2};
static const struct manifest only_kv = {.services = &kv_service, .service_count = 1};
static const struct manifest only_http = {.services = &services[1], .service_count = 1};

static struct plugin_opts kv_opts = {.name = (char *)"kv"};
static struct plugin_opts other_opts = {.name = (char *)"other"};
static struct plugin_opts third_opts = {.name = (char *)"third"};

struct world {
	struct registry *registry;
	struct target kv;
	struct target other;
	struct target third;
	struct err err;
};

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	world->registry = registry_new();
	world->kv.plugin = &kv_opts;
	world->other.plugin = &other_opts;
	world->third.plugin = &third_opts;
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	registry_free(world->registry);
	free(world);
	return 0;
}

static int provide(struct world *world, struct target *target, const struct manifest *manifest)
{
	return registry_provide(world->registry, target, manifest, &world->err);
}

static int find(struct world *world, const char *service, const char *method,
		struct service_method *out)
{
	return registry_find(world->registry, str_from(service), str_from(method), out,
			     &world->err);
}

static void a_method_is_found_with_its_plugin(void **state)
{
	struct world *world = *state;
	struct service_method found;

	assert_int_equal(provide(world, &world->kv, &kv_manifest), 0);
	assert_int_equal(find(world, "kv.v1.Kv", "Put", &found), 0);
	assert_ptr_equal(found.target, &world->kv);
	assert_int_equal(found.method->number, 2);
}

static void what_is_missing_is_named(void **state)
{
	struct world *world = *state;
	struct service_method found;

	provide(world, &world->kv, &kv_manifest);
	assert_int_equal(find(world, "kv.v1.K", "Put", &found), -ENOENT);
	assert_int_equal(world->err.code, ERR_REGISTRY_NO_SERVICE);
	assert_int_equal(find(world, "kv.v1.Kv", "Post", &found), -ENOENT);
	assert_int_equal(world->err.code, ERR_REGISTRY_NO_METHOD);
}

static void two_plugins_cannot_provide_the_same_service(void **state)
{
	struct world *world = *state;
	struct service_method found;

	provide(world, &world->kv, &kv_manifest);
	assert_int_equal(provide(world, &world->other, &only_kv), -EINVAL);
	assert_int_equal(world->err.code, ERR_REGISTRY_DUPLICATE);
	assert_non_null(strstr(world->err.text, "\"kv\""));
	assert_int_equal(find(world, "kv.v1.Kv", "Get", &found), 0);
	assert_ptr_equal(found.target, &world->kv);
}

static void raw_http_is_everybodys_and_found_by_plugin_only(void **state)
{
	struct world *world = *state;
	struct service_method found;
	struct str service = STR_LITERAL(WIRE_HTTP_SERVICE);

	assert_int_equal(provide(world, &world->kv, &kv_manifest), 0);
	assert_int_equal(provide(world, &world->other, &only_http), 0);
	assert_int_equal(find(world, WIRE_HTTP_SERVICE, "Get", &found), -ENOENT);
	assert_int_equal(registry_find_in(world->registry, &world->other, service,
					  STR_LITERAL("Get"), &found, &world->err),
			 0);
	assert_ptr_equal(found.target, &world->other);
}

static void a_plugin_that_has_not_told_yet_is_told_apart(void **state)
{
	struct world *world = *state;
	struct service_method found;

	assert_int_equal(registry_find_in(world->registry, &world->kv, STR_LITERAL("kv.v1.Kv"),
					  STR_LITERAL("Get"), &found, &world->err),
			 -EAGAIN);
	provide(world, &world->kv, &only_http);
	assert_int_equal(registry_find_in(world->registry, &world->kv, STR_LITERAL("kv.v1.Kv"),
					  STR_LITERAL("Get"), &found, &world->err),
			 -ENOENT);
}

static void what_a_plugin_tells_next_replaces_what_it_told(void **state)
{
	struct world *world = *state;
	struct service_method found;

	provide(world, &world->kv, &kv_manifest);
	assert_int_equal(provide(world, &world->kv, &only_http), 0);
	assert_int_equal(find(world, "kv.v1.Kv", "Get", &found), -ENOENT);
	assert_int_equal(provide(world, &world->other, &only_kv), 0);
	assert_int_equal(find(world, "kv.v1.Kv", "Get", &found), 0);
	assert_ptr_equal(found.target, &world->other);
}

static void the_version_changes_when_an_answer_may(void **state)
{
	struct world *world = *state;
	uint64_t at_first = registry_version(world->registry);
	uint64_t provided;

	provide(world, &world->kv, &kv_manifest);
	provided = registry_version(world->registry);
	assert_int_not_equal(provided, at_first);
	registry_withdraw(world->registry, &world->other);
	assert_int_equal(registry_version(world->registry), provided);
	registry_withdraw(world->registry, &world->kv);
	assert_int_not_equal(registry_version(world->registry), provided);
}

static void freed_names_go_to_another_while_who_has_the_plugin_still_finds_it(void **state)
{
	struct world *world = *state;
	struct service_method found;

	provide(world, &world->kv, &kv_manifest);
	assert_true(provide(world, &world->other, &kv_manifest) < 0);
	registry_free_names(world->registry, &world->kv);
	assert_true(find(world, "kv.v1.Kv", "Put", &found) < 0);
	assert_int_equal(provide(world, &world->other, &kv_manifest), 0);
	assert_int_equal(find(world, "kv.v1.Kv", "Put", &found), 0);
	assert_ptr_equal(found.target, &world->other);
	assert_int_equal(registry_find_in(world->registry, &world->kv, STR_LITERAL("kv.v1.Kv"),
					  STR_LITERAL("Put"), &found, &world->err),
			 0);
	assert_ptr_equal(found.target, &world->kv);
	registry_withdraw(world->registry, &world->kv);
	assert_int_equal(find(world, "kv.v1.Kv", "Put", &found), 0);
}

/* ---- stand-ins ---- */

static void relate(struct world *world, struct target *of_kv, struct target *of_other)
{
	struct target *targets[] = {&world->kv, &world->other};
	struct target *stand_ins[] = {of_kv, of_other};

	registry_set_stand_ins(world->registry, targets, stand_ins, 2);
}

static void assert_leads_to(struct world *world, const struct target *target)
{
	struct service_method found;

	assert_int_equal(find(world, "kv.v1.Kv", "Put", &found), 0);
	assert_ptr_equal(found.target, target);
}

static void a_name_never_leads_to_the_stand_in_of_who_is_there(void **state)
{
	struct world *world = *state;

	relate(world, &world->other, NULL);
	assert_int_equal(provide(world, &world->kv, &kv_manifest), 0);
	assert_int_equal(provide(world, &world->other, &kv_manifest), 0);
	assert_leads_to(world, &world->kv);
	registry_withdraw(world->registry, &world->kv);
	assert_leads_to(world, &world->other);
	assert_int_equal(provide(world, &world->kv, &kv_manifest), 0);
	assert_leads_to(world, &world->kv);
}

static void names_that_are_freed_are_the_stand_ins_and_stay_so(void **state)
{
	struct world *world = *state;

	relate(world, &world->other, NULL);
	provide(world, &world->other, &kv_manifest);
	provide(world, &world->kv, &kv_manifest);
	registry_free_names(world->registry, &world->kv);
	assert_leads_to(world, &world->other);
	provide(world, &world->third, &only_http);
	registry_withdraw(world->registry, &world->third);
	assert_leads_to(world, &world->other);
}

static void a_stand_in_of_a_stand_in_may_provide_it_too(void **state)
{
	struct world *world = *state;

	relate(world, &world->other, &world->third);
	assert_int_equal(provide(world, &world->third, &kv_manifest), 0);
	assert_int_equal(provide(world, &world->kv, &kv_manifest), 0);
	assert_int_equal(provide(world, &world->other, &kv_manifest), 0);
	assert_leads_to(world, &world->kv);
	registry_withdraw(world->registry, &world->kv);
	assert_leads_to(world, &world->other);
}

static void two_with_the_same_stand_in_cannot_provide_the_same(void **state)
{
	struct world *world = *state;

	relate(world, &world->third, &world->third);
	assert_int_equal(provide(world, &world->third, &kv_manifest), 0);
	assert_int_equal(provide(world, &world->kv, &kv_manifest), 0);
	assert_int_equal(provide(world, &world->other, &kv_manifest), -EINVAL);
	assert_int_equal(world->err.code, ERR_REGISTRY_DUPLICATE);
	assert_leads_to(world, &world->kv);
}

static void names_follow_the_relations(void **state)
{
	struct world *world = *state;

	relate(world, &world->other, NULL);
	provide(world, &world->kv, &kv_manifest);
	provide(world, &world->other, &kv_manifest);
	relate(world, NULL, &world->kv);
	assert_leads_to(world, &world->other);
}

static void who_has_told_is_known(void **state)
{
	struct world *world = *state;

	assert_false(registry_has_told(world->registry, &world->kv));
	provide(world, &world->kv, &only_http);
	assert_true(registry_has_told(world->registry, &world->kv));
	registry_withdraw(world->registry, &world->kv);
	assert_false(registry_has_told(world->registry, &world->kv));
}

static void names_are_listed_in_order(void **state)
{
	static const struct manifest_service more[] = {{"z.v1.Z", "", methods, 1},
						       {"a.v1.A", "", methods, 1}};
	static const struct manifest manifest = {.services = more, .service_count = 2};
	struct world *world = *state;
	const char **names;

	provide(world, &world->kv, &kv_manifest);
	provide(world, &world->other, &manifest);
	assert_int_equal(registry_services(world->registry, &names), 3);
	assert_string_equal(names[0], "a.v1.A");
	assert_string_equal(names[1], "kv.v1.Kv");
	assert_string_equal(names[2], "z.v1.Z");
	free(names);
}

/* ---- counting ---- */

static void a_method_is_counted_in_one_place_whatever_generation_tells_of_it(void **state)
{
	struct world *world = *state;
	struct metrics *metrics = metrics_new(METRIC_MAX_SERIES);
	struct service_method get, put, raw, again;

	registry_measure(world->registry, metrics);
	provide(world, &world->kv, &kv_manifest);
	assert_int_equal(find(world, "kv.v1.Kv", "Get", &get), 0);
	assert_int_equal(find(world, "kv.v1.Kv", "Put", &put), 0);
	assert_int_equal(registry_find_in(world->registry, &world->kv,
					  STR_LITERAL(WIRE_HTTP_SERVICE), STR_LITERAL("Get"), &raw,
					  &world->err),
			 0);
	assert_non_null(get.meter);
	assert_ptr_not_equal(get.meter, put.meter);
	assert_ptr_not_equal(get.meter, raw.meter);
	provide(world, &world->kv, &only_kv);
	assert_int_equal(find(world, "kv.v1.Kv", "Get", &again), 0);
	assert_ptr_equal(again.meter, get.meter);
	registry_free(world->registry);
	metrics_free(metrics);
	world->registry = registry_new();
}

static void without_metrics_a_method_has_no_meter(void **state)
{
	struct world *world = *state;
	struct service_method found;

	provide(world, &world->kv, &kv_manifest);
	assert_int_equal(find(world, "kv.v1.Kv", "Get", &found), 0);
	assert_null(found.meter);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_method_is_counted_in_one_place_whatever_generation_tells_of_it),
		TEST(without_metrics_a_method_has_no_meter),
		TEST(a_method_is_found_with_its_plugin),
		TEST(what_is_missing_is_named),
		TEST(two_plugins_cannot_provide_the_same_service),
		TEST(raw_http_is_everybodys_and_found_by_plugin_only),
		TEST(a_plugin_that_has_not_told_yet_is_told_apart),
		TEST(what_a_plugin_tells_next_replaces_what_it_told),
		TEST(the_version_changes_when_an_answer_may),
		TEST(freed_names_go_to_another_while_who_has_the_plugin_still_finds_it),
		TEST(a_name_never_leads_to_the_stand_in_of_who_is_there),
		TEST(names_that_are_freed_are_the_stand_ins_and_stay_so),
		TEST(a_stand_in_of_a_stand_in_may_provide_it_too),
		TEST(two_with_the_same_stand_in_cannot_provide_the_same),
		TEST(names_follow_the_relations),
		TEST(who_has_told_is_known),
		TEST(names_are_listed_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
