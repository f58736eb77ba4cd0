/* What the files of an instance share: instance.c (its states, its life), instance_frames.c (what
 * its plugin says), instance_calls.c, instance_health.c, capsule.c (what is kept of its end).
 * Nobody else includes it. */
#ifndef PLUGD_PLUGIN_INSTANCE_PRIVATE_H
#define PLUGD_PLUGIN_INSTANCE_PRIVATE_H

#include "plugin/calls.h"
#include "plugin/channel.h"
#include "plugin/health_check.h"
#include "plugin/instance.h"
#include "plugin/process.h"
#include "plugin/textlog.h"

struct instance {
	struct loop *loop;
	struct log *log;
	struct spawner *spawner;
	struct control_groups *groups;
	const struct plugin_opts *plugin;
	struct exec_image *image;
	const struct cage *cage;
	struct secrets *secrets; /* NULL: none */
	const char *host_version;
	uint32_t generation;
	unsigned number;
	const struct instance_ops *ops;
	void *user;
	char *id;

	enum instance_state state;
	int64_t since_ms;
	int64_t started_us;
	int64_t start_us;	 /* start to READY */
	struct loop_timer timer; /* of the state's deadline */
	struct err why;		 /* the first reason for its end; code 0: none yet */

	struct process *process;
	struct process_end end; /* once it is reaped */
	bool has_ended;
	pid_t pid;		   /* for messages; also after its end */
	struct outgoing_lost lost; /* the calls that its end has broken */
	bool said_bye;
	bool is_out_of_time; /* to drain: what was in flight is cancelled */
	struct channel channel;
	struct textlog textlog;
	struct handshake_limits limits; /* ours, in HELLO */
	struct calls calls;		/* from WELCOME on */
	bool greeted;			/* WELCOME has come: calls is there */
	uint32_t features;
	struct manifest *manifest; /* NULL before WELCOME */
	struct health_check health_check;
	struct state_port state_port; /* from WELCOME on */
	uint32_t config_asked;	      /* seq of the last CONFIG; 0: none */
	uint32_t config_answered;
	bool waits;		    /* START is not said before instance_begin() */
	struct loop_timer patience; /* with the oldest call that was cancelled */
};

/* Into the next state, which the table must allow; the deadline of the last one is off. */
void instance_move(struct instance *instance, enum instance_state next);

/* The one way out of every living state: no more frames, no more calls, then the ladder, whose
 * first rung comes after term_after_ms. `err` is the reason if there was none before. */
void instance_stop(struct instance *instance, const struct err *err, int64_t term_after_ms);

/* A frame came, in whatever state. */
void instance_take_frame(struct instance *instance, const struct frame *frame);

/* instance_calls.c */
void instance_calls_init(struct instance *instance);

/* instance_state.c */
void instance_take_state(struct instance *instance, struct wire_bytes body);
void instance_take_state_end(struct instance *instance, struct wire_bytes body);
void instance_take_imported(struct instance *instance, struct wire_bytes body);

/* instance_config.c */
void instance_take_config_result(struct instance *instance, struct wire_bytes body);

/* instance_health.c */
void instance_health_init(struct instance *instance);
void instance_take_pong(struct instance *instance, struct wire_bytes body);

/* The kill ladder after the plugin's input was closed: patience for a plugin that said BYE, none
 * for one that broke a rule. */
#define INSTANCE_TERM_AFTER_BYE_MS 2000

#endif
