/* What has been said and not yet been written: small things are copied together, large ones are
 * only pointed to, and all leave with one writev per turn. */
#ifndef PLUG_OUTPUT_H
#define PLUG_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sdk/grow.h"

#define OUTPUT_PIECES 64 /* large payloads between two writes */

/* Bytes of somebody else, to be written before stage.data[stage_at]. */
struct output_piece {
	size_t stage_at;
	const uint8_t *data;
	size_t len;
	void (*release)(void *arg); /* called when they are written or dropped */
	void *arg;
};

struct output {
	int fd;		   /* not blocking; belongs to guard.c */
	bool blocked;	   /* the pipe is full: wait until it can be written */
	struct grow stage; /* written of these bytes have left */
	size_t written;
	struct output_piece pieces[OUTPUT_PIECES];
	unsigned piece_count;
	size_t piece_bytes;
};

void output_init(struct output *output, int fd);
void output_deinit(struct output *output); /* releases all pieces */

/* Bytes that wait. */
size_t output_pending(const struct output *output);

/* Where `bytes` more are written to; NULL without memory. output_commit() says how many were. */
uint8_t *output_reserve(struct output *output, size_t bytes);
void output_commit(struct output *output, size_t bytes);

/* Whether output_attach() will succeed. */
bool output_can_attach(const struct output *output);

/* Puts somebody's bytes next, without copying; needs output_can_attach(). */
void output_attach(struct output *output, const struct output_piece *piece);

enum output_result { OUTPUT_EMPTY, OUTPUT_BLOCKED, OUTPUT_GONE };

/* Writes what waits, until nothing does or the pipe is full. OUTPUT_GONE: the host does not read
 * any more. */
enum output_result output_flush(struct output *output);

#endif
