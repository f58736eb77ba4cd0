/* The writer of the audit trail.
 *
 * Owns the file, its place in the chain, the key of anchors, and the counts of what could not be
 * written. A record is one transaction: it begins by looking whether the file's last record is
 * still the one that was written last here, so that another writer, or a hand in the file, is found
 * at once. Called by whoever does what is recorded. When it fails it says so once in the log, is
 * tried again by every further record, and says when it works again. */
#include "trust/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/member.h"
#include "base/tokens.h"
#include "observe/errors.h"
#include "trust/audit_anchor.h"
#include "trust/audit_file.h"

/* The end of the chain is verified when it is opened: all of it is plugctl's work. */
#define TAIL_ROWS 1000

/* A file that could not be opened is tried again so often. */
#define REOPEN_MS 1000

static const struct tokens_rate flood_rate = {.per_second = 1, .burst = 20};

enum kind { GATE, NOTE, FLOOD };

static const struct {
	const char *name;
	enum kind kind;
} events[AUDIT_EVENT_COUNT] = {
#define AUDIT_EVENT(name, text, kind, help) [AUDIT_##name] = {text, kind},
#include "trust/audit_events.def"
#undef AUDIT_EVENT
};

struct flood {
	struct tokens tokens;
	uint64_t repeated; /* not written since the last that was */
};

struct audit {
	struct log *log;
	char *path; /* owned */
	enum audit_on_failure on_failure;
	struct store *store;	     /* NULL: it could not be opened yet */
	int lock;		     /* descriptor of the file, locked; -1: not open */
	struct audit_link last;	     /* that is on the disk */
	struct ed25519_private *key; /* NULL: no anchors */
	unsigned anchor_every;
	unsigned unanchored; /* records since the last anchor */
	uint64_t lost;	     /* not written since the last that was */
	int64_t reopen_ms;   /* when it may be tried again */
	bool is_failing;
	struct flood floods[AUDIT_EVENT_COUNT];
};

bool audit_event_find(const char *name, enum audit_event *out)
{
	for (size_t i = 0; i < AUDIT_EVENT_COUNT; i++) {
		if (strcmp(events[i].name, name) == 0) {
			*out = (enum audit_event)i;
			return true;
		}
	}
	return false;
}

/* ---- opening ---- */

/* For as long as it is open: closing any descriptor of the file would give up SQLite's locks. */
static int lock_file(struct audit *audit, struct err *err)
{
	audit->lock = open(audit->path, O_RDONLY | O_CLOEXEC);
	if (audit->lock < 0)
		return err_set_errno(err, ERR_AUDIT_FILE, errno, "%s", audit->path);
	if (flock(audit->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return err_set_errno(err, ERR_AUDIT_FILE, errno, "%s: another plugd writes to it",
			     audit->path);
}

static int walk(struct audit_cursor *cursor, struct audit_link *link, struct err *err)
{
	struct audit_row row;
	int r;

	while ((r = audit_cursor_next(cursor, &row, err)) == 1) {
		/* What stands before the first of them is not looked at. */
		if (link->seq == 0 && row.seq > 1)
			*link = (struct audit_link){row.seq - 1, row.previous};
		r = audit_link_next(link, &row, err);
		if (r < 0)
			return r;
	}
	return r;
}

static int verify_tail(struct audit *audit, struct err *err)
{
	struct audit_link tail;
	struct audit_link link = {0};
	struct audit_cursor *cursor;
	int r = audit_file_tail(audit->store, &tail, err);

	if (r == 0)
		r = audit_cursor_open(audit->store, tail.seq - TAIL_ROWS, &cursor, err);
	if (r < 0)
		return r;
	r = walk(cursor, &link, err);
	audit_cursor_close(cursor);
	if (r < 0)
		err_prefix(err, "%s", audit->path);
	else
		audit->last = link;
	return r;
}

static void close_file(struct audit *audit)
{
	store_close(audit->store);
	audit->store = NULL;
	fd_close(&audit->lock);
}

static void log_head(const struct audit *audit, const char *event, const char *text)
{
	char hash[DIGEST_TEXT];

	log_event(audit->log, LOG_INFO, event, text, LOG_STR("file", audit->path),
		  LOG_INT("seq", audit->last.seq),
		  LOG_STR("head", digest_format(hash, &audit->last.hash)));
}

static int open_file(struct audit *audit, struct err *err)
{
	int r = audit_file_open(audit->path, false, &audit->store, err);

	if (r == 0)
		r = lock_file(audit, err);
	if (r == 0)
		r = verify_tail(audit, err);
	if (r < 0)
		close_file(audit);
	else
		log_head(audit, "audit.opened", "what happens is recorded");
	return r;
}

/* ---- failing, and working again ---- */

static const char *consequence(const struct audit *audit)
{
	return audit->on_failure == AUDIT_REFUSES
		       ? "nothing is started or changed until it can be written again"
		       : "what happens is only counted until it can be written again";
}

static void tell_failing(struct audit *audit, const struct err *err)
{
	struct err told = *err;

	if (audit->is_failing)
		return;
	audit->is_failing = true;
	err_set(&told, err->code, "%.380s; %s", err->text, consequence(audit));
	log_event(audit->log, LOG_ERROR, "audit.failed", told.text, LOG_INT("code", told.code));
}

static void tell_working(struct audit *audit)
{
	if (audit->is_failing)
		log_head(audit, "audit.works", "the audit trail can be written again");
	audit->is_failing = false;
}

static bool is_gate(enum audit_event event)
{
	return events[event].kind == GATE;
}

static int settle_failure(struct audit *audit, enum audit_event event, struct err *err)
{
	bool is_obstacle = is_gate(event) && audit->on_failure == AUDIT_REFUSES;
	struct err first = *err;

	tell_failing(audit, err);
	if (!is_obstacle) {
		audit->lost++;
		return 0;
	}
	err_set(err, first.code, "it can't be recorded, and audit.on_failure is refuse: %.380s",
		first.text);
	return -EACCES;
}

/* ---- one record ---- */

static char *actor_text(const struct audit_actor *actor)
{
	return actor ? mem_printf("uid=%u gid=%u pid=%d", actor->uid, actor->gid, actor->pid)
		     : mem_strdup("host");
}

/* Adds the record to the chain in the file; *link goes on to it. Borrows. */
static int add_row(struct audit *audit, struct audit_link *link, const struct audit_note *note,
		   struct err *err)
{
	char *actor = actor_text(note->actor);
	char *details = note->details ? json_dumps(note->details, JSON_COMPACT | JSON_ENSURE_ASCII)
				      : mem_strdup("{}");
	struct audit_row row = {
		.seq = link->seq + 1,
		.time_ms = clock_wall_ms(),
		.event = str_from(events[note->event].name),
		.subject = str_from(note->subject),
		.actor = str_from(actor),
		.details = str_from(details),
		.previous = link->hash,
	};
	int r = audit_row_hash(&row, &row.hash);

	if (r < 0)
		err_set(err, ERR_AUDIT_FILE, "OpenSSL has no SHA-256");
	else
		r = audit_file_add(audit->store, &row, err);
	free(actor);
	free(details);
	if (r == 0)
		*link = (struct audit_link){row.seq, row.hash};
	return r;
}

static int add_count(struct audit *audit, struct audit_link *link, enum audit_event event,
		     const char *of, uint64_t count, struct err *err)
{
	struct audit_note note = {.event = event, .details = json_object()};
	int r;

	if (of)
		member_text(note.details, "event", of);
	member_int(note.details, "count", (int64_t)count);
	r = add_row(audit, link, &note, err);
	json_decref(note.details);
	return r;
}

/* What was only counted comes first. */
static int add_counts(struct audit *audit, struct audit_link *link, struct err *err)
{
	int r = 0;

	if (audit->lost > 0)
		r = add_count(audit, link, AUDIT_AUDIT_LOST, NULL, audit->lost, err);
	for (size_t i = 0; r == 0 && i < AUDIT_EVENT_COUNT; i++) {
		if (audit->floods[i].repeated > 0)
			r = add_count(audit, link, AUDIT_AUDIT_REPEATED, events[i].name,
				      audit->floods[i].repeated, err);
	}
	return r;
}

static int add_anchor(struct audit *audit, struct audit_link *link, struct err *err)
{
	struct audit_note note = {.event = AUDIT_AUDIT_ANCHOR};
	int r;

	note.details = audit_anchor_new(audit->key, link);
	if (!note.details) {
		err_set(err, ERR_KEY_FILE, "OpenSSL can't sign an anchor");
		return -EIO;
	}
	r = add_row(audit, link, &note, err);
	json_decref(note.details);
	return r;
}

static int check_last(const struct audit *audit, struct err *err)
{
	struct audit_link tail;
	int r = audit_file_tail(audit->store, &tail, err);

	if (r < 0)
		return r;
	if (tail.seq == audit->last.seq && digest_eq(&tail.hash, &audit->last.hash))
		return 0;
	err_set(err, ERR_AUDIT_CHAIN,
		"%s: somebody else has written to it: its last record is %" PRId64
		", and was %" PRId64,
		audit->path, tail.seq, audit->last.seq);
	return -EBADMSG;
}

/* `note` NULL: only an anchor. */
static int fill_transaction(struct audit *audit, const struct audit_note *note,
			    struct audit_link *link, bool has_anchor, struct err *err)
{
	int r = check_last(audit, err);

	if (r == 0)
		r = add_counts(audit, link, err);
	if (r == 0 && note)
		r = add_row(audit, link, note, err);
	if (r == 0 && has_anchor)
		r = add_anchor(audit, link, err);
	return r == 0 ? store_commit(audit->store, err) : r;
}

static void settle_success(struct audit *audit, const struct audit_link *link, bool has_anchor)
{
	audit->unanchored = has_anchor ? 0 : audit->unanchored + 1;
	audit->last = *link;
	audit->lost = 0;
	for (size_t i = 0; i < AUDIT_EVENT_COUNT; i++)
		audit->floods[i].repeated = 0;
	tell_working(audit);
	if (has_anchor)
		log_head(audit, "audit.anchored", "");
}

static int write_transaction(struct audit *audit, const struct audit_note *note, struct err *err)
{
	bool has_anchor = audit->key && (!note || audit->unanchored + 1 >= audit->anchor_every);
	struct audit_link link = audit->last;
	int r = store_check_place(audit->store, err);

	if (r == 0)
		r = store_begin(audit->store, err);
	if (r < 0)
		return r;
	r = fill_transaction(audit, note, &link, has_anchor, err);
	if (r < 0)
		store_roll_back(audit->store);
	else
		settle_success(audit, &link, has_anchor);
	return r;
}

static int try_open(struct audit *audit, struct err *err)
{
	int64_t now_ms = clock_mono_ms();

	if (audit->store)
		return 0;
	if (now_ms < audit->reopen_ms) {
		err_set(err, ERR_AUDIT_FILE, "%s is not open", audit->path);
		return -EAGAIN;
	}
	audit->reopen_ms = now_ms + REOPEN_MS;
	return open_file(audit, err);
}

/* True: it came too fast, and was counted. */
static bool is_flooded(struct audit *audit, enum audit_event event)
{
	struct flood *flood = &audit->floods[event];
	int64_t wait_ms;

	if (events[event].kind != FLOOD ||
	    tokens_take(&flood->tokens, flood_rate, clock_mono_us(), &wait_ms))
		return false;
	flood->repeated++;
	return true;
}

int audit_record(struct audit *audit, const struct audit_note *note, struct err *err)
{
	struct err why;
	int r = 0;

	if (audit && !is_flooded(audit, note->event)) {
		r = try_open(audit, &why);
		if (r == 0)
			r = write_transaction(audit, note, &why);
		if (r < 0)
			r = settle_failure(audit, note->event, &why);
	}
	json_decref(note->details);
	if (r < 0 && err)
		*err = why;
	return r;
}

/* ---- life ---- */

static int load_key(struct audit *audit, const struct audit_opts *opts, struct err *err)
{
	int r = opts->anchor_key ? ed25519_load_private(opts->anchor_key, &audit->key, err) : 0;

	if (r < 0)
		err_prefix(err, "audit.anchor_key");
	return r;
}

static void release(struct audit *audit)
{
	close_file(audit);
	ed25519_private_free(audit->key);
	free(audit->path);
	free(audit);
}

int audit_open(const struct audit_opts *opts, struct log *log, struct audit **out, struct err *err)
{
	struct audit *audit;
	int r;

	*out = NULL;
	if (!opts->file)
		return 0;
	audit = mem_new(struct audit);
	audit->log = log;
	audit->lock = -1;
	audit->path = mem_strdup(opts->file);
	audit->on_failure = opts->on_failure;
	audit->anchor_every = opts->anchor_every;
	r = load_key(audit, opts, err);
	if (r == 0)
		r = try_open(audit, err);
	if (r < 0 && (audit->on_failure == AUDIT_REFUSES || (opts->anchor_key && !audit->key))) {
		release(audit);
		return r;
	}
	if (r < 0)
		tell_failing(audit, err);
	*out = audit;
	return 0;
}

static bool has_counts(const struct audit *audit)
{
	uint64_t count = audit->lost;

	for (size_t i = 0; i < AUDIT_EVENT_COUNT; i++)
		count += audit->floods[i].repeated;
	return count > 0;
}

void audit_close(struct audit *audit)
{
	struct err err;

	if (!audit)
		return;
	if (audit->store && (has_counts(audit) || (audit->key && audit->unanchored > 0)) &&
	    write_transaction(audit, NULL, &err) < 0)
		tell_failing(audit, &err);
	if (audit->store)
		log_head(audit, "audit.closed", "");
	release(audit);
}
