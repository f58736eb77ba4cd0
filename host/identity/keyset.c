/* Sets of keys. Called by jwks_source.c with what was fetched or read, and by jwt.c to find a
 * token's key. Two keys of one id are kept only when they are for different algorithms, so that an
 * id and an algorithm mean one key. */
#include "identity/keyset.h"

#include <stdlib.h>

#include "base/mem.h"

static bool is_same_kid(const struct jwk *key, struct str kid)
{
	return key->kid ? str_eq(str_from(key->kid), kid) : kid.data == NULL;
}

static bool is_taken(const struct keyset *set, const struct jwk *key)
{
	for (size_t i = 0; key->kid && i < set->count; i++) {
		if (is_same_kid(&set->keys[i], str_from(key->kid)) &&
		    (set->keys[i].algs & key->algs))
			return true;
	}
	return false;
}

static void leave_out(struct keyset *set, size_t index, const char *why)
{
	set->left_out++;
	if (!set->remark)
		set->remark = mem_printf("key %zu %s", index + 1, why);
}

static void add_key(struct keyset *set, size_t index, const json_t *object, uint32_t algs)
{
	struct jwk *key = &set->keys[set->count];
	const char *why = jwk_parse(object, algs, key);

	if (!why && is_taken(set, key)) {
		why = "has the kid of another one";
		jwk_deinit(key);
	}
	if (why)
		leave_out(set, index, why);
	else
		set->count++;
}

static int add_keys(struct keyset *set, const json_t *keys, uint32_t algs, int code,
		    struct err *err)
{
	size_t count = json_array_size(keys);

	if (!json_is_array(keys))
		return err_set(err, code, "it is no JWK Set: it has no list \"keys\"");
	if (count > KEYSET_MAX_KEYS)
		return err_set(err, code, "it has %zu keys, and %d at most are taken", count,
			       KEYSET_MAX_KEYS);
	set->keys = mem_array(count + 1, sizeof(*set->keys));
	for (size_t i = 0; i < count; i++)
		add_key(set, i, json_array_get(keys, i), algs);
	if (set->count > 0)
		return 0;
	return err_set(err, code, "none of its %zu keys can be used%s%s", count,
		       set->remark ? ": " : "", set->remark ? set->remark : "");
}

int keyset_parse(struct str text, uint32_t algs, int code, struct keyset **out, struct err *err)
{
	struct keyset *set;
	json_error_t error;
	json_t *root;
	int r;

	if (text.len > KEYSET_MAX_BYTES)
		return err_set(err, code, "it has more than %u bytes", KEYSET_MAX_BYTES);
	root = json_loadb(text.data ? text.data : "", text.len, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		return err_set(err, code, "it is no JSON: line %d: %s", error.line, error.text);
	set = mem_new(struct keyset);
	r = add_keys(set, json_object_get(root, "keys"), algs, code, err);
	json_decref(root);
	if (r == 0)
		*out = set;
	else
		keyset_free(set);
	return r;
}

int keyset_of_secret(struct str secret, uint32_t algs, int code, struct keyset **out,
		     struct err *err)
{
	struct keyset *set = mem_new(struct keyset);
	const char *why;

	set->keys = mem_array(1, sizeof(*set->keys));
	why = jwk_of_secret(secret, algs, &set->keys[0]);
	if (why) {
		keyset_free(set);
		return err_set(err, code, "the secret %s", why);
	}
	set->count = 1;
	*out = set;
	return 0;
}

/* A secret has no id, so one that a token names is not held against it. */
static bool may_be_meant(const struct jwk *key, struct str kid)
{
	return !kid.data || !key->pkey || is_same_kid(key, kid);
}

enum keyset_match keyset_find(const struct keyset *set, struct str kid, enum jwt_alg alg,
			      struct jwk **out)
{
	size_t named = 0, fit = 0;

	for (size_t i = 0; i < set->count; i++) {
		struct jwk *key = &set->keys[i];

		if (!may_be_meant(key, kid))
			continue;
		named++;
		if (!(key->algs & JWT_BIT(alg)))
			continue;
		fit++;
		*out = key;
	}
	if (named == 0)
		return KEYSET_NO_KID;
	if (fit == 0)
		return KEYSET_NO_ALG;
	return fit == 1 ? KEYSET_FOUND : KEYSET_VAGUE;
}

void keyset_free(struct keyset *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->count; i++)
		jwk_deinit(&set->keys[i]);
	free(set->keys);
	free(set->remark);
	free(set);
}
