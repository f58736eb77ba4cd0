/* One client's attempt to say who it is. Here, and nowhere else, verdicts meet the lock-out: who
 * has failed too often isn't judged at all, whatever it shows. Owns nothing; edge/mw_identity makes
 * the attempts. */
#include "identity/attempt.h"

#include <assert.h>

#include "identity/book.h"
#include "identity/identity.h"
#include "identity/lockout.h"
#include "identity/method.h"

/* What the lock-out knows the client by: where it comes from, how and as whom it tries to come in.
 * So who guesses at one user's password doesn't lock out others behind the same address. */
static uint64_t name_of(const struct attempt *attempt)
{
	return lockout_name(identity_lockout(attempt->identity), &attempt->client,
			    str_from(attempt->method->name), attempt->claimed);
}

static void settle(struct attempt *attempt, enum verdict verdict)
{
	struct lockout *lockout = identity_lockout(attempt->identity);

	attempt->cancel = NULL;
	if (verdict == VERDICT_ACCEPTED) {
		assert(attempt->principal && attempt->principal->subject.len > 0);
		lockout_forgive(lockout, name_of(attempt));
	} else if (verdict == VERDICT_REFUSED && !attempt->is_no_guess) {
		lockout_count(lockout, &book_opts(attempt->book)->lockout, name_of(attempt),
			      attempt->now_us / 1000);
	}
}

enum verdict attempt_begin(struct attempt *attempt)
{
	const struct method *method = attempt->method;
	int64_t locked_ms;
	enum verdict verdict;

	if (method->peek)
		method->peek(attempt);
	locked_ms = lockout_left_ms(identity_lockout(attempt->identity), name_of(attempt),
				    attempt->now_us / 1000);
	if (locked_ms > 0) {
		attempt->retry_after_ms = (uint32_t)locked_ms;
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
