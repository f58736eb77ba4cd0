/* One child process with its channel, from start to end: handshake, readiness, calls, drain, death.
 * The pool owns instances and decides when there is another; an instance decides nothing but
 * whether its plugin keeps the protocol. */
#ifndef PLUGD_PLUGIN_INSTANCE_H
#define PLUGD_PLUGIN_INSTANCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/loop.h"
#include "observe/log.h"
#include "plugin/call.h"
#include "plugin/handshake.h"
#include "plugin/health.h"
#include "plugin/incoming.h"
#include "plugin/manifest.h"
#include "plugin/plugin_opts.h"
#include "plugin/rules.h"
#include "plugin/secrets.h"
#include "plugin/spawner.h"
#include "plugin/state_port.h"
#include "trust/exec.h"

struct instance;
struct process_end;

struct instance_ops {
	/* WELCOME was good; refuse the manifest by returning false with *err. */
	bool (*on_manifest)(void *user, struct instance *instance, struct err *err);

	/* READY: calls may be made. */
	void (*on_ready)(void *user, struct instance *instance);

	/* It takes no more calls: it drains, was failed, or died. Before the owners of its calls
	 * hear that they are broken, so that nothing is routed to it again. */
	void (*on_fenced)(void *user, struct instance *instance);

	/* Its health has changed: instance_health(). *why says it in words for those that are
	 * final, else its code is 0. The callee may retire or fail it. */
	void (*on_health)(void *user, struct instance *instance, const struct err *why);

	/* The plugin calls the host; instance_answer() now or later. */
	void (*on_call)(void *user, struct instance *instance,
			const struct manifest_requirement *requirement,
			const struct wire_request *request);

	/* It has said WELCOME and waits for a state, or for instance_begin(). Only with
	 * instance_opts.waits. */
	void (*on_waiting)(void *user, struct instance *instance);

	/* The answer to its first PING has come. */
	void (*on_answered)(void *user, struct instance *instance);

	/* The answer to instance_offer_config(): "", or why it refuses. */
	void (*on_config)(void *user, struct instance *instance, uint32_t seq, const char *error);

	/* Its process has ended and is reaped; `why` says in words how it came to that. Last; the
	 * callee may instance_free() it. */
	void (*on_dead)(void *user, struct instance *instance, const struct err *why);
};

struct instance_opts {
	struct loop *loop;
	struct log *log;
	struct spawner *spawner;
	struct control_groups *groups;	  /* NULL: no control groups */
	const struct plugin_opts *plugin; /* borrows while the instance lives */
	struct exec_image *image;	  /* borrows while the instance lives */
	const struct cage *cage;	  /* the same; NULL: none */
	struct secrets *secrets;	  /* holds; NULL: none */
	const char *host_version;	  /* borrows */
	uint32_t generation;
	unsigned number; /* of the instance in its generation, from 1 */
	bool waits;	 /* it is not started after its handshake before instance_begin() */
	const struct instance_ops *ops;
	void *user;
};

struct instance *instance_new(const struct instance_opts *opts); /* returns owned */

/* Starts the process and greets it. 0, or -errno with *err: then it is dead already, and on_dead
 * does not come. */
int instance_start(struct instance *instance, struct err *err);

/* Which walls of its cage stand; NULL when its process has never run, or has ended. */
const struct cage_report *instance_cage_report(const struct instance *instance);

/* No new calls; DRAIN is sent, what is in flight may end within grace_ms, then BYE, then the
 * process ends. on_dead follows. */
void instance_drain(struct instance *instance, int64_t grace_ms);

/* The same for a reason of its own, which on_dead will tell. */
void instance_retire(struct instance *instance, const struct err *why, int64_t grace_ms);

/* The plugin broke a rule: its calls break with CALL_GONE, and its process is ended. on_dead
 * follows. */
void instance_fail(struct instance *instance, const struct err *err);

/* Ends its process at once if it still runs. Nothing is called any more. NULL is fine. */
void instance_free(struct instance *instance);

/* ---- state ---- */

/* START to one that waits. */
void instance_begin(struct instance *instance);

/* Asks a READY instance that has no open call for its state; one that has taken the feature
 * "state". */
void instance_export(struct instance *instance, uint32_t format, state_done_fn *on_done,
		     void *user);
struct state instance_exported(const struct instance *instance);

/* Hands a state to one that waits. Borrows it until on_done. */
void instance_import(struct instance *instance, uint32_t format, const struct state *state,
		     state_done_fn *on_done, void *user);

/* Nobody waits for the end of an export or import any more. */
void instance_abandon_state(struct instance *instance);

/* opts.plugin says something else now: what runs by a timer begins anew. */
void instance_apply(struct instance *instance);

/* ---- another configuration ---- */

/* It is READY and has taken the feature "config". */
bool instance_takes_config(const struct instance *instance);

/* on_config follows. `seq` grows from one to the next; NULL: an empty map. Borrows until return. */
void instance_offer_config(struct instance *instance, uint32_t seq, const uint8_t *config,
			   size_t len);

/* ---- health, now ---- */

/* Asks it how it is, out of turn; on_answered follows the first answer. */
void instance_ask(struct instance *instance);
bool instance_has_answered(const struct instance *instance);

/* ---- calls ---- */

/* As outgoing_start(); NULL also when it isn't ready. */
struct call *instance_call(struct instance *instance, const struct wire_request *request,
			   const struct call_ops *ops, void *user);
bool instance_call_send(struct instance *instance, struct call *call, struct wire_bytes payload,
			bool more, bool end);
void instance_call_consumed(struct instance *instance, struct call *call, uint32_t bytes);
void instance_call_cancel(struct instance *instance, struct call *call, uint32_t code,
			  struct str reason);
void instance_answer(struct instance *instance, uint32_t id, const struct incoming_answer *answer);

/* ---- facts, for choosing and for showing ---- */

enum instance_state instance_state(const struct instance *instance);
const char *instance_id(const struct instance *instance); /* "<plugin>/<generation>/<number>" */
unsigned instance_number(const struct instance *instance);
struct manifest *instance_manifest(const struct instance *instance); /* NULL before WELCOME */
uint32_t instance_live_calls(const struct instance *instance);
uint64_t instance_total_calls(const struct instance *instance);
pid_t instance_pid(const struct instance *instance);	    /* 0: none; for messages only */
int64_t instance_since_ms(const struct instance *instance); /* when it came into its state */
int64_t
instance_start_us(const struct instance *instance); /* from start to READY; 0: not ready yet */
enum health_condition
instance_health(const struct instance *instance); /* means something while it is READY */
const struct health_report *
instance_health_report(const struct instance *instance); /* what it last said of itself */
bool instance_said_bye(const struct instance *instance);

/* What it did itself has ended it: a crash, an exit, a rule that it broke. Not the host, and not a
 * signal that others send (SIGKILL, SIGTERM, …). Of one that is dead, for that reason. */
bool instance_is_to_blame(const struct instance *instance, const struct err *why);

/* How its process ended; NULL while it runs, or when it was never started. */
const struct process_end *instance_end(const struct instance *instance);

#endif
