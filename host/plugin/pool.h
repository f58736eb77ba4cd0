/* The instances of one generation of a plugin: so many as configured, started again when they die
 * as long as the supervisor thinks it worth while, the least busy one chosen for a call. What the
 * generation offers is what its first instance said; the others must say the same. */
#ifndef PLUGD_PLUGIN_POOL_H
#define PLUGD_PLUGIN_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/loop.h"
#include "observe/log.h"
#include "plugin/instance.h"
#include "plugin/manifest.h"
#include "plugin/plugin_opts.h"
#include "plugin/spawner.h"
#include "trust/guard.h"

struct pool;

struct pool_ops {
	/* A process is about to be started in that place. Returns 0, or -errno with *err: it may
	 * not, and is tried again a second later. May be NULL. */
	int (*may_start)(void *user, struct pool *pool, unsigned number, struct err *err);

	/* A process is not started: a file that it would load may not run, as *why says. May be
	 * NULL. */
	void (*on_refused)(void *user, struct pool *pool, const struct err *why);

	/* Its processes run without these walls of their sandbox, in words. May be NULL. */
	void (*on_shortfall)(void *user, struct pool *pool, const char *missing);

	/* The first instance told what the plugin offers; refuse it by returning false with
	 * *err. */
	bool (*on_manifest)(void *user, struct pool *pool, const struct manifest *manifest,
			    struct err *err);

	/* An instance has become ready, or there is one ready instance fewer, or no more will
	 * come (pool_down_reason()); one waits, or has answered its first PING. */
	void (*on_change)(void *user, struct pool *pool);

	/* As in instance_ops. */
	void (*on_call)(void *user, struct pool *pool, struct instance *instance,
			const struct manifest_requirement *requirement,
			const struct wire_request *request);

	/* A process has ended, whoever wanted that; `failed`: it should not have, or not like that.
	 * May be NULL. */
	void (*on_death)(void *user, struct pool *pool, const struct instance *instance,
			 const struct err *why, bool failed);

	/* A process ended or could not be started, and nobody had asked for that. May be NULL. */
	void (*on_failure)(void *user, struct pool *pool, const struct err *why);

	/* The end of pool_offer_config(), once: every instance has taken it, or why one has not. */
	void (*on_config)(void *user, struct pool *pool, const struct err *why);

	/* After pool_drain(): the last process has ended. */
	void (*on_drained)(void *user, struct pool *pool);
};

struct pool_opts {
	struct loop *loop;
	struct log *log;
	struct spawner *spawner;
	struct control_groups *groups;	  /* NULL: no control groups */
	const struct plugin_opts *plugin; /* borrows while the pool lives */
	const struct guard *guard;	  /* borrows until pool_start() returns */
	struct exec_image *image;	  /* holds; NULL: that of the executable is loaded */
	const char *host_version;	  /* borrows */
	uint32_t generation;
	bool may_sleep; /* a lazy plugin starts nothing before pool_wake() */
	bool waits;	/* instances that have greeted wait for a state, or for pool_begin() */
	const struct pool_ops *ops;
	void *user;
};

struct pool *pool_new(const struct pool_opts *opts); /* returns owned */

/* Reads the secrets, loads and checks the executable, if no image was given, and starts the
 * instances. 0, or -errno with *err: a secret is missing, or the executable may not run, or can't.
 * A process that dies later is started again as plugin->restart says. */
int pool_start(struct pool *pool, struct err *err);

/* The same once more, after it could not be started. Borrows until return. */
int pool_start_again(struct pool *pool, const struct guard *guard, struct err *err);

/* Those that wait are started; from now on none does. */
void pool_begin(struct pool *pool);

/* Asks all that are ready how they are. */
void pool_ask(struct pool *pool);

/* Somebody needs it: a pool that is asleep starts its instances. Awake is fine. */
void pool_wake(struct pool *pool);

/* Its executable may not run any more: no new calls and no new processes until pool_permit(); every
 * place stays down, or will, with this reason. What becomes of the processes is said by `action`;
 * those that drain have the plugin's drain_timeout. Again is fine, with another action too. */
void pool_forbid(struct pool *pool, const struct err *why, enum trust_revoke action);

/* It may again: what is down is started. A pool that was not forbidden is left alone. */
void pool_permit(struct pool *pool);
const struct err *pool_forbidden(const struct pool *pool); /* NULL: it may run */

/* Other rules or files may be in force: every place whose start was refused is started again. */
void pool_start_refused(struct pool *pool);

/* The operator's way out: every place without a process, one that stays down too, gets a fresh
 * history and a start now; what runs is left alone. The number of starts, or -errno with *err. */
int pool_restart(struct pool *pool, struct err *err);

/* What opts.plugin says has changed, but for what a process has fixed: it is obeyed from now on. */
void pool_apply(struct pool *pool);

/* Every instance is ready and takes another configuration while it runs. */
bool pool_takes_config(const struct pool *pool);

/* Offers one to all of them; NULL: an empty one. on_config follows, and then it is to be kept or
 * dropped. Borrows until return. */
void pool_offer_config(struct pool *pool, const uint8_t *config, size_t len);

/* plugin->config has become what was offered, or another one: who runs with something else is
 * offered it, and begins anew if it refuses. */
void pool_keep_config(struct pool *pool);

/* Who was offered it gets plugin->config again. Nothing offered is fine. */
void pool_drop_config(struct pool *pool);

/* No new calls, no new processes; what is in flight may end within the time. on_drained follows,
 * also when nothing runs. */
void pool_drain(struct pool *pool, int64_t grace_ms);

/* Ends all processes at once. NULL is fine. */
void pool_free(struct pool *pool);

/* The ready instance with the fewest calls, a healthy one if there is one; among equals they take
 * turns. The one with the number `avoid` (0: none) only when no other is ready. NULL: none is
 * ready. */
struct instance *pool_pick(struct pool *pool, unsigned avoid);

/* The time to the next start that is due; POOL_NEVER: none is. */
#define POOL_NEVER INT64_MAX
int64_t pool_next_start_ms(const struct pool *pool);

const struct manifest *pool_manifest(const struct pool *pool); /* NULL: not known yet */
uint32_t pool_generation(const struct pool *pool);
bool pool_is_draining(const struct pool *pool);
unsigned pool_ready_count(const struct pool *pool);
bool pool_is_complete(const struct pool *pool);	       /* all its instances are ready */
bool pool_is_waiting(const struct pool *pool);	       /* all of them wait */
unsigned pool_answered_count(const struct pool *pool); /* have answered a PING */
unsigned pool_healthy_count(const struct pool *pool);  /* of the ready ones */

/* Nothing runs, and the next call starts it. */
bool pool_is_asleep(const struct pool *pool);

/* It serves, or is as good as ready: asleep, or on its way from there. */
bool pool_is_available(const struct pool *pool);

/* An instance is starting, or will within the time, or pool_wake() makes one start: it may be worth
 * while to wait. */
bool pool_is_coming(const struct pool *pool, int64_t within_ms);

/* What a policy has tolerated of what starts, or runs: a warning each, `whitelist.tolerated`. */
void pool_log_remarks(struct log *log, const char *plugin, const struct guard_remarks *remarks);

/* NULL unless every place stays down; then why, a crash loop first. */
const struct err *pool_down_reason(const struct pool *pool);

/* For showing. There is a place for each configured instance. */
enum slot_state {
	SLOT_OCCUPIED, /* by an instance */
	SLOT_WAITING,  /* for its next start */
	SLOT_ASLEEP,   /* until somebody needs it */
	SLOT_DOWN,     /* for good: a crash loop, or the policy */
};

unsigned pool_slot_count(const struct pool *pool);
enum slot_state pool_slot_state(const struct pool *pool, unsigned slot);
struct instance *pool_instance(const struct pool *pool, unsigned slot);	    /* NULL: empty */
const struct instance *pool_slot(const struct pool *pool, unsigned slot);   /* NULL: empty */
const struct err *pool_slot_reason(const struct pool *pool, unsigned slot); /* NULL: not down */
uint32_t pool_open_calls(const struct pool *pool); /* that its plugin has not ended */
uint64_t pool_restarts(const struct pool *pool);
uint64_t pool_total_calls(const struct pool *pool);		     /* of dead instances too */
const struct err *pool_last_failure(const struct pool *pool);	     /* code 0: none */
const struct cage *pool_cage(const struct pool *pool);		     /* NULL: not made yet */
const struct cage_report *pool_cage_report(const struct pool *pool); /* of its last process */
const struct exec_image *pool_image(const struct pool *pool); /* NULL: it could not be loaded */

#endif
