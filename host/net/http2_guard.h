/* What a client may do on an HTTP/2 connection that costs us and serves no request: each kind has a
 * bucket of tokens, and who empties one is sent away. Pure: time is an argument.
 *
 * Known by these names: rapid reset (CVE-2023-44487), resets that we are provoked to make
 * (CVE-2025-8671), floods of SETTINGS, PING, PRIORITY and empty frames (CVE-2019-9511 to 9518). */
#ifndef PLUGD_NET_HTTP2_GUARD_H
#define PLUGD_NET_HTTP2_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/tokens.h"

enum http2_cost {
	HTTP2_COST_RESET, /* it reset a stream, or made us do so */
	HTTP2_COST_SETTINGS,
	HTTP2_COST_PING,
	HTTP2_COST_PRIORITY,
	HTTP2_COST_WINDOW, /* updates of windows */
	HTTP2_COST_EMPTY,  /* data without a byte that end nothing */
	HTTP2_COST_COUNT,
};

/* Zeroed is the beginning. */
struct http2_guard {
	struct tokens buckets[HTTP2_COST_COUNT];
};

/* False: it was too often. */
bool http2_guard_allow(struct http2_guard *guard, enum http2_cost cost, int64_t now_us);

/* The cost of a frame that has arrived, by its type, flags and length (RFC 9113, 6);
 * HTTP2_COST_COUNT: none of these. */
enum http2_cost http2_guard_cost(uint8_t type, uint8_t flags, size_t length);

#endif
