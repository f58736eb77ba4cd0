/* A route that leads to files: which file, whether it is sent, and with which head.
 *
 *	method → name → file, index or fallback → sibling → conditions → range → transfer
 *
 * Only GET and HEAD are answered with a file. What a client may not have and what is not there look
 * alike: 404. Reasons that an operator can mend are in the log. Owns nothing that lasts: a file
 * that was opened goes to the transfer, or is closed here. Called by lead_static.c. */
#include "edge/static_files.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/fd.h"
#include "edge/edge_internal.h"
#include "edge/error_body.h"
#include "edge/media_types.h"
#include "edge/static_conditions.h"
#include "edge/static_path.h"
#include "edge/static_range.h"
#include "edge/static_transfer.h"
#include "net/date.h"
#include "observe/errors.h"

#define ALLOWED	   "GET, HEAD, OPTIONS"
#define FIELDS_MAX 8

struct page {
	struct exchange *exchange;
	const struct static_root *root;
	struct arena *arena;
	const char *name; /* of the file, below the directory */
	struct static_file file;
	const struct sibling_kind *coding; /* that the file is in; NULL: none */
	struct http_field fields[FIELDS_MAX];
	size_t field_count;
};

/* ---- what can't be answered with a file ---- */

static void fail(struct exchange *exchange, unsigned status, const char *code, struct str message)
{
	exchange_fail(exchange,
		      &(struct exchange_error){.status = status, .code = code, .message = message});
}

static void answer_nothing(struct exchange *exchange)
{
	fail(exchange, 404, "NOT_FOUND", STR_LITERAL("There is nothing at this path"));
}

static void answer_failed(struct exchange *exchange)
{
	fail(exchange, 503, error_find(ERR_STATIC_FILE)->name,
	     STR_LITERAL("The file can't be read at the moment"));
}

/* For whoever can mend it. */
static void tell(const struct page *page, const char *event, int code, const char *why)
{
	log_event_bulk(page->exchange->edge->log, LOG_WARN, event, why,
		       LOG_STRN("id", page->exchange->request_id), LOG_STR("file", page->name),
		       LOG_STR("directory", page->root->opts->directory), LOG_INT("code", code));
}

static void answer_missing(const struct page *page, enum static_found found, int error)
{
	bool is_forbidden = error == EACCES || error == EPERM;

	if (found == STATIC_ESCAPE)
		tell(page, "static.escape", ERR_STATIC_ESCAPE,
		     "a symbolic link leads out of the directory, or may not be followed");
	else if (found == STATIC_FAILED)
		tell(page, "static.failed", ERR_STATIC_FILE, strerror(error));
	if (found == STATIC_FAILED && !is_forbidden)
		answer_failed(page->exchange);
	else
		answer_nothing(page->exchange);
}

static void answer_options(struct exchange *exchange)
{
	struct http_field fields[] = {{STR_LITERAL("allow"), STR_LITERAL(ALLOWED)}};

	exchange_respond(exchange,
			 &(struct http_response){.status = 204, .fields = fields, .field_count = 1},
			 (struct wire_bytes){NULL, 0}, true);
}

/* ---- which file ---- */

static enum static_found find(struct page *page, const char *name)
{
	page->name = name;
	return static_root_find(page->root, name, &page->file);
}

/* The first file of `index` in a directory, whose name ends in '/' or is empty. */
static enum static_found find_index(struct page *page, const char *directory)
{
	static const char *const usual[] = {"index.html", NULL};
	const char *const *own = (const char *const *)page->root->opts->index;
	const char *const *names = own ? own : usual;
	enum static_found found = STATIC_NOTHING;

	for (size_t i = 0; names[i]; i++) {
		found = find(page, arena_printf(page->arena, "%s%s", directory, names[i]));
		if (found == STATIC_FILE)
			return found;
		if (found == STATIC_ESCAPE || found == STATIC_FAILED)
			break;
	}
	return found == STATIC_DIRECTORY ? STATIC_NOTHING : found;
}

static enum static_found find_fallback(struct page *page, struct str rest)
{
	const char *fallback = page->root->opts->fallback;

	if (!fallback || !static_path_is_page(rest))
		return STATIC_NOTHING;
	return find(page, fallback + 1) == STATIC_FILE ? STATIC_FILE : STATIC_NOTHING;
}

/* STATIC_DIRECTORY: it has an index, but its slash is missing. */
static enum static_found find_page(struct page *page, const char *name, struct str rest)
{
	size_t len = strlen(name);
	enum static_found found;

	if (len == 0 || name[len - 1] == '/') {
		found = find_index(page, name);
	} else {
		found = find(page, name);
		if (found == STATIC_DIRECTORY) {
			found = find_index(page, arena_printf(page->arena, "%s/", name));
			if (found == STATIC_FILE) {
				fd_close(&page->file.fd);
				return STATIC_DIRECTORY;
			}
		}
	}
	return found == STATIC_NOTHING ? find_fallback(page, rest) : found;
}

/* ---- in which coding ---- */

static bool is_older(const struct static_file *a, const struct static_file *b)
{
	return a->modified_s != b->modified_s ? a->modified_s < b->modified_s
					      : a->modified_ns < b->modified_ns;
}

/* A sibling that is older than its file was made from another content. */
static bool take_sibling(struct page *page, const struct sibling_kind *coding)
{
	struct static_file sibling;
	const char *name = arena_printf(page->arena, "%s%.*s", page->name, STR_ARG(coding->suffix));

	if (static_root_find(page->root, name, &sibling) != STATIC_FILE)
		return false;
	if (is_older(&sibling, &page->file)) {
		fd_close(&sibling.fd);
		return false;
	}
	fd_close(&page->file.fd);
	page->file = sibling;
	page->coding = coding;
	return true;
}

static void choose_coding(struct page *page)
{
	const struct http_request *request = page->exchange->request;
	char *const *names = page->root->opts->precompressed;

	for (size_t i = 0; names && names[i]; i++) {
		const struct sibling_kind *coding = sibling_kind_find(str_from(names[i]));

		if (sibling_kind_is_accepted(coding, request->fields, request->field_count) &&
		    take_sibling(page, coding))
			return;
	}
}

/* ---- the head ---- */

static void add(struct page *page, const char *name, struct str value)
{
	page->fields[page->field_count++] = (struct http_field){str_from(name), value};
}

/* Strong: what is written over in place gets another time, what is put in its place another inode.
 */
static struct str make_etag(const struct page *page)
{
	const struct static_file *file = &page->file;
	struct str suffix = page->coding ? page->coding->suffix : (struct str){"", 0};

	return str_from(arena_printf(page->arena, "\"%" PRIx64 "-%" PRIx64 ".%lx-%" PRIx64 "%.*s\"",
				     file->size, (uint64_t)file->modified_s, file->modified_ns,
				     file->inode, STR_ARG(suffix)));
}

/* A file of the future was last modified now (RFC 9110, 8.8.2.1). */
static struct validators make_validators(const struct page *page)
{
	int64_t now_s = time(NULL);
	int64_t modified_s = page->file.modified_s;

	return (struct validators){.etag = make_etag(page),
				   .modified_s = modified_s < now_s ? modified_s : now_s,
				   .now_s = now_s};
}

static void add_validators(struct page *page, const struct validators *validators)
{
	char *date = arena_alloc(page->arena, DATE_TEXT);
	const struct static_opts *opts = page->root->opts;

	date_format(date, validators->modified_s);
	add(page, "etag", validators->etag);
	add(page, "last-modified", str_from(date));
	if (opts->cache_control)
		add(page, "cache-control", str_from(opts->cache_control));
	if (opts->precompressed && opts->precompressed[0])
		add(page, "vary", STR_LITERAL("Accept-Encoding"));
}

static void add_content(struct page *page)
{
	add(page, "content-type", media_type_of(str_from(page->name)));
	add(page, "accept-ranges", STR_LITERAL("bytes"));
	if (page->coding)
		add(page, "content-encoding", page->coding->name);
}

/* ---- the answer ---- */

static bool is_get(const struct page *page)
{
	return str_eq(page->exchange->request->method, STR_LITERAL("GET"));
}

/* Everything is decided: takes the file. */
static void send_page(struct page *page, unsigned status, const struct byte_range *range)
{
	struct http_response response = {
		.status = status,
		.fields = page->fields,
		.field_count = page->field_count,
		.has_content_length = true,
		.content_length = range->count,
	};

	if (is_get(page) && range->count > 0) {
		if (!static_transfer_begin(page->exchange, &response, page->file.fd, range->first))
			answer_failed(page->exchange);
		return;
	}
	fd_close(&page->file.fd);
	exchange_respond(page->exchange, &response, (struct wire_bytes){NULL, 0}, true);
}

static void answer_not_modified(struct page *page)
{
	fd_close(&page->file.fd);
	exchange_respond(page->exchange,
			 &(struct http_response){.status = 304,
						 .fields = page->fields,
						 .field_count = page->field_count},
			 (struct wire_bytes){NULL, 0}, true);
}

static void answer_unsatisfiable(struct page *page)
{
	struct exchange_error error = {
		.status = 416,
		.code = "RANGE_NOT_SATISFIABLE",
		.message = STR_LITERAL("The file is shorter than what is asked for")};
	struct http_field fields[] = {
		{STR_LITERAL("content-type"), STR_LITERAL("application/json")},
		{STR_LITERAL("content-range"),
		 str_from(arena_printf(page->arena, "bytes */%" PRIu64, page->file.size))},
	};
	struct str body = error_body(page->arena, &error, page->exchange->request_id);

	fd_close(&page->file.fd);
	exchange_respond(page->exchange,
			 &(struct http_response){.status = 416, .fields = fields, .field_count = 2},
			 (struct wire_bytes){(const uint8_t *)body.data, body.len}, true);
}

static enum range_verdict read_range(const struct page *page, const struct validators *validators,
				     struct byte_range *range)
{
	const struct http_request *request = page->exchange->request;
	struct str asked = http_request_value(request, "range");

	if (asked.len == 0 || !is_get(page) ||
	    !conditions_allow_range(request->fields, request->field_count, validators))
		return RANGE_WHOLE;
	return range_read(asked, page->file.size, range);
}

static void answer_range(struct page *page, const struct validators *validators)
{
	struct byte_range range;

	add_content(page);
	switch (read_range(page, validators, &range)) {
	case RANGE_WHOLE:
		send_page(page, 200, &(struct byte_range){0, page->file.size});
		break;
	case RANGE_PART:
		add(page, "content-range",
		    str_from(arena_printf(page->arena, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
					  range.first, range.first + range.count - 1,
					  page->file.size)));
		send_page(page, 206, &range);
		break;
	case RANGE_UNSATISFIABLE:
		answer_unsatisfiable(page);
		break;
	}
}

static void answer_file(struct page *page)
{
	const struct http_request *request = page->exchange->request;
	struct validators validators;

	choose_coding(page);
	validators = make_validators(page);
	add_validators(page, &validators);
	switch (conditions_judge(request->fields, request->field_count, &validators)) {
	case CONDITION_GO_ON:
		answer_range(page, &validators);
		break;
	case CONDITION_NOT_MODIFIED:
		answer_not_modified(page);
		break;
	case CONDITION_FAILED:
		fd_close(&page->file.fd);
		fail(page->exchange, 412, "PRECONDITION_FAILED",
		     STR_LITERAL("The file is not the one that the request is about"));
		break;
	}
}

static void answer_directory(struct page *page)
{
	const struct http_request *request = page->exchange->request;
	struct http_field fields[] = {
		{STR_LITERAL("location"),
		 static_path_with_slash(page->arena, request->path, request->query)}};

	exchange_respond(page->exchange,
			 &(struct http_response){.status = 308, .fields = fields, .field_count = 1},
			 (struct wire_bytes){NULL, 0}, true);
}

static void answer_page(struct exchange *exchange, const char *name, struct str rest)
{
	struct page page = {
		.exchange = exchange,
		.root = exchange->route->files,
		.arena = exchange->request->arena,
	};
	enum static_found found = find_page(&page, name, rest);
	int error = errno;

	if (found == STATIC_FILE)
		answer_file(&page);
	else if (found == STATIC_DIRECTORY)
		answer_directory(&page);
	else
		answer_missing(&page, found, error);
}

/* What the pattern's "*rest" has taken: its last capture. */
static struct str rest_of(const struct exchange *exchange)
{
	if (exchange->param_count == 0)
		return (struct str){NULL, 0};
	return exchange->params[exchange->param_count - 1].value;
}

void static_files_answer(struct exchange *exchange)
{
	struct str method = exchange->request->method;
	struct str rest = rest_of(exchange);
	const char *name;

	if (str_eq(method, STR_LITERAL("OPTIONS"))) {
		answer_options(exchange);
		return;
	}
	if (!str_eq(method, STR_LITERAL("GET")) && !str_eq(method, STR_LITERAL("HEAD"))) {
		exchange_fail(exchange, &(struct exchange_error){
						.status = 405,
						.code = "METHOD_NOT_ALLOWED",
						.message = STR_LITERAL("Files are only read"),
						.allow = STR_LITERAL(ALLOWED)});
		return;
	}
	name = static_path_name(exchange->request->arena, rest);
	if (name)
		answer_page(exchange, name, rest);
	else
		answer_nothing(exchange);
}
