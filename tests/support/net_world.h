/* A listener on a loopback port, an answerer that does what the test says, and clients: all in one
 * thread on one loop. */
#ifndef PLUGD_TESTS_NET_WORLD_H
#define PLUGD_TESTS_NET_WORLD_H

#include "base/buf.h"
#include "net/listener.h"

/* How requests and answers begin. */
#define GET(path)  "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST(path) "POST " path " HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED	   "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
#define MIB	   (1u << 20)

struct world {
	struct loop *loop;
	struct listener *listener;
	struct net_opts opts;
	struct log *log;	    /* borrows; NULL unless the test sets it before world_start() */
	struct http_stream *stream; /* the open one; NULL: none */
	struct buf news;	    /* a line per upcall: "request /path", "end", "closed DONE" */
	size_t body_bytes;	    /* of all streams */
	struct str piece;	    /* borrowed; sent when the next piece of a body comes */
	unsigned stopped;
	struct loop_timer tick;
};

/* Timeouts of a minute, 8 connections, one address with any port. */
struct world *world_new(void);
void world_start(struct world *world);
void world_free(struct world *world);

/* A request to /now… is answered at once with its path; others are left to the test. */

struct client {
	struct world *world;
	int fd;
	struct buf got;
};

struct client client_connect(struct world *world);
void client_close(struct client *client);

/* The usual beginning and end: a world, and one client of it. */
struct client world_open(struct world **world_out);
void world_close(struct world *world, struct client *client);

void client_send(struct client *client, const char *text); /* all of it */

/* Sends until `len` bytes of 'x' are taken, or nobody takes more. Returns how many were. */
size_t client_push(struct client *client, size_t len);

/* Waits for exactly this, and takes it; "date: …" lines are left out. */
void client_expect(struct client *client, const char *text);

/* Waits for `bytes` more, and drops them. */
void client_swallow(struct client *client, size_t bytes);
void client_expect_end(struct client *client);	 /* a clean one, with nothing before it */
void client_expect_reset(struct client *client); /* whatever comes before */

/* Runs what is ready, until nothing is. */
void world_settle(struct world *world);

/* Waits until `news` is this, and empties it. */
void world_expect_news(struct world *world, const char *text);
void world_expect_body(struct world *world, size_t bytes);
void world_expect_connections(struct world *world, unsigned count);
void world_wait_ms(struct world *world, int64_t ms); /* for what must not happen */

void world_answer(struct world *world, unsigned status, const char *body, bool end);

#endif
