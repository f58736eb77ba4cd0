/* What an operator sets for one plugin. config/ fills it from the table of settings; the pool obeys
 * it. */
#ifndef PLUGD_PLUGIN_PLUGIN_OPTS_H
#define PLUGD_PLUGIN_PLUGIN_OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "plugin/policy_opts.h"
#include "trust/sandbox_opts.h"

enum plugin_transport { PLUGIN_PIPE, PLUGIN_SOCKETPAIR };

/* How a process that has ended is started again. Zeroed: always, at once, without limit. */
enum restart_policy { RESTART_ALWAYS, RESTART_ON_FAILURE, RESTART_NEVER };

struct restart_opts {
	enum restart_policy policy;
	unsigned max_restarts; /* within period_ms, of one instance */
	int64_t period_ms;     /* 0: no limit */
	int64_t initial_delay_ms;
	int64_t max_delay_ms;
	int64_t healthy_after_ms; /* of readiness: then the delays begin anew */
};

#define RESTART_MAX_RESTARTS 100

/* How its health is asked and judged. Zeroed: not at all. */
struct health_check_opts {
	bool enabled;
	int64_t interval_ms;
	int64_t timeout_ms;
	unsigned failure_limit;
};

enum plugin_start { PLUGIN_EAGER, PLUGIN_LAZY };

struct plugin_opts {
	char *name;
	/* absolute, or relative to the configuration file's directory (made absolute on load) */
	char *executable;
	char **args;	/* NULL-terminated, without argv[0]; may be NULL */
	char **env;	/* "NAME=value", NULL-terminated: the whole environment; may be NULL */
	char *work_dir; /* NULL: "/" */
	bool enabled;
	bool expose; /* POST /rpc/<service>/<method> reaches it */
	unsigned instances;
	enum plugin_start start;
	int64_t idle_timeout_ms; /* 0: never */
	enum plugin_transport transport;
	uint32_t pipe_bytes; /* capacity of each pipe; 64 KiB to 1 MiB */
	int64_t handshake_timeout_ms;
	int64_t drain_timeout_ms;
	int64_t patience_ms;	   /* with a call that was cancelled; 0: for ever */
	int64_t timeout_ms;	   /* of a call whose route says nothing */
	unsigned concurrency;	   /* calls at once, all instances together */
	bool adaptive_concurrency; /* `concurrency` is the most, and how many is learned */
	unsigned queue;		   /* calls that may wait for a place */
	int64_t queue_timeout_ms;
	struct retry_opts retry;
	struct breaker_opts breaker;
	struct rate_opts rate;
	char *on_unavailable;	    /* the plugin that stands in for it; "fail" or NULL: none */
	uint64_t max_message_bytes; /* largest unary message, either way */
	uint8_t *config; /* its own section: one MessagePack map; NULL when there is none */
	size_t config_len;
	char **secrets; /* "name=file:path", "name=env:…", "name=credential:…"; may be NULL */
	int64_t quarantine_ms; /* of a request that makes it die; 0: none is quarantined */
	struct restart_opts restart;
	struct health_check_opts health_check;
	struct sandbox_opts sandbox;
	bool record_payloads; /* the trails of its instances keep payloads, for crash capsules */
};

/* The name of the plugin that is asked when no instance of this one can serve; NULL: none is. */
static inline const char *plugin_stand_in(const struct plugin_opts *plugin)
{
	if (!plugin->on_unavailable || strcmp(plugin->on_unavailable, "fail") == 0)
		return NULL;
	return plugin->on_unavailable;
}

#endif
