/* Small files of others' servers, fetched while the loop turns: sets of keys and the like. Only by
 * GET, only https (http on this machine), without following redirects: the operator's URL is the
 * one that is asked. */
#ifndef PLUGD_NET_FETCH_H
#define PLUGD_NET_FETCH_H

#include "base/err.h"
#include "base/loop.h"
#include "base/str.h"

struct fetcher;
struct fetch;

/* Returns owned. The loop stays longer. libcurl can be loaded: fetch_check_url() has looked. */
struct fetcher *fetcher_new(struct loop *loop);
void fetcher_free(struct fetcher *fetcher); /* no fetch may be under way; NULL is fine */

struct fetch_opts {
	const char *url;
	const char *ca_file; /* PEM; NULL: the authorities that the machine trusts */
	size_t max_bytes;    /* of the body */
	int64_t timeout_ms;  /* for all of it */
	int code;	     /* of errors */
};

struct fetch_answer {
	struct str body;
	int64_t max_age_s; /* of Cache-Control; -1: it says nothing */
};

/* `answer` NULL: it failed, and err tells why. Both are valid until the return. */
typedef void fetch_done_fn(void *user, const struct fetch_answer *answer, const struct err *err);

/* Begins; copies the options. on_done comes once, in a later turn, unless fetch_cancel() comes
 * before; then the fetch is gone. Returns what fetch_cancel() takes. */
struct fetch *fetch_start(struct fetcher *fetcher, const struct fetch_opts *opts,
			  fetch_done_fn *on_done, void *user);
void fetch_cancel(struct fetch *fetch); /* NULL is fine */

/* NULL, or what is wrong with it as the end of a sentence; also when there is no libcurl, which
 * this loads. */
const char *fetch_check_url(struct str url);

/* What a Cache-Control header (RFC 9111, 5.2.2) says about how long an answer may be used: seconds,
 * 0 for no-store and no-cache, -1 for nothing. Pure. */
int64_t fetch_max_age(struct str cache_control);

#endif
