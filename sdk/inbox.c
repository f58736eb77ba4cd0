/* What other threads want done. Owns the eventfd; a post belongs to the inbox until it is taken.
 * Called by every public function that is used outside of plug_serve()'s thread, and by serve.c
 * once per turn. The lock is held for a few instructions and never while somebody else's code
 * runs. */
#include "sdk/inbox.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int inbox_init(struct inbox *inbox)
{
	*inbox = (struct inbox){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	if (inbox->fd < 0)
		return -errno;
	pthread_mutex_init(&inbox->lock, NULL);
	inbox->last = &inbox->first;
	return 0;
}

void inbox_close(struct inbox *inbox)
{
	pthread_mutex_lock(&inbox->lock);
	inbox->closed = true;
	close(inbox->fd);
	inbox->fd = -1;
	pthread_mutex_unlock(&inbox->lock);
}

void inbox_deinit(struct inbox *inbox)
{
	if (!inbox->closed)
		inbox_close(inbox);
	pthread_mutex_destroy(&inbox->lock);
}

/* With the lock. A full counter is as readable as can be, so the result does not matter. */
static void inbox_ring(struct inbox *inbox)
{
	uint64_t one = 1;

	if (inbox->closed || atomic_load(&inbox->woken))
		return;
	atomic_store(&inbox->woken, true);
	if (write(inbox->fd, &one, sizeof(one)) < 0)
		atomic_store(&inbox->woken, false);
}

bool inbox_try_post(struct inbox *inbox, struct post *post)
{
	bool open;

	post->next = NULL;
	pthread_mutex_lock(&inbox->lock);
	open = !inbox->closed;
	if (open) {
		*inbox->last = post;
		inbox->last = &post->next;
		inbox_ring(inbox);
	}
	pthread_mutex_unlock(&inbox->lock);
	return open;
}

void inbox_post(struct inbox *inbox, struct post *post)
{
	(void)inbox_try_post(inbox, post);
}

void inbox_wake(struct inbox *inbox)
{
	pthread_mutex_lock(&inbox->lock);
	inbox_ring(inbox);
	pthread_mutex_unlock(&inbox->lock);
}

struct post *inbox_take(struct inbox *inbox)
{
	struct post *first;
	uint64_t count;

	if (!atomic_load(&inbox->woken))
		return NULL;
	pthread_mutex_lock(&inbox->lock);
	first = inbox->first;
	inbox->first = NULL;
	inbox->last = &inbox->first;
	if (inbox->closed || read(inbox->fd, &count, sizeof(count)) >= 0)
		atomic_store(&inbox->woken, false);
	pthread_mutex_unlock(&inbox->lock);
	return first;
}
