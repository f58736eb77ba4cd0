/* Bytes that go from a file to a client, over real sockets. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/support/net_world.h"
#include "tests/support/unit.h"

/* A file of that many bytes: 'a' to 'z' and again. */
static int file_of(size_t bytes)
{
	int fd = memfd_create("file", MFD_CLOEXEC);
	char *text = mem_alloc(bytes);

	for (size_t i = 0; i < bytes; i++)
		text[i] = (char)('a' + i % 26);
	assert_int_equal(write(fd, text, bytes), bytes);
	free(text);
	return fd;
}

static void begin_answer(struct world *world, uint64_t length)
{
	struct http_response response = {
		.status = 200, .has_content_length = true, .content_length = length};

	assert_true(http_stream_takes_files(world->stream));
	http_stream_respond(world->stream, &response, NULL, 0, false);
}

static void a_run_of_a_file_is_the_body(void **state)
{
	struct world *world;
	struct client client = world_open(&world);
	int fd = file_of(100);

	for (int i = 0; i < 2; i++) { /* the connection goes on */
		client_send(&client, GET("/later"));
		world_expect_news(world, "request /later\n");
		begin_answer(world, 5);
		http_stream_send_file(world->stream, fd, 26, 5, true);
		client_expect(&client, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabcde");
		world_expect_news(world, "closed DONE\n");
	}
	close(fd);
	world_close(world, &client);
}

static void each_run_is_told_when_it_is_out(void **state)
{
	struct world *world;
	struct client client = world_open(&world);
	int fd = file_of(100);

	client_send(&client, GET("/later"));
	world_expect_news(world, "request /later\n");
	begin_answer(world, 8);
	http_stream_send(world->stream, "<", 1, false);
	http_stream_send_file(world->stream, fd, 0, 3, false);
	world_expect_news(world, "writable\n");
	http_stream_send_file(world->stream, fd, 3, 3, false);
	world_expect_news(world, "writable\n");
	http_stream_send(world->stream, ">", 1, true);
	client_expect(&client, "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n<abcdef>");
	world_expect_news(world, "closed DONE\n");
	close(fd);
	world_close(world, &client);
}

/* The exchange is over only when the file isn't needed any more. */
static void a_slow_reader_keeps_the_stream_open(void **state)
{
	struct world *world;
	struct client client = world_open(&world);
	int fd = file_of(64 * MIB);

	client_send(&client, GET("/later") GET("/now"));
	world_expect_news(world, "request /later\n");
	begin_answer(world, 64 * MIB);
	http_stream_send_file(world->stream, fd, 0, 64 * MIB, true);
	world_settle(world);
	assert_int_equal(buf_len(&world->news), 0);
	assert_int_equal(http_stream_room(world->stream), 0);
	client_expect(&client, "HTTP/1.1 200 OK\r\ncontent-length: 67108864\r\n\r\nabc");
	client_swallow(&client, 64 * MIB - 3);
	client_expect(&client, "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n/now");
	world_expect_news(world, "closed DONE\nrequest /now\nclosed DONE\n");
	close(fd);
	world_close(world, &client);
}

static void a_file_that_is_too_short_cuts_the_answer_off(void **state)
{
	struct world *world;
	struct client client = world_open(&world);
	int fd = file_of(10);

	client_send(&client, GET("/later"));
	world_expect_news(world, "request /later\n");
	begin_answer(world, 20);
	http_stream_send_file(world->stream, fd, 0, 20, true);
	client_expect(&client, "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nabcdefghij");
	client_expect_end(&client);
	world_expect_news(world, "closed ABORTED\n");
	close(fd);
	world_close(world, &client);
}

/* Nothing of it is read after on_closed, when its descriptor may be another file's. */
static void a_file_is_let_go_before_its_stream_is_closed(void **state)
{
	struct world *world;
	struct client client = world_open(&world);
	int fd = file_of(64 * MIB);
	int empty = file_of(1);

	client_send(&client, GET("/later"));
	world_expect_news(world, "request /later\n");
	begin_answer(world, 64 * MIB);
	http_stream_send_file(world->stream, fd, 0, 64 * MIB, false);
	world_settle(world);
	http_stream_abort(world->stream);
	world_expect_news(world, "closed ABORTED\n");
	dup2(empty, fd);
	client_expect(&client, "HTTP/1.1 200 OK\r\ncontent-length: 67108864\r\n\r\nabc");
	while (client.got.end > client.got.start || read(client.fd, (char[65536]){0}, 65536) > 0)
		buf_consume(&client.got, buf_len(&client.got));
	close(empty);
	close(fd);
	world_close(world, &client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_of_a_file_is_the_body),
		cmocka_unit_test(each_run_is_told_when_it_is_out),
		cmocka_unit_test(a_slow_reader_keeps_the_stream_open),
		cmocka_unit_test(a_file_that_is_too_short_cuts_the_answer_off),
		cmocka_unit_test(a_file_is_let_go_before_its_stream_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
