/* The framed connection to one plugin process.
 *
 * Owns the two descriptors (one, with a socketpair), the receive buffer and the queue of what goes
 * out. The instance is its only user. It reads once per wake-up, hands over every whole frame, and
 * writes once per turn. It never waits: what the kernel doesn't take stays in the queue, which the
 * windows of the calls bound. It knows no call, no state and no rule. It fails by on_broken,
 * once. */
#include "plugin/channel.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fd.h"
#include "observe/errors.h"

/* From here on a copy costs more than a writev() of its own. For one frame alone that is so from 4
 * KiB on; but below this, many calls at once share one write, which is worth more (measured with 64
 * in flight: a third of the CPU at 4 KiB). */
#define COPY_BELOW (16u << 10)

/* Whoever can wait joins the queue only below this, so that a small call finds no more than this
 * and a chunk of others' bodies before it, however many there are. Less would cost more writes: a
 * pipe holds so much. */
#define ROOM_BYTES (256u << 10)

/* What an idle channel keeps of its queue. */
#define QUEUE_KEPT (64u << 10)

/* What is read at most after the process has ended: what the largest socket buffer holds, and the
 * end. A grandchild that left the group may still hold the other end, and write for ever. */
#define LAST_READS 160

/* How often, and after which pause, it is looked whether a plugin that closed its output has closed
 * its input too. */
#define LINGERS	  5
#define LINGER_MS 1

static void channel_break(struct channel *channel, const struct err *err)
{
	channel_close(channel);
	channel->ops->on_broken(channel->user, err);
}

static void break_errno(struct channel *channel, int errnum, const char *what)
{
	struct err err;

	err_set_errno(&err, ERR_PLUGIN_GONE, errnum, "%s", what);
	channel_break(channel, &err);
}

static bool has_reader(int write_fd)
{
	struct pollfd end = {.fd = write_fd};

	return poll(&end, 1, 0) != 1 || !(end.revents & POLLERR);
}

/* Bytes that are still in the pipe. */
static size_t pipe_bytes(int write_fd)
{
	int bytes = 0;

	return ioctl(write_fd, FIONREAD, &bytes) < 0 ? 0 : (size_t)bytes;
}

/* The kernel closes the descriptors of a process that ends one after the other, and the output may
 * be seen to end before the input has: then what it had not read can't be told from what it may
 * still read. A moment later it can. */
static bool begins_to_linger(struct channel *channel)
{
	if (channel->write_fd == channel->read_fd || channel->lingered == LINGERS ||
	    pipe_bytes(channel->write_fd) == 0 || !has_reader(channel->write_fd))
		return false;
	channel->lingered++;
	loop_io_want(&channel->read_io, false, false);
	loop_timer_start(&channel->linger, LINGER_MS);
	return true;
}

static void break_eof(struct channel *channel)
{
	size_t pending = frame_reader_pending(&channel->reader);
	struct err err;

	if (pending)
		err_set(&err, ERR_PROTOCOL_FRAME, "it closed its output after %zu bytes of a frame",
			pending);
	else
		err_set(&err, ERR_PLUGIN_GONE, "it closed its output");
	channel_break(channel, &err);
}

static void note_inbound(struct channel *channel, const struct frame *frame)
{
	trail_note(&channel->trail,
		   &(struct trail_frame){.at_us = loop_now_us(channel->loop),
					 .bytes = frame->bytes,
					 .kind = frame->kind,
					 .is_inbound = true},
		   CHANNEL_NO_PAYLOAD);
}

static void deliver_frames(struct channel *channel)
{
	enum frame_verdict verdict;
	struct frame frame;
	struct err err;

	while ((verdict = frame_reader_next(&channel->reader, &frame, &err)) == FRAME_READY) {
		note_inbound(channel, &frame);
		channel->ops->on_frame(channel->user, &frame);
		if (!channel_is_open(channel))
			return;
	}
	if (verdict == FRAME_BAD) {
		channel_break(channel, &err);
		return;
	}
	frame_reader_rest(&channel->reader);
}

/* False when there was nothing. */
static bool read_once(struct channel *channel)
{
	size_t room;
	uint8_t *to = frame_reader_room(&channel->reader, &room);
	ssize_t n = read(channel->read_fd, to, room);

	if (n > 0) {
		frame_reader_filled(&channel->reader, (size_t)n);
		deliver_frames(channel);
	} else if (n == 0) {
		if (!begins_to_linger(channel))
			break_eof(channel);
	} else if (errno != EAGAIN && errno != EINTR) {
		break_errno(channel, errno, "reading from it failed");
	}
	return n > 0;
}

static void on_readable(void *user, bool readable, bool writable)
{
	read_once(user);
}

static void on_linger(void *user)
{
	read_once(user);
}

void channel_read_rest(struct channel *channel)
{
	channel->lingered = LINGERS;
	for (int i = 0; i < LAST_READS && channel_is_open(channel) && read_once(channel); i++)
		;
}

static void update_interest(struct channel *channel)
{
	loop_io_want(&channel->read_io, !loop_timer_is_active(&channel->linger), false);
	loop_io_want(&channel->write_io, false, channel->write_blocked);
}

static void set_write_blocked(struct channel *channel, bool blocked)
{
	if (channel->write_blocked == blocked)
		return;
	channel->write_blocked = blocked;
	update_interest(channel);
}

/* A plugin that has ended, or closed its input: nothing reaches it any more. What it said before
 * still counts; its last answers may be in the pipe. */
static void break_writing(struct channel *channel, int errnum)
{
	channel_read_rest(channel);
	if (channel_is_open(channel))
		break_errno(channel, errnum, "writing to it failed");
}

static size_t sealed_left(const struct channel *channel)
{
	return channel->sealed.len - channel->sealed_written;
}

static void drop_sealed(struct channel *channel)
{
	secret_free(&channel->sealed);
	channel->sealed_written = 0;
}

/* As write_queue(), for what comes before it. */
static void write_sealed(struct channel *channel)
{
	const uint8_t *from = channel->sealed.data + channel->sealed_written;
	ssize_t n = write(channel->write_fd, from, sealed_left(channel));

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		break_writing(channel, errno);
		return;
	}
	if (n > 0) {
		channel->sealed_written += (size_t)n;
		channel->written += (size_t)n;
	}
	set_write_blocked(channel, sealed_left(channel) > 0);
	if (sealed_left(channel) == 0)
		drop_sealed(channel);
}

/* EAGAIN and a short count both mean that the pipe is full now. */
static void write_queue(struct channel *channel)
{
	ssize_t n = write(channel->write_fd, buf_front(&channel->out), buf_len(&channel->out));

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		break_writing(channel, errno);
		return;
	}
	if (n > 0) {
		buf_consume(&channel->out, (size_t)n);
		channel->written += (size_t)n;
	}
	set_write_blocked(channel, buf_len(&channel->out) > 0);
	buf_shrink(&channel->out, QUEUE_KEPT);
}

/* There may be room without anything to write: a large payload takes the queue with it. */
static void on_flush(void *user)
{
	struct channel *channel = user;

	if (!channel_is_open(channel) || channel->write_blocked)
		return;
	if (channel->sealed.data)
		write_sealed(channel);
	if (!channel_is_open(channel) || channel->write_blocked)
		return;
	if (buf_len(&channel->out) > 0)
		write_queue(channel);
	if (channel_is_open(channel) && channel_has_room(channel) && channel->ops->on_room)
		channel->ops->on_room(channel->user);
}

static void on_writable(void *user, bool readable, bool writable)
{
	struct channel *channel = user;

	set_write_blocked(channel, false);
	on_flush(channel);
}

void channel_open(struct channel *channel, const struct channel_opts *opts,
		  const struct channel_ops *ops, void *user)
{
	*channel = (struct channel){
		.loop = opts->loop,
		.read_fd = opts->read_fd,
		.write_fd = opts->write_fd,
		.ops = ops,
		.user = user,
	};
	frame_reader_init(&channel->reader, opts->max_frame_bytes);
	if (opts->keeps_payloads)
		trail_keep_payloads(&channel->trail);
	loop_flush_init(&channel->flush, on_flush, channel);
	loop_timer_init(&channel->linger, opts->loop, on_linger, channel);
	loop_io_init(&channel->read_io, opts->loop, opts->read_fd, on_readable, channel);
	loop_io_init(&channel->write_io, opts->loop, opts->write_fd, on_writable, channel);
	update_interest(channel);
}

void channel_close(struct channel *channel)
{
	if (!channel_is_open(channel))
		return;
	/* What lies in a pipe that nobody has open for reading was never seen by anybody. While
	 * somebody has it open, and of a socket, nothing is known. */
	if (channel->write_fd != channel->read_fd && !has_reader(channel->write_fd))
		channel->unread = pipe_bytes(channel->write_fd);
	loop_timer_stop(&channel->linger);
	loop_flush_cancel(channel->loop, &channel->flush);
	loop_io_want(&channel->read_io, false, false);
	loop_io_want(&channel->write_io, false, false);
	if (channel->write_fd != channel->read_fd)
		fd_close(&channel->write_fd);
	channel->write_fd = -1;
	fd_close(&channel->read_fd);
	drop_sealed(channel);
}

void channel_deinit(struct channel *channel)
{
	frame_reader_deinit(&channel->reader);
	buf_deinit(&channel->out);
	trail_deinit(&channel->trail);
}

bool channel_is_open(const struct channel *channel)
{
	return channel->read_fd >= 0;
}

struct buf *channel_queue(struct channel *channel)
{
	return &channel->out;
}

/* A closed one has nothing to flush: its owner may free it before the turn ends. */
void channel_queued(struct channel *channel)
{
	if (channel_is_open(channel))
		loop_flush_queue(channel->loop, &channel->flush);
}

void channel_send_sealed(struct channel *channel, struct secret frame)
{
	assert(channel_position(channel) == 0);
	channel->sealed = frame;
	channel_queued(channel);
}

/* Writes the queue and the payload in one go. What the kernel didn't take is copied behind the rest
 * of the queue. */
static void write_through(struct channel *channel, struct wire_bytes payload)
{
	size_t queued = buf_len(&channel->out);
	struct iovec pieces[2] = {{buf_front(&channel->out), queued},
				  {(void *)payload.data, payload.len}};
	ssize_t n = writev(channel->write_fd, pieces, 2);
	size_t written = n > 0 ? (size_t)n : 0;

	channel->written += written;
	if (written < queued) {
		buf_consume(&channel->out, written);
		buf_append(&channel->out, payload.data, payload.len);
	} else {
		size_t taken = written - queued;

		buf_consume(&channel->out, queued);
		buf_append(&channel->out, payload.data + taken, payload.len - taken);
	}
	set_write_blocked(channel, buf_len(&channel->out) > 0 && n >= 0);
}

void channel_send_payload(struct channel *channel, struct wire_bytes payload)
{
	if (payload.len < COPY_BELOW || channel->write_blocked || channel->sealed.data)
		buf_append(&channel->out, payload.data, payload.len);
	else
		write_through(channel, payload);
	channel_queued(channel);
}

void channel_note(struct channel *channel, enum wire_kind kind, uint32_t id,
		  struct wire_bytes payload)
{
	uint64_t position = channel_position(channel);

	trail_note(&channel->trail,
		   &(struct trail_frame){.at_us = loop_now_us(channel->loop),
					 .id = id,
					 .bytes = (uint32_t)(position - channel->noted),
					 .kind = kind},
		   payload);
	channel->noted = position;
}

size_t channel_backlog(const struct channel *channel)
{
	return sealed_left(channel) + buf_len(&channel->out);
}

bool channel_has_room(const struct channel *channel)
{
	return buf_len(&channel->out) < ROOM_BYTES;
}

uint64_t channel_position(const struct channel *channel)
{
	return channel->written + channel_backlog(channel);
}

bool channel_is_delivered(const struct channel *channel, uint64_t position)
{
	return position <= channel->written - channel->unread;
}
