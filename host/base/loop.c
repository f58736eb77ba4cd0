/* The event loop over libev.
 *
 * It owns the two queues of the end of a turn: the flushes, and the objects that were retired. Both
 * are emptied by one prepare watcher, which libev runs right before it sleeps, and once more when
 * the loop is left; so nothing that was queued waits while the loop sleeps, whoever queued it. A
 * check watcher of the highest priority reads the clock once, before any other callback of the
 * turn.
 *
 * Every room that touches a descriptor calls it; nobody else sees libev. It fails only at birth. */
#include "base/loop.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

struct retired {
	void (*release)(void *object);
	void *object;
};

struct loop {
	struct ev_loop *ev;
	ev_prepare before_sleep;
	ev_check after_sleep;
	int64_t now_us;
	int64_t turn_us; /* when it began */
	bool is_stopped;
	struct loop_measure *measures; /* NULL: turns are not measured */

	struct loop_flush *flushes; /* first in, first out */
	struct loop_flush **flushes_end;

	struct retired *retired;
	size_t retired_count;
	size_t retired_cap;
};

/* ---- libev's macros ---- */

/* They look at every watcher as an ev_watcher, which breaks C's aliasing rule on purpose; libev is
 * built to live with it, gcc warns. Only the functions up to the pop use them. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstrict-aliasing"

static void io_init(ev_io *watcher, void (*callback)(struct ev_loop *, ev_io *, int), int fd)
{
	ev_io_init(watcher, callback, fd, 0);
}

static void timer_init(ev_timer *watcher, void (*callback)(struct ev_loop *, ev_timer *, int))
{
	ev_timer_init(watcher, callback, 0., 0.);
}

static void signal_init(ev_signal *watcher, void (*callback)(struct ev_loop *, ev_signal *, int),
			int signum)
{
	ev_signal_init(watcher, callback, signum);
}

static void prepare_init(ev_prepare *watcher, void (*callback)(struct ev_loop *, ev_prepare *, int))
{
	ev_prepare_init(watcher, callback);
	ev_set_priority(watcher, EV_MINPRI);
}

static void check_init(ev_check *watcher, void (*callback)(struct ev_loop *, ev_check *, int))
{
	ev_check_init(watcher, callback);
	ev_set_priority(watcher, EV_MAXPRI);
}

#pragma GCC diagnostic pop

/* ---- the end of a turn ---- */

static void loop_run_flushes(struct loop *loop)
{
	while (loop->flushes) {
		struct loop_flush *flush = loop->flushes;
		loop_flush_cancel(loop, flush);
		flush->on_flush(flush->user);
	}
}

/* By index: a release may retire others, which moves the list. */
static void loop_release_retired(struct loop *loop)
{
	for (size_t i = 0; i < loop->retired_count; i++) {
		struct retired gone = loop->retired[i];
		gone.release(gone.object);
	}
	loop->retired_count = 0;
}

static void loop_end_turn(struct loop *loop)
{
	while (loop->flushes || loop->retired_count > 0) {
		loop_run_flushes(loop);
		loop_release_retired(loop);
	}
}

static void loop_tell_turn(const struct loop *loop, int64_t took_us)
{
	for (const struct loop_measure *at = loop->measures; at; at = at->next)
		at->on_turn(at->user, took_us);
}

static void on_before_sleep(struct ev_loop *ev, ev_prepare *watcher, int events)
{
	struct loop *loop = watcher->data;

	loop_end_turn(loop);
	if (loop->measures)
		loop_tell_turn(loop, clock_mono_us() - loop->turn_us);
}

static void on_after_sleep(struct ev_loop *ev, ev_check *watcher, int events)
{
	struct loop *loop = watcher->data;
	loop->now_us = loop->turn_us = clock_mono_us();
}

/* ---- the loop ---- */

struct loop *loop_new(void)
{
	/* NOENV: an environment variable must not choose another backend. */
	struct ev_loop *ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
	if (!ev)
		return NULL;

	struct loop *loop = mem_new(struct loop);
	loop->ev = ev;
	loop->now_us = loop->turn_us = clock_mono_us();
	loop->flushes_end = &loop->flushes;
	prepare_init(&loop->before_sleep, on_before_sleep);
	loop->before_sleep.data = loop;
	ev_prepare_start(ev, &loop->before_sleep);
	check_init(&loop->after_sleep, on_after_sleep);
	loop->after_sleep.data = loop;
	ev_check_start(ev, &loop->after_sleep);
	return loop;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	loop_end_turn(loop);
	ev_prepare_stop(loop->ev, &loop->before_sleep);
	ev_check_stop(loop->ev, &loop->after_sleep);
	ev_loop_destroy(loop->ev);
	free(loop->retired);
	free(loop);
}

void loop_run(struct loop *loop)
{
	while (!loop->is_stopped) {
		ev_run(loop->ev, 0);
		loop_end_turn(loop);
	}
	loop->is_stopped = false;
}

void loop_stop(struct loop *loop)
{
	loop->is_stopped = true;
	ev_break(loop->ev, EVBREAK_ONE);
}

void loop_turn(struct loop *loop, bool block)
{
	ev_run(loop->ev, block ? EVRUN_ONCE : EVRUN_NOWAIT);
	loop_end_turn(loop);
}

void loop_measure(struct loop *loop, struct loop_measure *measure, loop_turn_fn *on_turn,
		  void *user)
{
	*measure = (struct loop_measure){loop->measures, on_turn, user};
	loop->measures = measure;
}

void loop_measure_stop(struct loop *loop, struct loop_measure *measure)
{
	struct loop_measure **link = &loop->measures;

	while (*link && *link != measure)
		link = &(*link)->next;
	if (*link)
		*link = measure->next;
}

int64_t loop_now_ms(const struct loop *loop)
{
	return loop->now_us / 1000;
}

void loop_catch_up(struct loop *loop)
{
	loop->now_us = clock_mono_us();
}

int64_t loop_now_us(const struct loop *loop)
{
	return loop->now_us;
}

/* ---- a descriptor ---- */

static void on_io(struct ev_loop *ev, ev_io *watcher, int events)
{
	struct loop_io *io = watcher->data;
	io->on_ready(io->user, (events & EV_READ) != 0, (events & EV_WRITE) != 0);
}

void loop_io_init(struct loop_io *io, struct loop *loop, int fd, loop_io_fn *on_ready, void *user)
{
	io_init(&io->watcher, on_io, fd);
	io->watcher.data = io;
	io->loop = loop;
	io->on_ready = on_ready;
	io->user = user;
}

void loop_io_want(struct loop_io *io, bool read, bool write)
{
	int wanted = (read ? EV_READ : 0) | (write ? EV_WRITE : 0);
	bool active = ev_is_active(&io->watcher);
	int present = active ? io->watcher.events & (EV_READ | EV_WRITE) : 0;

	if (wanted == present)
		return;
	ev_io_stop(io->loop->ev, &io->watcher);
	if (wanted == 0)
		return;
	ev_io_modify(&io->watcher, wanted);
	ev_io_start(io->loop->ev, &io->watcher);
}

/* ---- a timer ---- */

static void timer_arm(struct loop_timer *timer)
{
	int64_t left_us = timer->due_us - timer->loop->now_us;

	ev_timer_set(&timer->watcher, left_us > 0 ? (double)left_us / 1e6 : 0., 0.);
	ev_timer_start(timer->loop->ev, &timer->watcher);
}

/* libev's clock is read a little before ours, so it may find a timer due that isn't yet. */
static void on_timer(struct ev_loop *ev, ev_timer *watcher, int events)
{
	struct loop_timer *timer = watcher->data;

	if (timer->loop->now_us < timer->due_us)
		timer_arm(timer);
	else
		timer->on_due(timer->user);
}

void loop_timer_init(struct loop_timer *timer, struct loop *loop, loop_timer_fn *on_due, void *user)
{
	timer_init(&timer->watcher, on_timer);
	timer->watcher.data = timer;
	timer->loop = loop;
	timer->due_us = 0;
	timer->on_due = on_due;
	timer->user = user;
}

void loop_timer_start(struct loop_timer *timer, int64_t delay_ms)
{
	int64_t now_us = timer->loop->now_us;

	loop_timer_stop(timer);
	if (delay_ms < 0)
		delay_ms = 0;
	timer->due_us =
		delay_ms > (INT64_MAX - now_us) / 1000 ? INT64_MAX : now_us + delay_ms * 1000;
	timer_arm(timer);
}

void loop_timer_stop(struct loop_timer *timer)
{
	ev_timer_stop(timer->loop->ev, &timer->watcher);
}

bool loop_timer_is_active(const struct loop_timer *timer)
{
	return ev_is_active(&timer->watcher);
}

int64_t loop_timer_left_ms(const struct loop_timer *timer)
{
	int64_t left_us = timer->due_us - timer->loop->now_us;

	return left_us > 0 ? (left_us + 999) / 1000 : 0;
}

/* ---- a signal ---- */

static void on_signal(struct ev_loop *ev, ev_signal *watcher, int events)
{
	struct loop_signal *sig = watcher->data;
	sig->on_signal(sig->user, watcher->signum);
}

void loop_signal_start(struct loop_signal *sig, struct loop *loop, int signum,
		       loop_signal_fn *handler, void *user)
{
	signal_init(&sig->watcher, on_signal, signum);
	sig->watcher.data = sig;
	sig->loop = loop;
	sig->on_signal = handler;
	sig->user = user;
	ev_signal_start(loop->ev, &sig->watcher);
}

void loop_signal_stop(struct loop_signal *sig)
{
	ev_signal_stop(sig->loop->ev, &sig->watcher);
}

/* ---- work at the end of a turn ---- */

void loop_flush_init(struct loop_flush *flush, loop_flush_fn *on_flush, void *user)
{
	*flush = (struct loop_flush){.on_flush = on_flush, .user = user};
}

void loop_flush_queue(struct loop *loop, struct loop_flush *flush)
{
	if (flush->link)
		return;
	flush->next = NULL;
	flush->link = loop->flushes_end;
	*flush->link = flush;
	loop->flushes_end = &flush->next;
}

void loop_flush_cancel(struct loop *loop, struct loop_flush *flush)
{
	if (!flush->link)
		return;
	*flush->link = flush->next;
	if (flush->next)
		flush->next->link = flush->link;
	else
		loop->flushes_end = flush->link;
	flush->next = NULL;
	flush->link = NULL;
}

void loop_retire(struct loop *loop, void (*release)(void *object), void *object)
{
	if (loop->retired_count == loop->retired_cap) {
		loop->retired_cap = loop->retired_cap ? loop->retired_cap * 2 : 8;
		loop->retired =
			mem_realloc(loop->retired, loop->retired_cap * sizeof(*loop->retired));
	}
	loop->retired[loop->retired_count++] = (struct retired){release, object};
}
