/* Keys from a server that the test plays: who waits for them, what a flood of unknown keys costs,
 * and what becomes of keys when a fetch fails. And fetching itself: limits, and URLs that are not
 * asked. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "identity/jwks_source.h"
#include "net/fetch.h"
#include "tests/support/jwt_world.h"
#include "tests/support/net_world.h"
#include "tests/support/unit.h"

struct fixture {
	struct world *world;
	struct jwks_sources *sources;
	struct jwks_opts opts;
	char *url;
	char *json; /* a set of one key */
};

static int setup(void **state)
{
	const struct jwt_signer *signer = jwt_world_signer(JWT_ES256);
	struct fixture *fixture = mem_new(struct fixture);

	fixture->world = world_new();
	world_start(fixture->world);
	fixture->sources = jwks_sources_new(fixture->world->loop, NULL);
	fixture->url =
		mem_printf("http://127.0.0.1:%u/keys", listener_port(fixture->world->listener, 0));
	fixture->json = jwt_world_jwks(&signer, 1);
	fixture->opts =
		(struct jwks_opts){.url = fixture->url, .refresh_ms = 3600000, .refetch_ms = 30000};
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	jwks_sources_free(fixture->sources);
	world_free(fixture->world);
	free(fixture->url);
	free(fixture->json);
	free(fixture);
	return 0;
}

static struct jwks_source *open_source(struct fixture *fixture)
{
	struct err err = {0};
	struct jwks_source *source = jwks_source_open(fixture->sources, &fixture->opts, &err);

	if (!source)
		fail_msg("%s", err.text);
	return source;
}

/* ---- those who wait ---- */

struct waiter {
	struct jwks_wait wait; /* first */
	unsigned ended;
};

static void on_end(struct jwks_wait *wait)
{
	((struct waiter *)wait)->ended++;
}

static bool ask(struct jwks_source *source, struct waiter *waiter)
{
	*waiter = (struct waiter){.wait.on_end = on_end};
	return jwks_source_ask(source, &waiter->wait);
}

/* Turns until the waiter is told. */
static void expect_end(struct fixture *fixture, struct waiter *waiter)
{
	for (int i = 0; i < 3000 && waiter->ended == 0; i++)
		world_wait_ms(fixture->world, 1);
	assert_int_equal(waiter->ended, 1);
}

static void answer(struct fixture *fixture, unsigned status, const char *body)
{
	world_expect_news(fixture->world, "request /keys\n");
	world_answer(fixture->world, status, body, true);
}

static void forget_news(struct fixture *fixture)
{
	world_settle(fixture->world);
	buf_consume(&fixture->world->news, buf_len(&fixture->world->news));
}

/* ---- a server that answers ---- */

static void those_who_wait_get_the_keys(void **state)
{
	struct fixture *fixture = *state;
	struct jwks_source *source = open_source(fixture);
	struct waiter waiter, left, late;

	assert_null(jwks_source_keys(source));
	assert_true(ask(source, &waiter));
	assert_true(ask(source, &left));
	jwks_wait_cancel(&left.wait);
	jwks_wait_cancel(&left.wait); /* again is fine */
	answer(fixture, 200, fixture->json);
	expect_end(fixture, &waiter);
	assert_int_equal(left.ended, 0);
	assert_int_equal(jwks_source_keys(source)->count, 1);
	/* There is one fetch in so long. */
	assert_false(ask(source, &late));
	jwks_source_close(source);
}

static void a_flood_of_questions_is_one_fetch(void **state)
{
	struct fixture *fixture = *state;
	struct jwks_source *source;
	struct waiter waiters[100];

	fixture->opts.refetch_ms = 1;
	source = open_source(fixture);
	for (size_t i = 0; i < COUNT_OF(waiters); i++)
		assert_true(ask(source, &waiters[i]));
	answer(fixture, 200, fixture->json);
	for (size_t i = 0; i < COUNT_OF(waiters); i++)
		expect_end(fixture, &waiters[i]);
	world_expect_news(fixture->world, "closed DONE\n");
	/* The time is over: one more question, one more fetch. */
	world_wait_ms(fixture->world, 5);
	for (size_t i = 0; i < COUNT_OF(waiters); i++)
		assert_true(ask(source, &waiters[i]));
	answer(fixture, 200, fixture->json);
	expect_end(fixture, &waiters[0]);
	world_expect_news(fixture->world, "closed DONE\n");
	jwks_source_close(source);
}

static void keys_hold_until_better_ones_come(void **state)
{
	static const struct {
		unsigned status;
		const char *body; /* NULL: a good set */
	} failures[] = {{500, NULL}, {404, NULL},     {301, NULL},
			{201, NULL}, {200, "<html>"}, {200, "{\"keys\":[]}"}};
	struct fixture *fixture = *state;
	struct jwks_source *source;
	struct waiter waiter;
	uint64_t edition;

	fixture->opts.refetch_ms = 1;
	source = open_source(fixture);
	assert_true(ask(source, &waiter));
	answer(fixture, 200, fixture->json);
	expect_end(fixture, &waiter);
	edition = jwks_source_edition(source);
	for (size_t i = 0; i < COUNT_OF(failures); i++) {
		forget_news(fixture);
		world_wait_ms(fixture->world, 5);
		assert_true(ask(source, &waiter));
		answer(fixture, failures[i].status,
		       failures[i].body ? failures[i].body : fixture->json);
		expect_end(fixture, &waiter);
		assert_int_equal(jwks_source_keys(source)->count, 1);
		assert_int_equal(jwks_source_edition(source), edition);
	}
	forget_news(fixture);
	world_wait_ms(fixture->world, 5);
	assert_true(ask(source, &waiter));
	answer(fixture, 200, fixture->json);
	expect_end(fixture, &waiter);
	assert_int_not_equal(jwks_source_edition(source), edition);
	jwks_source_close(source);
}

static void too_much_is_not_taken(void **state)
{
	struct fixture *fixture = *state;
	struct jwks_source *source = open_source(fixture);
	char *body = mem_alloc(KEYSET_MAX_BYTES + 2);
	struct waiter waiter;

	memset(body, ' ', KEYSET_MAX_BYTES + 1);
	body[KEYSET_MAX_BYTES + 1] = '\0';
	assert_true(ask(source, &waiter));
	answer(fixture, 200, body);
	expect_end(fixture, &waiter);
	assert_null(jwks_source_keys(source));
	free(body);
	jwks_source_close(source);
}

static void one_url_is_one_source(void **state)
{
	struct fixture *fixture = *state;
	struct jwks_source *source = open_source(fixture);
	struct waiter waiter;

	assert_ptr_equal(open_source(fixture), source);
	jwks_source_close(source);
	assert_true(ask(source, &waiter)); /* still there */
	answer(fixture, 200, fixture->json);
	expect_end(fixture, &waiter);
	jwks_source_close(source);
}

/* A configuration that shares the source may still be refused. */
static void who_shares_a_source_changes_nothing_until_applied(void **state)
{
	struct fixture *fixture = *state;
	struct jwks_source *source;
	struct waiter waiter;

	fixture->opts.refetch_ms = 3600000;
	source = open_source(fixture);
	assert_true(ask(source, &waiter));
	answer(fixture, 200, fixture->json);
	expect_end(fixture, &waiter);
	forget_news(fixture);
	fixture->opts.refetch_ms = 1;
	open_source(fixture);
	world_wait_ms(fixture->world, 5);
	assert_false(ask(source, &waiter));
	jwks_source_apply(source, &fixture->opts);
	assert_true(ask(source, &waiter));
	answer(fixture, 200, fixture->json);
	expect_end(fixture, &waiter);
	jwks_source_close(source);
	jwks_source_close(source);
}

/* The next fetch was an hour away. */
static void a_shorter_refresh_counts_at_once(void **state)
{
	struct fixture *fixture = *state;
	struct jwks_source *source = open_source(fixture);
	struct waiter waiter;

	assert_true(ask(source, &waiter));
	answer(fixture, 200, fixture->json);
	expect_end(fixture, &waiter);
	forget_news(fixture);
	fixture->opts.refresh_ms = 1;
	fixture->opts.refetch_ms = 1;
	jwks_source_apply(source, &fixture->opts);
	answer(fixture, 200, fixture->json);
	jwks_source_close(source);
}

/* Closing ends the fetch: nobody is told. */
static void a_source_is_closed_in_the_middle(void **state)
{
	struct fixture *fixture = *state;
	struct jwks_source *source = open_source(fixture);

	world_expect_news(fixture->world, "request /keys\n");
	jwks_source_close(source);
	world_expect_news(fixture->world, "closed LEFT\n");
}

/* ---- files ---- */

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void a_file_is_read_again_when_it_changes(void **state)
{
	struct fixture *fixture = *state;
	char path[] = "/tmp/jwks-XXXXXX";
	struct jwks_source *source;
	struct waiter waiter;
	struct err err;
	uint64_t edition;

	close(mkstemp(path));
	fixture->opts = (struct jwks_opts){.file = path};
	assert_null(jwks_source_open(fixture->sources, &fixture->opts, &err));
	write_file(path, fixture->json);
	source = open_source(fixture);
	edition = jwks_source_edition(source);
	assert_int_equal(jwks_source_keys(source)->count, 1);
	assert_false(ask(source, &waiter)); /* nobody has to ask */
	write_file(path, "garbage");
	world_wait_ms(fixture->world, 300);
	assert_int_equal(jwks_source_edition(source), edition);
	assert_int_equal(jwks_source_keys(source)->count, 1);
	write_file(path, "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
			 "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}");
	for (int i = 0; i < 10000 && jwks_source_edition(source) == edition; i++)
		world_wait_ms(fixture->world, 1);
	assert_int_equal(jwks_source_keys(source)->keys[0].algs, JWT_BIT(JWT_EDDSA));
	jwks_source_close(source);
	unlink(path);
}

static void a_secret_is_kept_secret(void **state)
{
	struct fixture *fixture = *state;
	char path[] = "/tmp/secret-XXXXXX";
	struct jwks_source *source;
	struct err err;

	close(mkstemp(path));
	fixture->opts = (struct jwks_opts){.secret_file = path, .secret_algs = JWT_BIT(JWT_HS256)};
	write_file(path, "0123456789abcdef0123456789abcde\n"); /* 31 */
	assert_null(jwks_source_open(fixture->sources, &fixture->opts, &err));
	write_file(path, "0123456789abcdef0123456789abcdef\n");
	source = open_source(fixture);
	assert_int_equal(jwks_source_keys(source)->keys[0].secret.len, 32);
	jwks_source_close(source);
	chmod(path, 0644);
	assert_null(jwks_source_open(fixture->sources, &fixture->opts, &err));
	unlink(path);
}

/* ---- what is asked, and what an answer says ---- */

struct text_row {
	const char *text;
	bool good;
};

static const struct text_row urls[] = {
	{"https://issuer.test/keys", true},
	{"https://issuer.test:8443/keys?x=y", true},
	{"http://127.0.0.1:8080/keys", true},
	{"http://[::1]/keys", true},
	{"http://localhost/keys", true},
	{"http://issuer.test/keys", false},
	{"http://127.0.0.1.evil.test/keys", false},
	{"http://localhost.evil.test/", false},
	{"http://127.0.0.1@evil.test/", false},
	{"https://ada:secret@issuer.test/", false},
	{"ftp://127.0.0.1/keys", false},
	{"file:///etc/passwd", false},
	{"issuer.test/keys", false},
	{"https://", false},
	{"", false},
};

static void only_urls_that_nobody_can_change_are_asked(void **state)
{
	for (size_t i = 0; i < COUNT_OF(urls); i++) {
		const char *why = fetch_check_url(str_from(urls[i].text));

		if (!why != urls[i].good)
			fail_msg("%s: %s", urls[i].text, why ? why : "accepted");
	}
}

static const struct {
	const char *text;
	int64_t seconds;
} ages[] = {
	{"", -1},
	{"max-age=600", 600},
	{"public, MAX-AGE=600 , must-revalidate", 600},
	{"no-store", 0},
	{"max-age=600, no-cache", 0},
	{"max-age=", -1},
	{"max-age=-1", -1},
	{"max-age=99999999999", -1},
	{"s-maxage=600", -1},
	{",,", -1},
};

static void an_answer_says_how_long_it_is_good(void **state)
{
	for (size_t i = 0; i < COUNT_OF(ages); i++)
		assert_int_equal(fetch_max_age(str_from(ages[i].text)), ages[i].seconds);
}

static int free_world(void **state)
{
	jwt_world_free();
	return 0;
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SERVER(those_who_wait_get_the_keys),
		WITH_SERVER(a_flood_of_questions_is_one_fetch),
		WITH_SERVER(keys_hold_until_better_ones_come),
		WITH_SERVER(too_much_is_not_taken),
		WITH_SERVER(one_url_is_one_source),
		WITH_SERVER(who_shares_a_source_changes_nothing_until_applied),
		WITH_SERVER(a_shorter_refresh_counts_at_once),
		WITH_SERVER(a_source_is_closed_in_the_middle),
		WITH_SERVER(a_file_is_read_again_when_it_changes),
		WITH_SERVER(a_secret_is_kept_secret),
		cmocka_unit_test(only_urls_that_nobody_can_change_are_asked),
		cmocka_unit_test(an_answer_says_how_long_it_is_good),
	};

	return cmocka_run_group_tests(tests, NULL, free_world);
}
