/* One plugin run alone, from its bytes to its end, and what it did right and wrong on the way. */
#ifndef PLUGCTL_PROBE_H
#define PLUGCTL_PROBE_H

#include "base/err.h"
#include "base/loop.h"
#include "observe/log.h"
#include "plugin/instance.h"
#include "plugin/plugin_opts.h"

/* In the order in which they are met. */
enum probe_rule {
	PROBE_LOADS,
	PROBE_STARTS,
	PROBE_GREETS,
	PROBE_MANIFEST,
	PROBE_READY,
	PROBE_BYE,
	PROBE_EXIT,
	PROBE_PROTOCOL,
	PROBE_RULE_COUNT,
};

enum probe_verdict { PROBE_UNKNOWN, PROBE_OK, PROBE_FAIL }; /* unknown: it did not get so far */

struct probe {
	struct loop *loop;
	const struct plugin_opts *plugin;
	struct exec_image *image;  /* owned; NULL: it can't be loaded */
	struct instance *instance; /* owned; valid until probe_deinit() for its facts */
	struct {
		enum probe_verdict verdict;
		char detail[480];
	} rules[PROBE_RULE_COUNT];
};

/* Starts, greets, waits for READY, drains, waits for the end: runs the loop until then. */
void probe_run(struct probe *probe, struct spawner *spawner, struct loop *loop, struct log *log,
	       const struct plugin_opts *plugin);
void probe_deinit(struct probe *probe);

unsigned probe_failures(const struct probe *probe);
const char *probe_rule_text(enum probe_rule rule);	    /* "it says READY" */
const char *probe_verdict_text(enum probe_verdict verdict); /* "-", "ok", "FAIL" */

#endif
