/* Whom the claims of a verified token mean. Issuers write roles and scopes as lists or as one text
 * with blanks, and some put them into objects of their own: a claim is named, or a path of names
 * joined by dots. Owns nothing; called by jwt_issuers.c. */
#include "identity/jwt_principal.h"

#include <stdlib.h>

/* ---- claims ---- */

/* A claim whose own name has dots in it comes before a path. */
static const json_t *claim_at(const json_t *claims, const char *path)
{
	const json_t *value = json_object_get(claims, path);
	const char *dot;

	while (!value && (dot = strchr(path, '.'))) {
		claims = json_object_getn(claims, path, (size_t)(dot - path));
		path = dot + 1;
		value = json_object_get(claims, path);
	}
	return value;
}

static struct str text_of(const json_t *value, struct arena *arena)
{
	return arena_str(arena, (struct str){json_string_value(value), json_string_length(value)});
}

/* ---- lists ---- */

struct list {
	struct str *items;
	size_t count;
};

static void add_words(struct list *list, struct str text)
{
	while (text.len > 0) {
		const char *blank = memchr(text.data, ' ', text.len);
		size_t len = blank ? (size_t)(blank - text.data) : text.len;

		if (len > 0)
			list->items[list->count++] = (struct str){text.data, len};
		text.data += blank ? len + 1 : len;
		text.len -= blank ? len + 1 : len;
	}
}

static struct list list_of(const json_t *value, struct arena *arena)
{
	struct list list = {0};
	const json_t *one;
	size_t i;

	if (json_is_string(value)) {
		list.items = arena_alloc(arena,
					 (json_string_length(value) / 2 + 1) * sizeof(*list.items));
		add_words(&list, text_of(value, arena));
	}
	if (json_array_size(value) > 0)
		list.items = arena_alloc(arena, json_array_size(value) * sizeof(*list.items));
	json_array_foreach (value, i, one) {
		if (json_is_string(one) && json_string_length(one) > 0)
			list.items[list.count++] = text_of(one, arena);
	}
	return list;
}

/* ---- claims that rules look at ---- */

static struct str value_text(const json_t *value, struct arena *arena)
{
	struct str text = {NULL, 0};
	char *dump;

	if (json_is_string(value))
		return text_of(value, arena);
	dump = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	if (dump)
		text = arena_str(arena, str_from(dump));
	free(dump);
	return text;
}

/* Objects, null, and lists in lists are not what a rule can ask for. */
static bool is_plain(const json_t *value)
{
	return json_is_string(value) || json_is_number(value) || json_is_boolean(value);
}

static size_t count_claims(const json_t *claims)
{
	const char *name;
	json_t *value;
	size_t count = 0;

	json_object_foreach ((json_t *)claims, name, value)
		count += json_is_array(value) ? json_array_size(value) : is_plain(value);
	return count;
}

static void add_claim(struct claim *claims, size_t *count, struct str name, const json_t *value,
		      struct arena *arena)
{
	if (is_plain(value))
		claims[(*count)++] = (struct claim){name, value_text(value, arena)};
}

static void take_claims(const json_t *object, struct arena *arena, struct principal *out)
{
	struct claim *claims = arena_alloc(arena, (count_claims(object) + 1) * sizeof(*claims));
	const char *key;
	json_t *value, *one;
	size_t count = 0, i;

	json_object_foreach ((json_t *)object, key, value) {
		struct str name = arena_str(arena, str_from(key));

		json_array_foreach (value, i, one)
			add_claim(claims, &count, name, one, arena);
		add_claim(claims, &count, name, value, arena);
	}
	out->claims = claims;
	out->claim_count = count;
}

/* ---- the principal ---- */

static const json_t *scopes_of(const json_t *claims, const char *path)
{
	const json_t *value;

	if (path)
		return claim_at(claims, path);
	value = json_object_get(claims, "scope");
	return value ? value : json_object_get(claims, "scp");
}

enum jwt_verdict jwt_principal_make(const json_t *claims, const struct jwt_issuer_opts *opts,
				    struct arena *arena, struct principal *out)
{
	const json_t *subject = claim_at(claims, opts->subject_claim);
	const json_t *tenant = opts->tenant_claim ? claim_at(claims, opts->tenant_claim) : NULL;
	struct list roles = list_of(claim_at(claims, opts->roles_claim), arena);
	struct list scopes = list_of(scopes_of(claims, opts->scopes_claim), arena);
	char *dump;

	if (!json_is_string(subject) || json_string_length(subject) == 0)
		return JWT_IS_SUBJECT;
	*out = (struct principal){
		.method = "jwt",
		.subject = text_of(subject, arena),
		.tenant = text_of(tenant, arena),
		.roles = roles.items,
		.role_count = roles.count,
		.scopes = scopes.items,
		.scope_count = scopes.count,
	};
	take_claims(claims, arena, out);
	dump = json_dumps(claims, JSON_COMPACT);
	out->claims_json = arena_str(arena, str_from(dump));
	free(dump);
	return principal_seal(out, arena) ? JWT_IS_GOOD : JWT_IS_LARGE;
}

/* ---- copies ---- */

static const struct str *copy_list(const struct str *items, size_t count, struct arena *arena)
{
	struct str *copy = count ? arena_alloc(arena, count * sizeof(*copy)) : NULL;

	for (size_t i = 0; i < count; i++)
		copy[i] = arena_str(arena, items[i]);
	return copy;
}

static const struct claim *copy_claims(const struct principal *principal, struct arena *arena)
{
	struct claim *copy = arena_alloc(arena, (principal->claim_count + 1) * sizeof(*copy));

	for (size_t i = 0; i < principal->claim_count; i++) {
		copy[i].name = arena_str(arena, principal->claims[i].name);
		copy[i].value = arena_str(arena, principal->claims[i].value);
	}
	return copy;
}

const struct principal *jwt_principal_copy(const struct principal *principal, struct arena *arena)
{
	struct principal *copy = arena_alloc(arena, sizeof(*copy));
	struct str caller = {(const char *)principal->caller.data, principal->caller.len};

	*copy = *principal;
	copy->subject = arena_str(arena, principal->subject);
	copy->tenant = arena_str(arena, principal->tenant);
	copy->roles = copy_list(principal->roles, principal->role_count, arena);
	copy->scopes = copy_list(principal->scopes, principal->scope_count, arena);
	copy->claims = copy_claims(principal, arena);
	copy->claims_json = arena_str(arena, principal->claims_json);
	caller = arena_str(arena, caller);
	copy->caller = (struct wire_bytes){(const uint8_t *)caller.data, caller.len};
	return copy;
}
