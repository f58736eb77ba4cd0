/* The plan of the house: everything that an operator has set, checked and complete, as one struct
 * whose parts are the options of the rooms. It is made from defaults, one YAML file, the
 * environment and flags, each over the one before.
 *
 * settings.def is the table that all of this, docs/CONFIG.md and docs/plugd.example.yaml come from.
 */
#ifndef PLUGD_CONFIG_CONFIG_H
#define PLUGD_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "admin/admin_opts.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "edge/edge_opts.h"
#include "net/net_opts.h"
#include "observe/log.h"
#include "plugin/crash_opts.h"
#include "plugin/plugin_opts.h"
#include "trust/audit_opts.h"
#include "trust/privilege_opts.h"
#include "trust/trust_opts.h"

#define CONFIG_DEFAULT_FILE	"/etc/plugd/plugd.yaml"
#define CONFIG_FILE_VARIABLE	"PLUGD_CONFIG" /* names the file when no flag does */
#define CONFIG_MAX_BYTES	(1u << 20)     /* of the file */
#define CONFIG_PLUGIN_MAX_BYTES (64u << 10)    /* of a plugin's own section, as MessagePack */
#define CONFIG_MAX_ERRORS	50u	       /* that are kept; more are counted */

struct config_path;

struct config {
	struct arena arena;	   /* owns everything below */
	struct config_path *paths; /* where each path was written */
	char *file;		   /* as it was named; NULL: none */
	struct log_opts log;
	struct net_opts net;
	struct edge_opts edge;
	struct trust_opts trust;
	struct audit_opts audit; /* file NULL: nothing is recorded */
	struct privilege_opts process;
	struct admin_opts admin; /* socket NULL: there is none */
	struct crash_opts crashes;
	struct plugin_opts *plugins;
	size_t plugin_count;
	int64_t drain_timeout_ms; /* of a graceful stop */
	bool watch_config;	  /* a file that has changed is reloaded */
};

/* Puts the place of the setting that the error is about in front of it: "plugd.yaml:3:
 * tls.client_ca". False: it is about none of this configuration, and stays as it is. */
bool config_place_err(const struct config *config, struct err *err);

/* One thing that is wrong. */
struct config_error {
	int code;      /* observe/errors.h, CONFIG_* */
	unsigned line; /* in the file; 0: not from a line */
	const char *
		text; /* "plugd.yaml:3: listen: …, write …": where, what, and what would be right */
};

/* Everything that is wrong, by line; what has none comes last. */
struct config_errors {
	struct arena arena;
	struct config_error items[CONFIG_MAX_ERRORS];
	size_t count;
	size_t more; /* beyond the last item */
};

/* A setting from the command line. */
struct config_flag {
	const char *name; /* without dashes: "log-level" */
	const char *value;
};

/* What goes over the file. */
struct config_overrides {
	char *const *environment; /* "NAME=value", NULL-terminated; NULL: none */
	const struct config_flag *flags;
	size_t flag_count; /* a list is built from all flags of its name, else the last one counts
			    */
};

/* Reads the file at `path` (NULL: none) and puts `overrides` (NULL: none) over it. 0, or -EINVAL
 * and at least one error. *errors is zeroed before; the caller frees both in either case. Relative
 * paths in the file begin at its directory; those in overrides at the working directory. */
int config_load(const char *path, const struct config_overrides *overrides, struct config *out,
		struct config_errors *errors);

/* The same for a text that is already there: `file` is its name in messages, `directory` (absolute)
 * where its relative paths begin. */
int config_parse(struct str text, const char *file, const char *directory,
		 const struct config_overrides *overrides, struct config *out,
		 struct config_errors *errors);

void config_free(struct config *config); /* zeroed is fine; leaves it zeroed */

/* One line for each error: its text and "[1003]", and how many more there are. */
void config_errors_print(const struct config_errors *errors, FILE *out);
void config_errors_free(struct config_errors *errors);

#endif
