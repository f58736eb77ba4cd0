/* An operator's rule held against a principal. Owns nothing; called by edge/mw_identity. */
#include "identity/access.h"

typedef bool has_fn(const struct principal *principal, struct str text);

static bool has_any(char *const *texts, has_fn *has, const struct principal *principal)
{
	if (!texts || !texts[0])
		return true;
	for (size_t i = 0; texts[i]; i++) {
		if (has(principal, str_from(texts[i])))
			return true;
	}
	return false;
}

static bool has_all(char *const *texts, has_fn *has, const struct principal *principal)
{
	for (size_t i = 0; texts && texts[i]; i++) {
		if (!has(principal, str_from(texts[i])))
			return false;
	}
	return true;
}

/* "name=value". */
static bool has_pair(const struct principal *principal, struct str pair)
{
	const char *equals = memchr(pair.data, '=', pair.len);
	size_t len = equals ? (size_t)(equals - pair.data) : pair.len;
	struct str value = {pair.data + len + 1, equals ? pair.len - len - 1 : 0};

	return equals && principal_has_claim(principal, (struct str){pair.data, len}, value);
}

enum access_verdict access_check(const struct auth_opts *rule, const struct principal *principal)
{
	if (!has_any(rule->any_role, principal_has_role, principal) ||
	    !has_all(rule->all_roles, principal_has_role, principal))
		return ACCESS_LACKS_ROLE;
	if (!has_all(rule->claims, has_pair, principal))
		return ACCESS_LACKS_CLAIM;
	if (!has_any(rule->any_scope, principal_has_scope, principal) ||
	    !has_all(rule->all_scopes, principal_has_scope, principal))
		return ACCESS_LACKS_SCOPE;
	return ACCESS_ALLOWED;
}

struct str access_scopes(const struct auth_opts *rule, struct arena *arena)
{
	char *const *lists[] = {rule->all_scopes, rule->any_scope};
	const char *text = "";

	for (size_t list = 0; list < sizeof(lists) / sizeof(lists[0]); list++) {
		for (size_t i = 0; lists[list] && lists[list][i]; i++)
			text = arena_printf(arena, "%s%s%s", text, *text ? " " : "",
					    lists[list][i]);
	}
	return str_from(text);
}

bool access_asks(const struct auth_opts *rule)
{
	char *const *lists[] = {rule->any_role, rule->all_roles, rule->any_scope, rule->all_scopes,
				rule->claims};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		if (lists[i] && lists[i][0])
			return true;
	}
	return false;
}
