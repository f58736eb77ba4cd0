/* What other threads want done: they post it, the thread of plug_serve() does it. */
#ifndef PLUG_INBOX_H
#define PLUG_INBOX_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct plug;

/* The first member of whatever is posted. */
struct post {
	struct post *next;
	void (*run)(struct plug *plug, struct post *post); /* takes the post */
};

struct inbox {
	pthread_mutex_t lock;
	struct post *first;
	struct post **last;
	atomic_bool woken; /* the descriptor was written and the posts not taken yet */
	bool closed;
	int fd; /* eventfd: readable when there is a post */
};

/* 0, or -errno. */
int inbox_init(struct inbox *inbox);
void inbox_deinit(struct inbox *inbox); /* nobody must post any more */

/* From any thread. What is posted after inbox_close() is never run. */
void inbox_post(struct inbox *inbox, struct post *post);

/* The same, but false, and nothing was posted, after inbox_close(). */
bool inbox_try_post(struct inbox *inbox, struct post *post);

/* Nobody may post any more. What was posted before can still be taken. */
void inbox_close(struct inbox *inbox);

/* Wakes plug_serve() without a post. From any thread. */
void inbox_wake(struct inbox *inbox);

/* All posts in their order, and makes the descriptor unreadable. Only in plug_serve()'s thread. */
struct post *inbox_take(struct inbox *inbox);

#endif
