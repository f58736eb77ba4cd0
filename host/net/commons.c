/* What all connections of a listener share. The listener owns one; its connections borrow it and
 * don't outlive it. The spares make a request cost no malloc; their number and size are bounded. */
#include "net/commons.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

/* A larger output buffer belonged to a slow reader and isn't worth keeping. */
#define SPARE_BUF_BYTES (64u << 10)

void commons_init(struct commons *commons, struct loop *loop, const struct net_opts *opts,
		  const struct http_upcalls *upcalls, void *user)
{
	*commons = (struct commons){
		.loop = loop,
		.opts = opts,
		.upcalls = upcalls,
		.user = user,
		.scratch = mem_alloc(COMMONS_SCRATCH_BYTES),
		.clear = mem_alloc(COMMONS_CLEAR_BYTES),
	};
}

void commons_deinit(struct commons *commons)
{
	for (unsigned i = 0; i < commons->arena_count; i++)
		arena_deinit(&commons->arenas[i]);
	for (unsigned i = 0; i < commons->buf_count; i++)
		buf_deinit(&commons->bufs[i]);
	free(commons->scratch);
	free(commons->clear);
	*commons = (struct commons){0};
}

struct arena commons_take_arena(struct commons *commons)
{
	if (commons->arena_count == 0)
		return (struct arena){0};
	return commons->arenas[--commons->arena_count];
}

void commons_give_arena(struct commons *commons, struct arena *arena)
{
	if (commons->arena_count < COMMONS_SPARES && arena->blocks) {
		arena_reset(arena);
		if (arena->blocks)
			commons->arenas[commons->arena_count++] = *arena;
	} else {
		arena_deinit(arena);
	}
	*arena = (struct arena){0};
}

struct buf commons_take_buf(struct commons *commons)
{
	if (commons->buf_count == 0)
		return (struct buf){0};
	return commons->bufs[--commons->buf_count];
}

void commons_give_buf(struct commons *commons, struct buf *buf)
{
	buf_consume(buf, buf_len(buf));
	if (commons->buf_count < COMMONS_SPARES && buf->cap > 0 && buf->cap <= SPARE_BUF_BYTES)
		commons->bufs[commons->buf_count++] = *buf;
	else
		buf_deinit(buf);
	*buf = (struct buf){0};
}

struct str commons_date(struct commons *commons)
{
	int64_t now_ms = loop_now_ms(commons->loop);

	if (now_ms >= commons->date_until_ms) {
		int64_t wall_ms = clock_wall_ms();
		date_format(commons->date, wall_ms / 1000);
		commons->date_until_ms = now_ms + 1000 - wall_ms % 1000;
	}
	return (struct str){commons->date, DATE_TEXT - 1};
}
