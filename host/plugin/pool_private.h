/* What the files of a pool share: pool.c (all of its places together) and slot.c (one of them).
 * Nobody else includes it. */
#ifndef PLUGD_PLUGIN_POOL_PRIVATE_H
#define PLUGD_PLUGIN_POOL_PRIVATE_H

#include "plugin/pool.h"
#include "plugin/supervisor.h"

struct slot {
	struct pool *pool;
	enum slot_state state;
	struct instance *instance; /* NULL unless SLOT_OCCUPIED */
	struct supervisor supervisor;
	struct loop_timer restart; /* in SLOT_WAITING */
	struct err reason;	   /* in SLOT_DOWN */
	bool is_ready;
	bool is_degraded; /* serves last */
	int64_t ready_since_ms;
	int64_t ready_for_ms; /* of the last instance; -1: it never was */
};

struct pool {
	struct loop *loop;
	struct log *log;
	const struct plugin_opts *plugin;
	const struct whitelist *whitelist;
	const char *host_version;
	uint32_t generation;
	const struct pool_ops *ops;
	void *user;

	struct exec_image *image;  /* NULL: not loaded */
	struct manifest *manifest; /* holds; NULL: nobody told yet */
	struct slot *slots;
	unsigned slot_count;
	unsigned next; /* where pool_pick() begins to look */
	unsigned ready;
	unsigned degraded; /* of those that are ready */
	bool draining;
	bool drained;
	uint64_t restarts;
	uint64_t past_calls; /* of instances that are dead */
	struct err last_failure;
};

void slot_init(struct slot *slot, struct pool *pool);
void slot_deinit(struct slot *slot);
void slot_start(struct slot *slot); /* an empty one */

/* No more starts; an instance may finish what is in flight within the time. */
void slot_drain(struct slot *slot, int64_t grace_ms);

/* For slot.c: a place is empty, or stays so. */
void pool_slot_emptied(struct pool *pool);

#endif
