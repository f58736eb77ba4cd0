/* Reads a file of keys or users: YAML, one list, a map for each.
 *
 *	keys:
 *	  - {id: 0123456789ab, hash: "sha256:…", subject: batch, roles: [reader], tenant: acme}
 *
 * What is not understood is refused: a misspelt `expires` must not make a key that lives for ever.
 * Called by api_keys.c and basic.c; the file's own text is in locked memory and gone afterwards. */
#include "identity/entries.h"

#include <errno.h>
#include <stdlib.h>

#include "base/private_file.h"
#include "base/yaml.h"
#include "identity/expiry.h"
#include "observe/errors.h"

#define MAX_TEXTS 256u /* of one list */

struct reading {
	const char *path;
	const struct entries_kind *kind;
	struct arena *arena;
	struct err *err;
};

static int refuse(const struct reading *reading, unsigned line, const char *what, const char *why)
{
	return err_set(reading->err, ERR_IDENTITY_FILE, "%s:%u: %s %s", reading->path, line, what,
		       why);
}

/* ---- values ---- */

/* Text that can be told to a plugin. */
static int take_text(const struct reading *reading, const struct yaml_node *key, struct str *out)
{
	const struct yaml_node *node = key->value;

	if (node->kind != YAML_TEXT || yaml_is_null(node) || node->text.len == 0 ||
	    memchr(node->text.data, '\0', node->text.len))
		return refuse(reading, key->line, key->text.data, "must be a text");
	*out = arena_str(reading->arena, node->text);
	return 0;
}

static int take_texts(const struct reading *reading, const struct yaml_node *key,
		      const struct str **out, size_t *count_out)
{
	const struct yaml_node *node = key->value;
	struct str *texts;
	size_t count = 0;

	if (node->kind != YAML_LIST || node->count > MAX_TEXTS)
		return refuse(reading, key->line, key->text.data,
			      "must be a list of at most 256 texts");
	texts = arena_zalloc(reading->arena, (node->count + 1) * sizeof(*texts));
	for (const struct yaml_node *item = node->first; item; item = item->next) {
		if (item->kind != YAML_TEXT || yaml_is_null(item) || item->text.len == 0)
			return refuse(reading, item->line, key->text.data,
				      "must be a list of texts");
		texts[count++] = arena_str(reading->arena, item->text);
	}
	*out = texts;
	*count_out = count;
	return 0;
}

static int take_claims(const struct reading *reading, const struct yaml_node *key,
		       struct principal *principal)
{
	const struct yaml_node *node = key->value;
	struct claim *claims;

	if (node->kind != YAML_MAP || node->count > MAX_TEXTS)
		return refuse(reading, key->line, "claims", "must be a map of at most 256 texts");
	claims = arena_zalloc(reading->arena, (node->count + 1) * sizeof(*claims));
	for (const struct yaml_node *claim = node->first; claim; claim = claim->next) {
		struct claim *out = &claims[principal->claim_count];

		if (yaml_find(node, claim->text.data) != claim)
			return refuse(reading, claim->line, claim->text.data,
				      "stands in claims twice");
		if (take_text(reading, claim, &out->value) < 0)
			return -EINVAL;
		out->name = arena_str(reading->arena, claim->text);
		principal->claim_count++;
	}
	principal->claims = claims;
	return 0;
}

static int take_expiry(const struct reading *reading, const struct yaml_node *key,
		       struct entry *entry)
{
	struct str text;

	if (take_text(reading, key, &text) < 0)
		return -EINVAL;
	if (!expiry_parse(text, &entry->expires_s))
		return refuse(reading, key->line, "expires",
			      "must be a day such as 2027-01-31, or a time such as "
			      "2027-01-31T12:00:00Z");
	return 0;
}

/* ---- an entry ---- */

static int take_key(const struct reading *reading, const struct yaml_node *key, struct entry *entry)
{
	struct principal *principal = &entry->principal;
	struct str name = key->text;

	if (str_eq(name, str_from(reading->kind->name)))
		return take_text(reading, key, &entry->name);
	if (str_eq(name, STR_LITERAL("hash")))
		return take_text(reading, key, &entry->hash);
	if (str_eq(name, STR_LITERAL("subject")))
		return take_text(reading, key, &principal->subject);
	if (str_eq(name, STR_LITERAL("tenant")))
		return take_text(reading, key, &principal->tenant);
	if (str_eq(name, STR_LITERAL("roles")))
		return take_texts(reading, key, &principal->roles, &principal->role_count);
	if (str_eq(name, STR_LITERAL("scopes")))
		return take_texts(reading, key, &principal->scopes, &principal->scope_count);
	if (str_eq(name, STR_LITERAL("claims")))
		return take_claims(reading, key, principal);
	if (str_eq(name, STR_LITERAL("expires")))
		return take_expiry(reading, key, entry);
	return refuse(reading, key->line, name.data,
		      "is not a key that plugd knows here; docs/EDGE.md lists them");
}

static int complete(const struct reading *reading, struct entry *entry)
{
	const struct entries_kind *kind = reading->kind;
	const char *wrong;

	if (entry->name.len == 0)
		return refuse(reading, entry->line, kind->name, "is missing");
	if (entry->hash.len == 0)
		return refuse(reading, entry->line, "hash", "is missing");
	wrong = kind->check_name(entry->name);
	if (wrong)
		return refuse(reading, entry->line, kind->name, wrong);
	wrong = kind->check_hash(entry->hash);
	if (wrong)
		return refuse(reading, entry->line, "hash", wrong);
	if (entry->principal.subject.len == 0)
		entry->principal.subject = entry->name;
	entry->principal.method = kind->method;
	entry->principal.claims_json = principal_claims_json(&entry->principal, reading->arena);
	if (!principal_seal(&entry->principal, reading->arena))
		return refuse(reading, entry->line, kind->name,
			      "has more roles, scopes and claims than the 16 KiB that a call may "
			      "carry");
	return 0;
}

static int take_entry(const struct reading *reading, const struct yaml_node *node,
		      struct entry *entry)
{
	*entry = (struct entry){.line = node->line, .expires_s = ENTRY_NEVER};
	if (node->kind != YAML_MAP)
		return refuse(reading, node->line, "an entry", "must be a map");
	for (const struct yaml_node *key = node->first; key; key = key->next) {
		if (yaml_find(node, key->text.data) != key)
			return refuse(reading, key->line, key->text.data, "is there twice");
		if (take_key(reading, key, entry) < 0)
			return -EINVAL;
	}
	return complete(reading, entry);
}

/* ---- the list ---- */

static int compare(const void *a, const void *b)
{
	return str_compare(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static int sort(const struct reading *reading, struct entries *entries)
{
	qsort(entries->items, entries->count, sizeof(*entries->items), compare);
	for (size_t i = 1; i < entries->count; i++) {
		const struct entry *entry = &entries->items[i];

		if (str_eq(entry->name, entry[-1].name))
			return refuse(reading,
				      entry->line > entry[-1].line ? entry->line : entry[-1].line,
				      reading->kind->name, "is another entry's too");
	}
	return 0;
}

static int take_list(const struct reading *reading, const struct yaml_node *list,
		     struct entries *out)
{
	out->items = arena_zalloc(reading->arena, (list->count + 1) * sizeof(*out->items));
	for (const struct yaml_node *item = list->first; item; item = item->next) {
		if (take_entry(reading, item, &out->items[out->count]) < 0)
			return -EINVAL;
		out->count++;
	}
	return sort(reading, out);
}

int entries_parse(struct str text, const char *path, const struct entries_kind *kind,
		  struct arena *arena, struct entries *out, struct err *err)
{
	struct reading reading = {path, kind, arena, err};
	struct arena scratch = {0};
	struct yaml_node *root, *key;
	int r = yaml_parse(text, path, ERR_IDENTITY_FILE, &scratch, &root, err);

	*out = (struct entries){0};
	if (r == 0) {
		key = root && root->kind == YAML_MAP ? root->first : NULL;
		if (!key || key->next || !str_eq(key->text, str_from(kind->list)) ||
		    key->value->kind != YAML_LIST)
			r = refuse(&reading, 1, kind->list,
				   "must be the one key of the file, with a list");
		else
			r = take_list(&reading, key->value, out);
	}
	arena_deinit(&scratch);
	return r;
}

int entries_read(const char *path, const struct entries_kind *kind, struct arena *arena,
		 struct entries *out, struct err *err)
{
	static const struct private_file_codes codes = {ERR_IDENTITY_FILE, ERR_IDENTITY_UNSAFE,
							ERR_IDENTITY_FILE};
	struct secret file;
	int r = private_file_read(path, ENTRIES_MAX_BYTES, &codes, &file, err);

	if (r == 0) {
		r = entries_parse((struct str){(const char *)file.data, file.len}, path, kind,
				  arena, out, err);
		secret_free(&file);
	}
	if (r < 0)
		err_about(err, path);
	return r;
}

static int compare_name(const void *name, const void *entry)
{
	return str_compare(*(const struct str *)name, ((const struct entry *)entry)->name);
}

const struct entry *entries_find(const struct entries *entries, struct str name)
{
	if (entries->count == 0)
		return NULL;
	return bsearch(&name, entries->items, entries->count, sizeof(*entries->items),
		       compare_name);
}
