/* The audit trail: what ran, who asked for it, and what was refused, in records that can't be
 * changed or removed without a trace (audit_chain.h). Each is on the disk before audit_record()
 * returns. The host is the only writer.
 *
 *	if (audit_record(audit, &(struct audit_note){AUDIT_SWAP_BEGIN, "echo", actor, details},
 *			 err) < 0)
 *		return …; it may not happen
 *
 * Which events there are: audit_events.def. */
#ifndef PLUGD_TRUST_AUDIT_H
#define PLUGD_TRUST_AUDIT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "observe/log.h"
#include "trust/audit_opts.h"

enum audit_event {
#define AUDIT_EVENT(name, text, kind, help) AUDIT_##name,
#include "trust/audit_events.def"
#undef AUDIT_EVENT
	AUDIT_EVENT_COUNT,
};

/* Of whoever asked, as the kernel says it. */
struct audit_actor {
	uid_t uid;
	gid_t gid;
	pid_t pid; /* at that time: numbers come again */
};

struct audit_note {
	enum audit_event event;
	const char *subject;		 /* a plugin; NULL: none */
	const struct audit_actor *actor; /* NULL: the host itself */
	json_t *details;		 /* an object; NULL: none. Taken, even on failure */
};

struct audit;

/* Opens the trail, makes it when there is none, and verifies its last records. 0 and *out (returns
 * owned): NULL when opts->file is. -errno and *err with ERR_AUDIT_* only when opts->on_failure is
 * AUDIT_REFUSES; else it is logged, and opened as soon as it can be. The options are copied. */
int audit_open(const struct audit_opts *opts, struct log *log, struct audit **out, struct err *err);

/* Writes a last anchor, if there is a key. NULL is fine. */
void audit_close(struct audit *audit);

/* Writes a record. 0: it is on the disk, or it is not and that is no obstacle (on_failure is
 * AUDIT_CONTINUES, or audit is NULL). -errno and *err with ERR_AUDIT_*: what it would record may
 * not happen. What could not be written is counted, but for what was refused; the count is the next
 * record. Each call tries again, so that the trail goes on when its disk has room. */
int audit_record(struct audit *audit, const struct audit_note *note, struct err *err);

/* The event called "plugin.start". False: none has this name. */
bool audit_event_find(const char *name, enum audit_event *out);

#endif
