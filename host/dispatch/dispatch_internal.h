/* What the files of dispatch share: the dispatcher and an open call. Nobody outside this room
 * includes it.
 *
 *	dispatch.c  the door: starts calls, passes on what callers do, completes calls
 *	wait.c      the queue of those who wait for their turn
 *	attempt.c   one try on one instance, and what follows when it fails
 *	gate.c      the breaker: which tries may begin, and what they say of the plugin's health
 *	quarantine.c  which requests make plugins die, and are refused
 *	due.c       when something must happen to a call
 *
 * The stages of a call:
 *
 *	start ─▶ WAITS ──its turn──▶ RUNS ──▶ done
 *	           ▲                  │ failed, and may be tried again
 *	           └──── its time ─ RESTS
 *
 * A call sleeps in each of them, and each has its time in due.c. */
#ifndef PLUGD_DISPATCH_DISPATCH_INTERNAL_H
#define PLUGD_DISPATCH_DISPATCH_INTERNAL_H

#include "base/loop.h"
#include "dispatch/deadline.h"
#include "dispatch/dispatch.h"
#include "observe/log.h"
#include "plugin/instance.h"

enum call_stage {
	STAGE_WAITS, /* for its turn */
	STAGE_RUNS,  /* on an instance; it has one of the target's places */
	STAGE_RESTS, /* between two tries */
};

struct dispatch_call {
	struct dispatch *dispatch;
	struct target *target;
	const struct dispatch_ops *ops;
	void *user;
	enum call_stage stage;
	int64_t deadline_ms;
	int64_t stage_us; /* since when */
	int64_t queue_us; /* in stages that are over */
	int64_t plugin_us;

	int64_t due_ms; /* DEADLINE_NEVER: not in the list */
	TAILQ_ENTRY(dispatch_call) due_link;
	TAILQ_ENTRY(dispatch_call) wait_link;

	/* What it asks, as long as it can still be asked; NULL: it is gone. */
	const struct wire_request *request;
	struct wire_request *kept; /* where it is a copy of our own, of one block */
	bool request_stays;	   /* the caller keeps it until the end */
	bool is_idempotent;
	bool is_impatient;

	struct instance *instance; /* of the try that runs; NULL: none does */
	struct call *call;
	bool writable;
	bool is_begun;		   /* some of an answer was passed on */
	bool is_refused;	   /* its answer can't be used, says the caller */
	struct str refusal;	   /* why; the caller's */
	bool may_have_acted;	   /* the plugin, on some try: it was delivered */
	unsigned attempts;	   /* that have begun and may have reached the plugin */
	unsigned resends;	   /* that certainly have not */
	enum outcome failure;	   /* of the last try, after which it waits for the next; else OK */
	uint32_t ticket;	   /* of the breaker, for the try that runs */
	unsigned avoid;		   /* the number of the instance that failed it; 0: none */
	uint64_t key;		   /* what keeps the caller with one generation; 0: nothing */
	bool is_canary;		   /* of the try that runs */
	struct meter *meter;	   /* NULL: it is not counted by its method */
	struct manifest *manifest; /* whose number the request has; holds; NULL: any */
	struct dispatch_call *next_free;
};

struct dispatch {
	struct loop *loop;
	struct log *log;		 /* NULL: silent */
	struct dispatch_queue due;	 /* by due_ms */
	struct loop_timer timer;	 /* not later than the first of `due` */
	int64_t timer_ms;		 /* when it fires; DEADLINE_NEVER: it doesn't run */
	uint32_t random;		 /* never 0 */
	struct dispatch_call *free_list; /* a call costs no malloc */
	unsigned open;
};

/* ---- dispatch.c ---- */

/* Queues the call behind those who wait, or begins its next try. False: it is completed. */
bool call_enter(struct dispatch_call *call);

/* Accounts the time of the stage that ends. */
void call_move(struct dispatch_call *call, enum call_stage next);

/* The target's place is free for somebody else. The next of those who wait starts at the end of the
 * turn, not here: no caller is called from the middle of another's end. */
void call_leave_place(struct dispatch_call *call);

/* The end: on_done. After this the call is nobody's. */
void call_complete(struct dispatch_call *call, const struct dispatch_result *what);
void call_complete_with(struct dispatch_call *call, enum outcome outcome, struct str message);

/* ---- wait.c ---- */

/* Puts a call at the end of its target's queue, where the limit has counted it. */
void wait_turn(struct dispatch_call *call);

/* Gives the call's place back and puts it at the front of the queue, if an instance is coming and
 * there is room. False: it is completed. */
bool wait_for_instance(struct dispatch_call *call);

/* The call has waited in vain; it is completed. */
void wait_in_vain(struct dispatch_call *call);

/* Takes it out again. */
void wait_leave(struct dispatch_call *call);

/* Runs those whose turn it is; of a target. */
void wait_on_turn(void *target);

/* ---- attempt.c ---- */

/* Puts a call that has a place on an instance, or in the queue when none is ready. False: it is
 * completed. */
bool attempt_begin(struct dispatch_call *call);

/* The plugin shall stop working on it; what that says of its health is counted. */
void attempt_cancel(struct dispatch_call *call, enum outcome outcome, struct str reason);

/* ---- gate.c ---- */

/* May the next try begin? True: what it says of the plugin's health has to be reported. */
bool gate_pass(struct dispatch_call *call);
void gate_report(struct dispatch_call *call, enum breaker_report report);
enum breaker_report gate_report_of(const struct dispatch_call *call, enum outcome outcome);

/* Completes a call that may not pass. */
void gate_refuse(struct dispatch_call *call);

/* ---- quarantine.c ---- */

/* The call was on an instance that is dying. */
void quarantine_suspect(const struct dispatch_call *call);

/* The plugin has answered it. */
void quarantine_survived(const struct dispatch_call *call);

/* It is known to make plugins die. */
bool quarantine_refuses(const struct dispatch_call *call);

/* ---- due.c ---- */

void due_init(struct dispatch *dispatch);
void due_stop(struct dispatch *dispatch);

/* When something must happen to the call, whatever its stage; DEADLINE_NEVER: never. */
void due_set(struct dispatch_call *call, int64_t due_ms);

#endif
