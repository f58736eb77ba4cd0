/* Which content coding a client wants. The edge asks before an answer. What is malformed is passed
 * over, not refused: the body as it is suits everybody. Owns nothing. */
#include "net/accept_encoding.h"

#include "net/chars.h"
#include "net/list.h"

#define FULL_WEIGHT 1000

void accept_encoding_init(struct accept_encoding *accept)
{
	for (size_t i = 0; i < CODING_COUNT; i++)
		accept->weight[i] = ACCEPT_UNSAID;
	accept->identity = accept->star = ACCEPT_UNSAID;
}

/* ---- reading ---- */

/* "0.5" in thousandths (RFC 9110, 12.4.2). False: it is no weight. */
static bool read_weight(struct str text, int16_t *out)
{
	int value = 0, place = FULL_WEIGHT;

	if (text.len == 0 || text.len > 5 || (text.len > 1 && text.data[1] != '.'))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (i == 1)
			continue;
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		value += (text.data[i] - '0') * place;
		place /= 10;
	}
	*out = (int16_t)value;
	return value <= FULL_WEIGHT;
}

/* "gzip;q=0.5": its name and weight. False: it is malformed. */
static bool read_element(struct str element, struct str *name_out, int16_t *weight_out)
{
	const char *semicolon = memchr(element.data, ';', element.len);
	size_t len = semicolon ? (size_t)(semicolon - element.data) : element.len;
	struct str weight;

	*name_out = str_trim((struct str){element.data, len});
	*weight_out = FULL_WEIGHT;
	if (!chars_is_token(*name_out))
		return false;
	if (!semicolon)
		return true;
	weight = str_trim((struct str){semicolon + 1, element.len - len - 1});
	if (weight.len < 2 || (weight.data[0] != 'q' && weight.data[0] != 'Q') ||
	    weight.data[1] != '=')
		return false;
	return read_weight((struct str){weight.data + 2, weight.len - 2}, weight_out);
}

/* NULL: nobody asks about this one. */
static int16_t *weight_of(struct accept_encoding *accept, struct str name)
{
	enum coding_id id = coding_find(name);

	if (id < CODING_COUNT)
		return &accept->weight[id];
	if (str_eq_nocase(name, STR_LITERAL("identity")))
		return &accept->identity;
	return str_eq(name, STR_LITERAL("*")) ? &accept->star : NULL;
}

void accept_encoding_add(struct accept_encoding *accept, struct str value)
{
	struct str element;

	while (list_next(&value, &element)) {
		struct str name;
		int16_t weight;
		int16_t *kept = NULL;

		if (read_element(element, &name, &weight))
			kept = weight_of(accept, name);
		if (kept && (*kept == ACCEPT_UNSAID || weight < *kept))
			*kept = weight;
	}
}

void accept_encoding_read(struct accept_encoding *accept, const struct http_field *fields,
			  size_t count)
{
	accept_encoding_init(accept);
	for (size_t i = 0; i < count; i++) {
		if (str_eq(fields[i].name, STR_LITERAL("accept-encoding")))
			accept_encoding_add(accept, fields[i].value);
	}
}

/* ---- deciding ---- */

static int16_t weight_for(const struct accept_encoding *accept, enum coding_id id)
{
	return accept->weight[id] != ACCEPT_UNSAID ? accept->weight[id] : accept->star;
}

/* A body as it is was not asked for unless it is named: then it must be wanted less. */
enum coding_id accept_encoding_choose(const struct accept_encoding *accept,
				      const enum coding_id *order, size_t count)
{
	enum coding_id best = CODING_COUNT;
	int16_t weight = 0;

	for (size_t i = 0; i < count; i++) {
		if (weight_for(accept, order[i]) <= weight)
			continue;
		best = order[i];
		weight = weight_for(accept, best);
	}
	return weight >= accept->identity ? best : CODING_COUNT;
}

bool accept_encoding_needs_one(const struct accept_encoding *accept)
{
	return accept->identity == 0 || (accept->identity == ACCEPT_UNSAID && accept->star == 0);
}
