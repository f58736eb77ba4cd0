/* See net_world.h. Waiting is turning the loop; a guard of half a minute ends a test that waits in
 * vain. */
#include "net_world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
/* cmocka needs those first */
#include <cmocka.h>

#include "base/fd.h"
#include "base/mem.h"

#define GUARD_MS 30000

/* ---- the answerer ---- */

static const char *const closed_names[] = {
	[HTTP_CLOSED_DONE] = "DONE",	   [HTTP_CLOSED_LEFT] = "LEFT",
	[HTTP_CLOSED_TIMEOUT] = "TIMEOUT", [HTTP_CLOSED_ERROR] = "ERROR",
	[HTTP_CLOSED_ABORTED] = "ABORTED",
};

static void on_request(void *user, struct http_stream *stream, const struct http_request *request)
{
	struct world *world = user;

	assert_null(world->stream);
	world->stream = stream;
	http_stream_set_user(stream, world);
	buf_printf(&world->news, "request %.*s\n", STR_ARG(request->path));
	if (!str_starts_with(request->path, STR_LITERAL("/now")))
		return;
	struct http_response response = {.status = 200};
	http_stream_respond(stream, &response, request->path.data, request->path.len, true);
}

static void on_body(void *user, const uint8_t *data, size_t len)
{
	struct world *world = user;

	assert_true(len > 0);
	world->body_bytes += len;
	if (world->piece.len > 0)
		http_stream_send(world->stream, world->piece.data, world->piece.len, false);
	world->piece.len = 0;
}

static void on_body_end(void *user)
{
	struct world *world = user;

	buf_printf(&world->news, "end\n");
}

static void on_writable(void *user)
{
	struct world *world = user;

	buf_printf(&world->news, "writable\n");
}

static void on_closed(void *user, enum http_closed how)
{
	struct world *world = user;

	assert_non_null(world->stream);
	world->stream = NULL;
	buf_printf(&world->news, "closed %s\n", closed_names[how]);
}

static struct str on_refused(void *user, const struct http_refusal *refusal, struct arena *arena,
			     struct http_response *response_out)
{
	struct world *world = user;

	buf_printf(&world->news, "refused %u\n", refusal->status);
	return str_from(arena_printf(arena, "{%u}", refusal->status));
}

static const struct http_upcalls upcalls = {
	.on_request = on_request,
	.on_body = on_body,
	.on_body_end = on_body_end,
	.on_writable = on_writable,
	.on_closed = on_closed,
	.on_refused = on_refused,
};

static void on_stopped(void *user)
{
	struct world *world = user;

	world->stopped++;
}

void world_answer(struct world *world, unsigned status, const char *body, bool end)
{
	struct http_response response = {.status = status};

	assert_non_null(world->stream);
	assert_int_equal(http_stream_respond(world->stream, &response, body, strlen(body), end), 0);
}

/* ---- the world ---- */

static void on_tick(void *user)
{
}

struct world *world_new(void)
{
	static char *listen[] = {(char *)"127.0.0.1:0", NULL};
	struct world *world = mem_new(struct world);

	world->loop = loop_new();
	world->opts = (struct net_opts){
		.listen = listen,
		.header_bytes = 64 << 10,
		.header_count = 100,
		.uri_bytes = 64 << 10,
		.read_header_timeout_ms = 60000,
		.read_timeout_ms = 60000,
		.write_timeout_ms = 60000,
		.idle_timeout_ms = 60000,
		.max_connections = 8,
	};
	loop_timer_init(&world->tick, world->loop, on_tick, world);
	return world;
}

void world_start(struct world *world)
{
	struct err err = {0};
	struct listener_opts opts = {
		.loop = world->loop,
		.net = &world->opts,
		.upcalls = &upcalls,
		.user = world,
		.on_stopped = on_stopped,
		.stopped_user = world,
		.log = world->log,
	};

	world->listener = listener_new(&opts);
	if (listener_start(world->listener, &err) < 0)
		fail_msg("%s", err.text);
}

void world_free(struct world *world)
{
	listener_free(world->listener);
	assert_null(world->stream);
	loop_free(world->loop);
	buf_deinit(&world->news);
	free(world);
}

/* When it began to wait, for world_turn(). */
static int64_t guard_begin(const struct world *world)
{
	return loop_now_ms(world->loop);
}

/* Waits for events, but looks again soon: what a test waits for may come at the end of the turn,
 * before the sleep. */
static void world_turn(struct world *world, int64_t since_ms)
{
	if (loop_now_ms(world->loop) > since_ms + GUARD_MS)
		fail_msg("waited in vain; the news so far:\n%.*s", (int)buf_len(&world->news),
			 (char *)buf_front(&world->news));
	loop_timer_start(&world->tick, 1);
	loop_turn(world->loop, true);
}

void world_settle(struct world *world)
{
	for (int i = 0; i < 20; i++)
		loop_turn(world->loop, false);
}

void world_expect_news(struct world *world, const char *text)
{
	struct str wanted = str_from(text);
	int64_t since_ms = guard_begin(world);

	while (buf_len(&world->news) < wanted.len)
		world_turn(world, since_ms);
	world_settle(world);
	buf_append(&world->news, "", 1);
	assert_string_equal((char *)buf_front(&world->news), text);
	buf_consume(&world->news, buf_len(&world->news));
}

void world_expect_body(struct world *world, size_t bytes)
{
	int64_t since_ms = guard_begin(world);

	while (world->body_bytes < bytes)
		world_turn(world, since_ms);
	assert_int_equal(world->body_bytes, bytes);
}

void world_expect_connections(struct world *world, unsigned count)
{
	int64_t since_ms = guard_begin(world);

	while (listener_connections(world->listener) != count)
		world_turn(world, since_ms);
}

static void on_waited(void *user)
{
	*(bool *)user = true;
}

void world_wait_ms(struct world *world, int64_t ms)
{
	bool is_over = false;
	struct loop_timer timer;

	loop_timer_init(&timer, world->loop, on_waited, &is_over);
	loop_timer_start(&timer, ms);
	while (!is_over)
		loop_turn(world->loop, true);
}

/* ---- clients ---- */

struct client client_connect(struct world *world)
{
	struct client client = {.world = world,
				.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)listener_port(world->listener, 0)),
	};

	assert_true(client.fd >= 0);
	assert_int_equal(connect(client.fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return client;
}

void client_close(struct client *client)
{
	fd_close(&client->fd);
	buf_deinit(&client->got);
}

void client_send(struct client *client, const char *text)
{
	assert_int_equal(fd_write_all(client->fd, text, strlen(text)), 0);
}

size_t client_push(struct client *client, size_t len)
{
	static char block[32 << 10];
	size_t sent = 0;
	int fruitless = 0;

	memset(block, 'x', sizeof(block));
	while (sent < len && fruitless < 50) {
		size_t want = len - sent < sizeof(block) ? len - sent : sizeof(block);
		ssize_t n = send(client->fd, block, want, MSG_DONTWAIT | MSG_NOSIGNAL);
		loop_turn(client->world->loop, false);
		fruitless = n > 0 ? 0 : fruitless + 1;
		sent += n > 0 ? (size_t)n : 0;
	}
	return sent;
}

/* One read. False at the end of the stream; errno is 0 when the end was clean. */
static bool client_read(struct client *client)
{
	uint8_t *into = buf_reserve(&client->got, 64 << 10);
	ssize_t n = recv(client->fd, into, 64 << 10, MSG_DONTWAIT);

	if (n > 0)
		buf_commit(&client->got, (size_t)n);
	if (n < 0 && errno == EAGAIN)
		loop_turn(client->world->loop, false);
	if (n == 0)
		errno = 0;
	return n > 0 || (n < 0 && errno == EAGAIN);
}

/* The listener needs turns too, and the client's socket isn't in the loop: so this polls, with the
 * guard. */
static void client_wait(struct client *client, size_t bytes)
{
	struct world *world = client->world;
	int64_t until_ms = loop_now_ms(world->loop) + GUARD_MS;

	while (buf_len(&client->got) < bytes) {
		if (!client_read(client))
			fail_msg("the connection ended (%s) after:\n%.*s", strerror(errno),
				 (int)buf_len(&client->got), (char *)buf_front(&client->got));
		if (loop_now_ms(world->loop) > until_ms)
			fail_msg("waited in vain after:\n%.*s", (int)buf_len(&client->got),
				 (char *)buf_front(&client->got));
	}
}

static void client_drop_dates(struct client *client)
{
	static const char line[] = "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
	size_t len = sizeof(line) - 1;
	uint8_t *found;

	while ((found = memmem(buf_front(&client->got), buf_len(&client->got), "date: ", 6))) {
		size_t before = (size_t)(found - buf_front(&client->got));
		client_wait(client, before + len);
		found = buf_front(&client->got) + before;
		memmove(found, found + len, buf_len(&client->got) - before - len);
		client->got.end -= len;
	}
}

void client_expect(struct client *client, const char *text)
{
	size_t len = strlen(text);

	do {
		client_wait(client, len);
		client_drop_dates(client);
	} while (buf_len(&client->got) < len);
	if (memcmp(buf_front(&client->got), text, len) != 0)
		fail_msg("got:\n%.*s\n--- instead of ---\n%s", (int)buf_len(&client->got),
			 (char *)buf_front(&client->got), text);
	buf_consume(&client->got, len);
}

void client_swallow(struct client *client, size_t bytes)
{
	while (bytes > 0) {
		client_wait(client, 1);
		size_t len = buf_len(&client->got) < bytes ? buf_len(&client->got) : bytes;
		buf_consume(&client->got, len);
		bytes -= len;
	}
}

static void client_wait_end(struct client *client)
{
	int64_t until_ms = loop_now_ms(client->world->loop) + GUARD_MS;

	while (client_read(client)) {
		if (loop_now_ms(client->world->loop) > until_ms)
			fail_msg("waited in vain for the end");
	}
}

void client_expect_end(struct client *client)
{
	client_wait_end(client);
	assert_int_equal(errno, 0);
	client_drop_dates(client);
	if (buf_len(&client->got) > 0)
		fail_msg("got before the end:\n%.*s", (int)buf_len(&client->got),
			 (char *)buf_front(&client->got));
}

void client_expect_reset(struct client *client)
{
	client_wait_end(client);
	assert_int_equal(errno, ECONNRESET);
}

/* ---- the usual beginning and end ---- */

struct client world_open(struct world **world_out)
{
	*world_out = world_new();
	world_start(*world_out);
	return client_connect(*world_out);
}

void world_close(struct world *world, struct client *client)
{
	client_close(client);
	world_free(world);
}
