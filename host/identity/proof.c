/* One client's proof to say who it is. Here, and nowhere else, verdicts meet the lock-out: who
 * has failed too often isn't judged at all, whatever it shows. Owns nothing; edge/mw_identity makes
 * the proofs. */
#include "identity/proof.h"

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
static uint64_t name_of(const struct proof *proof)
{
	return lockout_name(identity_lockout(proof->identity), &proof->client,
			    str_from(proof->method->name), proof->claimed);
}

/* All that come from there by this method, whoever they say they are. */
static uint64_t address_of(const struct proof *proof)
{
	return lockout_name(identity_lockout(proof->identity), &proof->client,
			    str_from(proof->method->name), STR_LITERAL("\0all"));
}

static void count_failure(struct proof *proof)
{
	struct lockout *lockout = identity_lockout(proof->identity);
	struct lockout_opts opts = book_opts(proof->book)->lockout;
	struct lockout_opts all = opts;
	int64_t now_ms = proof->now_us / 1000;
	char peer[IP_TEXT];
	bool is_locked = lockout_count(lockout, &opts, name_of(proof), now_ms);

	all.failures *= SPRAY;
	if (proof->claimed.len > 0)
		is_locked |= lockout_count(lockout, &all, address_of(proof), now_ms);
	if (!is_locked)
		return;
	ip_format_peer(&proof->client, 0, peer);
	log_event_bulk(identity_log(proof->identity), LOG_WARN, "auth.locked_out",
		       "has failed too often to say who it is, and is not heard for a while",
		       LOG_INT("code", ERR_LOCKED_OUT), LOG_STR("client", peer),
		       LOG_STR("method", proof->method->name));
}

static int64_t locked_ms(const struct proof *proof)
{
	const struct lockout *lockout = identity_lockout(proof->identity);
	int64_t now_ms = proof->now_us / 1000;
	int64_t ms, all_ms;

	if (!lockout_is_used(lockout))
		return 0;
	ms = lockout_left_ms(lockout, name_of(proof), now_ms);
	all_ms = proof->claimed.len > 0 ? lockout_left_ms(lockout, address_of(proof), now_ms) : 0;
	return ms > all_ms ? ms : all_ms;
}

static void forgive(struct proof *proof)
{
	struct lockout *lockout = identity_lockout(proof->identity);

	if (lockout_is_used(lockout))
		lockout_forgive(lockout, name_of(proof));
}

static void settle(struct proof *proof, enum verdict verdict)
{
	proof->cancel = NULL;
	if (verdict == VERDICT_ACCEPTED) {
		assert(proof->principal && proof->principal->subject.len > 0);
		forgive(proof);
	} else if (verdict == VERDICT_REFUSED && !proof->is_no_guess) {
		count_failure(proof);
	}
}

enum verdict proof_begin(struct proof *proof)
{
	const struct method *method = proof->method;
	enum verdict verdict;
	int64_t ms;

	if (method->peek)
		method->peek(proof);
	ms = locked_ms(proof);
	if (ms > 0) {
		proof->retry_after_ms = (uint32_t)ms;
		proof->why = "it has failed too often and is locked out";
		return VERDICT_LOCKED;
	}
	verdict = method->verify(proof);
	if (verdict != VERDICT_PENDING)
		settle(proof, verdict);
	return verdict;
}

void proof_end(struct proof *proof, enum verdict verdict)
{
	assert(verdict != VERDICT_PENDING);
	settle(proof, verdict);
	proof->on_end(proof, verdict);
}

void proof_cancel(struct proof *proof)
{
	void (*cancel)(struct proof * proof) = proof->cancel;

	proof->cancel = NULL;
	if (cancel)
		cancel(proof);
}
