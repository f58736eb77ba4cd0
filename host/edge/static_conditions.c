/* Conditional requests about a file, whose ETag is strong. Owns nothing; called by static_files.c.
 * Nothing here can fail: what can't be read matches nothing. */
#include "edge/static_conditions.h"

#include "net/date.h"

/* ---- lists of entity tags ---- */

enum tag_match { MATCH_WEAK, MATCH_STRONG };

/* Takes an entity tag off *rest, whatever separates it from the one before. False: there is
 * none. */
static bool take_tag(struct str *rest, bool *is_weak_out, struct str *tag_out)
{
	size_t i = 0;
	const char *end;

	while (i < rest->len && strchr(" \t,", rest->data[i]))
		i++;
	*is_weak_out = i + 1 < rest->len && rest->data[i] == 'W' && rest->data[i + 1] == '/';
	if (*is_weak_out)
		i += 2;
	if (i >= rest->len || rest->data[i] != '"')
		return false;
	end = memchr(rest->data + i + 1, '"', rest->len - i - 1);
	if (!end)
		return false;
	*tag_out = (struct str){rest->data + i, (size_t)(end - rest->data) - i + 1};
	*rest = (struct str){end + 1, rest->len - i - tag_out->len};
	return true;
}

static bool list_matches(struct str list, struct str etag, enum tag_match how)
{
	struct str tag;
	bool is_weak;

	if (str_eq(str_trim(list), STR_LITERAL("*")))
		return true;
	while (take_tag(&list, &is_weak, &tag)) {
		if (str_eq(tag, etag) && (how == MATCH_WEAK || !is_weak))
			return true;
	}
	return false;
}

/* A list may be spread over several fields. *there: one has the name. */
static bool fields_match(const struct http_field *fields, size_t count, struct str name,
			 const struct validators *validators, enum tag_match how, bool *there)
{
	bool matches = false;

	*there = false;
	for (size_t i = 0; i < count; i++) {
		if (!str_eq(fields[i].name, name))
			continue;
		*there = true;
		matches |= list_matches(fields[i].value, validators->etag, how);
	}
	return matches;
}

/* ---- dates ---- */

/* False: there is no such field, or no date in it. */
static bool find_date(const struct http_field *fields, size_t count, const char *name,
		      int64_t *when_s)
{
	const struct http_field *field = http_field_find(fields, count, name);

	return field && date_parse(field->value, when_s);
}

/* ---- the order of RFC 9110, 13.2.2 ---- */

enum condition_verdict conditions_judge(const struct http_field *fields, size_t count,
					const struct validators *validators)
{
	bool there;
	bool matches = fields_match(fields, count, STR_LITERAL("if-match"), validators,
				    MATCH_STRONG, &there);
	int64_t when_s;

	if (there && !matches)
		return CONDITION_FAILED;
	if (!there && find_date(fields, count, "if-unmodified-since", &when_s) &&
	    validators->modified_s > when_s)
		return CONDITION_FAILED;
	matches = fields_match(fields, count, STR_LITERAL("if-none-match"), validators, MATCH_WEAK,
			       &there);
	if (there)
		return matches ? CONDITION_NOT_MODIFIED : CONDITION_GO_ON;
	if (find_date(fields, count, "if-modified-since", &when_s) &&
	    validators->modified_s <= when_s)
		return CONDITION_NOT_MODIFIED;
	return CONDITION_GO_ON;
}

/* A date says enough only when the file was at rest for a second before (RFC 9110, 8.8.2.2), and
 * only if it is the very date (13.1.5). */
bool conditions_allow_range(const struct http_field *fields, size_t count,
			    const struct validators *validators)
{
	const struct http_field *field = http_field_find(fields, count, "if-range");
	struct str rest;
	struct str tag;
	bool is_weak;
	int64_t when_s;

	if (!field)
		return true;
	rest = field->value;
	if (take_tag(&rest, &is_weak, &tag))
		return !is_weak && rest.len == 0 && str_eq(tag, validators->etag);
	return date_parse(field->value, &when_s) && when_s == validators->modified_s &&
	       validators->modified_s < validators->now_s;
}
