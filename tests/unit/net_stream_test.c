/* Requests and answers over real sockets: order, bodies, and every way in which a
 * stream ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
/* cmocka needs those first */
#include <cmocka.h>

#include "../support/net_world.h"
#include "base/mem.h"

#define OK(len)	     "HTTP/1.1 200 OK\r\ncontent-length: " #len "\r\n\r\n"
#define CLOSING(len) "HTTP/1.1 200 OK\r\ncontent-length: " #len "\r\nconnection: close\r\n\r\n"

static void one_connection_serves_many_requests(void **state)
{
	struct world *world;
	struct client client = world_open(&world);

	for (int i = 0; i < 3; i++) {
		client_send(&client, GET("/now"));
		client_expect(&client, OK(4) "/now");
	}
	world_expect_news(world, "request /now\nclosed DONE\nrequest /now\nclosed DONE\n"
				 "request /now\nclosed DONE\n");
	assert_int_equal(listener_connections(world->listener), 1);
	world_close(world, &client);
}

static void a_request_may_come_in_pieces(void **state)
{
	struct world *world;
	struct client client = world_open(&world);

	for (const char *p = GET("/now") GET("/now/2"); *p; p++) {
		client_send(&client, (char[]){*p, '\0'});
		world_settle(world);
	}
	client_expect(&client, OK(4) "/now" OK(6) "/now/2");
	world_close(world, &client);
}

static void pipelined_requests_wait_for_the_answer_before_them(void **state)
{
	struct world *world;
	struct client client = world_open(&world);

	client_send(&client, GET("/now/1") GET("/later") GET("/now/2") GET("/now/3"));
	world_expect_news(world, "request /now/1\nclosed DONE\nrequest /later\n");
	client_expect(&client, OK(6) "/now/1");
	world_answer(world, 200, "late", true);
	client_expect(&client, OK(4) "late" OK(6) "/now/2" OK(6) "/now/3");
	world_close(world, &client);
}

/* Nobody reads the answers: then the requests must stop being read, and nothing is lost. */
static void a_flood_of_pipelined_requests_is_held_back_by_its_answers(void **state)
{
	struct world *world;
	struct client client = world_open(&world);
	const struct str request = STR_LITERAL(GET("/now"));
	const size_t answer = strlen(OK(4) "/now"
					   "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
	struct buf flood = {0};
	size_t sent = 0;

	while (buf_len(&flood) < 32 * MIB)
		buf_append_str(&flood, request);
	for (int fruitless = 0; fruitless < 20; fruitless++) {
		ssize_t n = send(client.fd, buf_front(&flood) + sent, buf_len(&flood) - sent,
				 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0) {
			sent += (size_t)n;
			fruitless = 0;
		}
		world_settle(world);
	}
	assert_true(sent < buf_len(&flood));
	client_swallow(&client, sent / request.len * answer);
	buf_deinit(&flood);
	world_close(world, &client);
}

static void head_has_no_body_and_the_connection_goes_on(void **state)
{
	struct world *world;
	struct client client = world_open(&world);

	client_send(&client, "HEAD /now HTTP/1.1\r\nHost: a\r\n\r\n" GET("/now"));
	client_expect(&client, OK(4) OK(4) "/now");
	world_close(world, &client);
}

static void a_streamed_answer_is_chunked(void **state)
{
	struct world *world;
	struct client client = world_open(&world);

	client_send(&client, GET("/later"));
	world_expect_news(world, "request /later\n");
	world_answer(world, 200, "hello", false);
	client_expect(&client, CHUNKED "5\r\nhello\r\n");
	http_stream_send(world->stream, " ", 1, false);
	http_stream_send(world->stream, "", 0, false);
	http_stream_send(world->stream, "world, at last", 14, true);
	client_expect(&client, "1\r\n \r\ne\r\nworld, at last\r\n0\r\n\r\n");
	world_expect_news(world, "closed DONE\n");
	client_send(&client, GET("/now"));
	client_expect(&client, OK(4) "/now");
	world_close(world, &client);
}

static void an_old_client_gets_a_stream_until_the_end(void **state)
{
	struct world *world;
	struct client client = world_open(&world);

	client_send(&client, "GET /later HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	world_expect_news(world, "request /later\n");
	world_answer(world, 200, "a", false);
	http_stream_send(world->stream, "b", 1, true);
	client_expect(&client, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nab");
	client_expect_end(&client);
	world_close(world, &client);
}

static void a_client_that_says_close_is_closed_after_its_answer(void **state)
{
	struct world *world;
	struct client client = world_open(&world);

	client_send(&client, "GET /now HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	client_expect(&client, CLOSING(4) "/now");
	client_expect_end(&client);
	world_expect_news(world, "request /now\nclosed DONE\n");
	client_close(&client);
	world_expect_connections(world, 0);
	world_close(world, &client);
}

/* ---- bodies ---- */

static void a_body_comes_only_when_it_is_wanted(void **state)
{
	struct world *world;
	struct client client = world_open(&world);

	client_send(&client, POST("/later") "Content-Length: 5\r\n\r\nhello");
	world_expect_news(world, "request /later\n");
	world_settle(world);
	assert_int_equal(world->body_bytes, 0);
	http_stream_want_body(world->stream, true);
	world_expect_news(world, "end\n");
	assert_int_equal(world->body_bytes, 5);
	world_answer(world, 200, "", true);
	client_expect(&client, OK(0));
	world_close(world, &client);
}

static void a_body_that_is_not_wanted_yet_holds_the_client_back(void **state)
{
	struct world *world;
	struct client client = world_open(&world);

	client_send(&client, POST("/later") "Content-Length: 33554432\r\n\r\n");
	world_expect_news(world, "request /later\n");
	size_t sent = client_push(&client, 32 * MIB);
	assert_true(sent < 32 * MIB);
	assert_int_equal(world->body_bytes, 0);

	http_stream_want_body(world->stream, true);
	sent += client_push(&client, 8 * MIB);
	world_expect_body(world, sent);
	http_stream_want_body(world->stream, false);
	size_t pushed = client_push(&client, 32 * MIB - sent);
	assert_true(sent + pushed < 32 * MIB);
	assert_int_equal(world->body_bytes, sent);

	http_stream_want_body(world->stream, true);
	assert_int_equal(client_push(&client, 32 * MIB - sent - pushed), 32 * MIB - sent - pushed);
	world_expect_news(world, "end\n");
	assert_int_equal(world->body_bytes, 32 * MIB);
	world_answer(world, 200, "", true);
	client_expect(&client, OK(0));
	world_close(world, &client);
}

static void continue_is_said_when_the_body_is_wanted(void **state)
{
	struct world *world;
	struct client client = world_open(&world);

	client_send(&client,
		    POST("/later") "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n");
	world_expect_news(world, "request /later\n");
	http_stream_want_body(world->stream, true);
	http_stream_want_body(world->stream, true);
	client_expect(&client, "HTTP/1.1 100 Continue\r\n\r\n");
	client_send(&client, "2\r\nhi\r\n0\r\n\r\n");
	world_expect_news(world, "end\n");
	world_answer(world, 200, "", true);
	client_expect(&client, OK(0));
	world_close(world, &client);
}

static void an_answer_instead_of_continue_closes(void **state)
{
	struct world *world;
	struct client client = world_open(&world);

	client_send(&client, POST("/now") "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
	client_expect(&client, CLOSING(4) "/now");
	client_expect_end(&client);
	world_close(world, &client);
}

static void a_small_body_that_nobody_wants_is_dropped(void **state)
{
	struct world *world;
	struct client client = world_open(&world);

	client_send(&client, POST("/now") "Content-Length: 5\r\n\r\nhel");
	client_expect(&client, OK(4) "/now");
	client_send(&client, "lo" GET("/now/2"));
	client_expect(&client, OK(6) "/now/2");
	assert_int_equal(world->body_bytes, 0);
	world_close(world, &client);
}

static void a_large_body_that_nobody_wants_ends_the_connection_after_the_answer(void **state)
{
	struct world *world;
	struct client client = world_open(&world);

	client_send(&client, POST("/now") "Content-Length: 1000000\r\n\r\n");
	assert_int_equal(client_push(&client, 700000), 700000);
	client_expect(&client, CLOSING(4) "/now");
	client_expect_end(&client);
	world_close(world, &client);
}

/* Its length is unknown, so it is given a chance to end; not more. */
static void a_body_without_end_is_not_dropped_for_ever(void **state)
{
	struct world *world;
	struct client client = world_open(&world);

	client_send(&client, POST("/later") "Transfer-Encoding: chunked\r\n\r\n100000\r\n");
	world_expect_news(world, "request /later\n");
	http_stream_want_body(world->stream, true);
	world_answer(world, 200, "done", true);
	client_expect(&client, OK(4) "done");
	world_expect_news(world, "closed DONE\n");
	client_push(&client, 200000);
	client_expect_end(&client);
	world_close(world, &client);
}

static void an_answer_may_begin_before_the_body_has_ended(void **state)
{
	struct world *world;
	struct client client = world_open(&world);

	client_send(&client, POST("/later") "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n");
	world_expect_news(world, "request /later\n");
	http_stream_want_body(world->stream, true);
	world_answer(world, 200, "one", false);
	client_expect(&client, CHUNKED "3\r\none\r\n");
	client_send(&client, "0\r\n\r\n");
	world_expect_news(world, "end\n");
	http_stream_send(world->stream, NULL, 0, true);
	client_expect(&client, "0\r\n\r\n");
	client_send(&client, GET("/now"));
	client_expect(&client, OK(4) "/now");
	world_close(world, &client);
}

/* ---- ends ---- */

static void an_answer_that_is_cut_looks_cut(void **state)
{
	struct world *world;
	struct client client = world_open(&world);

	client_send(&client, GET("/later"));
	world_expect_news(world, "request /later\n");
	world_answer(world, 200, "half", false);
	http_stream_abort(world->stream);
	world_expect_news(world, "closed ABORTED\n");
	client_expect(&client, CHUNKED "4\r\nhalf\r\n");
	client_expect_end(&client);

	struct client old = client_connect(world);
	client_send(&old, "GET /later HTTP/1.0\r\n\r\n");
	world_expect_news(world, "request /later\n");
	world_answer(world, 200, "half", false);
	world_settle(world);
	http_stream_abort(world->stream);
	world_expect_news(world, "closed ABORTED\n");
	client_expect_reset(&old);
	client_close(&old);
	world_close(world, &client);
}

static void a_length_is_kept(void **state)
{
	struct world *world;
	struct client client = world_open(&world);
	struct http_response response = {
		.status = 200, .has_content_length = true, .content_length = 4};

	client_send(&client, GET("/later") GET("/later"));
	world_expect_news(world, "request /later\n");
	http_stream_respond(world->stream, &response, "too much", 8, true);
	client_expect(&client, OK(4) "too ");
	world_expect_news(world, "closed DONE\nrequest /later\n");
	http_stream_respond(world->stream, &response, "few", 3, true);
	client_expect(&client, OK(4) "few");
	client_expect_end(&client);
	world_expect_news(world, "closed ABORTED\n");
	world_close(world, &client);
}

static void a_client_that_half_closes_gets_its_answer(void **state)
{
	struct world *world;
	struct client client = world_open(&world);

	client_send(&client, GET("/now") GET("/later"));
	shutdown(client.fd, SHUT_WR);
	client_expect(&client, OK(4) "/now");
	world_settle(world);
	world_expect_news(world, "request /now\nclosed DONE\nrequest /later\n");
	world_answer(world, 200, "late", true);
	client_expect(&client, OK(4) "late");
	client_expect_end(&client);
	world_close(world, &client);
}

static void a_client_that_half_closes_is_waited_for(void **state)
{
	struct world *world;
	struct client client = world_open(&world);

	client_send(&client, GET("/later"));
	shutdown(client.fd, SHUT_WR);
	client_expect(&client, "HTTP/1.1 100 Continue\r\n\r\n");
	world_wait_ms(world, 600);
	assert_non_null(world->stream);
	world_answer(world, 200, "late", true);
	client_expect(&client, OK(4) "late");
	client_expect_end(&client);
	world_close(world, &client);
}

static void a_client_that_leaves_is_noticed(void **state)
{
	struct world *world;
	struct client client = world_open(&world);

	client_send(&client, GET("/later"));
	world_expect_news(world, "request /later\n");
	client_close(&client);
	world_expect_news(world, "closed LEFT\n");
	world_expect_connections(world, 0);
	world_close(world, &client);
}

static void a_client_that_leaves_in_its_body_is_noticed(void **state)
{
	struct world *world;
	struct client client = world_open(&world);

	client_send(&client, POST("/later") "Content-Length: 5\r\n\r\nhel");
	world_expect_news(world, "request /later\n");
	http_stream_want_body(world->stream, true);
	client_close(&client);
	world_expect_news(world, "closed LEFT\n");
	assert_int_equal(world->body_bytes, 3);
	world_close(world, &client);
}

static void a_reset_is_noticed_at_once(void **state)
{
	struct world *world;
	struct client client = world_open(&world);
	struct linger hard = {.l_onoff = 1};

	client_send(&client, GET("/later"));
	world_expect_news(world, "request /later\n");
	setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	client_close(&client);
	world_expect_news(world, "closed LEFT\n");
	world_close(world, &client);
}

/* ---- refusals ---- */

static void a_bad_request_is_answered_and_closed(void **state)
{
	struct world *world;
	struct client client = world_open(&world);

	client_send(&client, GET("/now") "GET / HTTP/1.1\r\n\r\n" GET("/now"));
	client_expect(&client, OK(4) "/now");
	client_expect(&client, "HTTP/1.1 400 Bad Request\r\ncontent-length: 5\r\n"
			       "connection: close\r\n\r\n{400}");
	client_expect_end(&client);
	world_expect_news(world, "request /now\nclosed DONE\nrefused 400\n");
	world_close(world, &client);
}

static void a_client_that_goes_on_sending_sees_why_it_was_refused(void **state)
{
	struct world *world;
	struct client client = world_open(&world);

	world->opts.header_bytes = 1000;
	struct client other = client_connect(world);
	client_send(&other, "GET / HTTP/1.1\r\nX: ");
	assert_int_equal(client_push(&other, 500000), 500000);
	client_expect(&other,
		      "HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 5\r\n"
		      "connection: close\r\n\r\n{431}");
	client_expect_end(&other);
	client_close(&other);
	world_close(world, &client);
}

static void a_bad_body_ends_its_stream(void **state)
{
	struct world *world;
	struct client client = world_open(&world);

	client_send(&client, POST("/later") "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0x1\r\n");
	world_expect_news(world, "request /later\n");
	http_stream_want_body(world->stream, true);
	world_expect_news(world, "refused 400\nclosed ERROR\n");
	assert_int_equal(world->body_bytes, 2);
	client_expect(&client, "HTTP/1.1 400 Bad Request\r\ncontent-length: 5\r\n"
			       "connection: close\r\n\r\n{400}");
	client_expect_end(&client);
	world_close(world, &client);
}

static void a_bad_body_behind_a_begun_answer_cuts_it(void **state)
{
	struct world *world;
	struct client client = world_open(&world);

	client_send(&client, POST("/later") "Transfer-Encoding: chunked\r\n\r\n");
	world_expect_news(world, "request /later\n");
	http_stream_want_body(world->stream, true);
	world_answer(world, 200, "half", false);
	client_send(&client, "0x1\r\n");
	world_expect_news(world, "refused 400\nclosed ERROR\n");
	client_expect(&client, CHUNKED "4\r\nhalf\r\n");
	client_expect_end(&client);
	world_close(world, &client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_connection_serves_many_requests),
		cmocka_unit_test(a_request_may_come_in_pieces),
		cmocka_unit_test(pipelined_requests_wait_for_the_answer_before_them),
		cmocka_unit_test(a_flood_of_pipelined_requests_is_held_back_by_its_answers),
		cmocka_unit_test(head_has_no_body_and_the_connection_goes_on),
		cmocka_unit_test(a_streamed_answer_is_chunked),
		cmocka_unit_test(an_old_client_gets_a_stream_until_the_end),
		cmocka_unit_test(a_client_that_says_close_is_closed_after_its_answer),
		cmocka_unit_test(a_body_comes_only_when_it_is_wanted),
		cmocka_unit_test(a_body_that_is_not_wanted_yet_holds_the_client_back),
		cmocka_unit_test(continue_is_said_when_the_body_is_wanted),
		cmocka_unit_test(an_answer_instead_of_continue_closes),
		cmocka_unit_test(a_small_body_that_nobody_wants_is_dropped),
		cmocka_unit_test(
			a_large_body_that_nobody_wants_ends_the_connection_after_the_answer),
		cmocka_unit_test(a_body_without_end_is_not_dropped_for_ever),
		cmocka_unit_test(an_answer_may_begin_before_the_body_has_ended),
		cmocka_unit_test(an_answer_that_is_cut_looks_cut),
		cmocka_unit_test(a_length_is_kept),
		cmocka_unit_test(a_client_that_half_closes_gets_its_answer),
		cmocka_unit_test(a_client_that_half_closes_is_waited_for),
		cmocka_unit_test(a_client_that_leaves_is_noticed),
		cmocka_unit_test(a_client_that_leaves_in_its_body_is_noticed),
		cmocka_unit_test(a_reset_is_noticed_at_once),
		cmocka_unit_test(a_bad_request_is_answered_and_closed),
		cmocka_unit_test(a_client_that_goes_on_sending_sees_why_it_was_refused),
		cmocka_unit_test(a_bad_body_ends_its_stream),
		cmocka_unit_test(a_bad_body_behind_a_begun_answer_cuts_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
