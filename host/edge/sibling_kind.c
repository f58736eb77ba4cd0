/* Accept-Encoding, asked one question: may the answer be in this coding? Which of several is best
 * is for the operator to say, not for weights: browsers give them all the same. What can't be read
 * names nothing. Owns nothing; called by static_answer.c. */
#include "edge/sibling_kind.h"

#include "net/chars.h"

static const struct sibling_kind codings[] = {
	{{"br", 2}, {".br", 3}, {NULL, 0}},
	{{"gzip", 4}, {".gz", 3}, {"x-gzip", 6}},
	{{"zstd", 4}, {".zst", 4}, {NULL, 0}},
};

const struct sibling_kind *sibling_kind_find(struct str name)
{
	for (size_t i = 0; i < sizeof(codings) / sizeof(codings[0]); i++) {
		if (str_eq(name, codings[i].name))
			return &codings[i];
	}
	return NULL;
}

/* Takes what stands before the next `mark` off *rest. */
static struct str take_until(struct str *rest, char mark)
{
	const char *end = rest->len > 0 ? memchr(rest->data, mark, rest->len) : NULL;
	size_t len = end ? (size_t)(end - rest->data) : rest->len;
	struct str taken = {rest->data, len};

	*rest = end ? (struct str){end + 1, rest->len - len - 1} : (struct str){NULL, 0};
	return str_trim(taken);
}

/* "q=0", "q=0.000": a weight that refuses. */
static bool is_zero_weight(struct str parameter)
{
	struct str name = take_until(&parameter, '=');
	struct str value = str_trim(parameter);

	if (!str_eq_nocase(name, STR_LITERAL("q")) || value.len == 0)
		return false;
	for (size_t i = 0; i < value.len; i++) {
		if (value.data[i] != '0' && !(i == 1 && value.data[i] == '.'))
			return false;
	}
	return true;
}

static bool is_named(const struct sibling_kind *coding, struct str name)
{
	return str_eq_nocase(name, coding->name) ||
	       (coding->alias.len > 0 && str_eq_nocase(name, coding->alias));
}

enum mention { MENTION_NONE, MENTION_TAKEN, MENTION_REFUSED };

/* What one field says about the coding, and about all that it doesn't name. */
static void read_field(const struct sibling_kind *coding, struct str value, enum mention *named,
		       enum mention *others)
{
	while (value.len > 0) {
		struct str parameters = take_until(&value, ',');
		struct str name = take_until(&parameters, ';');
		bool is_refused = false;
		enum mention *which = is_named(coding, name)	       ? named
				      : str_eq(name, STR_LITERAL("*")) ? others
								       : NULL;

		while (parameters.len > 0)
			is_refused |= is_zero_weight(take_until(&parameters, ';'));
		if (which)
			*which = is_refused ? MENTION_REFUSED : MENTION_TAKEN;
	}
}

bool sibling_kind_is_accepted(const struct sibling_kind *coding, const struct http_field *fields,
			      size_t count)
{
	enum mention named = MENTION_NONE;
	enum mention others = MENTION_NONE;

	for (size_t i = 0; i < count; i++) {
		if (str_eq(fields[i].name, STR_LITERAL("accept-encoding")))
			read_field(coding, fields[i].value, &named, &others);
	}
	return (named != MENTION_NONE ? named : others) == MENTION_TAKEN;
}
