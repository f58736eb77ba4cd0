/* Who has failed too often. identity.c owns one; proof.c asks it.
 *
 * A table of sets, as edge/clients is: a client's set follows from a keyed hash, so nobody can
 * choose whose set he gets into. A newcomer to a full set takes the place of the one that matters
 * least: who is locked out is pushed out last, and only by others that are. Nothing goes over to
 * the newcomer: who has failed once must not be locked out for what strangers have done. Who never
 * fails is in no place.
 *
 *	failures in a window ──the last that may be──▶ locked out for `first`, then twice as long
 *	       ▲  a success, or a window without any: forgotten       each further time, at most
 *	       └───────────────────────────────────────────────────── `longest` */
#include "identity/lockout.h"

#include <stdlib.h>

#include "base/mem.h"

#define WAYS 8u

struct place {
	uint64_t name;	   /* 0: nobody's */
	int64_t since_ms;  /* the window began */
	int64_t until_ms;  /* locked out */
	uint32_t failures; /* in the window */
	uint32_t times;	   /* locked out, in a row */
};

struct lockout {
	struct siphash_key key;
	struct place *places; /* NULL: nobody has failed yet */
};

struct lockout *lockout_new(const struct siphash_key *key)
{
	struct lockout *lockout = mem_new(struct lockout);

	lockout->key = *key;
	return lockout;
}

void lockout_free(struct lockout *lockout)
{
	if (!lockout)
		return;
	free(lockout->places);
	free(lockout);
}

bool lockout_is_used(const struct lockout *lockout)
{
	return lockout->places != NULL;
}

uint64_t lockout_name(const struct lockout *lockout, const struct ip *client, struct str method,
		      struct str claimed)
{
	uint64_t parts[3] = {
		siphash(&lockout->key, client, sizeof(*client)),
		siphash(&lockout->key, method.data, method.len),
		siphash(&lockout->key, claimed.data, claimed.len),
	};
	uint64_t name = siphash(&lockout->key, parts, sizeof(parts));

	return name ? name : 1;
}

static struct place *set_of(const struct lockout *lockout, uint64_t name)
{
	return &lockout->places[name % (LOCKOUT_PLACES / WAYS) * WAYS];
}

static struct place *find(const struct lockout *lockout, uint64_t name)
{
	struct place *set = lockout->places ? set_of(lockout, name) : NULL;

	for (unsigned i = 0; set && i < WAYS; i++) {
		if (set[i].name == name)
			return &set[i];
	}
	return NULL;
}

/* Less to lose: it is free again sooner, then it has failed less often, then longer ago. */
static bool matters_less(const struct place *a, const struct place *b)
{
	if (!a->name != !b->name)
		return !a->name;
	if (a->until_ms != b->until_ms)
		return a->until_ms < b->until_ms;
	if (a->failures != b->failures)
		return a->failures < b->failures;
	return a->since_ms < b->since_ms;
}

/* The name's place, or the one that it takes over. */
static struct place *take(struct lockout *lockout, uint64_t name)
{
	struct place *found = find(lockout, name);
	struct place *set;

	if (found)
		return found;
	if (!lockout->places)
		lockout->places = mem_array(LOCKOUT_PLACES, sizeof(*lockout->places));
	set = set_of(lockout, name);
	found = &set[0];
	for (unsigned i = 1; i < WAYS; i++) {
		if (matters_less(&set[i], found))
			found = &set[i];
	}
	*found = (struct place){.name = name};
	return found;
}

int64_t lockout_left_ms(const struct lockout *lockout, uint64_t name, int64_t now_ms)
{
	const struct place *place = find(lockout, name);

	return place && place->until_ms > now_ms ? place->until_ms - now_ms : 0;
}

static int64_t length_of(const struct lockout_opts *opts, uint32_t times)
{
	int64_t ms = opts->first_ms;

	for (uint32_t i = 0; i < times && ms < opts->longest_ms; i++)
		ms *= 2;
	return ms < opts->longest_ms ? ms : opts->longest_ms;
}

bool lockout_count(struct lockout *lockout, const struct lockout_opts *opts, uint64_t name,
		   int64_t now_ms)
{
	struct place *place;

	if (opts->failures == 0)
		return false;
	place = take(lockout, name);
	if (now_ms - place->since_ms >= opts->window_ms && now_ms >= place->until_ms) {
		place->failures = 0;
		if (now_ms - place->until_ms >= opts->window_ms)
			place->times = 0;
		place->since_ms = now_ms;
	}
	if (++place->failures < opts->failures)
		return false;
	place->until_ms = now_ms + length_of(opts, place->times++);
	place->failures = 0;
	place->since_ms = now_ms;
	return true;
}

void lockout_forgive(struct lockout *lockout, uint64_t name)
{
	struct place *place = find(lockout, name);

	if (place)
		*place = (struct place){0};
}
