/* The one answer to one request. Owned by whoever reads requests, held for a while by a command
 * that needs time. It never answers twice: that would be the host's own bug. */
#include "admin/reply.h"

#include <assert.h>
#include <stddef.h>

void reply_init(struct reply *reply,
		void (*on_answer)(struct reply *reply, json_t *result, const struct err *err))
{
	*reply = (struct reply){.on_answer = on_answer, .state = REPLY_OPEN};
}

static struct answered reply_give(struct reply *reply, json_t *result, const struct err *err)
{
	assert(reply->state != REPLY_GIVEN);
	reply->state = REPLY_GIVEN;
	reply->on_answer(reply, result, err);
	return (struct answered){reply};
}

struct answered reply_ok(struct reply *reply, json_t *result)
{
	return reply_give(reply, result, NULL);
}

struct answered reply_fail(struct reply *reply, const struct err *err)
{
	return reply_give(reply, NULL, err);
}

struct answered reply_later(struct reply *reply, reply_left_fn *on_left, void *user)
{
	assert(reply->state == REPLY_OPEN);
	reply->state = REPLY_LATER;
	reply->on_left = on_left;
	reply->left_user = user;
	return (struct answered){reply};
}

void reply_progress(struct reply *reply, json_t *news)
{
	assert(reply->state == REPLY_LATER);
	if (reply->on_progress)
		reply->on_progress(reply, news);
	else
		json_decref(news);
}

void reply_abandon(struct reply *reply)
{
	bool is_held = reply->state == REPLY_LATER;

	reply->state = REPLY_GIVEN;
	if (is_held)
		reply->on_left(reply->left_user);
}
