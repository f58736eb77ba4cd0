/* Requests that kill whoever serves them. Pure: it remembers fingerprints, time is an argument.
 *
 *	in flight at a death by its own fault ─▶ suspect ── at another ─▶ quarantined
 *	                                            └─ answered, or time is over ─▶ forgotten
 *
 * Two deaths are enough for the only suspect of a death. Who shared both with others has to be in
 * flight at a third: a request that every client makes is likely to be there when another one kills
 * the plugin, but it is also likely to be answered in between. */
#ifndef PLUGD_DISPATCH_POISON_H
#define PLUGD_DISPATCH_POISON_H

#include <stdbool.h>
#include <stdint.h>

#define POISON_ID_BYTES 8
#define POISON_ID_TEXT	(2 * POISON_ID_BYTES + 1)

/* What a request is known by: the same for the same method and content. */
struct fingerprint {
	uint8_t bytes[POISON_ID_BYTES];
};

/* Of one plugin. The oldest suspect makes room for another. */
#define POISON_MAX 64

struct poison_row {
	struct fingerprint fingerprint;
	char *method;	   /* for people; owned */
	const void *death; /* it was in flight there, and whose fault that was is not known yet */
	unsigned deaths;   /* that were the plugin's own fault */
	bool is_quarantined;
	int64_t until_ms; /* then it is forgotten */
	uint64_t refused; /* requests, since it is quarantined */
};

/* Zeroed is a valid empty one. */
struct poison {
	struct poison_row *rows; /* POISON_MAX; NULL: none was ever needed */
	unsigned count;
	unsigned pending; /* rows with a death */
};

void poison_deinit(struct poison *poison);

/* Nothing to be looked up: costs a call nothing. */
static inline bool poison_is_empty(const struct poison *poison)
{
	return poison->count == 0;
}

/* An instance (any pointer that tells it from others) is dying, and this request was on it. Copies
 * the method. */
void poison_suspect(struct poison *poison, const void *death, const struct fingerprint *fingerprint,
		    const char *method);

/* Whether it was the plugin's own fault. Returns how many requests this has quarantined, for
 * keep_ms; they are the rows with `death` until poison_forget_death(). */
unsigned poison_judge(struct poison *poison, const void *death, bool is_own_fault, int64_t keep_ms,
		      int64_t now_ms);
void poison_forget_death(struct poison *poison, const void *death);

/* An answer came: the plugin has survived it. */
void poison_exonerate(struct poison *poison, const struct fingerprint *fingerprint);

/* Whether it is quarantined; counts it then. */
bool poison_refuses(struct poison *poison, const struct fingerprint *fingerprint, int64_t now_ms);

/* What is over at that time is forgotten. */
void poison_expire(struct poison *poison, int64_t now_ms);

/* Forgets the row of that fingerprint, in hexadecimal digits. False: there is none, or it waits for
 * a verdict. */
bool poison_release(struct poison *poison, const char *id);

/* Forgets all rows but those that wait for a verdict. */
void poison_clear(struct poison *poison);

/* The fingerprint as hexadecimal digits. `out` holds POISON_ID_TEXT bytes; returns it. */
char *poison_id(char *out, const struct fingerprint *fingerprint);

#endif
