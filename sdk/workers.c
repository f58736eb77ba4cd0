/* The pool that runs handlers. Each thread takes a call off the run queue of the plugin and runs it
 * until nothing of it is due; a call is queued at most once, so its events never run at the same
 * time. Owned by serve.c. A handler that does not come back can't stop plug_serve() from returning:
 * its thread is left behind. */
#include "sdk/workers.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "sdk/runtime.h"

struct workers {
	struct plug *plug;
	pthread_cond_t work; /* with plug->lock */
	pthread_cond_t gone;
	unsigned running; /* threads */
	unsigned idle;	  /* of them: waiting for work */
	bool stopping;
};

/* With the lock. NULL: stop. */
static struct plug_call *workers_next(struct workers *workers)
{
	struct call_queue *queue = &workers->plug->run_queue;
	struct plug_call *call;

	workers->idle++;
	while (TAILQ_EMPTY(queue) && !workers->stopping)
		pthread_cond_wait(&workers->work, &workers->plug->lock);
	workers->idle--;
	if (workers->stopping)
		return NULL;
	call = TAILQ_FIRST(queue);
	TAILQ_REMOVE(queue, call, events.link);
	call->events.queued = false;
	call->events.running = true;
	return call;
}

static void *worker_main(void *arg)
{
	struct workers *workers = arg;
	struct plug *plug = workers->plug;
	struct plug_call *call;

	pthread_mutex_lock(&plug->lock);
	while ((call = workers_next(workers)) != NULL) {
		pthread_mutex_unlock(&plug->lock);
		call_run(call);
		pthread_mutex_lock(&plug->lock);
	}
	if (--workers->running == 0)
		pthread_cond_signal(&workers->gone);
	pthread_mutex_unlock(&plug->lock);
	return NULL;
}

/* Signals are for the author's own thread. */
static bool worker_start(struct workers *workers)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all;
	sigset_t before;
	int result;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_mutex_lock(&workers->plug->lock);
	result = pthread_create(&thread, &attr, worker_main, workers);
	if (result == 0)
		workers->running++;
	pthread_mutex_unlock(&workers->plug->lock);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return result == 0;
}

struct workers *workers_start(struct plug *plug, unsigned count)
{
	struct workers *workers = calloc(1, sizeof(*workers));

	if (workers == NULL)
		return NULL;
	workers->plug = plug;
	pthread_cond_init(&workers->work, NULL);
	pthread_cond_init(&workers->gone, NULL);
	for (unsigned i = 0; i < count; i++) {
		if (!worker_start(workers))
			break;
	}
	if (workers->running > 0)
		return workers;
	pthread_cond_destroy(&workers->work);
	pthread_cond_destroy(&workers->gone);
	free(workers);
	return NULL;
}

void workers_wake(struct workers *workers)
{
	if (workers->idle > 0)
		pthread_cond_signal(&workers->work);
}

static struct timespec time_in(int64_t ms)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	ms = (ms > 0 ? ms : 0) + at.tv_nsec / 1000000;
	at.tv_sec += ms / 1000;
	at.tv_nsec = ms % 1000 * 1000000;
	return at;
}

bool workers_stop(struct workers *workers, int64_t patience_ms)
{
	struct timespec until = time_in(patience_ms);
	bool gone;
	int result = 0;

	if (workers == NULL)
		return true;
	pthread_mutex_lock(&workers->plug->lock);
	workers->stopping = true;
	pthread_cond_broadcast(&workers->work);
	while (workers->running > 0 && result != ETIMEDOUT)
		result = pthread_cond_clockwait(&workers->gone, &workers->plug->lock,
						CLOCK_MONOTONIC, &until);
	gone = workers->running == 0;
	pthread_mutex_unlock(&workers->plug->lock);
	if (!gone)
		return false;
	pthread_cond_destroy(&workers->work);
	pthread_cond_destroy(&workers->gone);
	free(workers);
	return true;
}
