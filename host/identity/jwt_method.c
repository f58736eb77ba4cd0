/* Bearer tokens as a method. A token whose key is not there asks for newer keys once: the attempt
 * waits for the end of the fetch, and is judged again by what is there then. Owns nothing beside
 * what waits, in the attempt's arena. Only a bad signature counts as a guess: everything else says
 * that a client is behind its time, or not configured right. */
#include "identity/jwt_method.h"

#include "base/clock.h"
#include "identity/book.h"
#include "identity/jwt_issuers.h"

#define RETRY_MS 5000 /* for clients, while there are no keys at all */

struct waiting {
	struct jwks_wait wait; /* first: it is what the source knows */
	struct attempt *attempt;
};

static enum verdict conclude(struct attempt *attempt, const struct jwt_judgement *judgement)
{
	if (judgement->verdict == JWT_IS_GOOD) {
		attempt->principal = judgement->principal;
		return VERDICT_ACCEPTED;
	}
	attempt->why = jwt_verdict_text(judgement->verdict);
	attempt->is_no_guess = judgement->verdict != JWT_IS_SIGNATURE;
	if (judgement->verdict != JWT_IS_NO_KEYS)
		return VERDICT_REFUSED;
	attempt->retry_after_ms = RETRY_MS;
	return VERDICT_BUSY;
}

static struct jwt_judgement judge(struct attempt *attempt)
{
	return jwt_issuers_judge(book_jwt(attempt->book), attempt->credential.text, attempt->wall_s,
				 attempt->arena);
}

static void on_keys(struct jwks_wait *wait)
{
	struct attempt *attempt = ((struct waiting *)wait)->attempt;
	struct jwt_judgement judgement;

	attempt->wall_s = clock_wall_ms() / 1000;
	judgement = judge(attempt);
	attempt_end(attempt, conclude(attempt, &judgement));
}

static void forget(struct attempt *attempt)
{
	struct waiting *waiting = attempt->waiting;

	jwks_wait_cancel(&waiting->wait);
}

/* False: there is nothing to wait for. */
static bool wait_for_keys(struct attempt *attempt, struct jwks_source *source)
{
	struct waiting *waiting = arena_new(attempt->arena, struct waiting);

	waiting->wait.on_end = on_keys;
	waiting->attempt = attempt;
	if (!jwks_source_ask(source, &waiting->wait))
		return false;
	attempt->waiting = waiting;
	attempt->cancel = forget;
	return true;
}

enum verdict jwt_method_verify(struct attempt *attempt)
{
	struct jwt_judgement judgement;

	if (!book_jwt(attempt->book)) {
		attempt->why = "no issuer of tokens is configured";
		return VERDICT_REFUSED;
	}
	judgement = judge(attempt);
	if ((judgement.verdict == JWT_IS_KID_UNKNOWN || judgement.verdict == JWT_IS_NO_KEYS) &&
	    wait_for_keys(attempt, judgement.source))
		return VERDICT_PENDING;
	return conclude(attempt, &judgement);
}
