/* Credit for what comes in: how many payload bytes the host may still send, for one call or for the
 * channel, and when to give some back. */
#ifndef PLUG_CREDIT_H
#define PLUG_CREDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct credit {
	uint32_t window; /* what the host may have on the way */
	uint32_t used;	 /* came in, and was not given back yet */
	uint32_t spent;	 /* of these: dealt with, to be given back */
};

/* Bytes came in. False: more than the window allows. */
static inline bool credit_use(struct credit *credit, uint32_t bytes)
{
	if (bytes > credit->window - credit->used)
		return false;
	credit->used += bytes;
	return true;
}

static inline void credit_spend(struct credit *credit, uint32_t bytes)
{
	credit->spent += bytes;
}

/* What to give back now: nothing until half of the window is spent, so that CREDIT frames are
 * few. */
static inline uint32_t credit_take(struct credit *credit)
{
	uint32_t bytes = credit->spent;

	if (bytes == 0 || bytes < credit->window / 2)
		return 0;
	credit->spent = 0;
	credit->used -= bytes;
	return bytes;
}

struct plug;

/* Bytes that belong to no call came in: they use the channel's window, which is given back. False:
 * more than it allows. Only at home. */
bool credit_receive_channel(struct plug *plug, size_t bytes);

/* Bytes of a call came in: both windows are used, and the channel's is given back, because the
 * bytes have left the channel: who reads a call slowly slows nobody else. False: one of the windows
 * does not allow it, and the plugin is broken. Only at home. */
bool credit_receive(struct plug *plug, uint32_t id, struct credit *call, size_t bytes);

/* Stages a CREDIT frame if it is time for one; without memory later. `id` 0: the channel. Only at
 * home. */
void credit_say(struct plug *plug, uint32_t id, struct credit *credit);

#endif
