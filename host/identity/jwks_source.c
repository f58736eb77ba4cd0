/* Sources of keys. `jwks_sources` owns them, one for each URL however many configurations use it,
 * and the fetcher, which is made with the first URL. A source owns its keys, its fetch or its watch
 * of the file, and knows who waits. Called by jwt_issuers.c. Whatever goes wrong later than its
 * start is logged, and the keys that are there hold. */
#include "identity/jwks_source.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/private_file.h"
#include "base/random.h"
#include "base/watch.h"
#include "identity/jwks_schedule.h"
#include "net/fetch.h"
#include "observe/errors.h"

#define FETCH_TIMEOUT_MS 10000
#define SECRET_MAX_BYTES 4096

struct jwks_sources {
	struct loop *loop;
	struct log *log;
	struct fetcher *fetcher; /* NULL: nothing was ever fetched */
	uint64_t editions;
	LIST_HEAD(, jwks_source) list;
};

struct jwks_source {
	struct jwks_sources *sources;
	unsigned users;
	char *file, *url, *ca_file;
	struct keyset *keys; /* NULL: none yet */
	uint64_t edition;
	struct watch *watch; /* of a file */
	struct fetch *fetch; /* NULL: none is under way */
	struct jwks_schedule schedule;
	struct loop_timer timer; /* when the next fetch is due */
	LIST_HEAD(, jwks_wait) waits;
	LIST_ENTRY(jwks_source) link;
};

struct jwks_sources *jwks_sources_new(struct loop *loop, struct log *log)
{
	struct jwks_sources *sources = mem_new(struct jwks_sources);

	sources->loop = loop;
	sources->log = log;
	LIST_INIT(&sources->list);
	return sources;
}

void jwks_sources_free(struct jwks_sources *sources)
{
	if (!sources)
		return;
	assert(LIST_EMPTY(&sources->list));
	fetcher_free(sources->fetcher);
	free(sources);
}

/* ---- keys come ---- */

static void take_keys(struct jwks_source *source, struct keyset *keys)
{
	keyset_free(source->keys);
	source->keys = keys;
	source->edition = ++source->sources->editions;
}

static void tell_keys(const struct jwks_source *source, const char *from)
{
	const struct keyset *keys = source->keys;

	log_event(source->sources->log, keys->left_out ? LOG_WARN : LOG_INFO, "jwks.taken",
		  keys->remark ? keys->remark : "", LOG_STR("from", from),
		  LOG_INT("keys", (int64_t)keys->count),
		  LOG_INT("left_out", (int64_t)keys->left_out));
}

/* Those who wait may leave, ask again or close the source: none of it in the middle of the list. */
static void wake_all(struct jwks_source *source)
{
	LIST_HEAD(, jwks_wait) woken = LIST_HEAD_INITIALIZER(woken);
	struct jwks_wait *wait;

	while ((wait = LIST_FIRST(&source->waits))) {
		LIST_REMOVE(wait, link);
		LIST_INSERT_HEAD(&woken, wait, link);
	}
	while ((wait = LIST_FIRST(&woken))) {
		LIST_REMOVE(wait, link);
		wait->source = NULL;
		wait->on_end(wait);
	}
}

/* ---- a file ---- */

static int read_fd(int fd, const char *path, char *text, size_t *len, struct err *err)
{
	struct stat status;
	ssize_t got = 0;

	*len = 0;
	if (fd < 0 || fstat(fd, &status) < 0)
		return err_set_errno(err, ERR_JWKS_FILE, errno, "%s", path);
	if (!S_ISREG(status.st_mode))
		return err_set(err, ERR_JWKS_FILE, "%s: it is not a regular file", path);
	while (*len <= KEYSET_MAX_BYTES &&
	       (got = read(fd, text + *len, KEYSET_MAX_BYTES + 1 - *len)) > 0)
		*len += (size_t)got;
	return got < 0 ? err_set_errno(err, ERR_JWKS_FILE, errno, "%s", path) : 0;
}

static int read_file(struct jwks_source *source, struct err *err)
{
	int fd = open(source->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char *text = mem_alloc(KEYSET_MAX_BYTES + 1);
	struct keyset *keys = NULL;
	size_t len;
	int r = read_fd(fd, source->file, text, &len, err);

	fd_close(&fd);
	if (r == 0) {
		r = keyset_parse((struct str){text, len}, JWT_ALL, ERR_JWKS_FILE, &keys, err);
		if (r < 0)
			err_prefix(err, "%s", source->file);
	}
	free(text);
	if (r == 0)
		take_keys(source, keys);
	return r;
}

static void on_file_change(void *user)
{
	struct jwks_source *source = user;
	struct err err;

	if (read_file(source, &err) == 0)
		tell_keys(source, source->file);
	else
		log_event(source->sources->log, LOG_ERROR, "jwks.failed", err.text,
			  LOG_INT("code", err.code), LOG_BOOL("has_keys", true));
}

static int watch_file(struct jwks_source *source, struct err *err)
{
	source->watch = watch_start(source->sources->loop, source->file, on_file_change, source);
	if (!source->watch)
		return err_set_errno(err, ERR_JWKS_FILE, errno, "%s can't be watched",
				     source->file);
	return 0;
}

/* The secret is the file's text, without a line end at its end. */
static int read_secret(struct jwks_source *source, const struct jwks_opts *opts, struct err *err)
{
	static const struct private_file_codes codes = {ERR_TOKEN_SECRET, ERR_TOKEN_SECRET,
							ERR_TOKEN_SECRET};
	struct secret secret;
	struct str text;
	struct keyset *keys;
	int r = private_file_read(opts->secret_file, SECRET_MAX_BYTES, &codes, &secret, err);

	if (r < 0)
		return r;
	text = (struct str){(const char *)secret.data, secret.len};
	if (text.len > 0 && text.data[text.len - 1] == '\n')
		text.len--;
	r = keyset_of_secret(text, opts->secret_algs, ERR_TOKEN_SECRET, &keys, err);
	secret_free(&secret);
	if (r == 0)
		take_keys(source, keys);
	else
		err_prefix(err, "%s", opts->secret_file);
	return r;
}

/* ---- a URL ---- */

static void log_failure(struct jwks_source *source, const struct err *err, int64_t next_ms)
{
	log_event(source->sources->log, LOG_ERROR, "jwks.failed", err->text,
		  LOG_INT("code", err->code), LOG_BOOL("has_keys", source->keys != NULL),
		  LOG_INT("next_try_ms", next_ms));
}

static int take_answer(struct jwks_source *source, const struct fetch_answer *answer,
		       struct err *err)
{
	struct keyset *keys;
	int r = keyset_parse(answer->body, JWT_ALL, ERR_JWKS_FETCH, &keys, err);

	if (r < 0) {
		err_prefix(err, "%s", source->url);
		return r;
	}
	take_keys(source, keys);
	tell_keys(source, source->url);
	return 0;
}

static void on_fetched(void *user, const struct fetch_answer *answer, const struct err *failure)
{
	struct jwks_source *source = user;
	struct err err = *failure;
	int64_t next_ms;

	source->fetch = NULL;
	if (answer && take_answer(source, answer, &err) == 0) {
		next_ms = jwks_schedule_succeed(&source->schedule, answer->max_age_s, random_u32());
	} else {
		next_ms = jwks_schedule_fail(&source->schedule, random_u32());
		log_failure(source, &err, next_ms);
	}
	loop_timer_start(&source->timer, next_ms);
	wake_all(source);
}

static void begin_fetch(struct jwks_source *source)
{
	struct jwks_sources *sources = source->sources;
	const struct fetch_opts opts = {
		.url = source->url,
		.ca_file = source->ca_file,
		.max_bytes = KEYSET_MAX_BYTES,
		.timeout_ms = FETCH_TIMEOUT_MS,
		.code = ERR_JWKS_FETCH,
	};

	if (!sources->fetcher)
		sources->fetcher = fetcher_new(sources->loop);
	loop_timer_stop(&source->timer);
	jwks_schedule_begin(&source->schedule, loop_now_ms(sources->loop));
	source->fetch = fetch_start(sources->fetcher, &opts, on_fetched, source);
}

static void on_due(void *user)
{
	begin_fetch(user);
}

/* ---- opening and closing ---- */

static bool is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static struct jwks_source *find_url(struct jwks_sources *sources, const struct jwks_opts *opts)
{
	struct jwks_source *source;

	LIST_FOREACH (source, &sources->list, link) {
		if (opts->url && is_same(source->url, opts->url) &&
		    is_same(source->ca_file, opts->ca_file))
			return source;
	}
	return NULL;
}

static void source_free(void *object)
{
	struct jwks_source *source = object;

	keyset_free(source->keys);
	free(source->file);
	free(source->url);
	free(source->ca_file);
	free(source);
}

static struct jwks_source *source_new(struct jwks_sources *sources, const struct jwks_opts *opts)
{
	struct jwks_source *source = mem_new(struct jwks_source);

	source->sources = sources;
	source->file = mem_strdup(opts->file);
	source->url = mem_strdup(opts->url);
	source->ca_file = mem_strdup(opts->ca_file);
	source->schedule.longest_ms = opts->refresh_ms;
	source->schedule.shortest_ms = opts->refetch_ms;
	loop_timer_init(&source->timer, sources->loop, on_due, source);
	LIST_INIT(&source->waits);
	LIST_INSERT_HEAD(&sources->list, source, link);
	return source;
}

/* What has no file has nothing yet. */
static int source_read(struct jwks_source *source, const struct jwks_opts *opts, struct err *err)
{
	int r = 0;

	if (opts->file)
		r = read_file(source, err);
	else if (opts->secret_file)
		r = read_secret(source, opts, err);
	if (r < 0)
		err_about(err, opts->file ? opts->file : opts->secret_file);
	return r;
}

static int source_begin(struct jwks_source *source, const struct jwks_opts *opts, struct err *err)
{
	int r = source_read(source, opts, err);

	if (r == 0 && opts->file)
		r = watch_file(source, err);
	if (r == 0 && opts->url)
		begin_fetch(source);
	return r;
}

struct jwks_source *jwks_source_open(struct jwks_sources *sources, const struct jwks_opts *opts,
				     struct err *err)
{
	struct jwks_source *source = find_url(sources, opts);
	bool is_new = !source;

	if (is_new)
		source = source_new(sources, opts);
	source->users++;
	if (!is_new || source_begin(source, opts, err) == 0)
		return source;
	jwks_source_close(source);
	return NULL;
}

int jwks_source_check(const struct jwks_opts *opts, struct err *err)
{
	struct jwks_sources sources = {0};
	struct jwks_source *source = source_new(&sources, opts);
	int r = source_read(source, opts, err);

	source_free(source);
	return r;
}

void jwks_source_apply(struct jwks_source *source, const struct jwks_opts *opts)
{
	source->schedule.longest_ms = opts->refresh_ms;
	source->schedule.shortest_ms = opts->refetch_ms;
	if (loop_timer_is_active(&source->timer) &&
	    loop_timer_left_ms(&source->timer) > opts->refresh_ms)
		loop_timer_start(&source->timer, opts->refresh_ms);
}

void jwks_source_close(struct jwks_source *source)
{
	if (!source || --source->users > 0)
		return;
	assert(LIST_EMPTY(&source->waits));
	LIST_REMOVE(source, link);
	watch_stop(source->watch);
	fetch_cancel(source->fetch);
	loop_timer_stop(&source->timer);
	loop_retire(source->sources->loop, source_free, source);
}

const struct keyset *jwks_source_keys(const struct jwks_source *source)
{
	return source->keys;
}

uint64_t jwks_source_edition(const struct jwks_source *source)
{
	return source->edition;
}

/* ---- waiting ---- */

bool jwks_source_ask(struct jwks_source *source, struct jwks_wait *wait)
{
	int64_t now_ms = loop_now_ms(source->sources->loop);

	if (!source->url)
		return false;
	if (!source->fetch && !jwks_schedule_may_ask(&source->schedule, now_ms))
		return false;
	if (!source->fetch)
		begin_fetch(source);
	wait->source = source;
	LIST_INSERT_HEAD(&source->waits, wait, link);
	return true;
}

void jwks_wait_cancel(struct jwks_wait *wait)
{
	if (!wait->source)
		return;
	LIST_REMOVE(wait, link);
	wait->source = NULL;
}
