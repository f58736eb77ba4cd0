/* The whitelist in force.
 *
 * Owns it, holds the plan whose rules it is under, and watches the file. Loads all of it before
 * anything is replaced, so that half a file, or none, leaves the old one in force. What runs is
 * judged by its owner, through an upcall. */
#include "pins.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/watch.h"
#include "observe/errors.h"
#include "records.h"
#include "trust/whitelist_signed.h"

struct pins {
	struct loop *loop;
	struct log *log;
	struct audit *audit; /* NULL: none */
	struct pins_upcalls upcalls;
	struct plan *plan; /* holds */
	struct whitelist *whitelist;
	struct guard guard;	       /* of both */
	unsigned edition;	       /* grows with each change */
	struct watch *watch;	       /* NULL: the file is not watched */
	struct watch *signature_watch; /* of the file beside it; NULL likewise */
	char *watched;		       /* its path; owned */
};

const struct guard *pins_guard(const struct pins *pins)
{
	return &pins->guard;
}

/* ---- reading the file ---- */

static void tell_problems(const struct pins *pins, const struct whitelist_problems *problems,
			  struct err *err)
{
	for (size_t i = 0; i < problems->count; i++)
		log_event(pins->log, LOG_ERROR, "whitelist.problem", problems->rows[i].err.text,
			  LOG_INT("code", problems->rows[i].err.code));
	whitelist_problems_sum(problems, err);
}

static void tell_seal(struct log *log, const struct trust_opts *trust,
		      const struct whitelist_seal *seal)
{
	if (seal->is_signed)
		log_event(log, LOG_INFO, "whitelist.signed", "the whitelist has a good signature",
			  LOG_STR("key", seal->key_id), LOG_INT("serial", (int64_t)seal->serial));
	else if (trust->public_keys && trust->public_keys[0])
		log_event(log, LOG_WARN, "whitelist.unsigned",
			  "the whitelist has no signature, which require_signature would refuse",
			  LOG_STR("file", trust->whitelist_file));
}

static bool is_of_signature(const struct err *err)
{
	return err->code >= ERR_SIGNATURE_MISSING && err->code <= ERR_SERIAL_FILE;
}

static void record_seal(const struct pins *pins, const struct trust_opts *opts,
			const struct whitelist_seal *seal, const struct err *why)
{
	if (opts->public_keys && opts->public_keys[0] && (seal || is_of_signature(why)))
		records_signature(pins->audit, opts->whitelist_file, seal, why);
}

static int load(const struct pins *pins, const struct trust_opts *opts, struct whitelist **out,
		struct err *err)
{
	struct whitelist_problems problems = {NULL, 0, 0};
	struct whitelist_seal seal;
	int r;

	*out = NULL;
	if (!opts->whitelist_file)
		return 0;
	r = whitelist_load_signed(opts, out, &seal, &problems);
	if (r < 0)
		tell_problems(pins, &problems, err);
	else
		tell_seal(pins->log, opts, &seal);
	record_seal(pins, opts, r < 0 ? NULL : &seal, err);
	whitelist_problems_deinit(&problems);
	return r;
}

static void put(struct pins *pins, struct whitelist *whitelist)
{
	whitelist_free(pins->whitelist);
	pins->whitelist = whitelist;
	pins->guard = (struct guard){whitelist, &pins->plan->config.trust};
	pins->edition++;
}

/* ---- the file changes ---- */

static void on_file_change(void *user)
{
	struct pins *pins = user;
	struct pins_report report;
	struct err err;

	log_event(pins->log, LOG_INFO, "whitelist.file_changed", "the file is read again",
		  LOG_STR("file", pins->watched));
	pins_reload(pins, &report, &err);
}

static void stop_watching(struct pins *pins)
{
	watch_stop(pins->watch);
	watch_stop(pins->signature_watch);
	free(pins->watched);
	pins->watch = NULL;
	pins->signature_watch = NULL;
	pins->watched = NULL;
}

/* A list comes before its signature: it is read again when that is there. */
static void watch_signature(struct pins *pins, const char *file)
{
	int error = errno; /* of the other watch */
	char *path = signature_path(file);

	if (pins->watch)
		pins->signature_watch = watch_start(pins->loop, path, on_file_change, pins);
	free(path);
	errno = error;
}

static void renew_watch(struct pins *pins)
{
	const struct trust_opts *opts = pins->guard.opts;
	const char *file = opts->watch_whitelist ? opts->whitelist_file : NULL;
	struct err err;

	if (file && pins->watch && strcmp(file, pins->watched) == 0)
		return;
	stop_watching(pins);
	if (!file)
		return;
	pins->watched = mem_strdup(file);
	pins->watch = watch_start(pins->loop, file, on_file_change, pins);
	watch_signature(pins, file);
	if (pins->watch)
		return;
	err_set_errno(&err, ERR_WHITELIST_FILE, errno, "%s can't be watched", file);
	log_event(pins->log, LOG_WARN, "whitelist.watch_failed", err.text,
		  LOG_INT("code", err.code));
}

/* ---- with a configuration ---- */

int pins_prepare(struct pins *pins, struct plan *plan, struct pins_next *next, struct err *err)
{
	struct whitelist *whitelist;
	int r = load(pins, &plan->config.trust, &whitelist, err);

	if (r < 0)
		return r;
	*next = (struct pins_next){
		.plan = plan_hold(plan),
		.whitelist = whitelist,
		.guard = {whitelist, &plan->config.trust},
		.edition = pins->edition,
	};
	return 0;
}

void pins_drop(struct pins_next *next)
{
	whitelist_free(next->whitelist);
	plan_release(next->plan);
	*next = (struct pins_next){0};
}

int pins_record(struct pins *pins, const struct pins_next *next, struct err *err)
{
	return records_whitelist(pins->audit, pins->whitelist, next->whitelist,
				 next->guard.opts->whitelist_file, err);
}

/* The same file was read again since: that is newer than what was prepared. */
static bool is_outdated(const struct pins *pins, const struct pins_next *next)
{
	const char *file = next->guard.opts->whitelist_file;

	return pins->edition != next->edition && file && pins->whitelist &&
	       strcmp(file, pins->guard.opts->whitelist_file) == 0;
}

void pins_commit(struct pins *pins, struct pins_next *next)
{
	struct plan *before = pins->plan;
	struct whitelist *whitelist = next->whitelist;

	if (is_outdated(pins, next)) {
		whitelist_free(next->whitelist);
		whitelist = pins->whitelist;
		pins->whitelist = NULL;
	}
	pins->plan = next->plan;
	put(pins, whitelist);
	*next = (struct pins_next){0};
	plan_release(before);
	renew_watch(pins);
}

void pins_judge(struct pins *pins)
{
	struct pins_report report = {0};

	pins->upcalls.judge(pins->upcalls.user, &report);
}

/* ---- alone ---- */

int pins_renew(struct pins *pins, struct err *err)
{
	struct whitelist *whitelist;
	int r = load(pins, pins->guard.opts, &whitelist, err);

	if (r == 0)
		r = records_whitelist(pins->audit, pins->whitelist, whitelist,
				      pins->guard.opts->whitelist_file, err);
	if (r < 0) {
		struct err first = *err;

		err_set(err, first.code,
			"%.400s; the whitelist that was read before stays in force", first.text);
		log_event(pins->log, LOG_ERROR, "whitelist.refused", err->text,
			  LOG_INT("code", err->code));
		whitelist_free(whitelist);
		return r;
	}
	put(pins, whitelist);
	return 0;
}

int pins_reload(struct pins *pins, struct pins_report *report, struct err *err)
{
	int r = pins_renew(pins, err);

	if (r < 0)
		return r;
	*report = (struct pins_report){.entries = pins->whitelist ? whitelist_count(pins->whitelist)
								  : 0};
	pins->upcalls.judge(pins->upcalls.user, report);
	log_event(pins->log, LOG_INFO, "whitelist.reloaded", "the whitelist is in force",
		  LOG_INT("entries", (int64_t)report->entries), LOG_INT("revoked", report->revoked),
		  LOG_INT("restored", report->restored));
	return 0;
}

/* ---- life ---- */

struct pins *pins_new(struct loop *loop, struct log *log, struct audit *audit,
		      const struct pins_upcalls *upcalls)
{
	struct pins *pins = mem_new(struct pins);

	pins->loop = loop;
	pins->log = log;
	pins->audit = audit;
	pins->upcalls = *upcalls;
	return pins;
}

void pins_free(struct pins *pins)
{
	if (!pins)
		return;
	stop_watching(pins);
	whitelist_free(pins->whitelist);
	plan_release(pins->plan);
	free(pins);
}
