/* Bearer tokens as a method. A token whose key is not there asks for newer keys once: the proof
 * waits for the end of the fetch, and is judged again by what is there then. Owns nothing beside
 * what waits, in the proof's arena. Only a bad signature counts as a guess: everything else says
 * that a client is behind its time, or not configured right. */
#include "identity/jwt_method.h"

#include "base/clock.h"
#include "identity/book.h"
#include "identity/jwt_issuers.h"

#define RETRY_MS 5000 /* for clients, while there are no keys at all */

struct waiting {
	struct jwks_wait wait; /* first: it is what the source knows */
	struct proof *proof;
};

static enum verdict conclude(struct proof *proof, const struct jwt_judgement *judgement)
{
	if (judgement->verdict == JWT_IS_GOOD) {
		proof->principal = judgement->principal;
		return VERDICT_ACCEPTED;
	}
	proof->why = jwt_verdict_text(judgement->verdict);
	proof->is_no_guess = judgement->verdict != JWT_IS_SIGNATURE;
	if (judgement->verdict != JWT_IS_NO_KEYS)
		return VERDICT_REFUSED;
	proof->retry_after_ms = RETRY_MS;
	return VERDICT_BUSY;
}

static struct jwt_judgement judge(struct proof *proof)
{
	return jwt_issuers_judge(book_jwt(proof->book), proof->credential.text, proof->wall_s,
				 proof->arena);
}

static void on_keys(struct jwks_wait *wait)
{
	struct proof *proof = ((struct waiting *)wait)->proof;
	struct jwt_judgement judgement;

	proof->wall_s = clock_wall_ms() / 1000;
	judgement = judge(proof);
	proof_end(proof, conclude(proof, &judgement));
}

static void forget(struct proof *proof)
{
	struct waiting *waiting = proof->waiting;

	jwks_wait_cancel(&waiting->wait);
}

/* False: there is nothing to wait for. */
static bool wait_for_keys(struct proof *proof, struct jwks_source *source)
{
	struct waiting *waiting = arena_new(proof->arena, struct waiting);

	waiting->wait.on_end = on_keys;
	waiting->proof = proof;
	if (!jwks_source_ask(source, &waiting->wait))
		return false;
	proof->waiting = waiting;
	proof->cancel = forget;
	return true;
}

enum verdict jwt_method_verify(struct proof *proof)
{
	struct jwt_judgement judgement;

	if (!book_jwt(proof->book)) {
		proof->why = "no issuer of tokens is configured";
		return VERDICT_REFUSED;
	}
	judgement = judge(proof);
	if ((judgement.verdict == JWT_IS_KID_UNKNOWN || judgement.verdict == JWT_IS_NO_KEYS) &&
	    wait_for_keys(proof, judgement.source))
		return VERDICT_PENDING;
	return conclude(proof, &judgement);
}
