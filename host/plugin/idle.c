/* How long a plugin has had nothing to do. What happened between two looks counts as having
 * happened at the second, so that nobody is unloaded too early. */
#include "plugin/idle.h"

void idle_init(struct idle *idle, uint64_t calls, int64_t now_ms)
{
	*idle = (struct idle){.busy_ms = now_ms, .calls = calls};
}

int64_t idle_look(struct idle *idle, uint64_t calls, bool is_open, int64_t now_ms)
{
	if (is_open || idle->was_open || calls != idle->calls)
		idle->busy_ms = now_ms;
	idle->calls = calls;
	idle->was_open = is_open;
	return now_ms - idle->busy_ms;
}

int64_t idle_wait_ms(int64_t timeout_ms)
{
	return timeout_ms < 4 ? 1 : timeout_ms / 4;
}
