/* What all connections of a listener share: the read buffer, memory that only a busy connection
 * needs, and the text of the Date field. An idle connection owns a socket and a small struct. */
#ifndef PLUGD_NET_COMMONS_H
#define PLUGD_NET_COMMONS_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/loop.h"
#include "net/date.h"
#include "net/message.h"
#include "net/net_opts.h"

#define COMMONS_SCRATCH_BYTES (64u << 10)
#define COMMONS_SPARES	      64u

/* What a scratch buffer full of records may hold, with one that has waited for its end. */
#define COMMONS_CLEAR_BYTES (COMMONS_SCRATCH_BYTES + (32u << 10))

struct commons {
	struct loop *loop;
	const struct net_opts *opts;
	const struct http_upcalls *upcalls;
	void *user; /* of the upcalls */
	bool is_stopping;

	uint8_t *scratch; /* holds bytes only while one connection is reading */
	uint8_t *clear;	  /* the same, of what was sealed */
	struct arena arenas[COMMONS_SPARES];
	unsigned arena_count;
	struct buf bufs[COMMONS_SPARES];
	unsigned buf_count;

	char date[DATE_TEXT];
	int64_t date_until_ms;
};

void commons_init(struct commons *commons, struct loop *loop, const struct net_opts *opts,
		  const struct http_upcalls *upcalls, void *user);
void commons_deinit(struct commons *commons);

/* Lent and given back by value; what is given back has lost its content. */
struct arena commons_take_arena(struct commons *commons);
void commons_give_arena(struct commons *commons, struct arena *arena);
struct buf commons_take_buf(struct commons *commons);
void commons_give_buf(struct commons *commons, struct buf *buf);

/* The text of now; valid until the next call. */
struct str commons_date(struct commons *commons);

#endif
