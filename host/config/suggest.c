/* The nearest name, if it is so near that a slip of the fingers explains the difference. */
#include "config/suggest.h"

/* One slip in a word of three, two in six, three from nine on. */
static unsigned slips_allowed(size_t len)
{
	return len >= 9 ? 3 : (unsigned)(len / 3);
}

/* "body" is short for "body_limit", "warning" is long for "warn". */
static bool is_part(struct str part, struct str whole)
{
	return part.len >= 3 && part.len < whole.len &&
	       memmem(whole.data, whole.len, part.data, part.len);
}

void suggest_offer(struct suggest *suggest, const char *name)
{
	struct str other = str_from(name);
	unsigned distance = str_distance(suggest->word, other);

	if (distance > slips_allowed(other.len)) {
		if (!is_part(suggest->word, other) && !is_part(other, suggest->word))
			return;
		distance = (unsigned)other.len;
	}
	if (!suggest->best || distance < suggest->distance) {
		suggest->best = name;
		suggest->distance = distance;
	}
}
