/* What certificates of clients mean.
 *
 * Rules are looked at in their order, the first that matches counts. A rule may end in a star, but
 * only behind the comma that ends a part of the subject, or the slash that ends one of a URI:
 * "CN=batch*" would be batch-of-somebody-else's too. A comma within a value is escaped ("\,") by
 * who wrote the text, so it can't be taken for one that ends a part. A book owns the map. */
#include "identity/certificates.h"

#include <stdlib.h>

#include "base/mem.h"
#include "identity/book.h"
#include "observe/errors.h"

struct certificate_map {
	struct arena arena;
	const struct certificate_map_opts *rules;
	struct principal *principals; /* of each rule; subject empty: the certificate's */
	size_t count;
};

static const char *check_star(struct str text, char before, const char *why)
{
	const char *star = memchr(text.data, '*', text.len);

	if (!star)
		return NULL;
	if (star != text.data + text.len - 1 || text.len < 2 || star[-1] != before ||
	    (text.len > 2 && before == ',' && star[-2] == '\\'))
		return why;
	return NULL;
}

const char *certificate_check_subject(struct str text)
{
	return check_star(text, ',',
			  "may have a star at its end only, behind a comma, such as CN=batch,*");
}

const char *certificate_check_name(struct str text)
{
	const char *colon = memchr(text.data, ':', text.len);

	if (!colon)
		return "is no alternative name; write one such as dns:batch.example.com or "
		       "uri:spiffe://example.com/batch";
	return check_star(text, '/',
			  "may have a star at its end only, behind a slash, such as "
			  "uri:spiffe://example.com/batch/*");
}

bool certificate_matches(struct str rule, struct str text)
{
	if (rule.len > 0 && rule.data[rule.len - 1] == '*')
		return str_starts_with(text, (struct str){rule.data, rule.len - 1});
	return str_eq(rule, text);
}

static bool has_name(const struct http_client *client, const char *rule)
{
	for (size_t i = 0; client->names[i]; i++) {
		if (certificate_matches(str_from(rule), str_from(client->names[i])))
			return true;
	}
	return false;
}

static bool rule_matches(const struct certificate_map_opts *rule, const struct http_client *client)
{
	if (rule->subject &&
	    !certificate_matches(str_from(rule->subject), str_from(client->subject)))
		return false;
	if (rule->fingerprint &&
	    !str_eq_nocase(str_from(rule->fingerprint), str_from(client->fingerprint)))
		return false;
	return !rule->name || has_name(client, rule->name);
}

static const struct str *texts_of(char *const *list, struct arena *arena, size_t *count_out)
{
	struct str *texts;
	size_t count = 0;

	while (list && list[count])
		count++;
	texts = arena_alloc(arena, (count + 1) * sizeof(*texts));
	for (size_t i = 0; i < count; i++)
		texts[i] = str_from(list[i]);
	*count_out = count;
	return texts;
}

static int take_rule(struct certificate_map *map, size_t index, struct err *err)
{
	const struct certificate_map_opts *rule = &map->rules[index];
	struct principal *principal = &map->principals[index];

	principal->method = "mtls";
	principal->subject = str_from(rule->as);
	principal->tenant = str_from(rule->tenant);
	principal->roles = texts_of(rule->roles, &map->arena, &principal->role_count);
	principal->scopes = texts_of(rule->scopes, &map->arena, &principal->scope_count);
	if (principal_seal(principal, &map->arena))
		return 0;
	return err_set(err, ERR_IDENTITY_FILE,
		       "identity.certificates[%zu] has more roles and scopes than the 16 KiB that "
		       "a call may carry",
		       index);
}

struct certificate_map *certificate_map_new(const struct identity_opts *opts, struct err *err)
{
	struct certificate_map *map = mem_new(struct certificate_map);

	map->rules = opts->certificates;
	map->count = opts->certificate_count;
	map->principals = arena_zalloc(&map->arena, (map->count + 1) * sizeof(*map->principals));
	for (size_t i = 0; i < map->count; i++) {
		if (take_rule(map, i, err) < 0) {
			certificate_map_free(map);
			return NULL;
		}
	}
	return map;
}

void certificate_map_free(struct certificate_map *map)
{
	if (!map)
		return;
	arena_deinit(&map->arena);
	free(map);
}

static const struct principal *principal_for(const struct principal *rule,
					     const struct proof *proof)
{
	struct principal *principal;

	if (rule->subject.len > 0)
		return rule;
	principal = arena_alloc(proof->arena, sizeof(*principal));
	*principal = *rule;
	principal->subject =
		arena_str(proof->arena, str_from(proof->credential.certificate->subject));
	return principal;
}

enum verdict certificate_verify(struct proof *proof)
{
	const struct certificate_map *map = book_certificates(proof->book);
	const struct http_client *client = proof->credential.certificate;

	for (size_t i = 0; i < map->count; i++) {
		if (!rule_matches(&map->rules[i], client))
			continue;
		proof->principal = principal_for(&map->principals[i], proof);
		if (proof->principal->subject.len > 0)
			return VERDICT_ACCEPTED;
	}
	proof->is_no_guess = true;
	proof->why = "the certificate is good, but means nobody here";
	return VERDICT_REFUSED;
}
