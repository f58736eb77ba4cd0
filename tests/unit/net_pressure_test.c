/* Answers to a client that reads slowly, over real sockets: what is kept for it is bounded, and who
 * waits for room is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
/* cmocka needs those first */
#include <cmocka.h>

#include "../support/net_world.h"
#include "base/mem.h"

static void a_slow_reader_fills_only_the_bounded_buffer(void **state)
{
	struct world *world;
	struct client client = world_open(&world);
	char *piece = mem_zalloc(64 << 10);
	size_t sent = 0;

	client_send(&client, GET("/later"));
	world_expect_news(world, "request /later\n");
	struct http_response response = {
		.status = 200, .has_content_length = true, .content_length = 64 * MIB};
	http_stream_respond(world->stream, &response, NULL, 0, false);
	for (int idle = 0; idle < 3; idle++) {
		while (http_stream_room(world->stream) > 0) {
			http_stream_send(world->stream, piece, 64 << 10, false);
			sent += 64 << 10;
			idle = 0;
		}
		world_settle(world);
	}
	assert_true(sent < 64 * MIB);
	assert_int_equal(buf_len(&world->news), 0);

	client_swallow(&client, 4 * MIB);
	world_expect_news(world, "writable\n");
	assert_true(http_stream_room(world->stream) >= 128 << 10);
	http_stream_abort(world->stream);
	world_expect_news(world, "closed ABORTED\n");
	free(piece);
	world_close(world, &client);
}

/* The kernel takes more again, and in the same turn a piece of a body comes and is answered: that
 * answer empties the buffer, and whoever waits for room must still be told. */
static void room_that_comes_with_more_to_send_is_told(void **state)
{
	struct world *world;
	struct client client = world_open(&world);
	char *piece = mem_zalloc(64 << 10);
	struct http_response response = {
		.status = 200, .has_content_length = true, .content_length = 64 * MIB};

	client_send(&client, POST("/later") "Content-Length: 1\r\n\r\n");
	world_expect_news(world, "request /later\n");
	http_stream_want_body(world->stream, true);
	http_stream_respond(world->stream, &response, NULL, 0, false);
	for (int idle = 0; idle < 3; idle++) {
		for (; http_stream_room(world->stream) > 0; idle = 0)
			http_stream_send(world->stream, piece, 64 << 10, false);
		world_settle(world);
	}
	world->piece = (struct str){piece, 64 << 10};
	while (recv(client.fd, piece, 64 << 10, MSG_DONTWAIT) > 0)
		;
	client_send(&client, "x");
	world_expect_news(world, "writable\nend\n");
	free(piece);
	world_close(world, &client);
}

static void large_pieces_arrive_whole_and_in_order(void **state)
{
	struct world *world;
	struct client client = world_open(&world);
	char *piece = mem_alloc(100000);

	client_send(&client, GET("/later"));
	world_expect_news(world, "request /later\n");
	world_answer(world, 200, "begin", false);
	client_expect(&client, CHUNKED "5\r\nbegin\r\n");
	for (char c = 'a'; c <= 'z'; c++) {
		memset(piece, c, 100000);
		http_stream_send(world->stream, piece, 100000, c == 'z');
		char head[64];
		snprintf(head, sizeof(head), "186a0\r\n%c%c%c", c, c, c);
		client_expect(&client, head);
		client_swallow(&client, 100000 - 6);
		snprintf(head, sizeof(head), "%c%c%c\r\n", c, c, c);
		client_expect(&client, head);
	}
	client_expect(&client, "0\r\n\r\n");
	world_expect_news(world, "closed DONE\n");
	free(piece);
	world_close(world, &client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slow_reader_fills_only_the_bounded_buffer),
		cmocka_unit_test(room_that_comes_with_more_to_send_is_told),
		cmocka_unit_test(large_pieces_arrive_whole_and_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
