/* Where an issuer's keys come from: a file, which is read again when it changes, or a URL, which is
 * asked again in time. What is there stays until something better has come. */
#ifndef PLUGD_IDENTITY_JWKS_SOURCE_H
#define PLUGD_IDENTITY_JWKS_SOURCE_H

#include <sys/queue.h>

#include "base/err.h"
#include "base/loop.h"
#include "identity/keyset.h"
#include "observe/log.h"

struct jwks_opts {
	const char *file; /* one of these three */
	const char *url;
	const char *secret_file; /* holds one shared secret */
	const char *ca_file;	 /* whom to trust about the URL; NULL: the machine's authorities */
	uint32_t secret_algs;	 /* of HMAC, for the secret */
	int64_t refresh_ms;	 /* a set is used for so long at most */
	int64_t refetch_ms;	 /* the shortest time between fetches that tokens ask for */
};

/* All of them, so that two configurations share what comes from one URL. */
struct jwks_sources;
struct jwks_source;

struct jwks_sources *jwks_sources_new(struct loop *loop, struct log *log); /* returns owned */
void jwks_sources_free(struct jwks_sources *sources); /* all are closed; NULL is fine */

/* A file is read before this returns, a URL is asked in later turns. Copies the options. A source
 * that is there already keeps its times: whoever opens it may still be refused. Returns what
 * jwks_source_close() takes; NULL with *err when the file can't be used. */
struct jwks_source *jwks_source_open(struct jwks_sources *sources, const struct jwks_opts *opts,
				     struct err *err);
void jwks_source_close(struct jwks_source *source); /* NULL is fine */

/* Reads the file, and keeps nothing; a URL is not asked. 0, or -errno with *err. */
int jwks_source_check(const struct jwks_opts *opts, struct err *err);

/* From now on `refresh_ms` and `refetch_ms` of these options hold. */
void jwks_source_apply(struct jwks_source *source, const struct jwks_opts *opts);

/* The keys as of now; valid until the next turn. NULL: there are none yet. */
const struct keyset *jwks_source_keys(const struct jwks_source *source);

/* Another number whenever the keys have changed, of any source: never the same for two. */
uint64_t jwks_source_edition(const struct jwks_source *source);

/* ---- waiting for newer keys ---- */

struct jwks_wait {
	void (*on_end)(struct jwks_wait *wait); /* there are newer keys, or it failed */
	struct jwks_source *source;		/* NULL: it does not wait */
	LIST_ENTRY(jwks_wait) link;
};

/* Whether a fetch is under way, or may begin now: then `wait`, with its on_end, waits for its end,
 * which comes in a later turn. False: what is there is all there will be for a while. */
bool jwks_source_ask(struct jwks_source *source, struct jwks_wait *wait);
void jwks_wait_cancel(struct jwks_wait *wait); /* one that does not wait is fine */

#endif
