/* The framed connection to one plugin process: frames in, frames out, nothing about what they mean.
 * What is sent during a turn of the loop goes out in one write at its end. Nothing here ever
 * blocks. */
#ifndef PLUGD_PLUGIN_CHANNEL_H
#define PLUGD_PLUGIN_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/secret.h"
#include "plugin/frame.h"
#include "plugin/trail.h"

struct channel_ops {
	/* A frame came; `frame` is borrowed. May close the channel: then nothing more is called. */
	void (*on_frame)(void *user, const struct frame *frame);

	/* The plugin closed its end, or sent something that is no frame, or reading or writing
	 * failed. Last. */
	void (*on_broken)(void *user, const struct err *err);

	/* Something was written, and there is room; at the end of a turn, or when the pipe takes
	 * more. Also when there was room all along. May close the channel. NULL: nobody asks. */
	void (*on_room)(void *user);
};

struct channel_opts {
	struct loop *loop;
	int read_fd;  /* takes; non-blocking; may be the same as write_fd */
	int write_fd; /* takes */
	uint32_t max_frame_bytes;
	bool keeps_payloads; /* in its trail */
};

struct channel {
	struct loop *loop;
	int read_fd; /* -1: closed */
	int write_fd;
	bool write_blocked; /* the kernel took less than all: wait until it takes more */
	struct loop_io read_io;
	struct loop_io write_io;
	struct loop_flush flush;
	struct loop_timer linger; /* its output has ended, its input perhaps not yet */
	unsigned lingered;
	struct frame_reader reader;
	struct secret sealed; /* the first frame, until it is written: before all of `out` */
	size_t sealed_written;
	struct buf out;
	uint64_t written; /* bytes that the kernel took, ever */
	uint64_t noted;	  /* channel_position() after the last frame that is in the trail */
	uint64_t unread;  /* of those: what nobody will ever read; known when it is closed */
	struct trail trail;
	const struct channel_ops *ops;
	void *user;
};

void channel_open(struct channel *channel, const struct channel_opts *opts,
		  const struct channel_ops *ops, void *user);

/* Stops everything and closes the descriptors; what was not written is lost. Twice is fine. */
void channel_close(struct channel *channel);
void channel_deinit(struct channel *channel); /* of a closed one: frees its buffers */
bool channel_is_open(const struct channel *channel);

/* The queue of what goes out at the end of this turn: append whole frames, then say so. What is
 * said to a closed channel is lost. */
struct buf *channel_queue(struct channel *channel);
void channel_queued(struct channel *channel);

/* The payload of the frame whose head was just appended to channel_queue(). It is
 * written from where it lies when it is large and the pipe has room, and copied otherwise. */
void channel_send_payload(struct channel *channel, struct wire_bytes payload);

/* A whole frame that carries secrets, as the first of all. Takes it, and zeroes it when it is
 * written: it never gets into the queue. */
void channel_send_sealed(struct channel *channel, struct secret frame);

#define CHANNEL_NO_PAYLOAD ((struct wire_bytes){NULL, 0})

/* For the trail: which frame has just been queued, and of which call (0: of none). */
void channel_note(struct channel *channel, enum wire_kind kind, uint32_t id,
		  struct wire_bytes payload);

/* Reads and delivers what is there already, up to the end of the stream: for a process that has
 * ended. Ends although somebody goes on writing. */
void channel_read_rest(struct channel *channel);

/* Bytes that the plugin has not read from us yet, as far as we know. */
size_t channel_backlog(const struct channel *channel);

/* Whether what can wait elsewhere should be queued now: there is less than a pipe holds. What is
 * queued nevertheless is taken. */
bool channel_has_room(const struct channel *channel);

/* Where the last byte of what was queued so far stands in all that is ever sent. */
uint64_t channel_position(const struct channel *channel);

/* Whether the plugin may have got everything up to that position. False is certain: it was not
 * written, or, of a channel that is closed, it lay in a pipe that had no reader left. */
bool channel_is_delivered(const struct channel *channel, uint64_t position);

#endif
