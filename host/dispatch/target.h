/* What a service name resolves to: the plugin that answers, as the dispatcher needs it. One per
 * configured plugin; it stays while its pools come and go. */
#ifndef PLUGD_DISPATCH_TARGET_H
#define PLUGD_DISPATCH_TARGET_H

#include <stdint.h>
#include <sys/queue.h>

#include "base/tokens.h"
#include "dispatch/adaptive.h"
#include "dispatch/breaker.h"
#include "dispatch/canary.h"
#include "dispatch/limit.h"
#include "dispatch/outcome.h"
#include "dispatch/poison.h"
#include "dispatch/retry.h"
#include "plugin/plugin_opts.h"
#include "plugin/pool.h"

struct dispatch_call;

TAILQ_HEAD(dispatch_queue, dispatch_call);

/* A hold never lasts as long: whoever begins one ends it. */
#define TARGET_HOLD_PATIENCE_MS 5000

struct target {
	const struct plugin_opts *plugin; /* borrows */
	struct pool *pool;		  /* serves new calls; NULL: nothing does */
	struct limit limit;
	struct dispatch_queue waiting; /* the limit's waiting room, first come first served */
	struct loop_flush turn;	       /* starts those whose turn it is; the dispatcher's */
	struct retry_budget budget;
	struct breaker breaker;
	struct tokens tokens; /* of the rate limit */
	struct adaptive adaptive;
	struct poison poison;
	uint64_t outcomes[OUTCOME_COUNT];
	uint64_t retries;	  /* tries after one that failed */
	uint64_t resends;	  /* tries after one that did not reach the plugin */
	uint64_t stood_in;	  /* requests that were given to its stand-in */
	struct pool *canary_pool; /* gets a share of the calls; NULL: no canary */
	struct canary *canary;	  /* which share, and how both do; borrows */
};

/* With the limits of the options. For dispatch_init_target(). */
void target_init(struct target *target, const struct plugin_opts *plugin);

void target_deinit(struct target *target);

/* From now on this pool serves, with these options. Borrows both until another does. */
void target_serve(struct target *target, const struct plugin_opts *plugin, struct pool *pool);

/* Whether it is worth waiting for an instance: one is ready, or may be within the time that a call
 * waits. */
bool target_can_serve(const struct target *target);

/* When an instance may be ready, for Retry-After; 0: nobody knows. */
uint32_t target_ready_in_ms(const struct target *target);

/* How long a call may wait for its turn now. */
int64_t target_patience_ms(const struct target *target);

/* A pool gets the canary's share of the calls, until NULL does. Borrows both until then. */
void target_set_canary(struct target *target, struct pool *pool, struct canary *canary);

/* Which try looks for an instance. */
struct target_wish {
	unsigned avoid; /* the number of one that it would rather not have; 0: none */
	bool is_first;	/* only the first try of a call goes to a canary */
	uint64_t key;	/* what keeps a caller with one generation; 0: nothing */
};

struct target_choice {
	struct instance *instance; /* NULL: none is ready; a pool that is asleep is woken */
	const struct pool *pool;   /* its pool */
	bool is_canary;
};

struct target_choice target_pick(const struct target *target, const struct target_wish *wish);

#endif
