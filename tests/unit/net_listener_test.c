/* Who is let in, who is sent away for being slow, and how the door closes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
/* cmocka needs those first */
#include <cmocka.h>

#include "../support/net_world.h"
#include "base/fd.h"

#define OK(len)	     "HTTP/1.1 200 OK\r\ncontent-length: " #len "\r\n\r\n"
#define CLOSING(len) "HTTP/1.1 200 OK\r\ncontent-length: " #len "\r\nconnection: close\r\n\r\n"
#define SLOW_LINE    "HTTP/1.1 408 Request Timeout\r\n"
#define SLOW	     SLOW_LINE "content-length: 5\r\nconnection: close\r\n\r\n{408}"
#define SHORT_MS     30

/* ---- timeouts ---- */

static void a_slow_head_is_refused(void **state)
{
	struct world *world = world_new();
	world->opts.read_header_timeout_ms = SHORT_MS;
	world_start(world);
	struct client client = client_connect(world);

	client_send(&client, GET("/now") "GET / HT");
	client_expect(&client, OK(4) "/now" SLOW);
	client_expect_end(&client);
	world_expect_news(world, "request /now\nclosed DONE\nrefused 408\n");
	client_close(&client);
	world_free(world);
}

/* The time counts from the first byte of the head: bytes that drip don't renew it. */
static void a_dripping_head_is_refused(void **state)
{
	struct world *world = world_new();
	world->opts.read_header_timeout_ms = 4 * SHORT_MS;
	world_start(world);
	struct client client = client_connect(world);

	client_send(&client, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
	while (buf_len(&world->news) == 0) {
		world_wait_ms(world, SHORT_MS);
		ssize_t n = send(client.fd, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
		assert_true(n <= 1);
	}
	world_expect_news(world, "refused 408\n");
	client_close(&client);
	world_free(world);
}

static void a_silent_body_is_refused(void **state)
{
	struct world *world = world_new();
	world->opts.read_timeout_ms = SHORT_MS;
	world_start(world);
	struct client client = client_connect(world);

	client_send(&client, POST("/later") "Content-Length: 5\r\n\r\nhel");
	world_expect_news(world, "request /later\n");
	http_stream_want_body(world->stream, true);
	client_expect(&client, SLOW);
	client_expect_end(&client);
	world_expect_news(world, "refused 408\nclosed TIMEOUT\n");
	client_close(&client);
	world_free(world);
}

static void a_body_that_we_hold_back_is_not_silent(void **state)
{
	struct world *world = world_new();
	world->opts.read_timeout_ms = SHORT_MS;
	world->opts.idle_timeout_ms = SHORT_MS;
	world->opts.read_header_timeout_ms = SHORT_MS;
	world_start(world);
	struct client client = client_connect(world);

	client_send(&client, POST("/later") "Content-Length: 5\r\n\r\nhel");
	world_expect_news(world, "request /later\n");
	world_wait_ms(world, 3 * SHORT_MS);
	http_stream_want_body(world->stream, true);
	world_settle(world);
	http_stream_want_body(world->stream, false);
	world_wait_ms(world, 3 * SHORT_MS);
	assert_non_null(world->stream);
	http_stream_want_body(world->stream, true);
	client_send(&client, "lo");
	world_expect_news(world, "end\n");
	world_wait_ms(world, 3 * SHORT_MS);
	world_answer(world, 200, "late", true);
	client_expect(&client, OK(4) "late");
	client_close(&client);
	world_free(world);
}

static void an_idle_connection_is_closed_without_a_word(void **state)
{
	struct world *world = world_new();
	world->opts.idle_timeout_ms = SHORT_MS;
	world_start(world);
	struct client client = client_connect(world);
	struct client mute = client_connect(world);

	client_send(&client, GET("/now"));
	client_expect(&client, OK(4) "/now");
	client_expect_end(&client);
	client_expect_end(&mute);
	client_close(&client);
	client_close(&mute);
	world_expect_connections(world, 0);
	world_free(world);
}

static void a_client_that_never_closes_is_let_go(void **state)
{
	struct world *world = world_new();
	world->opts.idle_timeout_ms = SHORT_MS;
	world_start(world);
	struct client client = client_connect(world);

	client_expect_end(&client);
	world_expect_connections(world, 0);
	client_close(&client);
	world_free(world);
}

static void a_client_that_does_not_read_is_given_up(void **state)
{
	struct world *world = world_new();
	world->opts.write_timeout_ms = SHORT_MS;
	world_start(world);
	struct client client = client_connect(world);
	static char piece[64 << 10];

	client_send(&client, GET("/later"));
	world_expect_news(world, "request /later\n");
	world_answer(world, 200, "begin", false);
	while (world->stream) {
		if (http_stream_room(world->stream) > 0)
			http_stream_send(world->stream, piece, sizeof(piece), false);
		loop_turn(world->loop, false);
	}
	world_expect_news(world, "closed TIMEOUT\n");
	world_expect_connections(world, 0);
	client_close(&client);
	world_free(world);
}

/* ---- who is let in ---- */

static void no_more_clients_than_allowed_are_let_in(void **state)
{
	struct world *world = world_new();
	world->opts.max_connections = 2;
	world_start(world);
	struct client clients[4];

	for (int i = 0; i < 4; i++) {
		clients[i] = client_connect(world);
		client_send(&clients[i], GET("/now"));
	}
	client_expect(&clients[0], OK(4) "/now");
	client_expect(&clients[1], OK(4) "/now");
	world_settle(world);
	assert_int_equal(listener_connections(world->listener), 2);
	client_close(&clients[0]);
	client_expect(&clients[2], OK(4) "/now");
	assert_int_equal(listener_connections(world->listener), 2);
	client_close(&clients[1]);
	client_expect(&clients[3], OK(4) "/now");
	client_close(&clients[2]);
	client_close(&clients[3]);
	world_expect_connections(world, 0);
	world_free(world);
}

static unsigned count_lines(int fd)
{
	char text[4096];
	ssize_t len = pread(fd, text, sizeof(text), 0);
	unsigned lines = 0;

	for (ssize_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	return lines;
}

/* And not one try after the other, which is what a level-triggered loop would do. */
static void running_out_of_descriptors_is_only_a_pause(void **state)
{
	struct world *world = world_new();
	struct rlimit before;
	struct log_opts log_opts = {.fd = memfd_create("log", MFD_CLOEXEC), .level = LOG_WARN};
	world->log = log_new(&log_opts);
	world_start(world);
	struct client client = client_connect(world);

	client_send(&client, GET("/now"));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	int next = dup(0);
	struct rlimit none = {.rlim_cur = (rlim_t)next, .rlim_max = before.rlim_max};
	close(next);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	world_settle(world);
	assert_int_equal(listener_connections(world->listener), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	client_expect(&client, OK(4) "/now");
	assert_int_equal(count_lines(log_opts.fd), 1);
	client_close(&client);
	log_free(world->log);
	fd_close(&log_opts.fd);
	world_free(world);
}

static void an_address_in_use_is_named(void **state)
{
	struct world *world = world_new();
	world_start(world);
	char text[64];
	char *listen[] = {text, NULL};
	struct net_opts opts = {.listen = listen, .max_connections = 1};
	struct http_upcalls none = {0};
	struct listener_opts second = {.loop = world->loop, .net = &opts, .upcalls = &none};
	struct err err = {0};

	snprintf(text, sizeof(text), "127.0.0.1:%u", listener_port(world->listener, 0));
	struct listener *listener = listener_new(&second);
	assert_true(listener_start(listener, &err) < 0);
	assert_non_null(strstr(err.text, text));
	assert_non_null(strstr(err.text, "Address already in use"));
	listener_free(listener);
	world_free(world);
}

static void nothing_is_left_open(void **state)
{
	int before = fd_count();
	struct world *world = world_new();
	world_start(world);
	struct client client = client_connect(world);

	client_send(&client, GET("/later"));
	world_expect_news(world, "request /later\n");
	listener_free(world->listener);
	world->listener = NULL;
	world_expect_news(world, "closed ERROR\n");
	client_close(&client);
	world_free(world);
	assert_int_equal(fd_count(), before);
}

/* ---- other options ---- */

/* The port of an address that nobody listens on. */
static unsigned free_port(void)
{
	struct world *world = world_new();
	unsigned port;

	world_start(world);
	port = listener_port(world->listener, 0);
	world_free(world);
	return port;
}

static void an_address_comes_before_another_goes(void **state)
{
	struct world *world = world_new();
	char text[32];
	char *listen[] = {text, NULL};
	struct net_opts other = world->opts;
	struct err err = {0};
	unsigned old;

	world_start(world);
	old = listener_port(world->listener, 0);
	struct client early = client_connect(world);
	snprintf(text, sizeof(text), "127.0.0.1:%u", free_port());
	other.listen = listen;
	assert_int_equal(listener_prepare(world->listener, &other, &err), 0);
	assert_int_equal(listener_port(world->listener, 0), old);
	/* the kernel has connected it to the old address, and nobody has accepted it */
	struct client waiting = client_connect(world);

	listener_commit(world->listener);
	assert_int_not_equal(listener_port(world->listener, 0), old);
	struct client late = client_connect(world);
	struct client *clients[] = {&early, &waiting, &late};
	for (size_t i = 0; i < 3; i++) {
		client_send(clients[i], GET("/now"));
		client_expect(clients[i], OK(4) "/now");
		client_close(clients[i]);
	}
	world_expect_connections(world, 0);
	world_free(world);
}

static void an_address_that_stays_is_not_opened_again(void **state)
{
	struct world *world = world_new();
	struct net_opts same = world->opts;
	struct err err = {0};
	unsigned port;

	world_start(world);
	port = listener_port(world->listener, 0);
	assert_int_equal(listener_prepare(world->listener, &same, &err), 0);
	listener_commit(world->listener);
	assert_int_equal(listener_port(world->listener, 0), port);
	assert_int_equal(listener_prepare(world->listener, &same, &err), 0);
	listener_drop(world->listener);
	assert_int_equal(listener_port(world->listener, 0), port);
	struct client client = client_connect(world);
	client_send(&client, GET("/now"));
	client_expect(&client, OK(4) "/now");
	client_close(&client);
	world_expect_connections(world, 0);
	world_free(world);
}

static void what_can_not_be_opened_changes_nothing(void **state)
{
	struct world *world = world_new();
	struct world *taken = world_new();
	char text[32], kept[] = "127.0.0.1:0", fresh[] = "127.0.0.2:0";
	char *listen[] = {kept, fresh, text, NULL};
	struct net_opts other = world->opts;
	struct err err = {0};
	int before;

	world_start(world);
	world_start(taken);
	before = fd_count();
	snprintf(text, sizeof(text), "127.0.0.1:%u", listener_port(taken->listener, 0));
	other.listen = listen;
	assert_true(listener_prepare(world->listener, &other, &err) < 0);
	assert_non_null(strstr(err.text, text));
	assert_int_equal(fd_count(), before);
	struct client client = client_connect(world);
	client_send(&client, GET("/now"));
	client_expect(&client, OK(4) "/now");
	client_close(&client);
	world_expect_connections(world, 0);
	world_free(taken);
	world_free(world);
}

static void other_limits_hold_on_connections_that_are_open(void **state)
{
	struct world *world = world_new();
	struct net_opts other = world->opts;
	struct err err = {0};

	world_start(world);
	struct client client = client_connect(world);
	client_send(&client, GET("/now"));
	client_expect(&client, OK(4) "/now");
	other.header_count = 1;
	assert_int_equal(listener_prepare(world->listener, &other, &err), 0);
	listener_commit(world->listener);
	client_send(&client, "GET /now HTTP/1.1\r\nHost: a\r\nX: b\r\n\r\n");
	world_expect_news(world, "request /now\nclosed DONE\nrefused 431\n");
	client_close(&client);
	world_expect_connections(world, 0);
	world_free(world);
}

/* ---- closing ---- */

static void a_stop_closes_idle_connections_and_answers_the_busy_ones(void **state)
{
	struct world *world = world_new();
	world_start(world);
	struct client idle = client_connect(world);
	struct client busy = client_connect(world);

	client_send(&idle, GET("/now"));
	client_expect(&idle, OK(4) "/now");
	client_send(&busy, GET("/later"));
	world_expect_news(world, "request /now\nclosed DONE\nrequest /later\n");

	listener_stop(world->listener);
	client_expect_end(&idle);
	client_close(&idle);
	world_expect_connections(world, 1);
	assert_int_equal(world->stopped, 0);

	world_answer(world, 200, "late", true);
	client_expect(&busy, CLOSING(4) "late");
	client_expect_end(&busy);
	client_close(&busy);
	world_expect_connections(world, 0);
	world_settle(world);
	assert_int_equal(world->stopped, 1);
	world_free(world);
}

/* Neither a client that waits to be accepted nor a request that waits to be read is lost. */
static void a_stop_takes_what_is_already_there(void **state)
{
	struct world *world = world_new();
	world_start(world);
	struct client old = client_connect(world);

	client_send(&old, GET("/now"));
	client_expect(&old, OK(4) "/now");
	client_send(&old, GET("/now/2"));
	struct client fresh = client_connect(world);
	client_send(&fresh, GET("/now/3"));

	listener_stop(world->listener);
	client_expect(&old, CLOSING(6) "/now/2");
	client_expect_end(&old);
	client_expect(&fresh, CLOSING(6) "/now/3");
	client_expect_end(&fresh);
	client_close(&old);
	client_close(&fresh);
	world_expect_connections(world, 0);
	world_free(world);
}

/* The head of the first answer promised that the connection goes on, so the second request was
 * taken too. */
static void a_stop_keeps_what_a_begun_answer_promised(void **state)
{
	struct world *world = world_new();
	world_start(world);
	struct client client = client_connect(world);

	client_send(&client, GET("/later") GET("/now"));
	world_expect_news(world, "request /later\n");
	world_answer(world, 200, "a", false);
	listener_stop(world->listener);
	world_settle(world);
	http_stream_send(world->stream, "b", 1, true);
	client_expect(&client, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
			       "1\r\na\r\n1\r\nb\r\n0\r\n\r\n" CLOSING(4) "/now");
	client_expect_end(&client);
	client_close(&client);
	world_expect_connections(world, 0);
	world_free(world);
}

static void a_stop_without_clients_is_over_at_once(void **state)
{
	struct world *world = world_new();
	world_start(world);

	listener_stop(world->listener);
	listener_stop(world->listener);
	assert_int_equal(world->stopped, 0);
	world_settle(world);
	assert_int_equal(world->stopped, 1);
	world_free(world);
}

static void a_stop_lets_a_half_sent_request_finish(void **state)
{
	struct world *world = world_new();
	world_start(world);
	struct client client = client_connect(world);

	client_send(&client, "GET /now HTTP/1.1\r\n");
	world_settle(world);
	listener_stop(world->listener);
	world_settle(world);
	client_send(&client, "Host: a\r\n\r\n");
	client_expect(&client, CLOSING(4) "/now");
	client_expect_end(&client);
	client_close(&client);
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slow_head_is_refused),
		cmocka_unit_test(a_dripping_head_is_refused),
		cmocka_unit_test(a_silent_body_is_refused),
		cmocka_unit_test(a_body_that_we_hold_back_is_not_silent),
		cmocka_unit_test(an_idle_connection_is_closed_without_a_word),
		cmocka_unit_test(a_client_that_never_closes_is_let_go),
		cmocka_unit_test(a_client_that_does_not_read_is_given_up),
		cmocka_unit_test(no_more_clients_than_allowed_are_let_in),
		cmocka_unit_test(running_out_of_descriptors_is_only_a_pause),
		cmocka_unit_test(an_address_in_use_is_named),
		cmocka_unit_test(nothing_is_left_open),
		cmocka_unit_test(an_address_comes_before_another_goes),
		cmocka_unit_test(an_address_that_stays_is_not_opened_again),
		cmocka_unit_test(what_can_not_be_opened_changes_nothing),
		cmocka_unit_test(other_limits_hold_on_connections_that_are_open),
		cmocka_unit_test(a_stop_closes_idle_connections_and_answers_the_busy_ones),
		cmocka_unit_test(a_stop_takes_what_is_already_there),
		cmocka_unit_test(a_stop_keeps_what_a_begun_answer_promised),
		cmocka_unit_test(a_stop_without_clients_is_over_at_once),
		cmocka_unit_test(a_stop_lets_a_half_sent_request_finish),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
