/* The buckets of a connection. http2.c asks it for each frame. A browser that closes a page resets
 * all its streams at once, and a client that streams updates windows all the time: the bursts are
 * for them, the rates for what goes on for long. */
#include "net/http2_guard.h"

/* RFC 9113, 6; 9218 for the last. */
enum { DATA = 0, PRIORITY = 2, RST_STREAM = 3, SETTINGS = 4, PING = 6, WINDOW_UPDATE = 8 };
enum { CONTINUATION = 9, PRIORITY_UPDATE = 16 };

#define FLAG_END_STREAM 1
#define FLAG_ACK	1

static const struct tokens_rate rates[HTTP2_COST_COUNT] = {
	[HTTP2_COST_RESET] = {.per_second = 33, .burst = 500},
	[HTTP2_COST_SETTINGS] = {.per_second = 1, .burst = 20},
	[HTTP2_COST_PING] = {.per_second = 5, .burst = 50},
	[HTTP2_COST_PRIORITY] = {.per_second = 100, .burst = 500},
	[HTTP2_COST_WINDOW] = {.per_second = 10000, .burst = 20000},
	[HTTP2_COST_EMPTY] = {.per_second = 10, .burst = 100},
};

bool http2_guard_allow(struct http2_guard *guard, enum http2_cost cost, int64_t now_us)
{
	int64_t wait_ms;

	return tokens_take(&guard->buckets[cost], rates[cost], now_us, &wait_ms);
}

enum http2_cost http2_guard_cost(uint8_t type, uint8_t flags, size_t length)
{
	switch (type) {
	case DATA:
		return length == 0 && !(flags & FLAG_END_STREAM) ? HTTP2_COST_EMPTY
								 : HTTP2_COST_COUNT;
	case RST_STREAM:
		return HTTP2_COST_RESET;
	case SETTINGS:
		return flags & FLAG_ACK ? HTTP2_COST_COUNT : HTTP2_COST_SETTINGS;
	case PING:
		return flags & FLAG_ACK ? HTTP2_COST_COUNT : HTTP2_COST_PING;
	case PRIORITY:
	case PRIORITY_UPDATE:
		return HTTP2_COST_PRIORITY;
	case WINDOW_UPDATE:
		return HTTP2_COST_WINDOW;
	case CONTINUATION: /* without data it only makes us look */
		return length == 0 ? HTTP2_COST_EMPTY : HTTP2_COST_COUNT;
	default: /* what we don't know is skipped, and costs nothing but its bytes */
		return HTTP2_COST_COUNT;
	}
}
