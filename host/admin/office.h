/* What the operator's office may look at: the rooms below it, and a few facts that only the
 * composition root knows. host.c fills it; commands and views read it. */
#ifndef PLUGD_ADMIN_OFFICE_H
#define PLUGD_ADMIN_OFFICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "dispatch/dispatch.h"
#include "dispatch/target.h"
#include "edge/edge_opts.h"
#include "observe/log.h"
#include "registry/service.h"

struct office_facts {
	const char *const
		*listeners;   /* addresses as they are listened on; NULL-terminated; may be NULL */
	unsigned connections; /* of clients */
	bool is_ready;	      /* as /health/ready says it */
};

/* Borrows all of it, for as long as commands run. */
struct office {
	struct loop *loop;
	const struct log *log;
	const char *version;
	int64_t started_ms; /* loop_now_ms() when the host started */
	struct dispatch *dispatch;
	const struct registry *registry;
	struct target *const
		*targets; /* one for each configured plugin, in the order of the file */
	size_t target_count;
	const struct edge_opts *edge;
	void (*get_facts)(void *user, struct office_facts *out);
	void *user;
};

/* NULL: no plugin is configured under this name. */
struct target *office_find_target(const struct office *office, const char *plugin);

#endif
