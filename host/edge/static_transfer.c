/* A file on its way to a client.
 *
 * Where the connection takes files, runs of it are handed over and never read here; else they are
 * read piece by piece, as the client takes them, into a buffer that all share. Either way one
 * client gets at most a window in one turn of the loop, so that a fast one holds up nobody, and
 * nothing of a large file is in memory. The loop waits for the disk when a file is not in the page
 * cache.
 *
 * A transfer lives in its exchange's arena and owns the descriptor, which is closed when the
 * exchange ends, however it does. A file that has become shorter cuts the answer off: the client
 * was told a length, and must see that something is missing. Called by static_files.c and
 * edge.c. */
#include "edge/static_transfer.h"

#include <errno.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "edge/edge_internal.h"
#include "observe/errors.h"

#define PIECE_BYTES  (64u << 10)  /* read at once */
#define WINDOW_BYTES (256u << 10) /* in one turn, when they are read here */
#define RUN_BYTES    (1u << 20)	  /* in one turn, when they are not */

struct static_transfer {
	struct exchange *exchange;
	int fd;
	uint64_t offset; /* of what is to be sent next */
	uint64_t left;
	int64_t turn_us;  /* the turn in which it has sent last */
	size_t turn_left; /* what may be sent in that turn */
	struct loop_timer next_turn;
};

/* Where all transfers read to; nothing stays in it. */
static uint8_t *piece_of(struct edge *edge)
{
	if (!edge->file_piece)
		edge->file_piece = mem_alloc(PIECE_BYTES);
	return edge->file_piece;
}

/* As much as is there, `len` at most; 0: nothing is, or it can't be read. */
static size_t read_at(int fd, uint8_t *to, size_t len, uint64_t offset)
{
	ssize_t got;

	do
		got = pread(fd, to, len, (off_t)offset);
	while (got < 0 && errno == EINTR);
	return got > 0 ? (size_t)got : 0;
}

/* ---- piece by piece ---- */

static size_t smallest(size_t a, size_t b, uint64_t c)
{
	size_t least = a < b ? a : b;

	return c < least ? (size_t)c : least;
}

/* What this turn still allows. */
static size_t allowance(struct static_transfer *transfer, size_t whole)
{
	int64_t now_us = loop_now_us(transfer->exchange->edge->loop);

	if (transfer->turn_us != now_us) {
		transfer->turn_us = now_us;
		transfer->turn_left = whole;
	}
	if (transfer->turn_left == 0)
		loop_timer_start(&transfer->next_turn, 0);
	return transfer->turn_left;
}

static void note_sent(struct static_transfer *transfer, size_t len)
{
	transfer->offset += len;
	transfer->left -= len;
	transfer->turn_left -= len;
}

static void send_run(struct static_transfer *transfer)
{
	size_t len = smallest(RUN_BYTES, allowance(transfer, RUN_BYTES), transfer->left);
	uint64_t offset = transfer->offset;

	if (len == 0)
		return;
	note_sent(transfer, len);
	exchange_send_file(transfer->exchange, transfer->fd, offset, len, transfer->left == 0);
}

/* False: this turn has had its share, or the file is at its end. */
static bool send_piece(struct static_transfer *transfer)
{
	struct exchange *exchange = transfer->exchange;
	uint8_t *piece = piece_of(exchange->edge);
	size_t len = smallest(PIECE_BYTES, allowance(transfer, WINDOW_BYTES), transfer->left);
	size_t got = len > 0 ? read_at(transfer->fd, piece, len, transfer->offset) : 0;

	if (got == 0) {
		if (len > 0)
			exchange_cut(exchange);
		return false;
	}
	note_sent(transfer, got);
	exchange_send(exchange, (struct wire_bytes){piece, got}, transfer->left == 0);
	return true;
}

void static_transfer_continue(struct exchange *exchange)
{
	struct static_transfer *transfer = exchange->transfer;

	loop_timer_stop(&transfer->next_turn);
	if (exchange->ended)
		return;
	if (exchange_takes_files(exchange)) {
		send_run(transfer);
		return;
	}
	while (transfer->left > 0 && http_stream_room(exchange->stream) > 0) {
		if (!send_piece(transfer))
			return;
	}
}

static void on_next_turn(void *user)
{
	struct static_transfer *transfer = user;

	static_transfer_continue(transfer->exchange);
}

/* ---- begin and end ---- */

static bool send_small(struct exchange *exchange, const struct http_response *response, int fd,
		       uint64_t offset)
{
	uint8_t *piece = piece_of(exchange->edge);
	size_t len = (size_t)response->content_length;
	size_t done = 0;
	size_t got;

	while (done < len && (got = read_at(fd, piece + done, len - done, offset + done)) > 0)
		done += got;
	fd_close(&fd);
	return done == len &&
	       exchange_respond(exchange, response, (struct wire_bytes){piece, len}, true);
}

bool static_transfer_begin(struct exchange *exchange, const struct http_response *response, int fd,
			   uint64_t offset)
{
	struct static_transfer *transfer;

	if (response->content_length <= STATIC_SMALL_BYTES)
		return send_small(exchange, response, fd, offset);
	transfer = arena_alloc(exchange->request->arena, sizeof(*transfer));
	*transfer = (struct static_transfer){
		.exchange = exchange,
		.fd = fd,
		.offset = offset,
		.left = response->content_length,
	};
	loop_timer_init(&transfer->next_turn, exchange->edge->loop, on_next_turn, transfer);
	exchange->transfer = transfer;
	if (!exchange_respond(exchange, response, (struct wire_bytes){NULL, 0}, false))
		return false;
	static_transfer_continue(exchange);
	return true;
}

void static_transfer_end(struct exchange *exchange, enum http_closed how)
{
	struct static_transfer *transfer = exchange->transfer;

	if (!transfer)
		return;
	exchange->transfer = NULL;
	loop_timer_stop(&transfer->next_turn);
	fd_close(&transfer->fd);
	if (how == HTTP_CLOSED_ABORTED)
		log_event(exchange->edge->log, LOG_WARN, "static.cut",
			  "the file became shorter while it was sent, or can't be read",
			  LOG_STRN("id", exchange->request_id),
			  LOG_STRN("path", exchange->request->path),
			  LOG_INT("code", ERR_STATIC_CUT));
}
