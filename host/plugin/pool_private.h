/* What the files of a pool share: pool.c (all of its places together), slot.c (one of them) and
 * pool_sleep.c. Nobody else includes it. */
#ifndef PLUGD_PLUGIN_POOL_PRIVATE_H
#define PLUGD_PLUGIN_POOL_PRIVATE_H

#include "plugin/idle.h"
#include "plugin/pool.h"
#include "plugin/supervisor.h"

struct slot {
	struct pool *pool;
	enum slot_state state;
	struct instance *instance; /* NULL unless SLOT_OCCUPIED */
	struct supervisor supervisor;
	struct loop_timer restart; /* in SLOT_WAITING */
	struct err reason;	   /* in SLOT_DOWN */
	bool is_held_back;	   /* its next start may not be yet */
	bool is_refused;	   /* in SLOT_DOWN: its files may not run as they are now */
	bool is_unloading;	   /* its instance ends because nobody needs it */
	bool is_ready;
	bool is_degraded; /* serves last */
	uint32_t config;  /* the one that its instance has; see pool_config.c */
	uint32_t offered; /* the last one that it was offered, or began with */
	int64_t ready_since_ms;
	int64_t ready_for_ms; /* of the last instance; -1: it never was */
};

struct pool {
	struct loop *loop;
	struct log *log;
	struct spawner *spawner;
	struct control_groups *groups;
	const struct plugin_opts *plugin;
	const struct guard *guard;
	const char *host_version;
	uint32_t generation;
	const struct pool_ops *ops;
	void *user;

	struct exec_image *image;	/* NULL: not loaded */
	struct secrets *secrets;	/* NULL: it has none, or they were not read */
	struct cage *cage;		/* NULL: none, or not made yet */
	struct cage_report cage_report; /* of the last process */
	struct manifest *manifest;	/* holds; NULL: nobody told yet */
	struct slot *slots;
	unsigned slot_count;
	unsigned next; /* where pool_pick() begins to look */
	unsigned ready;
	unsigned degraded; /* of those that are ready */
	bool asleep;	   /* no process until pool_wake() */
	bool waking;	   /* it was, and no instance has become ready or died since */
	struct {
		uint32_t last;	   /* number that was given */
		uint32_t in_force; /* plugin->config */
		uint32_t offered;  /* 0: nothing is */
		unsigned awaited;  /* answers that have not come */
		bool is_open;	   /* the owner waits for the end of the offer */
		struct loop_timer timer;
	} config;
	struct idle idle;
	struct loop_timer idle_timer; /* while it is awake and may be unloaded */
	bool waits;		      /* instances are not started before pool_begin() */
	bool draining;
	bool drained;
	uint64_t restarts;
	uint64_t past_calls; /* of instances that are dead */
	struct err last_failure;
	struct err forbidden; /* code 0: its executable may run */
};

void slot_init(struct slot *slot, struct pool *pool);
void slot_deinit(struct slot *slot);
void slot_start(struct slot *slot); /* an empty one */

/* Nobody needs it: its instance ends, its next start waits for slot_wake(). */
void slot_sleep(struct slot *slot);
void slot_wake(struct slot *slot);

/* An instance starts, or will within the time. */
bool slot_is_coming(const struct slot *slot, int64_t within_ms);

/* pool_forbidden(): its instance ends, or runs on, as `action` says; it is not filled again. */
void slot_forbid(struct slot *slot, enum trust_revoke action);

/* No more starts; an instance may finish what is in flight within the time. */
void slot_drain(struct slot *slot, int64_t grace_ms);

/* pool_config.c */
void pool_config_init(struct pool *pool);
void slot_on_config(void *slot, struct instance *instance, uint32_t seq, const char *error);
void slot_config_ready(struct slot *slot); /* its instance has become ready */
void slot_config_lost(struct slot *slot);  /* or is so no more */

/* pool_sleep.c */
void pool_sleep_init(struct pool *pool, bool may_sleep); /* asleep, if it may and is lazy */
void pool_stay_awake(struct pool *pool);		 /* from now on, until it is idle */
void pool_sleep_apply(struct pool *pool);		 /* the options have changed */

/* pool_cage.c */
int pool_make_cage(struct pool *pool, struct err *err);
void pool_note_cage(struct pool *pool, const struct instance *instance); /* that has started */

/* For slot.c: a place is empty, or stays so. */
void pool_slot_emptied(struct pool *pool);

#endif
