/* The event loop: the only user of libev. It gives the rooms typed watchers, work at the end of a
 * turn, and the time as of this turn. One thread, one loop.
 *
 * A turn: poll, run callbacks, run the flushes, free what was retired, sleep. Everything written
 * during a turn goes out once, in the flush: that batching is what makes a call cheap.
 *
 * Watchers are embedded in their object, initialised once, and stopped before the object dies.
 * Callbacks may do anything to their own and other objects, except free an object that may be on
 * the call stack: loop_retire() it. */
#ifndef PLUGD_BASE_LOOP_H
#define PLUGD_BASE_LOOP_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_io;
struct loop_timer;
struct loop_signal;
struct loop_flush;

struct loop *loop_new(void); /* returns owned; NULL with errno when the kernel gives no epoll */
void loop_free(struct loop *loop);

/* Turns until loop_stop(), also one that came before; the last turn's flushes and retired objects
 * are done. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Runs one turn: waits for an event when `block`, else only what is ready. For tests and small
 * tools. */
void loop_turn(struct loop *loop, bool block);

/* Tells how long each turn took, from the poll's return to the end of its flushes. While nobody
 * wants to know, nothing is measured. */
typedef void loop_turn_fn(void *user, int64_t took_us);

struct loop_measure {
	struct loop_measure *next; /* loop.c's own */
	loop_turn_fn *on_turn;	   /* NULL: it isn't told */
	void *user;
};

void loop_measure(struct loop *loop, struct loop_measure *measure, loop_turn_fn *on_turn,
		  void *user);
void loop_measure_stop(struct loop *loop, struct loop_measure *measure); /* stopped is fine */

/* Monotonic time as of this turn; free to ask for. */
int64_t loop_now_ms(const struct loop *loop);
int64_t loop_now_us(const struct loop *loop);

/* Something in this turn has taken long, such as hashing a password: from here on its time is what
 * it is now. */
void loop_catch_up(struct loop *loop);

/* ---- a descriptor: ready to read or write ---- */

/* Errors and hang-ups come as whatever is wanted: the next read or write tells them. */
typedef void loop_io_fn(void *user, bool readable, bool writable);

struct loop_io {
	ev_io watcher; /* loop.c's own */
	struct loop *loop;
	loop_io_fn *on_ready;
	void *user;
};

void loop_io_init(struct loop_io *io, struct loop *loop, int fd, loop_io_fn *on_ready, void *user);

/* States the whole interest; the one verb that starts and stops. (false, false) before closing the
 * descriptor. */
void loop_io_want(struct loop_io *io, bool read, bool write);

/* ---- a timer: once, at a time ---- */

typedef void loop_timer_fn(void *user);

struct loop_timer {
	ev_timer watcher;
	struct loop *loop;
	int64_t due_us;
	loop_timer_fn *on_due;
	void *user;
};

void loop_timer_init(struct loop_timer *timer, struct loop *loop, loop_timer_fn *on_due,
		     void *user);

/* Due `delay_ms` after loop_now_ms(), never earlier; again: replaces the old time. */
void loop_timer_start(struct loop_timer *timer, int64_t delay_ms);
void loop_timer_stop(struct loop_timer *timer); /* stopped is fine */
bool loop_timer_is_active(const struct loop_timer *timer);
int64_t loop_timer_left_ms(const struct loop_timer *timer); /* of an active one; never below 0 */

/* ---- a signal ---- */

typedef void loop_signal_fn(void *user, int signum);

struct loop_signal {
	ev_signal watcher;
	struct loop *loop;
	loop_signal_fn *on_signal;
	void *user;
};

void loop_signal_start(struct loop_signal *sig, struct loop *loop, int signum,
		       loop_signal_fn *on_signal, void *user);
void loop_signal_stop(struct loop_signal *sig);

/* ---- work at the end of this turn ---- */

typedef void loop_flush_fn(void *user);

struct loop_flush {
	struct loop_flush *next;  /* loop.c's own */
	struct loop_flush **link; /* NULL: not queued */
	loop_flush_fn *on_flush;
	void *user;
};

void loop_flush_init(struct loop_flush *flush, loop_flush_fn *on_flush, void *user);

/* Queue it once for the end of this turn; again is fine. What a flush queues runs in the same end
 * of turn. */
void loop_flush_queue(struct loop *loop, struct loop_flush *flush);
void loop_flush_cancel(struct loop *loop, struct loop_flush *flush); /* not queued is fine */

/* Calls release(object) after the flushes of this turn, when nothing of it is on the stack any
 * more. */
void loop_retire(struct loop *loop, void (*release)(void *object), void *object);

#endif
