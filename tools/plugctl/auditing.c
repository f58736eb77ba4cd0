/* `plugctl audit list`, `verify`, `export` and `head`: looking at an audit trail and verifying it.
 * Works on the file alone, whether a host runs or not, and never writes to it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/member.h"
#include "base/units.h"
#include "config/config.h"
#include "observe/errors.h"
#include "output.h"
#include "subcommand.h"
#include "trust/audit.h"
#include "trust/audit_file.h"
#include "trust/audit_verify.h"

#define DEFAULT_LIMIT 100
#define FILE_OPTIONS                                                                               \
	{"file", 'f', "FILE", "the audit trail [audit.file of the configuration]"},                \
	{                                                                                          \
		"config", 'c', "FILE",                                                             \
			"the host's configuration [" CONFIG_FILE_VARIABLE                          \
			", or " CONFIG_DEFAULT_FILE "]"                                            \
	}

const struct arg_option audit_list_options[] = {
	FILE_OPTIONS,
	{"since", 0, "TIME", "only from this time (2026-01-31T12:00:00, UTC), or so long ago (2h)"},
	{"plugin", 0, "NAME", "only of this plugin"},
	{"event", 0, "NAME", "only of this kind: plugin.start"},
	{"limit", 'n', "COUNT", "only the last so many [100]"},
	{NULL},
};

const struct arg_option audit_verify_options[] = {
	FILE_OPTIONS,
	{"key", 'k', "KEY", "the anchors must be signed with it: ed25519:…, or a PEM file"},
	{"head", 0, "HASH", "a record must have this hash, which `audit head` told before"},
	{NULL},
};

const struct arg_option audit_export_options[] = {
	FILE_OPTIONS,
	{"format", 0, "FORMAT", "jsonl: a line of JSON for each record [jsonl]"},
	{NULL},
};

const struct arg_option audit_head_options[] = {FILE_OPTIONS, {NULL}};

/* ---- which file ---- */

static const char *config_file_of(const struct args *args)
{
	const char *file = args_value(args, "config");

	if (!file)
		file = getenv(CONFIG_FILE_VARIABLE);
	return file && file[0] ? file : CONFIG_DEFAULT_FILE;
}

/* The one that the host's configuration names. Returns owned; NULL: it is said why not. */
static char *configured_file(const char *config_file)
{
	struct config_errors errors = {0};
	struct config config;
	char *file = NULL;

	if (config_load(config_file, NULL, &config, &errors) < 0) {
		config_errors_print(&errors, stderr);
		config_errors_free(&errors);
		return NULL;
	}
	if (config.audit.file)
		file = mem_strdup(config.audit.file);
	else
		output_note(config_file, "audit.file is none: nothing is recorded. --file names a "
					 "trail");
	config_free(&config);
	config_errors_free(&errors);
	return file;
}

/* NULL: it is said why not. */
static struct store *open_trail(const struct args *args)
{
	const char *given = args_value(args, "file");
	char *file = given ? mem_strdup(given) : configured_file(config_file_of(args));
	struct store *store = NULL;
	struct err err;

	if (file && audit_file_open(file, true, &store, &err) < 0) {
		output_error(&err);
		store = NULL;
	}
	free(file);
	return store;
}

/* ---- going through it ---- */

struct walk {
	struct audit_link link; /* the last good record */
	bool is_broken;		/* and that was said */
	bool (*on_row)(void *user, const struct audit_row *row);
	void *user;
};

/* What follows a wrong record is shown all the same, as it stands. */
static void verify_row(struct walk *walk, const struct audit_row *row)
{
	struct err err;

	if (walk->is_broken || audit_link_next(&walk->link, row, &err) == 0)
		return;
	walk->is_broken = true;
	output_error(&err);
}

static enum exit_status go_through(struct store *store, struct walk *walk)
{
	struct audit_cursor *cursor;
	struct audit_row row;
	struct err err;
	int r = audit_cursor_open(store, INT64_MIN, &cursor, &err);

	if (r < 0) {
		output_error(&err);
		return STATUS_FAILED;
	}
	while ((r = audit_cursor_next(cursor, &row, &err)) == 1) {
		verify_row(walk, &row);
		if (!walk->on_row(walk->user, &row))
			break;
	}
	audit_cursor_close(cursor);
	if (r < 0)
		output_error(&err);
	return r < 0 || walk->is_broken ? STATUS_FAILED : STATUS_OK;
}

/* ---- list ---- */

struct listing {
	int64_t since_ms;
	const char *plugin; /* NULL: any */
	const char *event;  /* NULL: any */
	uint64_t limit;
	json_t *rows; /* owned */
};

/* "2026-01-31T12:00:00" in UTC, with or without Z; or a duration before now. */
static bool parse_since(const char *text, int64_t *out)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	int64_t ago_ms;

	if (end && (!*end || strcmp(end, "Z") == 0)) {
		*out = (int64_t)timegm(&tm) * 1000;
		return true;
	}
	if (!units_parse_duration_ms(str_from(text), &ago_ms))
		return false;
	*out = clock_wall_ms() - ago_ms;
	return true;
}

static json_t *details_json(struct str details)
{
	json_t *object = json_loadb(details.data, details.len, 0, NULL);

	return object ? object : text_json(details);
}

static json_t *row_json(const struct audit_row *row)
{
	json_t *object = json_object();
	char time[CLOCK_TEXT];
	char hash[DIGEST_TEXT];

	member_int(object, "seq", row->seq);
	member_text(object, "time", clock_format(time, row->time_ms / 1000));
	member_int(object, "time_ms", row->time_ms);
	member_str(object, "event", row->event);
	if (row->subject.len > 0)
		member_str(object, "plugin", row->subject);
	member_str(object, "actor", row->actor);
	member_json(object, "details", details_json(row->details));
	member_text(object, "hash", digest_format(hash, &row->hash));
	return object;
}

static bool list_row(void *user, const struct audit_row *row)
{
	struct listing *listing = user;

	if (row->time_ms < listing->since_ms ||
	    (listing->plugin && !str_eq(row->subject, str_from(listing->plugin))) ||
	    (listing->event && !str_eq(row->event, str_from(listing->event))))
		return true;
	json_array_append_new(listing->rows, row_json(row));
	if (json_array_size(listing->rows) > listing->limit)
		json_array_remove(listing->rows, 0);
	return true;
}

static void print_rows(const json_t *rows)
{
	static const char *const headings[] = {"SEQ", "TIME (UTC)", "EVENT", "PLUGIN",
					       "WHO", "DETAILS",    NULL};
	struct table *table = table_new(headings);
	json_t *row;
	size_t i;

	json_array_foreach (rows, i, row) {
		char *details =
			json_dumps(json_object_get(row, "details"), JSON_COMPACT | JSON_ENCODE_ANY);

		table_addf(table, "%" PRId64, output_number(row, "seq"));
		table_add(table, output_member(row, "time"));
		table_add(table, output_member(row, "event"));
		table_add(table, output_member(row, "plugin"));
		table_add(table, output_member(row, "actor"));
		table_add(table, details);
		free(details);
	}
	table_print(table, "No record.");
}

enum exit_status run_audit_list(const struct plugctl *plugctl, const struct args *args)
{
	const char *since = args_value(args, "since");
	const char *limit = args_value(args, "limit");
	struct listing listing = {
		.since_ms = INT64_MIN,
		.plugin = args_value(args, "plugin"),
		.event = args_value(args, "event"),
		.limit = DEFAULT_LIMIT,
	};
	struct walk walk = {.on_row = list_row, .user = &listing};
	enum audit_event event;
	enum exit_status status;
	struct store *store;

	if (since && !parse_since(since, &listing.since_ms))
		return usage_error("\"%.60s\" is no time; write 2026-01-31T12:00:00, or 2h", since);
	if (limit && !str_to_u64(str_from(limit), UINT32_MAX, &listing.limit))
		return usage_error("\"%.60s\" is no number", limit);
	if (listing.event && !audit_event_find(listing.event, &event))
		return usage_error("there is no event \"%.60s\"", listing.event);
	store = open_trail(args);
	if (!store)
		return STATUS_FAILED;
	listing.rows = json_array();
	status = go_through(store, &walk);
	if (plugctl->is_json)
		output_json(listing.rows);
	else
		print_rows(listing.rows);
	json_decref(listing.rows);
	store_close(store);
	return status;
}

/* ---- export ---- */

/* Every field as it is hashed, so that others can verify it with what they trust. */
static bool export_row(void *user, const struct audit_row *row)
{
	json_t *object = json_object();
	char hash[DIGEST_TEXT];

	member_int(object, "seq", row->seq);
	member_int(object, "time_ms", row->time_ms);
	member_str(object, "event", row->event);
	member_str(object, "subject", row->subject);
	member_str(object, "actor", row->actor);
	member_str(object, "details", row->details);
	member_text(object, "previous", digest_format(hash, &row->previous));
	member_text(object, "hash", digest_format(hash, &row->hash));
	json_dumpf(object, stdout, JSON_COMPACT);
	json_decref(object);
	return putchar('\n') != EOF;
}

enum exit_status run_audit_export(const struct plugctl *plugctl, const struct args *args)
{
	const char *format = args_value(args, "format");
	struct walk walk = {.on_row = export_row};
	enum exit_status status;
	struct store *store;

	if (format && strcmp(format, "jsonl") != 0)
		return usage_error("\"%.60s\" is no format of an export; write jsonl", format);
	store = open_trail(args);
	if (!store)
		return STATUS_FAILED;
	status = go_through(store, &walk);
	store_close(store);
	return status;
}

/* ---- verify ---- */

/* False: it is said what is wrong with it. */
static bool take_key(const char *text, struct ed25519_public *out)
{
	struct err err;

	if (strncmp(text, "ed25519:", strlen("ed25519:")) == 0) {
		const char *why = ed25519_parse(str_from(text), out);

		if (why)
			usage_error("the key %s", why);
		return !why;
	}
	if (ed25519_load_public(text, out, &err) == 0)
		return true;
	output_error(&err);
	return false;
}

static json_t *report_json(const struct audit_report *report)
{
	json_t *object = json_object();
	char hash[DIGEST_TEXT];

	member_int(object, "records", report->last.seq);
	member_text(object, "head", digest_format(hash, &report->last.hash));
	member_int(object, "anchors", report->anchors);
	member_int(object, "anchored", report->anchored);
	return object;
}

static void print_report(const struct audit_report *report, bool has_key)
{
	char hash[DIGEST_TEXT];

	printf("%" PRId64 " records, an unbroken chain; its head is %s\n", report->last.seq,
	       digest_format(hash, &report->last.hash));
	if (has_key)
		printf("%" PRId64 " anchors, rightly signed; the last signs record %" PRId64
		       " and all before it\n",
		       report->anchors, report->anchored);
	else if (report->anchors > 0)
		printf("%" PRId64
		       " anchors, which were not looked at: --key names the public key\n",
		       report->anchors);
}

static enum exit_status verify(const struct plugctl *plugctl, struct store *store,
			       const struct audit_proof *proof)
{
	struct audit_report report;
	json_t *object;
	struct err err;

	if (audit_verify(store, proof, &report, &err) < 0) {
		output_error(&err);
		return STATUS_FAILED;
	}
	if (!plugctl->is_json) {
		print_report(&report, proof->key);
		return STATUS_OK;
	}
	object = report_json(&report);
	output_json(object);
	json_decref(object);
	return STATUS_OK;
}

enum exit_status run_audit_verify(const struct plugctl *plugctl, const struct args *args)
{
	const char *key_text = args_value(args, "key");
	const char *head_text = args_value(args, "head");
	struct audit_proof proof = {0};
	struct ed25519_public key;
	struct digest head;
	enum exit_status status;
	struct store *store;
	const char *why = head_text ? digest_parse(str_from(head_text), &head) : NULL;

	if (why)
		return usage_error("the hash %s", why);
	if (key_text && !take_key(key_text, &key))
		return STATUS_USAGE;
	proof.key = key_text ? &key : NULL;
	proof.head = head_text ? &head : NULL;
	store = open_trail(args);
	if (!store)
		return STATUS_FAILED;
	status = verify(plugctl, store, &proof);
	store_close(store);
	return status;
}

enum exit_status run_audit_head(const struct plugctl *plugctl, const struct args *args)
{
	struct store *store = open_trail(args);
	struct audit_link link;
	enum exit_status status = STATUS_OK;
	struct err err;
	char hash[DIGEST_TEXT];

	if (!store)
		return STATUS_FAILED;
	if (audit_file_tail(store, &link, &err) < 0) {
		output_error(&err);
		status = STATUS_FAILED;
	} else if (plugctl->is_json) {
		printf("{\"seq\": %" PRId64 ", \"head\": \"%s\"}\n", link.seq,
		       digest_format(hash, &link.hash));
	} else {
		puts(digest_format(hash, &link.hash));
	}
	store_close(store);
	return status;
}
