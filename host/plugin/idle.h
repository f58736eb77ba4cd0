/* How long a plugin has had nothing to do. Pure: the pool looks now and then, so a call costs
 * nothing. */
#ifndef PLUGD_PLUGIN_IDLE_H
#define PLUGD_PLUGIN_IDLE_H

#include <stdbool.h>
#include <stdint.h>

struct idle {
	int64_t busy_ms; /* when it was certainly busy for the last time */
	uint64_t calls;	 /* ever, as of the last look */
	bool was_open;	 /* one was open then */
};

void idle_init(struct idle *idle, uint64_t calls, int64_t now_ms);

/* One look: so many calls ever, and whether one is open or an instance is starting. Returns for how
 * long nothing was, never more than it was. */
int64_t idle_look(struct idle *idle, uint64_t calls, bool is_open, int64_t now_ms);

/* From one look to the next: an idle plugin is found at the latest a quarter of timeout_ms late. */
int64_t idle_wait_ms(int64_t timeout_ms);

#endif
