/* One client's attempt to say who it is. Here, and nowhere else, verdicts meet the lock-out: who
 * has failed too often isn't judged at all, whatever it shows. Owns nothing; edge/mw_identity makes
 * the attempts. */
#include "identity/attempt.h"

#include <assert.h>

#include "identity/book.h"
#include "identity/identity.h"
#include "identity/lockout.h"
#include "identity/method.h"
#include "observe/errors.h"

/* Guessing at many users from one address: so many times the failures of one. */
#define SPRAY 10u

/* What the lock-out knows the client by: where it comes from, how and as whom it tries to come in.
 * So who guesses at one user's password doesn't lock out others behind the same address. */
static uint64_t name_of(const struct attempt *attempt)
{
	return lockout_name(identity_lockout(attempt->identity), &attempt->client,
			    str_from(attempt->method->name), attempt->claimed);
}

/* All that come from there by this method, whoever they say they are. */
static uint64_t address_of(const struct attempt *attempt)
{
	return lockout_name(identity_lockout(attempt->identity), &attempt->client,
			    str_from(attempt->method->name), STR_LITERAL("\0all"));
}

static void count_failure(struct attempt *attempt)
{
	struct lockout *lockout = identity_lockout(attempt->identity);
	struct lockout_opts opts = book_opts(attempt->book)->lockout;
	struct lockout_opts all = opts;
	int64_t now_ms = attempt->now_us / 1000;
	char peer[IP_TEXT];
	bool is_locked = lockout_count(lockout, &opts, name_of(attempt), now_ms);

	all.failures *= SPRAY;
	if (attempt->claimed.len > 0)
		is_locked |= lockout_count(lockout, &all, address_of(attempt), now_ms);
	if (!is_locked)
		return;
	ip_format_peer(&attempt->client, 0, peer);
	log_event(identity_log(attempt->identity), LOG_WARN, "auth.locked_out",
		  "has failed too often to say who it is, and is not heard for a while",
		  LOG_INT("code", ERR_LOCKED_OUT), LOG_STR("client", peer),
		  LOG_STR("method", attempt->method->name));
}

static int64_t locked_ms(const struct attempt *attempt)
{
	const struct lockout *lockout = identity_lockout(attempt->identity);
	int64_t now_ms = attempt->now_us / 1000;
	int64_t ms = lockout_left_ms(lockout, name_of(attempt), now_ms);
	int64_t all_ms = attempt->claimed.len > 0
				 ? lockout_left_ms(lockout, address_of(attempt), now_ms)
				 : 0;

	return ms > all_ms ? ms : all_ms;
}

static void settle(struct attempt *attempt, enum verdict verdict)
{
	attempt->cancel = NULL;
	if (verdict == VERDICT_ACCEPTED) {
		assert(attempt->principal && attempt->principal->subject.len > 0);
		lockout_forgive(identity_lockout(attempt->identity), name_of(attempt));
	} else if (verdict == VERDICT_REFUSED && !attempt->is_no_guess) {
		count_failure(attempt);
	}
}

enum verdict attempt_begin(struct attempt *attempt)
{
	const struct method *method = attempt->method;
	enum verdict verdict;
	int64_t ms;

	if (method->peek)
		method->peek(attempt);
	ms = locked_ms(attempt);
	if (ms > 0) {
		attempt->retry_after_ms = (uint32_t)ms;
		attempt->why = "it has failed too often and is locked out";
		return VERDICT_LOCKED;
	}
	verdict = method->verify(attempt);
	if (verdict != VERDICT_PENDING)
		settle(attempt, verdict);
	return verdict;
}

void attempt_end(struct attempt *attempt, enum verdict verdict)
{
	assert(verdict != VERDICT_PENDING);
	settle(attempt, verdict);
	attempt->on_end(attempt, verdict);
}

void attempt_cancel(struct attempt *attempt)
{
	void (*cancel)(struct attempt * attempt) = attempt->cancel;

	attempt->cancel = NULL;
	if (cancel)
		cancel(attempt);
}
