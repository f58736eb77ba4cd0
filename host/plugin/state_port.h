/* The state of a plugin on its way through the host: out of one instance, collected and verified,
 * and into another. One of each per instance, as proto/README.md tells it under "State". */
#ifndef PLUGD_PLUGIN_STATE_PORT_H
#define PLUGD_PLUGIN_STATE_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "plugin/channel.h"
#include "plugin/flow.h"
#include "plugin/redact.h"
#include "proto/wire.h"
#include "trust/digest.h"

/* What the host takes from one instance. HELLO says so by leaving it at its default. */
#define STATE_MAX_BYTES WIRE_MAX_STATE_BYTES

struct state_port;

/* A state as a whole. */
struct state {
	struct wire_bytes bytes;
	struct digest digest;
};

/* The end of an export (then state_port_exported() has the bytes) or of an import: `why` NULL means
 * it went well. Once for each that was begun and not abandoned. */
typedef void state_done_fn(void *user, const struct err *why);

struct state_port {
	struct channel *channel;   /* borrows */
	struct flow *flow;	   /* borrows */
	uint32_t max_import_bytes; /* the plugin's limit */
	bool exports;		   /* EXPORT is out, STATE_END has not come */
	bool imports;		   /* IMPORT is out, IMPORTED has not come */
	bool import_said;	   /* STATE_END is out */
	struct buf exported;	   /* what has come; kept until the next export */
	struct digest_stream *sum; /* of what has come; NULL between exports */
	struct digest digest;	   /* of a whole one */
	struct err spoilt;	   /* the export can't be used any more; code 0: it can */
	struct wire_bytes rest;	   /* of the import: what is still to be sent; borrows */
	const struct state *whole; /* of the import; borrows */
	state_done_fn *on_done;	   /* NULL: nobody waits */
	void *user;
	const struct redactor *redactor; /* of the plugin's secrets; NULL: it has none */
};

/* After WELCOME. Zeroed before that. */
void state_port_init(struct state_port *port, struct channel *channel, struct flow *flow,
		     uint32_t max_import_bytes);
void state_port_deinit(struct state_port *port);

/* Sends EXPORT. No export or import may be under way. */
void state_port_export(struct state_port *port, uint32_t format, state_done_fn *on_done,
		       void *user);

/* The state of the last export that went well. Valid until the next one. */
struct state state_port_exported(const struct state_port *port);

/* Sends IMPORT and then, as the window allows, the state. Borrows it until on_done. */
void state_port_import(struct state_port *port, uint32_t format, const struct state *state,
		       state_done_fn *on_done, void *user);

/* Nobody waits for the end any more; what still comes of an export is dropped. */
void state_port_abandon(struct state_port *port);

/* The instance takes no more frames: whoever waits hears why. */
void state_port_break(struct state_port *port, const struct err *why);

/* Frames of the plugin. 0, or -EINVAL with *err: a violation. */
int state_port_on_state(struct state_port *port, struct wire_bytes body, struct err *err);
int state_port_on_state_end(struct state_port *port, struct wire_bytes body, struct err *err);
int state_port_on_imported(struct state_port *port, struct wire_bytes body, struct err *err);

/* The channel's window has opened. */
void state_port_on_credit(struct state_port *port);

#endif
