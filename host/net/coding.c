/* The table of content codings, and the coders that wait for their next stream.
 *
 * A row for each coding; what libraries do is in coding_gzip.c, coding_brotli.c and coding_zstd.c.
 * Owns the coders that wait, at most IDLE_MAX of a kind. The edge has one of it. Nothing here can
 * fail: memory that isn't there ends the process, as everywhere. */
#include "net/coding.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/coding_private.h"

/* More than one waits only after answers that streamed at the same time. */
#define IDLE_MAX 4

static const struct coding {
	struct str token;
	const struct coder_ops *ops[2]; /* by enum coding_way */
} codings[CODING_COUNT] = {
	[CODING_GZIP] = {{"gzip", 4}, {&gzip_encoder, &gzip_decoder}},
	[CODING_BROTLI] = {{"br", 2}, {&brotli_encoder, &brotli_decoder}},
	[CODING_ZSTD] = {{"zstd", 4}, {&zstd_encoder, &zstd_decoder}},
};

struct idle {
	struct coder *first;
	unsigned count;
};

struct coders {
	struct idle idle[CODING_COUNT][2];
	unsigned taken;
};

struct str coding_token(enum coding_id id)
{
	return codings[id].token;
}

enum coding_id coding_find(struct str token)
{
	size_t id = 0;

	if (str_eq_nocase(token, STR_LITERAL("x-gzip")))
		return CODING_GZIP;
	while (id < CODING_COUNT && !str_eq_nocase(token, codings[id].token))
		id++;
	return (enum coding_id)id;
}

enum coder_state coder_run(struct coder *coder, struct coder_io *io, bool last)
{
	return coder->ops->run(coder, io, last);
}

/* ---- those that wait ---- */

struct coders *coders_new(void)
{
	return mem_new(struct coders);
}

static struct coder *pop(struct idle *idle)
{
	struct coder *coder = idle->first;

	if (!coder)
		return NULL;
	idle->first = coder->next;
	idle->count--;
	return coder;
}

void coders_free(struct coders *coders)
{
	struct coder *coder;

	if (!coders)
		return;
	assert(coders->taken == 0);
	for (size_t id = 0; id < CODING_COUNT; id++) {
		for (int way = 0; way < 2; way++) {
			while ((coder = pop(&coders->idle[id][way])))
				coder->ops->close(coder);
		}
	}
	free(coders);
}

static struct coder *open_coder(enum coding_id id, enum coding_way way, enum coding_level level)
{
	const struct coder_ops *ops = codings[id].ops[way];
	struct coder *coder = ops->open(level);

	coder->ops = ops;
	coder->id = id;
	coder->way = way;
	coder->level = level;
	return coder;
}

/* Those of another level, from before a reload, are of no use any more. */
struct coder *coders_take(struct coders *coders, enum coding_id id, enum coding_way way,
			  enum coding_level level)
{
	struct coder *coder;

	coders->taken++;
	while ((coder = pop(&coders->idle[id][way]))) {
		if (way == CODING_DECODES || coder->level == level)
			return coder;
		coder->ops->close(coder);
	}
	return open_coder(id, way, level);
}

void coders_give(struct coders *coders, struct coder *coder)
{
	struct idle *idle;

	if (!coder)
		return;
	coders->taken--;
	idle = &coders->idle[coder->id][coder->way];
	if (idle->count >= IDLE_MAX || !coder->ops->reset(coder)) {
		coder->ops->close(coder);
		return;
	}
	coder->next = idle->first;
	idle->first = coder;
	idle->count++;
}
