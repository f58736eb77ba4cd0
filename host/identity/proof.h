/* One client's proof of who it is: what it shows, and what became of it.
 *
 * A method's verify() judges at once, or says VERDICT_PENDING: then it keeps the proof, and ends
 * it with proof_end() later, exactly once, within a time-out of its own. If the client leaves
 * before, proof_cancel() calls `cancel`, and the method forgets the proof. */
#ifndef PLUGD_IDENTITY_PROOF_H
#define PLUGD_IDENTITY_PROOF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "identity/credentials.h"
#include "identity/principal.h"
#include "net/ip.h"

struct book;
struct identity;

enum verdict {
	VERDICT_ACCEPTED, /* `principal` is set */
	VERDICT_REFUSED,  /* `why` is set: 401 */
	VERDICT_LOCKED,	  /* too many failures: 429, `retry_after_ms` */
	VERDICT_BUSY,	  /* it can't be judged now: 503, `retry_after_ms` and `why` */
	VERDICT_PENDING,  /* proof_end() follows */
};

struct proof {
	/* What is asked. */
	struct identity *identity; /* outlives configurations */
	const struct book *book;   /* keys and users of the request's configuration */
	const struct method *method;
	struct credential credential;
	struct ip client; /* as ip_client() has it */
	struct arena *arena;
	int64_t now_us; /* monotonic */
	int64_t wall_s; /* since 1970 */

	/* What is found. */
	struct str claimed; /* who it says it is, if that is told before; never logged as it is */
	const struct principal *principal;
	const char *why;  /* a constant sentence without secrets */
	bool is_no_guess; /* it failed in a way that says nothing about guessing: not counted */
	uint32_t retry_after_ms;

	/* While it is pending; the method's. */
	void (*cancel)(struct proof *proof);
	void *waiting;

	/* The verdict came later. Called once, never from within verify(). */
	void (*on_end)(struct proof *proof, enum verdict verdict);
	void *user;
};

/* Judges. Fill what is asked, on_end and user before. */
enum verdict proof_begin(struct proof *proof);

/* For methods: one that was pending is decided; not VERDICT_PENDING. */
void proof_end(struct proof *proof, enum verdict verdict);

/* Nobody waits for it any more. One that is not pending is fine. */
void proof_cancel(struct proof *proof);

#endif
